import type { Lane } from '../../src/picture/events';
import { layoutOf } from '../../src/picture/layout';
import type { Layout } from '../../src/picture/layout';
import {
  DAY,
  lifeWithFailedDeletion,
  FLEET_ID,
  FUNCTION_NAME,
  HOSTILE_TEXT,
  HOUR,
  AUTHORIZATION_KEY,
  MINUTE,
  ROLE_NAME,
  LifeBuilder,
  SECOND,
  START,
} from './life-builder';

/** The events in one lane of a stack: the start, the end, the title and the result of each. Times are relative to the start of the life. */
function eventsIn({ groups }: Layout, lane: Lane, stack = 'Stack') {
  const events = groups.find(({ name }) => name === stack)?.lanes.find((candidate) => candidate.lane === lane)?.events ?? [];
  return events.map(({ from, to, title, result }) => [from - START, to - START, title, result]);
}

/** The names of the groups with calls that change something. */
function groupsOfCalls({ groups }: Layout): string[] {
  return groups.filter(({ lanes }) => lanes.some(({ lane }) => lane === 'changes')).map(({ name }) => name);
}

describe('a life that ends in a failed deletion', () => {
  const layout = layoutOf(lifeWithFailedDeletion());

  test('the stack has a bar for each operation', () => {
    expect(eventsIn(layout, 'stack')).toEqual([
      [0, 20 * MINUTE, 'CREATE_COMPLETE', 'good'],
      [30 * DAY, 30 * DAY + 4 * SECOND, 'DELETE_FAILED', 'bad'],
    ]);
  });

  test('a resource has one bar from the start to the end of its operation', () => {
    expect(eventsIn(layout, 'resources')).toEqual([
      [0, SECOND, 'Vpc CREATE_COMPLETE', 'neutral'],
      [2 * SECOND, 2 * SECOND, 'HandlerRole CREATE_COMPLETE', 'neutral'],
      [2 * SECOND, 2 * SECOND, 'Handler CREATE_COMPLETE', 'neutral'],
      [20 * MINUTE, 20 * MINUTE, 'Fleet CREATE_COMPLETE', 'neutral'],
      [30 * DAY, 30 * DAY + 3 * SECOND, 'Fleet DELETE_FAILED', 'bad'],
    ]);
  });

  test('a run of the handler has a bar', () => {
    expect(eventsIn(layout, 'runs')).toEqual([[4 * SECOND, 14 * SECOND, 'Handler run, 10 s', 'neutral']]);
  });

  test('throttled calls have a lane of their own', () => {
    expect(eventsIn(layout, 'throttled')).toEqual([
      [4 * SECOND, 4 * SECOND, 'CreateVpcPeeringAuthorization: ThrottlingException', 'bad'],
    ]);
    expect(eventsIn(layout, 'changes')).toEqual([
      [14 * SECOND, 14 * SECOND, 'CreateVpcPeeringAuthorization', 'neutral'],
      [30 * DAY + 2 * SECOND, 30 * DAY + 2 * SECOND, 'DeleteFleet: UnauthorizedException', 'bad'],
    ]);
  });

  test('repeated reads are one event, and do not interrupt a quiet time', () => {
    expect(eventsIn(layout, 'reads')).toEqual([[MINUTE, 20 * MINUTE, 'DescribeFleetAttributes, 20 times', 'neutral']]);
    // the authorization is created after 14 seconds, and expires a day later
    expect(layout.scale.quietTimes).toEqual([
      { from: START + 14 * SECOND, to: START + 20 * MINUTE },
      { from: START + 20 * MINUTE, to: START + DAY + 14 * SECOND },
      { from: START + DAY + 14 * SECOND, to: START + 30 * DAY },
      { from: START + 30 * DAY + 4 * SECOND, to: START + 32 * DAY },
    ]);
  });

  test('the authorization is shown in the stack of its VPC, with the logical id of the VPC', () => {
    expect(layout.groups.map(({ name, authorizations }) => [name, authorizations.map(({ vpc }) => vpc)])).toEqual([
      ['Stack', ['Stack/Vpc']],
    ]);
  });

  test('each step shows the result of the stack, its reason, and the state of the authorization', () => {
    expect(layout.results).toEqual([
      {
        stepIndex: 0,
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
        stepIndex: 1,
        operation: {
          stack: 'Stack',
          from: START + 30 * DAY,
          to: START + 30 * DAY + 4 * SECOND,
          status: 'DELETE_FAILED',
          isComplete: false,
          reason: `Fleet: no authorization for Stack/Vpc ${HOSTILE_TEXT}`,
        },
        authorization: 'expired 28 d 23 h before, 1 call without it',
      },
    ]);
  });

  test('the texts of the events contain logical ids instead of generated ids', () => {
    const text = JSON.stringify(
      layout.groups.map(({ lanes }) => lanes.map(({ events }) => events.map((event) => [event.title, event.text]))),
    );
    expect(text).toContain('Stack/Fleet: called by administrator');
    expect(text).toContain('Stack/Vpc: called by Stack/HandlerRole');
    for (const id of [FLEET_ID, ROLE_NAME, FUNCTION_NAME, AUTHORIZATION_KEY.peerVpcId]) {
      expect(text).not.toContain(id);
    }
  });
});

describe('the results in a picture', () => {
  const resultsOf = (life: LifeBuilder) =>
    layoutOf(life.build()).results.map(({ stepIndex, operation, authorization }) => [
      stepIndex,
      operation?.status,
      authorization,
    ]);

  test('show the remaining time of a valid authorization', () => {
    const life = new LifeBuilder()
      .step('create')
      .stack('CREATE_IN_PROGRESS')
      .resource('Vpc', 'CREATE_COMPLETE', { physicalId: AUTHORIZATION_KEY.peerVpcId });
    life
      .atTime(SECOND)
      .authorize()
      .atTime(2 * SECOND)
      .stack('CREATE_COMPLETE');
    life
      .atTime(SECOND + 12 * HOUR)
      .step('delete')
      .stack('DELETE_IN_PROGRESS')
      .authorize()
      .atTime(DAY)
      .authorizationChange('canceled');
    expect(resultsOf(life.stack('DELETE_COMPLETE'))).toEqual([
      [0, 'CREATE_COMPLETE', 'no authorization before, authorized after 1 s'],
      [1, 'DELETE_COMPLETE', 'valid for another 12 h, authorized at once, then canceled'],
    ]);
  });

  test('include a step in which CloudFormation did nothing', () => {
    const life = new LifeBuilder()
      .step('create')
      .stack('CREATE_IN_PROGRESS')
      .atTime(SECOND)
      .stack('CREATE_COMPLETE')
      .step('again');
    expect(resultsOf(life)).toEqual([
      [0, 'CREATE_COMPLETE', ''],
      [1, undefined, ''],
    ]);
  });

  test('do not count a rollback as complete, and show the first failure as its reason', () => {
    const life = new LifeBuilder().stack('UPDATE_IN_PROGRESS').resource('One', 'UPDATE_FAILED', { reason: 'broken' });
    life
      .resource('Two', 'UPDATE_FAILED', { reason: 'cancelled' })
      .stack('UPDATE_ROLLBACK_IN_PROGRESS', { reason: 'The following…' });
    const { results } = layoutOf(life.atTime(SECOND).stack('UPDATE_ROLLBACK_COMPLETE').build());
    expect(results).toMatchObject([
      { stepIndex: undefined, operation: { status: 'UPDATE_ROLLBACK_COMPLETE', isComplete: false, reason: 'One: broken' } },
    ]);
  });
});

test('a step begins when its first stack begins, even if the journal announces the step much earlier', () => {
  const life = new LifeBuilder()
    .step('create')
    .atTime(DAY)
    .stack('CREATE_IN_PROGRESS')
    .atTime(DAY + SECOND)
    .stack('CREATE_COMPLETE');
  expect(layoutOf(life.build()).steps).toEqual([{ name: 'create', from: START + DAY }]);
});

describe('a call belongs', () => {
  const createdStack = () =>
    new LifeBuilder()
      .stack('CREATE_IN_PROGRESS')
      .resource('HandlerRole', 'CREATE_COMPLETE', { physicalId: ROLE_NAME })
      .stack('CREATE_COMPLETE');

  test('to the stack that is in progress', () => {
    const life = createdStack().stack('CREATE_IN_PROGRESS', { stack: 'Other' }).handlerCall('TagResource', 'succeeded');
    expect(groupsOfCalls(layoutOf(life.build()))).toEqual(['Other']);
  });

  test('to the stack that created the caller, if no stack is in progress', () => {
    expect(groupsOfCalls(layoutOf(createdStack().handlerCall('TagResource', 'succeeded').build()))).toEqual(['Stack']);
  });

  test('to the stack of its resource, if several stacks are in progress and none of them created the caller', () => {
    const life = createdStack()
      .stack('UPDATE_IN_PROGRESS', { stack: 'Other' })
      .stack('UPDATE_IN_PROGRESS')
      .call('TagResource', 'succeeded', [ROLE_NAME]);
    expect(groupsOfCalls(layoutOf(life.build()))).toEqual(['Stack']);
  });

  test('to no stack, if no stack is in progress and none created the caller', () => {
    expect(groupsOfCalls(layoutOf(new LifeBuilder().call('TagResource', 'succeeded').build()))).toEqual(['Outside of stacks']);
  });
});

test('a stack whose calls name a VPC shows its authorization, even if another stack created the VPC', () => {
  const life = new LifeBuilder()
    .stack('CREATE_IN_PROGRESS')
    .authorize()
    .call('CreateVpcPeeringConnection', 'succeeded', [AUTHORIZATION_KEY.peerVpcId]);
  const { groups } = layoutOf(life.stack('CREATE_COMPLETE').build());
  expect(groups.map(({ name, authorizations }) => [name, authorizations.length])).toEqual([['Stack', 1]]);
});

test('the second physical resource with the same logical id is shown with a number', () => {
  const life = new LifeBuilder()
    .resource('Fleet', 'CREATE_COMPLETE', { physicalId: 'fleet-1234-a' })
    .resource('Fleet', 'UPDATE_COMPLETE', { physicalId: 'fleet-1234-b' });
  life.call('DeleteFleet', 'succeeded', ['fleet-1234-b']);
  const texts = layoutOf(life.build()).groups.flatMap(({ lanes }) =>
    lanes.flatMap(({ events }) => events.map(({ text }) => text)),
  );
  expect(texts).toContain('Stack/Fleet (2): called by administrator');
});
