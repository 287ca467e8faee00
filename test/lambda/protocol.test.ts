import { awsError, propertiesOf, requestOf, SECRET_URL, STACK_ID, TestWorld } from './world';

describe('an event to which the handler cannot respond', () => {
  test.each([
    ['nothing', undefined, 'it is not an object'],
    ['null', null, 'it is not an object'],
    ['a string', 'Create', 'it is not an object'],
    ['a list', [], 'it is not an object'],
    ['an object without fields', {}, 'it has no ResponseURL, StackId, RequestId, LogicalResourceId'],
    ['a request without a response URL', requestOf('Create', { ResponseURL: undefined }), 'it has no ResponseURL'],
    ['a request with an empty stack id', requestOf('Create', { StackId: '' }), 'it has no StackId'],
    ['a request with a number for a request id', requestOf('Create', { RequestId: 7 }), 'it has no RequestId'],
    [
      'a request with an invalid response URL',
      requestOf('Create', { ResponseURL: 'elsewhere' }),
      'its ResponseURL is not an https URL',
    ],
    [
      'a request with an http URL',
      requestOf('Create', { ResponseURL: 'http://example.com/' }),
      'its ResponseURL is not an https URL',
    ],
  ])('is logged, and the invocation succeeds, so that Lambda does not retry: %s', async (_, event, problem) => {
    const world = new TestWorld();
    await world.run(event);
    expect(world.responses).toEqual([]);
    expect(world.api.calls).toEqual([]);
    expect(world.logRecords).toEqual([{ message: `the event is not a request from CloudFormation: ${problem}` }]);
  });
});

describe('an invalid request makes no call to AWS, and', () => {
  test.each([
    ['an unknown request type', { RequestType: 'Upsert' }, 'RequestType must be one of Create, Update, Delete, got "Upsert"'],
    ['no request type', { RequestType: undefined }, 'RequestType must be one of Create, Update, Delete, got nothing'],
    ['no resource type', { ResourceType: undefined }, 'ResourceType must be a string that is not empty, got nothing'],
    ['no properties', { ResourceProperties: undefined }, 'ResourceProperties must be an object, got nothing'],
  ])('fails if it has %s', async (_, change, reason) => {
    const world = new TestWorld();
    const createResponse = await world.run(requestOf('Create', change));
    expect(createResponse).toMatchObject({
      Status: 'FAILED',
      Reason: reason,
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization/nothing-done',
    });
    // CloudFormation sends a delete after the failed create
    const deleteResponse = await world.run(requestOf('Delete', { PhysicalResourceId: createResponse?.PhysicalResourceId }));
    expect(deleteResponse).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: createResponse?.PhysicalResourceId });
    expect(world.api.calls).toEqual([]);
  });

  test('keeps the physical id if it is an update', async () => {
    const world = new TestWorld();
    const response = await world.run(
      requestOf('Update', { ResourceProperties: propertiesOf({ PeerVpcId: '' }), PhysicalResourceId: 'earlier-id' }),
    );
    expect(response).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'earlier-id' });
    expect(world.api.calls).toEqual([]);
  });

  test('succeeds if it is a delete after a canceled create, so that the stack can be deleted', async () => {
    const world = new TestWorld();
    // if a create never responds, CloudFormation generates the physical id
    const response = await world.run(
      requestOf('Delete', { ResourceProperties: propertiesOf({ PeerVpcId: '' }), PhysicalResourceId: 'generated-id' }),
    );
    expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'generated-id' });
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
  ])('is never longer than 4096 bytes if the error message consists of %s', async (_, character) => {
    const world = new TestWorld();
    world.api.createAuthorizationResults = [awsError('BrandNewException', character.repeat(5000))];
    const put = world.put;
    let bytes = 0;
    world.put = (url, body, signal) => {
      bytes = Buffer.byteLength(body);
      // no character is split
      expect(body).not.toContain('\ufffd');
      return put(url, body, signal);
    };
    const response = await world.run(requestOf('Create'));
    expect(bytes).toBeLessThanOrEqual(4096);
    // the reason is not shorter than necessary
    expect(bytes).toBeGreaterThan(4080);
    expect(response?.Reason).toMatch(/^could not authorize VPC peering between VPC .*\.\.\.$/);
  });

  test.each([[[500, 500, 200]], [[503, 429, 200]], [[new Error('socket hang up'), 200]]])(
    'is sent again until an attempt succeeds: the results of the attempts are %p',
    async (results) => {
      const world = new TestWorld();
      world.httpStatuses = results;
      expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
      expect(world.responses).toHaveLength(1);
      expect(world.api.calls).toHaveLength(1);
    },
  );

  test('is sent again and again if the endpoint keeps failing; the invocation fails when CloudFormation stops waiting', async () => {
    const world = new TestWorld();
    world.httpStatuses = [500];
    const start = world.time.now();
    await expect(world.run(requestOf('Create'))).rejects.toThrow("CloudFormation's response endpoint returned HTTP 500");
    // a request may take 300 seconds, and its response another 60
    expect(world.time.now() - start).toBeGreaterThan(330_000);
    expect(world.time.now() - start).toBeLessThanOrEqual(360_000);
    expect(world.logRecords.at(-1)).toMatchObject({ message: 'could not send the response to CloudFormation' });
  });

  test.each([0, 307, 400, 408, 429])('is sent again after HTTP status %p', async (status) => {
    const world = new TestWorld();
    world.httpStatuses = [status, 200];
    expect((await world.run(requestOf('Create')))?.Status).toBe('SUCCESS');
  });

  test('is not sent again after HTTP status 403, because its URL has expired; the invocation succeeds, so that Lambda does not run the request again', async () => {
    const world = new TestWorld();
    world.httpStatuses = [403];
    await world.run(requestOf('Create'));
    expect(world.api.calls).toHaveLength(1);
    expect(world.logRecords.at(-1)).toMatchObject({
      message: 'could not send the response to CloudFormation',
      error: "CloudFormation's response endpoint returned HTTP 403",
    });
  });

  test('contains no secret, and neither does the log', async () => {
    const world = new TestWorld();
    world.httpStatuses = [500, 200];
    world.api.createAuthorizationResults = [awsError('InternalServiceException'), { expiresInHours: 24 }];
    const response = await world.run(requestOf('Create'));
    expect(JSON.stringify([response, world.logRecords])).not.toContain(SECRET_URL);
    // the signature in SECRET_URL
    expect(JSON.stringify([response, world.logRecords])).not.toContain('5ec2e7');
  });
});

describe('a request whose time is up', () => {
  test('fails before Lambda ends the invocation if a call never returns', async () => {
    const world = new TestWorld();
    world.api.createVpcPeeringAuthorization = () => new Promise(() => undefined);
    const start = world.time.now();
    expect(await world.run(requestOf('Create'), { remainingSeconds: 60 })).toMatchObject({
      Status: 'FAILED',
      Reason: 'the Create was not finished within 30 seconds: try again',
      PhysicalResourceId: '6b2e1c9c-0000-4000-8000-000000000000/Authorization',
    });
    // 30 of the 60 seconds are reserved for the response. After the other 30, the handler waits one more second for the call to stop
    expect(world.time.now() - start).toBe(31_000);
  });

  test('fails with a reason that names the unfinished call, if the call stops when its signal is aborted', async () => {
    const world = new TestWorld();
    world.api.createVpcPeeringAuthorization = (_, signal?: AbortSignal) =>
      new Promise((__, reject) => {
        signal?.addEventListener('abort', () => {
          reject(awsError('AbortError', 'Request aborted'));
        });
      });
    const response = await world.run(requestOf('Create'), { remainingSeconds: 60 });
    expect(response?.Reason).toMatch(
      /: CreateVpcPeeringAuthorization was not finished when the time for this request was up, after 30 seconds\. Try again$/,
    );
  });

  test('gets one response, and makes no call, if the invocation has too little time left', async () => {
    const world = new TestWorld();
    expect(await world.run(requestOf('Create'), { remainingSeconds: 20 })).toMatchObject({ Status: 'FAILED' });
    expect(world.responses).toHaveLength(1);
    expect(world.api.calls).toEqual([]);
  });
});
