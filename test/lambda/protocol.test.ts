import { awsError, propertiesOf, requestOf, SECRET_URL, STACK_ID, TestWorld } from './world';

describe('events to which the handler can not respond', () => {
  test.each([
    ['nothing', undefined, 'it is not an object'],
    ['null', null, 'it is not an object'],
    ['a string', 'Create', 'it is not an object'],
    ['a list', [], 'it is not an object'],
    ['no fields', {}, 'it has no ResponseURL, StackId, RequestId, LogicalResourceId'],
    ['no response URL', requestOf('Create', { ResponseURL: undefined }), 'it has no ResponseURL'],
    ['an empty stack id', requestOf('Create', { StackId: '' }), 'it has no StackId'],
    ['a number for a request id', requestOf('Create', { RequestId: 7 }), 'it has no RequestId'],
    ['an invalid URL', requestOf('Create', { ResponseURL: 'elsewhere' }), 'its ResponseURL is not an https URL'],
    ['an http URL', requestOf('Create', { ResponseURL: 'http://example.com/' }), 'its ResponseURL is not an https URL'],
  ])('are logged as errors, and the invocation succeeds, so that Lambda does not retry: %s', async (_, event, problem) => {
    const world = new TestWorld();
    await world.run(event);
    expect(world.responses).toEqual([]);
    expect(world.api.calls).toEqual([]);
    expect(world.logged).toEqual([{ message: `the event is not a request from CloudFormation: ${problem}` }]);
  });
});

describe('invalid requests fail without a call to AWS', () => {
  test.each([
    ['an unknown request type', { RequestType: 'Upsert' }, 'RequestType must be one of Create, Update, Delete, got "Upsert"'],
    ['no request type', { RequestType: undefined }, 'RequestType must be one of Create, Update, Delete, got nothing'],
    ['no resource type', { ResourceType: undefined }, 'ResourceType must be a string, got nothing'],
    ['no properties', { ResourceProperties: undefined }, 'ResourceProperties must be an object, got nothing'],
  ])('%s', async (_, change, reason) => {
    const world = new TestWorld();
    const failed = await world.run(requestOf('Create', change));
    expect(failed).toMatchObject({
      Status: 'FAILED',
      Reason: reason,
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization/nothing-done',
    });
    // the delete that follows a failed create finds nothing to do
    const deleted = await world.run(requestOf('Delete', { PhysicalResourceId: failed?.PhysicalResourceId }));
    expect(deleted).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: failed?.PhysicalResourceId });
    expect(world.api.calls).toEqual([]);
  });

  test('an invalid update keeps the physical id', async () => {
    const world = new TestWorld();
    const response = await world.run(
      requestOf('Update', { ResourceProperties: propertiesOf({ PeerVpcId: '' }), PhysicalResourceId: 'mine' }),
    );
    expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'mine' });
    expect(world.api.calls).toEqual([]);
  });

  test('an invalid delete after a canceled create succeeds, so that the stack can be deleted', async () => {
    const world = new TestWorld();
    const response = await world.run(
      requestOf('Delete', { ResourceProperties: propertiesOf({ PeerVpcId: '' }), PhysicalResourceId: 'made-up' }),
    );
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'made-up' });
    expect(world.api.calls).toEqual([]);
  });
});

describe('the response', () => {
  test('contains the ids of the request', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Delete'))).toMatchObject({
      StackId: STACK_ID,
      RequestId: 'f0f0f0f0-0000-4000-8000-000000000000',
      LogicalResourceId: 'Authorization',
    });
  });

  test.each([
    ['letters', 'x'],
    ['umlauts', 'ü'],
    ['emoji', '🎮'],
    ['quotes, which take two bytes in JSON', '"'],
    ['control characters, which take six bytes in JSON', '\u0001'],
  ])('is never longer than 4096 bytes, with a reason of %s', async (_, character) => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('BrandNewException', character.repeat(5000))];
    const put = world.put;
    let bytes = 0;
    world.put = (url, body, signal) => {
      bytes = Buffer.byteLength(body);
      expect(body).not.toContain('\ufffd');
      return put(url, body, signal);
    };
    const response = await world.run(requestOf('Create'));
    expect(bytes).toBeLessThanOrEqual(4096);
    expect(bytes).toBeGreaterThan(4080);
    expect(response?.Reason).toMatch(/^could not authorize VPC peering between VPC .*\.\.\.$/);
  });

  test.each([[[500, 500, 200]], [[503, 429, 200]], [[new Error('socket hang up'), 200]]])(
    'is sent again after %p',
    async (statuses) => {
      const world = new TestWorld();
      world.httpStatuses = statuses;
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
      expect(world.responses).toHaveLength(1);
      expect(world.api.calls).toHaveLength(1);
    },
  );

  test('is sent again until CloudFormation stops waiting if the endpoint keeps failing, and then the invocation fails', async () => {
    const world = new TestWorld();
    world.httpStatuses = [500];
    const start = world.time.now();
    await expect(world.run(requestOf('Create'))).rejects.toThrow("CloudFormation's response endpoint returned HTTP 500");
    expect(world.time.now() - start).toBeGreaterThan(330_000);
    expect(world.time.now() - start).toBeLessThanOrEqual(360_000);
    expect(world.logged.at(-1)).toMatchObject({ message: 'could not send the response to CloudFormation' });
  });

  test.each([0, 307, 400, 408, 429])('is sent again after HTTP %p', async (status) => {
    const world = new TestWorld();
    world.httpStatuses = [status, 200];
    expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
  });

  test('is not sent again if its URL has expired, and the invocation succeeds, so that Lambda does not run the request again', async () => {
    const world = new TestWorld();
    world.httpStatuses = [403];
    await world.run(requestOf('Create'));
    expect(world.api.calls).toHaveLength(1);
    expect(world.logged.at(-1)).toMatchObject({
      message: 'could not send the response to CloudFormation',
      error: "CloudFormation's response endpoint returned HTTP 403",
    });
  });

  test('contains no secret, and neither does the log', async () => {
    const world = new TestWorld();
    world.httpStatuses = [500, 200];
    world.api.createAuthorizationResults = [awsError('InternalServiceException'), { hours: 24 }];
    const response = await world.run(requestOf('Create'));
    expect(JSON.stringify([response, world.logged])).not.toContain(SECRET_URL);
    expect(JSON.stringify([response, world.logged])).not.toContain('5ec2e7');
  });
});

describe('when the time is up', () => {
  test('fails before the invocation ends if a call never returns', async () => {
    const world = new TestWorld();
    world.api.createVpcPeeringAuthorization = () => new Promise(() => undefined);
    const start = world.time.now();
    expect(await world.run(requestOf('Create'), 60)).toMatchObject({
      Status: 'FAILED',
      Reason: 'the Create was not finished within 30 seconds: try again',
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization',
    });
    expect(world.time.now() - start).toBe(31_000);
  });

  test('names the unfinished call if the call stops when its signal is aborted', async () => {
    const world = new TestWorld();
    world.api.createVpcPeeringAuthorization = (_, signal?: AbortSignal) =>
      new Promise((__, reject) => {
        signal?.addEventListener('abort', () => {
          reject(awsError('AbortError', 'Request aborted'));
        });
      });
    const response = await world.run(requestOf('Create'), 60);
    expect(response?.Reason).toMatch(
      /: CreateVpcPeeringAuthorization was not finished when the time for this request was up, after 30 seconds\. Try again$/,
    );
  });

  test('sends one response, and makes no call, if the invocation has no time left', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Create'), 20)).toMatchObject({ Status: 'FAILED' });
    expect(world.responses).toHaveLength(1);
    expect(world.api.calls).toEqual([]);
  });
});
