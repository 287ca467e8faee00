import { Rehearsal } from '../../src/index';
import { customResource, events, HANDLER_RESOURCES, reasons, requests, writeAssembly } from '../assembly';

let rehearsal: Rehearsal;

beforeEach(async () => {
  rehearsal = await Rehearsal.start({ startTime: Date.UTC(2026, 0, 1) });
});
afterEach(() => rehearsal.close());

const template = (resources: object, sections: object = {}) => ({
  Resources: { ...HANDLER_RESOURCES, ...resources },
  ...sections,
});
const deploy = (resources: object, sections: object = {}) =>
  rehearsal.cloudFormation.deploy(writeAssembly(template(resources, sections)), 'Stack');
const deleteStack = () => rehearsal.cloudFormation.delete('Stack');
const findResource = (logicalId: string) =>
  rehearsal.cloudFormation.describe('Stack').resources.find((resource) => resource.logicalId === logicalId);
const journalLength = () => rehearsal.journal.entries.length;
const requestNames = () => requests(rehearsal).map(({ RequestType, LogicalResourceId }) => `${RequestType} ${LogicalResourceId}`);
const secondsSince = (time: number) => Math.round((rehearsal.clock.now() - time) / 1000);
const vpc = (cidr: string, attributes: object = {}) => ({
  Type: 'AWS::EC2::VPC',
  Properties: { CidrBlock: cidr },
  ...attributes,
});

describe('the life of a stack', () => {
  test('a resource is created after its dependencies, and deleted before them', async () => {
    const { status, outputs } = await deploy(
      {
        One: customResource({ Create: { Value: 'v1' } }),
        Two: customResource({ From: { 'Fn::GetAtt': ['One', 'Value'] } }),
        Alone: vpc('10.0.0.0/16'),
      },
      { Outputs: { Value: { Value: { 'Fn::GetAtt': ['One', 'Value'] } }, Two: { Value: { Ref: 'Two' } } } },
    );
    expect({ status, outputs }).toEqual({ status: 'CREATE_COMPLETE', outputs: { Value: 'v1', Two: 'physical-Two' } });
    // the second CREATE_IN_PROGRESS of a resource says “Resource creation Initiated”
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
    const beforeDeletion = journalLength();
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    const completions = events(rehearsal, beforeDeletion).filter((event) => event.endsWith('DELETE_COMPLETE'));
    // no other resource depends on `Alone`: it can be deleted at any time
    expect(completions.filter((event) => !event.startsWith('Alone'))).toEqual([
      'Two DELETE_COMPLETE',
      'One DELETE_COMPLETE',
      'Handler DELETE_COMPLETE',
      'Role DELETE_COMPLETE',
      'Stack DELETE_COMPLETE',
    ]);
    expect(requestNames()).toEqual(['Create One', 'Create Two', 'Delete Two', 'Delete One']);
  });

  test('a deployment without changes updates nothing', async () => {
    await deploy({ One: customResource({}) });
    const beforeUpdate = journalLength();
    expect((await deploy({ One: customResource({}) })).status).toBe('CREATE_COMPLETE');
    expect(rehearsal.journal.entries.slice(beforeUpdate).map(({ message }) => message)).toEqual([
      'No updates are to be performed.',
    ]);
  });

  test('a change of outputs alone is an update, and custom resources that do not change get no request', async () => {
    await deploy({ One: customResource({}) });
    expect(await deploy({ One: customResource({}) }, { Outputs: { Id: { Value: { Ref: 'One' } } } })).toEqual({
      status: 'UPDATE_COMPLETE',
      outputs: { Id: 'physical-One' },
    });
    expect(requestNames()).toEqual(['Create One']);
  });

  test('a failed deletion keeps the remaining resources, and can be retried', async () => {
    await deploy({ One: customResource({ Delete: { Fail: 'not yet' } }), Two: customResource({ One: { Ref: 'One' } }) });
    expect(await deleteStack()).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [One].',
    });
    expect(rehearsal.cloudFormation.describe('Stack').resources.map(({ logicalId }) => logicalId)).toEqual([
      'Role',
      'Handler',
      'One',
    ]);
    await expect(deploy({})).rejects.toThrow('is in DELETE_FAILED state and can not be updated.');
    await deleteStack();
    expect(requestNames().filter((request) => request.startsWith('Delete'))).toEqual(['Delete Two', 'Delete One', 'Delete One']);
  });

  test('retained resources are not deleted', async () => {
    await deploy({
      One: customResource({}, { DeletionPolicy: 'Retain' }),
      Two: customResource({}, { DeletionPolicy: 'RetainExceptOnCreate' }),
    });
    await deleteStack();
    expect(requestNames()).toEqual(expect.not.arrayContaining(['Delete One', 'Delete Two']));
    expect(events(rehearsal)).toEqual(expect.arrayContaining(['One DELETE_SKIPPED', 'Two DELETE_SKIPPED']));
  });
});

describe('requests to custom resources', () => {
  test('contain every scalar as a string, and the old properties in an update', async () => {
    await deploy({ One: customResource({ Yes: true, Number: 5, List: [1, { Two: false }] }) });
    await deploy({ One: customResource({ Yes: false }) });
    const [create, update] = requests(rehearsal);
    expect(create?.properties).toMatchObject({ Yes: 'true', Number: '5', List: ['1', { Two: 'false' }] });
    expect(update).toMatchObject({
      PhysicalResourceId: 'physical-One',
      properties: { Yes: 'false' },
      OldResourceProperties: { Yes: 'true' },
    });
    expect(update?.properties.Number).toBeUndefined();
  });

  test('fail if no response arrives before the timeout', async () => {
    const startTime = rehearsal.clock.now();
    const { status } = await deploy({ One: customResource({ ServiceTimeout: 600, Create: 'silent' }) });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain(
      'CloudFormation did not receive a response from your Custom Resource.',
    );
    expect(secondsSince(startTime)).toBeGreaterThan(600);
    // the rollback deletes the resource with a physical id that CloudFormation generated
    expect(requests(rehearsal)[1]?.PhysicalResourceId).toMatch(/^Stack-One-[0-9A-F]{12}$/);
  });

  test('are retried by Lambda if the function crashes', async () => {
    await deploy({ One: customResource({ ServiceTimeout: 3000, Create: 'crash', Delete: {} }) });
    const creates = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Create');
    // the first attempt and two retries
    expect(creates).toHaveLength(3);
    expect(new Set(creates.map(({ RequestId }) => RequestId)).size).toBe(1);
  });

  test.each([
    ['a response that is too long', { Create: { Padding: 4096 } }, 'Response object is too long.'],
    ['a physical id that is too long', { Create: { Id: 'x'.repeat(1025) } }, 'Invalid PhysicalResourceId'],
    ['an empty physical id', { Create: { Id: '' } }, 'Invalid PhysicalResourceId'],
  ])('fail because of %s', async (_, properties, reason) => {
    expect((await deploy({ One: customResource(properties) })).status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')).toEqual([reason]);
  });

  test('fail if their properties use an attribute that the response of another resource does not contain', async () => {
    await deploy({ One: customResource({}), Two: customResource({ From: { 'Fn::GetAtt': ['One', 'Absent'] } }) });
    expect(reasons(rehearsal, 'CREATE_FAILED')[0]).toContain("Vendor response doesn't contain Absent attribute");
  });

  test('cannot be sent to another function after the creation', async () => {
    const { Handler } = HANDLER_RESOURCES;
    await deploy({ One: customResource({}) });
    const withOtherFunction = { Other: Handler, One: customResource({ ServiceToken: { 'Fn::GetAtt': ['Other', 'Arn'] } }) };
    expect((await deploy(withOtherFunction)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'UPDATE_FAILED')).toEqual(['Modifying service token is not allowed.']);
    expect(requestNames()).toEqual(['Create One']);
  });
});

describe('a failed creation', () => {
  test('is rolled back in reverse order, and the failed resource is deleted with the physical id of its response', async () => {
    const { status, reason } = await deploy({
      One: customResource({}),
      Two: customResource({ After: { Ref: 'One' }, Create: { Fail: 'no', Id: 'half' } }),
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
    await expect(deploy({ One: customResource({}) })).rejects.toThrow('is in ROLLBACK_COMPLETE state and can not be updated.');
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect((await deploy({})).status).toBe('CREATE_COMPLETE');
  });

  test('cancels a custom resource in progress, ignores its late response, and deletes it with a generated physical id', async () => {
    const { status } = await deploy({ Bad: customResource({ Create: { Fail: 'no' } }), Slow: customResource({ Seconds: 50 }) });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons(rehearsal, 'CREATE_FAILED')[1]).toBe('Resource creation cancelled');
    const deleteRequest = requests(rehearsal).find(
      ({ RequestType, LogicalResourceId }) => RequestType === 'Delete' && LogicalResourceId === 'Slow',
    );
    expect(deleteRequest?.PhysicalResourceId).toMatch(/^Stack-Slow-/);
  });

  test('keeps retained resources, except those with RetainExceptOnCreate', async () => {
    await deploy({
      Kept: vpc('10.0.0.0/16', { DeletionPolicy: 'Retain' }),
      Gone: vpc('10.1.0.0/16', { DeletionPolicy: 'RetainExceptOnCreate' }),
      Bad: customResource({ Create: { Fail: 'no' } }, { DependsOn: ['Kept', 'Gone'] }),
    });
    expect(events(rehearsal)).toEqual(expect.arrayContaining(['Kept DELETE_SKIPPED', 'Gone DELETE_COMPLETE']));
  });
});

describe('a failed creation without rollback', () => {
  const deployWithoutRollback = (resources: object) =>
    rehearsal.cloudFormation.deploy(writeAssembly(template(resources)), 'Stack', { onFailure: 'keep' });
  const failingResources = {
    Before: customResource({}),
    Bad: customResource({ After: { Ref: 'Before' }, Create: { Fail: 'no', Id: 'half' } }),
  };

  test('keeps all resources, does not cancel independent ones, and does not create dependents', async () => {
    const { status, reason } = await deployWithoutRollback({
      ...failingResources,
      Slow: customResource({ Seconds: 50 }),
      After: customResource({ Bad: { Ref: 'Bad' } }),
    });
    expect({ status, reason }).toEqual({
      status: 'CREATE_FAILED',
      reason: 'The following resource(s) failed to create: [Bad].',
    });
    const { resources } = rehearsal.cloudFormation.describe('Stack');
    expect(
      resources
        .map(({ logicalId, status, physicalId }) => [logicalId, status, physicalId])
        .filter(([id]) => !/Role|Handler/.test(String(id))),
    ).toEqual(
      expect.arrayContaining([
        ['Before', 'CREATE_COMPLETE', 'physical-Before'],
        ['Slow', 'CREATE_COMPLETE', 'physical-Slow'],
        ['Bad', 'CREATE_FAILED', 'half'],
      ]),
    );
    expect(findResource('After')).toBeUndefined();
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
    expect(requestNames().slice(-3).sort()).toEqual(['Delete Bad', 'Delete Before', 'Delete Slow']);
  });

  test('is repaired by the next deployment, which deletes the failed resource and creates it again', async () => {
    await deployWithoutRollback(failingResources);
    expect((await deploy({ ...failingResources, Bad: customResource({ After: { Ref: 'Before' } }) })).status).toBe(
      'UPDATE_COMPLETE',
    );
    expect(requestNames()).toEqual(['Create Before', 'Create Bad', 'Delete Bad', 'Create Bad']);
    expect(findResource('Bad')).toMatchObject({ status: 'CREATE_COMPLETE', physicalId: 'physical-Bad' });
  });
});

describe('deletions in the order of the option `nextDeletion`', () => {
  test('happen one at a time, and a resource is deleted after its dependents', async () => {
    const orderedRehearsal = await Rehearsal.start({
      startTime: Date.UTC(2026, 0, 1),
      // among the resources that can be deleted, the one with the last logical id
      nextDeletion: (ready) => ready.reduce((one, other) => (other.logicalId > one.logicalId ? other : one)),
    });
    try {
      const resources = {
        A: customResource({}),
        B: customResource({}),
        C: customResource({ A: { Ref: 'A' } }),
        Last: customResource({}),
      };
      await orderedRehearsal.cloudFormation.deploy(writeAssembly(template(resources)), 'Stack');
      // the update deletes A, B and C
      await orderedRehearsal.cloudFormation.deploy(writeAssembly(template({ Last: customResource({}) })), 'Stack');
      await orderedRehearsal.cloudFormation.delete('Stack');
      const deletes = requests(orderedRehearsal).filter(({ RequestType }) => RequestType === 'Delete');
      expect(deletes.map(({ LogicalResourceId }) => LogicalResourceId)).toEqual(['C', 'B', 'A', 'Last']);
    } finally {
      await orderedRehearsal.close();
    }
  });
});

describe('an update', () => {
  const vpcWithDependent = (cidr: string) => ({ Vpc: vpc(cidr), One: customResource({ Vpc: { Ref: 'Vpc' } }) });

  test('replaces a resource that it cannot change, updates its dependents, and cleans up afterwards', async () => {
    await deploy(vpcWithDependent('10.0.0.0/16'));
    const oldVpcId = findResource('Vpc')?.physicalId;
    const beforeUpdate = journalLength();
    await deploy(vpcWithDependent('10.1.0.0/16'));
    const newVpcId = findResource('Vpc')?.physicalId;
    expect(newVpcId).not.toBe(oldVpcId);
    expect(requests(rehearsal)[1]).toMatchObject({
      RequestType: 'Update',
      properties: { Vpc: newVpcId },
      OldResourceProperties: { Vpc: oldVpcId },
    });
    expect(events(rehearsal, beforeUpdate)).toEqual([
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

  test('that changes a physical id deletes the old resource with the old properties', async () => {
    await deploy({ One: customResource({ Name: 'a', Create: { Id: 'a' } }) });
    await deploy({ One: customResource({ Name: 'b', Update: { Id: 'b' } }) });
    expect(requests(rehearsal).at(-1)).toMatchObject({
      RequestType: 'Delete',
      PhysicalResourceId: 'a',
      properties: { Name: 'a' },
    });
    expect(findResource('One')?.physicalId).toBe('b');
  });

  test('deletes removed resources in reverse order, with three attempts, and completes even if all attempts fail', async () => {
    await deploy({ One: customResource({ Delete: { Fail: 'never' } }), Two: customResource({ One: { Ref: 'One' } }) });
    const beforeUpdate = journalLength();
    expect((await deploy({})).status).toBe('UPDATE_COMPLETE');
    expect(requestNames().slice(2)).toEqual(['Delete Two', 'Delete One', 'Delete One', 'Delete One']);
    expect(events(rehearsal, beforeUpdate).filter((event) => event === 'One DELETE_FAILED')).toHaveLength(3);
    expect(findResource('One')).toBeUndefined();
  });

  test('keeps the replaced resource if its UpdateReplacePolicy is Retain', async () => {
    const retainedVpc = (cidr: string) => ({ Vpc: vpc(cidr, { UpdateReplacePolicy: 'Retain' }) });
    await deploy(retainedVpc('10.0.0.0/16'));
    await deploy(retainedVpc('10.1.0.0/16'));
    expect(events(rehearsal)).toContain('Vpc DELETE_SKIPPED');
  });

  test('that succeeds changes the physical id, even if `failedUpdatePhysicalId` is `ignored`', async () => {
    await rehearsal.close();
    rehearsal = await Rehearsal.start({ failedUpdatePhysicalId: 'ignored' });
    await deploy({ One: customResource({ Create: { Id: 'a' } }) });
    await deploy({ One: customResource({ Name: 'b', Update: { Id: 'b' } }) });
    expect(findResource('One')?.physicalId).toBe('b');
    expect(requests(rehearsal).at(-1)).toMatchObject({ RequestType: 'Delete', PhysicalResourceId: 'a' });
  });

  test('cannot change the type of a resource', async () => {
    await deploy({ One: customResource({}) });
    await expect(deploy({ One: vpc('10.0.0.0/16') })).rejects.toThrow('Update of resource type is not permitted.');
    expect(rehearsal.cloudFormation.describe('Stack').status).toBe('CREATE_COMPLETE');
  });
});

describe('a failed update', () => {
  const failingCustomResource = customResource({ Create: { Fail: 'no' }, After: { Ref: 'One' } });

  test('updates changed resources to their old properties, restores replaced resources, and deletes new ones', async () => {
    await deploy({ Vpc: vpc('10.0.0.0/16'), One: customResource({ Vpc: { Ref: 'Vpc' } }) });
    const oldVpcId = findResource('Vpc')?.physicalId;
    const beforeUpdate = journalLength();
    const { status, reason } = await deploy({
      Vpc: vpc('10.1.0.0/16'),
      New: vpc('10.2.0.0/16'),
      One: customResource({ Vpc: { Ref: 'Vpc' } }),
      Bad: failingCustomResource,
    });
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reason).toBe('The following resource(s) failed to create: [Bad].');
    expect(findResource('Vpc')?.physicalId).toBe(oldVpcId);
    const [update, rollback] = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Update');
    expect(rollback?.properties).toEqual(update?.OldResourceProperties);
    expect(rollback?.OldResourceProperties).toEqual(update?.properties);
    const updateEvents = events(rehearsal, beforeUpdate);
    const cleanUp = updateEvents.slice(updateEvents.indexOf('Stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'));
    expect(cleanUp).toEqual(expect.arrayContaining(['Vpc DELETE_COMPLETE', 'New DELETE_COMPLETE', 'Bad DELETE_COMPLETE']));
    expect(
      rehearsal.cloudFormation
        .describe('Stack')
        .resources.map(({ logicalId }) => logicalId)
        .sort(),
    ).toEqual(['Handler', 'One', 'Role', 'Vpc']);
    expect(
      (await deploy({ Vpc: vpc('10.0.0.0/16'), One: customResource({ Vpc: { Ref: 'Vpc' } }), Extra: customResource({}) })).status,
    ).toBe('UPDATE_COMPLETE');
  });

  test('restores the old physical id of a replaced custom resource, and deletes the new resource', async () => {
    await deploy({ One: customResource({ Name: 'a', Create: { Id: 'a' }, Update: { Id: 'a' } }) });
    await deploy({ One: customResource({ Name: 'b', Update: { Id: 'b' } }), Bad: failingCustomResource });
    const last = requests(rehearsal)
      .filter(({ LogicalResourceId }) => LogicalResourceId === 'One')
      .slice(-2);
    expect(last).toMatchObject([
      { RequestType: 'Update', PhysicalResourceId: 'b', properties: { Name: 'a' } },
      { RequestType: 'Delete', PhysicalResourceId: 'b', properties: { Name: 'b' } },
    ]);
    expect(findResource('One')?.physicalId).toBe('a');
  });

  test.each([
    { failedUpdatePhysicalId: 'stored', expected: 'b' },
    { failedUpdatePhysicalId: 'ignored', expected: 'a' },
  ] as const)(
    'that returns the new physical id b is rolled back with the id $expected if CloudFormation has $failedUpdatePhysicalId it',
    async ({ failedUpdatePhysicalId, expected }) => {
      await rehearsal.close();
      rehearsal = await Rehearsal.start({ failedUpdatePhysicalId });
      await deploy({ One: customResource({ Create: { Id: 'a' }, Update: { Id: 'a' } }) });
      await deploy({ One: customResource({ Name: 'b', Update: { Fail: 'no', Id: 'b' } }) });
      const [, rollback] = requests(rehearsal).filter(({ RequestType }) => RequestType === 'Update');
      expect(rollback?.PhysicalResourceId).toBe(expected);
      expect(requestNames().filter((request) => request === 'Delete One')).toHaveLength(expected === 'b' ? 1 : 0);
    },
  );

  test('whose rollback fails leaves a stack that cannot be updated, but can be deleted', async () => {
    // the rollback updates to these properties, and they make the function fail
    await deploy({ One: customResource({ Update: { Fail: 'not back' } }) });
    expect((await deploy({ One: customResource({ Update: {} }), Bad: failingCustomResource })).status).toBe(
      'UPDATE_ROLLBACK_FAILED',
    );
    await expect(deploy({})).rejects.toThrow('UPDATE_ROLLBACK_FAILED state');
    expect((await deleteStack()).status).toBe('DELETE_COMPLETE');
  });

  test('whose rollback fails can be rolled back with `continueUpdateRollback`', async () => {
    const shortTimeout = { ServiceTimeout: 20 };
    await deploy({ One: customResource({ Name: 'a', ...shortTimeout }), Two: customResource({ Name: 'a', ...shortTimeout }) });
    // refuses the responses to all updates of `One` after the first: the second update is the rollback
    const updates = new Set<string>();
    const removeFault = rehearsal.responses.intercept(({ logicalId, requestId }) => {
      updates.add(`${logicalId} ${requestId}`);
      const updatesOfOne = [...updates].filter((update) => update.startsWith('One '));
      return logicalId === 'One' && updatesOfOne.length > 1 ? { status: 403 } : undefined;
    });
    const failingLast = { ...failingCustomResource, DependsOn: ['One', 'Two'] };
    const resourcesOfUpdate = {
      One: customResource({ Name: 'b', ...shortTimeout }),
      Two: customResource({ Name: 'b', ...shortTimeout }),
      Bad: failingLast,
    };
    expect((await deploy(resourcesOfUpdate)).status).toBe('UPDATE_ROLLBACK_FAILED');
    removeFault();
    const requestsBefore = requests(rehearsal).length;
    const { status } = await rehearsal.cloudFormation.continueUpdateRollback('Stack');
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(requests(rehearsal).slice(requestsBefore)).toMatchObject([
      { RequestType: 'Update', LogicalResourceId: 'One', properties: { Name: 'a' } },
      { RequestType: 'Delete', LogicalResourceId: 'Bad' },
    ]);
    await expect(rehearsal.cloudFormation.continueUpdateRollback('Stack')).rejects.toThrow('UPDATE_ROLLBACK_COMPLETE');
  });

  test('cancels the updates of other resources in progress', async () => {
    await deploy({ Slow: customResource({}), One: customResource({}) });
    await deploy({ Slow: customResource({ Seconds: 30 }), One: customResource({ Update: { Fail: 'no' } }) });
    expect(reasons(rehearsal, 'UPDATE_FAILED')[1]).toBe('Resource update cancelled');
    // the update and its rollback
    expect(requestNames().filter((request) => request === 'Update Slow')).toHaveLength(2);
  });
});

describe('responses', () => {
  test('are sent again after a fault, and count as one response', async () => {
    // the first attempt gets status 503, and the connection of the second attempt is reset
    rehearsal.responses.intercept(({ attempt }) => [{ status: 503 }, 'reset' as const][attempt - 1]);
    expect((await deploy({ One: customResource({}) })).status).toBe('CREATE_COMPLETE');
    const [request] = requests(rehearsal);
    expect(rehearsal.responses.responseCount(request?.RequestId ?? '')).toBe(1);
    const puts = rehearsal.journal.entries.filter(({ message }) => message.startsWith('PUT ')).map(({ message }) => message);
    expect(puts.slice(0, 2)).toEqual(['PUT 503', 'PUT ECONNRESET']);
  });

  test('are recorded in the journal without their URL', async () => {
    await deploy({ One: customResource({}) });
    expect(rehearsal.journal.entries.filter(({ message }) => message.includes('X-Amz-Signature'))).toEqual([]);
  });
});

describe('templates', () => {
  const resolve = async (value: unknown, sections: object = {}) => {
    const { outputs } = await rehearsal.cloudFormation.deploy(
      writeAssembly({ Resources: { Vpc: vpc('10.0.0.0/16') }, Outputs: { Value: { Value: value } }, ...sections }),
      'Stack',
    );
    return outputs.Value;
  };
  const conditions = { Conditions: { Yes: { 'Fn::Equals': [{ Ref: 'P' }, 'p'] }, No: { 'Fn::Not': [{ Condition: 'Yes' }] } } };
  const sections = {
    Parameters: { P: { Type: 'String', Default: 'p' } },
    Mappings: { M: { a: { b: 'mapped' } } },
    ...conditions,
  };

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
    expect(await resolve(value, sections)).toBe(expected);
  });

  test.each([
    ['Circular dependency between resources: [A, B]', { A: vpc('1', { DependsOn: 'B' }), B: vpc('2', { DependsOn: 'A' }) }],
    ['Unresolved resource dependencies [Nobody] in the Resources block', { A: customResource({ From: { Ref: 'Nobody' } }) }],
    [
      'Unresolved resource dependencies [A] in the Resources block',
      { A: customResource({}, { Condition: 'Never' }), B: customResource({ A: { Ref: 'A' } }) },
    ],
  ])('with errors are refused before anything starts: %s', async (message, resources) => {
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
    const exportingReplacedVpc = { ...exporting, Resources: { Vpc: vpc('10.1.0.0/16') } };
    expect(await rehearsal.cloudFormation.deploy(writeAssembly(exportingReplacedVpc, 'Exporting'), 'Exporting')).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
      reason: 'Export vpc cannot be updated as it is in use by Importing',
    });
    expect((await rehearsal.cloudFormation.delete('Exporting')).status).toBe('DELETE_FAILED');
    await rehearsal.cloudFormation.delete('Importing');
    expect((await rehearsal.cloudFormation.delete('Exporting')).status).toBe('DELETE_COMPLETE');
  });

  test('can have types that are not simulated: these get placeholder resources and an entry in the journal', async () => {
    const { outputs } = await deploy(
      { Topic: { Type: 'AWS::SNS::Topic' } },
      { Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Topic', 'TopicArn'] } } } },
    );
    expect(outputs.Arn).toMatch(/^arn:aws:unknown:us-east-1:111111111111:Stack-Topic-/);
    expect(rehearsal.journal.entries.some(({ message }) => message.includes('AWS::SNS::Topic is not simulated'))).toBe(true);
  });
});
