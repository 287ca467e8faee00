import type { Lane } from '../../src/picture/events';
import { layoutOf } from '../../src/picture/layout';
import type { Layout } from '../../src/picture/layout';
import { DAY, failedDeletion, FLEET, FUNCTION, HOSTILE, HOUR, KEY, MINUTE, ROLE, Sample, SECOND, START } from './sample';

/** The events in one lane of a stack, with times since the start. */
function laneOf({ groups }: Layout, lane: Lane, stack = 'Stack') {
  const events = groups.find(({ name }) => name === stack)?.lanes.find((candidate) => candidate.lane === lane)?.events ?? [];
  return events.map(({ from, to, title, result }) => [from - START, to - START, title, result]);
}

/** The name of the group in which a call is drawn. */
function groupOfCall({ groups }: Layout): string[] {
  return groups.filter(({ lanes }) => lanes.some(({ lane }) => lane === 'changes')).map(({ name }) => name);
}

describe('a life that ends in a failed deletion', () => {
  const layout = layoutOf(failedDeletion());

  test('the stack has a bar for each operation', () => {
    expect(laneOf(layout, 'stack')).toEqual([
      [0, 20 * MINUTE, 'CREATE_COMPLETE', 'good'],
      [30 * DAY, 30 * DAY + 4 * SECOND, 'DELETE_FAILED', 'bad'],
    ]);
  });

  test('a resource has one bar from its beginning to its end', () => {
    expect(laneOf(layout, 'resources')).toEqual([
      [0, SECOND, 'Vpc CREATE_COMPLETE', 'neutral'],
      [2 * SECOND, 2 * SECOND, 'HandlerRole CREATE_COMPLETE', 'neutral'],
      [2 * SECOND, 2 * SECOND, 'Handler CREATE_COMPLETE', 'neutral'],
      [20 * MINUTE, 20 * MINUTE, 'Fleet CREATE_COMPLETE', 'neutral'],
      [30 * DAY, 30 * DAY + 3 * SECOND, 'Fleet DELETE_FAILED', 'bad'],
    ]);
  });

  test('a run of the handler has a bar', () => {
    expect(laneOf(layout, 'runs')).toEqual([[4 * SECOND, 14 * SECOND, 'Handler run, 10 s', 'neutral']]);
  });

  test('throttled calls have their own lane', () => {
    expect(laneOf(layout, 'throttled')).toEqual([
      [4 * SECOND, 4 * SECOND, 'CreateVpcPeeringAuthorization: ThrottlingException', 'bad'],
    ]);
    expect(laneOf(layout, 'changes')).toEqual([
      [14 * SECOND, 14 * SECOND, 'CreateVpcPeeringAuthorization', 'neutral'],
      [30 * DAY + 2 * SECOND, 30 * DAY + 2 * SECOND, 'DeleteFleet: UnauthorizedException', 'bad'],
    ]);
  });

  test('a repeated read is one event, and does not interrupt a quiet time', () => {
    expect(laneOf(layout, 'reads')).toEqual([[MINUTE, 20 * MINUTE, 'DescribeFleetAttributes, 20 times', 'neutral']]);
    expect(layout.scale.quiet).toEqual([
      { from: START + 14 * SECOND, to: START + 20 * MINUTE },
      { from: START + 20 * MINUTE, to: START + DAY + 14 * SECOND },
      { from: START + DAY + 14 * SECOND, to: START + 30 * DAY },
      { from: START + 30 * DAY + 4 * SECOND, to: START + 32 * DAY },
    ]);
  });

  test('the authorization belongs to the stack of its VPC, with the name of the VPC in that stack', () => {
    expect(layout.groups.map(({ name, authorizations }) => [name, authorizations.map(({ vpc }) => vpc)])).toEqual([
      ['Stack', ['Stack/Vpc']],
    ]);
  });

  test('each step has the result of the stack, its reason, and the state of the authorization', () => {
    expect(layout.results).toEqual([
      {
        step: 0,
        operation: {
          stack: 'Stack',
          from: START,
          to: START + 20 * MINUTE,
          status: 'CREATE_COMPLETE',
          isComplete: true,
          reason: undefined,
        },
        authorization: 'no authorization before, authorized after 14 s',
      },
      {
        step: 1,
        operation: {
          ...{
            stack: 'Stack',
            from: START + 30 * DAY,
            to: START + 30 * DAY + 4 * SECOND,
            status: 'DELETE_FAILED',
            isComplete: false,
          },
          reason: `Fleet: no authorization for Stack/Vpc ${HOSTILE}`,
        },
        authorization: 'expired 28 d 23 h before, 1 call without it',
      },
    ]);
  });

  test('shows logical ids instead of generated ids', () => {
    const text = JSON.stringify(
      layout.groups.map(({ lanes }) => lanes.map(({ events }) => events.map((event) => [event.title, event.text]))),
    );
    expect(text).toContain('Stack/Fleet: called by administrator');
    expect(text).toContain('Stack/Vpc: called by Stack/HandlerRole');
    for (const id of [FLEET, ROLE, FUNCTION, KEY.peerVpcId]) {
      expect(text).not.toContain(id);
    }
  });
});

describe('outcomes', () => {
  const outcomesOf = (sample: Sample) =>
    layoutOf(sample.life()).results.map(({ step, operation, authorization }) => [step, operation?.status, authorization]);

  test('a valid authorization has its remaining time', () => {
    const sample = new Sample().step('create').stack('CREATE_IN_PROGRESS').resource('Vpc', 'CREATE_COMPLETE', KEY.peerVpcId);
    sample
      .at(SECOND)
      .authorize()
      .at(2 * SECOND)
      .stack('CREATE_COMPLETE');
    sample
      .at(SECOND + 12 * HOUR)
      .step('delete')
      .stack('DELETE_IN_PROGRESS')
      .authorize()
      .at(DAY)
      .authorization('canceled');
    expect(outcomesOf(sample.stack('DELETE_COMPLETE'))).toEqual([
      [0, 'CREATE_COMPLETE', 'no authorization before, authorized after 1 s'],
      [1, 'DELETE_COMPLETE', 'valid for another 12 h, authorized at once, then canceled'],
    ]);
  });

  test('a step in which CloudFormation did nothing is included', () => {
    const sample = new Sample().step('create').stack('CREATE_IN_PROGRESS').at(SECOND).stack('CREATE_COMPLETE').step('again');
    expect(outcomesOf(sample)).toEqual([
      [0, 'CREATE_COMPLETE', ''],
      [1, undefined, ''],
    ]);
  });

  test('a step begins with its first stack, even if it was announced long before', () => {
    const sample = new Sample()
      .step('create')
      .at(DAY)
      .stack('CREATE_IN_PROGRESS')
      .at(DAY + SECOND)
      .stack('CREATE_COMPLETE');
    expect(layoutOf(sample.life()).steps).toEqual([{ name: 'create', from: START + DAY }]);
  });

  test('a rollback is not complete, and its reason is the first failure', () => {
    const sample = new Sample().stack('UPDATE_IN_PROGRESS').resource('One', 'UPDATE_FAILED', undefined, 'broken');
    sample.resource('Two', 'UPDATE_FAILED', undefined, 'cancelled').stack('UPDATE_ROLLBACK_IN_PROGRESS', 'The following…');
    const { results } = layoutOf(sample.at(SECOND).stack('UPDATE_ROLLBACK_COMPLETE').life());
    expect(results).toMatchObject([
      { step: undefined, operation: { status: 'UPDATE_ROLLBACK_COMPLETE', isComplete: false, reason: 'One: broken' } },
    ]);
  });
});

describe('a call belongs', () => {
  const created = () =>
    new Sample().stack('CREATE_IN_PROGRESS').resource('HandlerRole', 'CREATE_COMPLETE', ROLE).stack('CREATE_COMPLETE');

  test('to the stack that CloudFormation is working on', () => {
    const sample = created().stack('CREATE_IN_PROGRESS', undefined, 'Other').handlerCall('TagResource', 'succeeded');
    expect(groupOfCall(layoutOf(sample.life()))).toEqual(['Other']);
  });

  test('to the stack that created the caller, if CloudFormation is not working', () => {
    expect(groupOfCall(layoutOf(created().handlerCall('TagResource', 'succeeded').life()))).toEqual(['Stack']);
  });

  test('to the stack of its resource, if CloudFormation is working on several and none of them created the caller', () => {
    const sample = created()
      .stack('UPDATE_IN_PROGRESS', undefined, 'Other')
      .stack('UPDATE_IN_PROGRESS')
      .call('TagResource', 'succeeded', [ROLE]);
    expect(groupOfCall(layoutOf(sample.life()))).toEqual(['Stack']);
  });

  test('to no stack otherwise', () => {
    expect(groupOfCall(layoutOf(new Sample().call('TagResource', 'succeeded').life()))).toEqual(['Outside of stacks']);
  });
});

test('a stack whose calls name a VPC shows its authorization, even if another stack created the VPC', () => {
  const sample = new Sample()
    .stack('CREATE_IN_PROGRESS')
    .authorize()
    .call('CreateVpcPeeringConnection', 'succeeded', [KEY.peerVpcId]);
  const { groups } = layoutOf(sample.stack('CREATE_COMPLETE').life());
  expect(groups.map(({ name, authorizations }) => [name, authorizations.length])).toEqual([['Stack', 1]]);
});

test('the second resource with the same name has a number', () => {
  const sample = new Sample()
    .resource('Fleet', 'CREATE_COMPLETE', 'fleet-1234-a')
    .resource('Fleet', 'UPDATE_COMPLETE', 'fleet-1234-b');
  sample.call('DeleteFleet', 'succeeded', ['fleet-1234-b']);
  const texts = layoutOf(sample.life()).groups.flatMap(({ lanes }) =>
    lanes.flatMap(({ events }) => events.map(({ text }) => text)),
  );
  expect(texts).toContain('Stack/Fleet (2): called by administrator');
});
