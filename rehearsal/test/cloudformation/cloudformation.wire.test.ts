import { Rehearsal } from '../../src/index';
import { custom, events, HANDLER_RESOURCES, reasons, requests, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const template = (resources: object, more: object = {}) => ({ Resources: { ...HANDLER_RESOURCES, ...resources }, ...more });
const deploy = (resources: object, more: object = {}) =>
  rehearsal.cloudFormation.deploy(writeAssembly(template(resources, more)), 'Stack');
const remove = () => rehearsal.cloudFormation.delete('Stack');
const resource = (logicalId: string) =>
  rehearsal.cloudFormation.describe('Stack').resources.find((one) => one.logicalId === logicalId);
const mark = () => rehearsal.journal.entries.length;
const requested = () => requests(rehearsal).map(({ RequestType, LogicalResourceId }) => `${RequestType} ${LogicalResourceId}`);
const since = (time: number) => Math.round((rehearsal.clock.now() - time) / 1000);
const vpc = (cidr: string, more: object = {}) => ({ Type: 'AWS::EC2::VPC', Properties: { CidrBlock: cidr }, ...more });

describe('the life of a stack', () => {
  test('resources are created after those they depend on, and deleted before them', async () => {
    const { status, outputs } = await deploy(
      {
        One: custom({ Create: { Value: 'v1' } }),
        Two: custom({ From: { 'Fn::GetAtt': ['One', 'Value'] } }),
        Alone: vpc('10.0.0.0/16'),
      },
      { Outputs: { Value: { Value: { 'Fn::GetAtt': ['One', 'Value'] } }, Two: { Value: { Ref: 'Two' } } } },
    );
    expect({ status, outputs }).toEqual({ status: 'CREATE_COMPLETE', outputs: { Value: 'v1', Two: 'physical-Two' } });
    expect(events(rehearsal)).toEqual([
      'Stack CREATE_IN_PROGRESS',
      'Role CREATE_IN_PROGRESS',
      'Alone CREATE_IN_PROGRESS',
      'Role CREATE_IN_PROGRESS',
      'Alone CREATE_IN_PROGRESS',
      'Role CREATE_COMPLETE',
      'Handler CREATE_IN_PROGRESS',
      'Handler CREATE_IN_PROGRESS',
      'Alone CREATE_COMPLETE',
      'Handler CREATE_COMPLETE',
      'One CREATE_IN_PROGRESS',
      'One CREATE_IN_PROGRESS',
      'One CREATE_COMPLETE',
      'Two CREATE_IN_PROGRESS',
      'Two CREATE_IN_PROGRESS',
      'Two CREATE_COMPLETE',
      'Stack CREATE_COMPLETE',
    ]);
    const deletion = mark();
    expect((await remove()).status).toBe('DELETE_COMPLETE');
    const deleted = events(rehearsal, deletion).filter((event) => event.endsWith('DELETE_COMPLETE'));
    expect(deleted.filter((event) => !event.startsWith('Alone'))).toEqual([
      'Two DELETE_COMPLETE',
      'One DELETE_COMPLETE',
      'Handler DELETE_COMPLETE',
      'Role DELETE_COMPLETE',
      'Stack DELETE_COMPLETE',
    ]);
    expect(requested()).toEqual(['Create One', 'Create Two', 'Delete Two', 'Delete One']);
  });

  test('a deployment that changes nothing does nothing', async () => {
    await deploy({ One: custom({}) });
    const from = mark();
    expect((await deploy({ One: custom({}) })).status).toBe('CREATE_COMPLETE');
    expect(rehearsal.journal.entries.slice(from).map(({ message }) => message)).toEqual(['No updates are to be performed.']);
  });

  test('a change of outputs alone is an update, and resources that do not change get no request', async () => {
    await deploy({ One: custom({}) });
    expect(await deploy({ One: custom({}) }, { Outputs: { Id: { Value: { Ref: 'One' } } } })).toEqual({
      status: 'UPDATE_COMPLETE',
      outputs: { Id: 'physical-One' },
    });
    expect(requested()).toEqual(['Create One']);
  });

  test('a failed deletion keeps the remaining resources, and can be retried', async () => {
    await deploy({ One: custom({ Delete: { Fail: 'not yet' } }), Two: custom({ One: { Ref: 'One' } }) });
    expect(await remove()).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [One].',
    });
    expect(rehearsal.cloudFormation.describe('Stack').resources.map(({ logicalId }) => logicalId)).toEqual([
      'Role',
      'Handler',
      'One',
    ]);
    await expect(deploy({})).rejects.toThrow('is in DELETE_FAILED state and can not be updated.');
    await remove();
    expect(requested().filter((request) => request.startsWith('Delete'))).toEqual(['Delete Two', 'Delete One', 'Delete One']);
  });

  test('retained resources are not deleted', async () => {
    await deploy({ One: custom({}, { DeletionPolicy: 'Retain' }), Two: custom({}, { DeletionPolicy: 'RetainExceptOnCreate' }) });
    await remove();
    expect(requested()).toEqual(expect.not.arrayContaining(['Delete One', 'Delete Two']));
    expect(events(rehearsal)).toEqual(expect.arrayContaining(['One DELETE_SKIPPED', 'Two DELETE_SKIPPED']));
  });
});

describe('requests to custom resources', () => {
  test('have every scalar as a string, and the old properties in an update', async () => {
    await deploy({ One: custom({ Yes: true, Number: 5, List: [1, { Two: false }] }) });
    await deploy({ One: custom({ Yes: false }) });
    const [create, update] = requests(rehearsal);
    expect(create?.properties).toMatchObject({ Yes: 'true', Number: '5', List: ['1', { Two: 'false' }] });
    expect(update).toMatchObject({
      PhysicalResourceId: 'physical-One',
      properties: { Yes: 'false' },
      OldResourceProperties: { Yes: 'true' },
    });
    expect(update?.properties.Number).toBeUndefined();
  });

  test('fail without a response before the timeout', async () => {
    const started = rehearsal.clock.now();
    const { status } = await deploy({ One: custom({ ServiceTimeout: 600, Create: 'silent' }) });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain(
      'CloudFormation did not receive a response from your Custom Resource.',
    );
    expect(since(started)).toBeGreaterThan(600);
    expect(requests(rehearsal)[1]?.PhysicalResourceId).toMatch(/^Stack-One-[0-9A-F]{12}$/);
  });

  test('are retried by Lambda if the function crashes', async () => {
    await deploy({ One: custom({ ServiceTimeout: 3000, Create: 'crash', Delete: {} }) });
    const creates = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Create');
    expect(creates).toHaveLength(3);
    expect(new Set(creates.map(({ RequestId }) => RequestId)).size).toBe(1);
  });

  test.each([
    ['a response that is too long', { Create: { Padding: 4096 } }, 'Response object is too long.'],
    ['a physical id that is too long', { Create: { Id: 'x'.repeat(1025) } }, 'Invalid PhysicalResourceId'],
    ['an empty physical id', { Create: { Id: '' } }, 'Invalid PhysicalResourceId'],
  ])('fail because of %s', async (_, properties, reason) => {
    expect((await deploy({ One: custom(properties) })).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([reason]);
  });

  test('fail if they need an attribute that is missing from the response of another resource', async () => {
    await deploy({ One: custom({}), Two: custom({ From: { 'Fn::GetAtt': ['One', 'Absent'] } }) });
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain("Vendor response doesn't contain Absent attribute");
  });

  test('cannot move to another function', async () => {
    const { Handler } = HANDLER_RESOURCES;
    await deploy({ One: custom({}) });
    const other = { Other: Handler, One: custom({ ServiceToken: { 'Fn::GetAtt': ['Other', 'Arn'] } }) };
    expect((await deploy(other)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')).toEqual(['Modifying service token is not allowed.']);
    expect(requested()).toEqual(['Create One']);
  });
});

describe('a failed creation', () => {
  test('is rolled back in reverse order, the failed resource with the physical id of its response', async () => {
    const { status, reason } = await deploy({
      One: custom({}),
      Two: custom({ After: { Ref: 'One' }, Create: { Fail: 'no', Id: 'half' } }),
    });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reason).toBe('The following resource(s) failed to create: [Two]. Rollback requested by user.');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toMatch(
      /^Received response status \[FAILED\] from custom resource\. Message returned: no \(RequestId: [0-9a-f-]+\)$/,
    );
    const deletes = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Delete');
    expect(deletes.map(({ LogicalResourceId, PhysicalResourceId }) => [LogicalResourceId, PhysicalResourceId])).toEqual([
      ['Two', 'half'],
      ['One', 'physical-One'],
    ]);
    await expect(deploy({ One: custom({}) })).rejects.toThrow('is in ROLLBACK_COMPLETE state and can not be updated.');
    expect((await remove()).status).toBe('DELETE_COMPLETE');
    expect((await deploy({})).status).toBe('CREATE_COMPLETE');
  });

  test('cancels a custom resource in progress, ignores its late response, and deletes it with a generated physical id', async () => {
    const { status } = await deploy({ Bad: custom({ Create: { Fail: 'no' } }), Slow: custom({ Seconds: 50 }) });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[1]).toBe('Resource creation cancelled');
    const deleted = requests(rehearsal).find(
      ({ RequestType, LogicalResourceId }) => RequestType === 'Delete' && LogicalResourceId === 'Slow',
    );
    expect(deleted?.PhysicalResourceId).toMatch(/^Stack-Slow-/);
  });

  test('keeps retained resources, except those with RetainExceptOnCreate', async () => {
    await deploy({
      Kept: vpc('10.0.0.0/16', { DeletionPolicy: 'Retain' }),
      Gone: vpc('10.1.0.0/16', { DeletionPolicy: 'RetainExceptOnCreate' }),
      Bad: custom({ Create: { Fail: 'no' } }, { DependsOn: ['Kept', 'Gone'] }),
    });
    expect(events(rehearsal)).toEqual(expect.arrayContaining(['Kept DELETE_SKIPPED', 'Gone DELETE_COMPLETE']));
  });
});

describe('a failed creation without rollback', () => {
  const keep = (resources: object) =>
    rehearsal.cloudFormation.deploy(writeAssembly(template(resources)), 'Stack', { onFailure: 'keep' });
  const failing = { Before: custom({}), Bad: custom({ After: { Ref: 'Before' }, Create: { Fail: 'no', Id: 'half' } }) };

  test('keeps all resources, does not cancel independent ones, and does not create dependents', async () => {
    const { status, reason } = await keep({
      ...failing,
      Slow: custom({ Seconds: 50 }),
      After: custom({ Bad: { Ref: 'Bad' } }),
    });
    expect({ status, reason }).toEqual({
      status: 'CREATE_FAILED',
      reason: 'The following resource(s) failed to create: [Bad].',
    });
    const { resources } = rehearsal.cloudFormation.describe('Stack');
    expect(
      resources.map((one) => [one.logicalId, one.status, one.physicalId]).filter(([id]) => !/Role|Handler/.test(String(id))),
    ).toEqual(
      expect.arrayContaining([
        ['Before', 'CREATE_COMPLETE', 'physical-Before'],
        ['Slow', 'CREATE_COMPLETE', 'physical-Slow'],
        ['Bad', 'CREATE_FAILED', 'half'],
      ]),
    );
    expect(resource('After')).toBeUndefined();
    expect((await remove()).status).toBe('DELETE_COMPLETE');
    expect(requested().slice(-3).sort()).toEqual(['Delete Bad', 'Delete Before', 'Delete Slow']);
  });

  test('is repaired by the next deployment, which deletes the failed resource and creates it again', async () => {
    await keep(failing);
    expect((await deploy({ ...failing, Bad: custom({ After: { Ref: 'Before' } }) })).status).toBe('UPDATE_COMPLETE');
    expect(requested()).toEqual(['Create Before', 'Create Bad', 'Delete Bad', 'Create Bad']);
    expect(resource('Bad')).toMatchObject({ status: 'CREATE_COMPLETE', physicalId: 'physical-Bad' });
  });
});

describe('deletions in a chosen order', () => {
  test('happen one at a time, and never before those of dependents', async () => {
    const chosen = await Rehearsal.start({
      startTime: Date.UTC(2026, 0, 1),
      nextDeletion: (ready) => ready.reduce((one, other) => (other.logicalId > one.logicalId ? other : one)),
    });
    try {
      const resources = { A: custom({}), B: custom({}), C: custom({ A: { Ref: 'A' } }), Last: custom({}) };
      await chosen.cloudFormation.deploy(writeAssembly(template(resources)), 'Stack');
      await chosen.cloudFormation.deploy(writeAssembly(template({ Last: custom({}) })), 'Stack');
      await chosen.cloudFormation.delete('Stack');
      const deleted = requests(chosen).filter(({ RequestType }) => RequestType === 'Delete');
      expect(deleted.map(({ LogicalResourceId }) => LogicalResourceId)).toEqual(['C', 'B', 'A', 'Last']);
    } finally {
      await chosen.close();
    }
  });
});

describe('an update', () => {
  const replaceable = (cidr: string, more: object = {}) => ({ Vpc: vpc(cidr), One: custom({ Vpc: { Ref: 'Vpc' } }), ...more });

  test('replaces a resource that it cannot change, updates its dependents, and cleans up afterwards', async () => {
    await deploy(replaceable('10.0.0.0/16'));
    const before = resource('Vpc')?.physicalId;
    const from = mark();
    await deploy(replaceable('10.1.0.0/16'));
    const after = resource('Vpc')?.physicalId;
    expect(after).not.toBe(before);
    expect(requests(rehearsal)[1]).toMatchObject({
      RequestType: 'Update',
      properties: { Vpc: after },
      OldResourceProperties: { Vpc: before },
    });
    expect(events(rehearsal, from)).toEqual([
      'Stack UPDATE_IN_PROGRESS',
      'Vpc UPDATE_IN_PROGRESS',
      'Vpc UPDATE_IN_PROGRESS',
      'Vpc UPDATE_COMPLETE',
      'One UPDATE_IN_PROGRESS',
      'One UPDATE_COMPLETE',
      'Stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'Vpc DELETE_IN_PROGRESS',
      'Vpc DELETE_COMPLETE',
      'Stack UPDATE_COMPLETE',
    ]);
  });

  test('that changes a physical id is a replacement: the old resource is deleted with the old properties', async () => {
    await deploy({ One: custom({ Name: 'a', Create: { Id: 'a' } }) });
    await deploy({ One: custom({ Name: 'b', Update: { Id: 'b' } }) });
    expect(requests(rehearsal).at(-1)).toMatchObject({
      RequestType: 'Delete',
      PhysicalResourceId: 'a',
      properties: { Name: 'a' },
    });
    expect(resource('One')?.physicalId).toBe('b');
  });

  test('deletes removed resources in reverse order, with three attempts, and completes even if they fail', async () => {
    await deploy({ One: custom({ Delete: { Fail: 'never' } }), Two: custom({ One: { Ref: 'One' } }) });
    const from = mark();
    expect((await deploy({})).status).toBe('UPDATE_COMPLETE');
    expect(requested().slice(2)).toEqual(['Delete Two', 'Delete One', 'Delete One', 'Delete One']);
    expect(events(rehearsal, from).filter((event) => event === 'One DELETE_FAILED')).toHaveLength(3);
    expect(resource('One')).toBeUndefined();
  });

  test('respects UpdateReplacePolicy', async () => {
    const kept = (cidr: string) => ({ Vpc: vpc(cidr, { UpdateReplacePolicy: 'Retain' }) });
    await deploy(kept('10.0.0.0/16'));
    await deploy(kept('10.1.0.0/16'));
    expect(events(rehearsal)).toContain('Vpc DELETE_SKIPPED');
  });

  test('cannot change a type', async () => {
    await deploy({ One: custom({}) });
    await expect(deploy({ One: vpc('10.0.0.0/16') })).rejects.toThrow('Update of resource type is not permitted.');
    expect(rehearsal.cloudFormation.describe('Stack').status).toBe('CREATE_COMPLETE');
  });
});

describe('a failed update', () => {
  const bad = custom({ Create: { Fail: 'no' }, After: { Ref: 'One' } });

  test('updates changed resources back, restores replaced ones, and deletes new ones', async () => {
    await deploy({ Vpc: vpc('10.0.0.0/16'), One: custom({ Vpc: { Ref: 'Vpc' } }) });
    const before = resource('Vpc')?.physicalId;
    const from = mark();
    const { status, reason } = await deploy({
      Vpc: vpc('10.1.0.0/16'),
      New: vpc('10.2.0.0/16'),
      One: custom({ Vpc: { Ref: 'Vpc' } }),
      Bad: bad,
    });
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reason).toBe('The following resource(s) failed to create: [Bad].');
    expect(resource('Vpc')?.physicalId).toBe(before);
    const updates = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Update');
    expect(updates[1]?.properties).toEqual(updates[0]?.OldResourceProperties);
    expect(updates[1]?.OldResourceProperties).toEqual(updates[0]?.properties);
    const rollback = events(rehearsal, from);
    const cleanUp = rollback.slice(rollback.indexOf('Stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'));
    expect(cleanUp).toEqual(expect.arrayContaining(['Vpc DELETE_COMPLETE', 'New DELETE_COMPLETE', 'Bad DELETE_COMPLETE']));
    expect(
      rehearsal.cloudFormation
        .describe('Stack')
        .resources.map(({ logicalId }) => logicalId)
        .sort(),
    ).toEqual(['Handler', 'One', 'Role', 'Vpc']);
    expect((await deploy({ Vpc: vpc('10.0.0.0/16'), One: custom({ Vpc: { Ref: 'Vpc' } }), Extra: custom({}) })).status).toBe(
      'UPDATE_COMPLETE',
    );
  });

  test('of a replaced custom resource returns to the old physical id, and deletes the new one', async () => {
    await deploy({ One: custom({ Name: 'a', Create: { Id: 'a' }, Update: { Id: 'a' } }) });
    await deploy({ One: custom({ Name: 'b', Update: { Id: 'b' } }), Bad: bad });
    const last = requests(rehearsal)
      .filter(({ LogicalResourceId }) => LogicalResourceId === 'One')
      .slice(-2);
    expect(last).toMatchObject([
      { RequestType: 'Update', PhysicalResourceId: 'b', properties: { Name: 'a' } },
      { RequestType: 'Delete', PhysicalResourceId: 'b', properties: { Name: 'b' } },
    ]);
    expect(resource('One')?.physicalId).toBe('a');
  });

  test.each([
    ['stored', 'b'],
    ['ignored', 'a'],
  ] as const)('with the physical id of its response %s', async (failedUpdatePhysicalId, expected) => {
    await rehearsal.close();
    rehearsal = await Rehearsal.start({ failedUpdatePhysicalId });
    await deploy({ One: custom({ Create: { Id: 'a' }, Update: { Id: 'a' } }) });
    await deploy({ One: custom({ Name: 'b', Update: { Fail: 'no', Id: 'b' } }) });
    const rollback = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Update')[1];
    expect(rollback?.PhysicalResourceId).toBe(expected);
    expect(requested().filter((request) => request === 'Delete One')).toHaveLength(expected === 'b' ? 1 : 0);
  });

  test('whose physical ids are ignored does not affect replacements by updates that succeed', async () => {
    await rehearsal.close();
    rehearsal = await Rehearsal.start({ failedUpdatePhysicalId: 'ignored' });
    await deploy({ One: custom({ Create: { Id: 'a' } }) });
    await deploy({ One: custom({ Name: 'b', Update: { Id: 'b' } }) });
    expect(resource('One')?.physicalId).toBe('b');
    expect(requests(rehearsal).at(-1)).toMatchObject({ RequestType: 'Delete', PhysicalResourceId: 'a' });
  });

  test('whose rollback fails, too, can only be deleted', async () => {
    await deploy({ One: custom({ Update: { Fail: 'not back' } }) });
    expect((await deploy({ One: custom({ Update: {} }), Bad: bad })).status).toBe('UPDATE_ROLLBACK_FAILED');
    await expect(deploy({})).rejects.toThrow('UPDATE_ROLLBACK_FAILED state');
    expect((await remove()).status).toBe('DELETE_COMPLETE');
  });

  test('whose rollback failed can continue its rollback', async () => {
    const seconds = { ServiceTimeout: 20 };
    await deploy({ One: custom({ Name: 'a', ...seconds }), Two: custom({ Name: 'a', ...seconds }) });
    const updates = new Set<string>();
    const lift = rehearsal.responses.intercept(({ logicalId, requestId }) => {
      updates.add(`${logicalId} ${requestId}`);
      const ofOne = [...updates].filter((update) => update.startsWith('One '));
      return logicalId === 'One' && ofOne.length > 1 ? { status: 403 } : undefined;
    });
    const late = { ...bad, DependsOn: ['One', 'Two'] };
    const next = { One: custom({ Name: 'b', ...seconds }), Two: custom({ Name: 'b', ...seconds }), Bad: late };
    expect((await deploy(next)).status).toBe('UPDATE_ROLLBACK_FAILED');
    lift();
    const before = requests(rehearsal).length;
    const { status } = await rehearsal.cloudFormation.continueUpdateRollback('Stack');
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(requests(rehearsal).slice(before)).toMatchObject([
      { RequestType: 'Update', LogicalResourceId: 'One', properties: { Name: 'a' } },
      { RequestType: 'Delete', LogicalResourceId: 'Bad' },
    ]);
    await expect(rehearsal.cloudFormation.continueUpdateRollback('Stack')).rejects.toThrow('UPDATE_ROLLBACK_COMPLETE');
  });

  test('cancels updates in progress', async () => {
    await deploy({ Slow: custom({}), One: custom({}) });
    await deploy({ Slow: custom({ Seconds: 30 }), One: custom({ Update: { Fail: 'no' } }) });
    expect(reasons(rehearsal, 'UPDATE_FAILED')[1]).toBe('Resource update cancelled');
    expect(requested().filter((request) => request === 'Update Slow')).toHaveLength(2);
  });
});

describe('responses', () => {
  test('are sent again after faults, and counted once', async () => {
    rehearsal.responses.intercept(({ attempt }) => [{ status: 503 }, 'reset' as const][attempt - 1]);
    expect((await deploy({ One: custom({}) })).status).toBe('CREATE_COMPLETE');
    const [request] = requests(rehearsal);
    expect(rehearsal.responses.responseCount(request?.RequestId ?? '')).toBe(1);
    const puts = rehearsal.journal.entries.filter(({ message }) => message.startsWith('PUT ')).map(({ message }) => message);
    expect(puts.slice(0, 2)).toEqual(['PUT 503', 'PUT ECONNRESET']);
  });

  test('do not show their URL in the journal', async () => {
    await deploy({ One: custom({}) });
    expect(rehearsal.journal.entries.filter(({ message }) => message.includes('X-Amz-Signature'))).toEqual([]);
  });
});

describe('templates', () => {
  const resolved = async (value: unknown, more: object = {}) => {
    const { outputs } = await rehearsal.cloudFormation.deploy(
      writeAssembly({ Resources: { Vpc: vpc('10.0.0.0/16') }, Outputs: { Value: { Value: value } }, ...more }),
      'Stack',
    );
    return outputs.Value;
  };
  const conditions = { Conditions: { Yes: { 'Fn::Equals': [{ Ref: 'P' }, 'p'] }, No: { 'Fn::Not': [{ Condition: 'Yes' }] } } };
  const more = { Parameters: { P: { Type: 'String', Default: 'p' } }, Mappings: { M: { a: { b: 'mapped' } } }, ...conditions };

  test.each([
    [
      { 'Fn::Sub': ['${AWS::Region} ${P} ${V} ${Vpc.CidrBlock} ${!kept}', { V: { 'Fn::Join': ['-', ['x', 'y']] } }] },
      'us-east-1 p x-y 10.0.0.0/16 ${kept}',
    ],
    [{ 'Fn::Select': ['1', { 'Fn::Split': [',', 'a,b'] }] }, 'b'],
    [{ 'Fn::If': ['No', 'no', { 'Fn::If': ['Yes', 'yes', 'no'] }] }, 'yes'],
    [{ 'Fn::FindInMap': ['M', 'a', 'b'] }, 'mapped'],
    [{ 'Fn::Base64': 'text' }, 'dGV4dA=='],
    [{ 'Fn::Select': [2, { 'Fn::GetAZs': '' }] }, 'us-east-1c'],
    [{ 'Fn::Select': [1, { 'Fn::Cidr': [{ 'Fn::GetAtt': 'Vpc.CidrBlock' }, 4, 8] }] }, '10.0.1.0/24'],
    [
      { 'Fn::Join': ['', [{ Ref: 'AWS::AccountId' }, { Ref: 'AWS::Partition' }, { Ref: 'AWS::URLSuffix' }]] },
      '111111111111awsamazonaws.com',
    ],
  ])('resolve %j', async (value, expected) => {
    expect(await resolved(value, more)).toBe(expected);
  });

  test.each([
    [{ A: vpc('1', { DependsOn: 'B' }), B: vpc('2', { DependsOn: 'A' }) }, 'Circular dependency between resources: [A, B]'],
    [{ A: custom({ From: { Ref: 'Nobody' } }) }, 'Unresolved resource dependencies [Nobody] in the Resources block'],
    [
      { A: custom({}, { Condition: 'Never' }), B: custom({ A: { Ref: 'A' } }) },
      'Unresolved resource dependencies [A] in the Resources block',
    ],
  ])('with errors are refused before anything starts', async (resources, message) => {
    await expect(deploy(resources, { Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } } })).rejects.toThrow(message);
    expect(events(rehearsal)).toEqual([]);
  });

  test('share values through exports, which cannot be changed or deleted while they are in use', async () => {
    const exporting = {
      Resources: { Vpc: vpc('10.0.0.0/16') },
      Outputs: { Id: { Value: { Ref: 'Vpc' }, Export: { Name: 'vpc' } } },
    };
    const importing = {
      Resources: { Topic: { Type: 'AWS::SNS::Topic' } },
      Outputs: { Id: { Value: { 'Fn::ImportValue': 'vpc' } } },
    };
    const { outputs } = await rehearsal.cloudFormation.deploy(writeAssembly(exporting, 'Exporting'), 'Exporting');
    expect((await rehearsal.cloudFormation.deploy(writeAssembly(importing, 'Importing'), 'Importing')).outputs).toEqual(outputs);
    const replaced = { ...exporting, Resources: { Vpc: vpc('10.1.0.0/16') } };
    expect(await rehearsal.cloudFormation.deploy(writeAssembly(replaced, 'Exporting'), 'Exporting')).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: 'Export vpc cannot be updated as it is in use by Importing',
    });
    expect((await rehearsal.cloudFormation.delete('Exporting')).status).toBe('DELETE_FAILED');
    await rehearsal.cloudFormation.delete('Importing');
    expect((await rehearsal.cloudFormation.delete('Exporting')).status).toBe('DELETE_COMPLETE');
  });

  test('with types that are not simulated get placeholder resources, and the journal says so', async () => {
    const { outputs } = await deploy(
      { Topic: { Type: 'AWS::SNS::Topic' } },
      { Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Topic', 'TopicArn'] } } } },
    );
    expect(outputs.Arn).toMatch(/^arn:aws:unknown:us-east-1:111111111111:Stack-Topic-/);
    expect(rehearsal.journal.entries.some(({ message }) => message.includes('AWS::SNS::Topic is not simulated'))).toBe(true);
  });
});
