import { withFirstFailure } from '../src/cli/first-failure';
import type { Entry } from '../src/journal';
import { formatEntry, formatList, formatStep, withoutIds } from '../src/report';

const UUID = 'd1f89201-9810-505e-1f72-04c82abe9ce4';
const STACK_ARN = `arn:aws:cloudformation:us-east-1:111111111111:stack/Game-Stack/${UUID}`;

describe('withoutIds', () => {
  test.each([
    [`START RequestId: ${UUID}`, 'START'],
    [`END RequestId: ${UUID} Duration: 1 ms`, 'END Duration: 1 ms'],
    [`There is no authorization. (RequestId: ${UUID})`, 'There is no authorization.'],
    [`response to request ${UUID} accepted`, 'response accepted'],
    [
      `Embedded stack ${STACK_ARN} failed`,
      'Embedded stack arn:aws:cloudformation:us-east-1:111111111111:stack/Game-Stack failed',
    ],
    [`{ message: 'done', requestId: '${UUID}', libraryVersion: '1' }`, "{ message: 'done', libraryVersion: '1' }"],
    [`{"Status":"SUCCESS","RequestId":"${UUID}","NoEcho":false}`, '{"Status":"SUCCESS","NoEcho":false}'],
    [String.raw`"{\"Type\":\"Create\",\"RequestId\":\"${UUID}\"}"`, String.raw`"{\"Type\":\"Create\"}"`],
    [`fleet-${UUID} ACTIVE`, 'fleet-d1f89201 ACTIVE'],
    ['vpc-ef9de29795b18aee3 in stack/Game', 'vpc-ef9de29795b18aee3 in stack/Game'],
  ])('removes or shortens the ids in: %s', (text, expected) => {
    expect(withoutIds(text)).toBe(expected);
  });
});

describe('a line of the report', () => {
  const entry = (subject: string, message: string, source: Entry['source'] = 'lambda'): Entry => ({
    // 1 day, 1 hour, 1 minute and 1 second
    time: 90_061_000,
    source,
    subject,
    message,
  });

  test('for an event has its time, source, subject and message, even if the message has several lines', () => {
    expect(formatEntry(entry('handler', `{\n  message: 'done',\n  requestId: '${UUID}',\n  attempt: 1\n}`), 0)).toBe(
      "day 1 01:01:01  lambda          handler  { message: 'done', attempt: 1 }",
    );
  });

  test('for the start of a step is in capitals, with an empty line before it', () => {
    const start = 90_000_000;
    expect(formatEntry(entry('create', '', 'rehearsal'), start)).toBe('\nday 0 00:01:01  CREATE');
  });

  test.each([
    ['A CREATE_COMPLETE', { stacks: [{ name: 'A', status: 'CREATE_COMPLETE' }] }],
    [
      'A CREATE_COMPLETE, B ROLLBACK_COMPLETE',
      {
        stacks: [
          { name: 'A', status: 'CREATE_COMPLETE' },
          { name: 'B', status: 'ROLLBACK_COMPLETE' },
        ],
      },
    ],
    ['refused', { stacks: [], refused: 'Template format error' }],
    ['no stack', { stacks: [] }],
  ])('for a step ends with its outcome: %s', (expected, outcome) => {
    expect(formatStep({ name: 'create', elapsedMilliseconds: 61_000, ...outcome })).toBe(`day 0 00:01:01  create: ${expected}`);
  });

  test('for a list says “nothing” if the list is empty, and is followed by one line for each item otherwise', () => {
    expect(formatList('left behind', [])).toBe('left behind: nothing');
    expect(formatList('left behind', ['one', 'two'])).toBe('left behind:\n- one\n- two');
  });
});

describe('the reason in the result of a stack', () => {
  const STACK_TYPE = 'AWS::CloudFormation::Stack';
  const stackReason = 'The following resource(s) failed to create: [Group, Inner].';
  const events = (...texts: readonly (readonly [subject: string, message: string])[]): Entry[] =>
    texts.map(([subject, message]) => ({ time: 0, source: 'cloudformation', subject, message }));
  const failedStack = { name: 'Stack', status: 'ROLLBACK_COMPLETE', reason: stackReason };

  test('comes from the first failed resource, also in a nested stack', () => {
    const entries = events(
      ['Stack', `CREATE_IN_PROGRESS ${STACK_TYPE}`],
      ['Stack-Inner-1/Group', `CREATE_FAILED AWS::EC2::SecurityGroup: no\n  such VPC (RequestId: ${UUID})`],
      ['Stack-Inner-1', `ROLLBACK_IN_PROGRESS ${STACK_TYPE}: The following resource(s) failed to create: [Group].`],
      ['Stack/Inner', `CREATE_FAILED ${STACK_TYPE}: Embedded stack ${STACK_ARN} was not successfully created`],
      ['Stack', `ROLLBACK_COMPLETE ${STACK_TYPE}: ${stackReason}`],
    );
    expect(withFirstFailure(failedStack, entries)).toEqual({
      ...failedStack,
      reason: 'Stack-Inner-1/Group (AWS::EC2::SecurityGroup) CREATE_FAILED: no such VPC',
    });
  });

  test('is not taken from an earlier operation or from another service', () => {
    const entries: Entry[] = [
      ...events(
        ['Stack', `UPDATE_IN_PROGRESS ${STACK_TYPE}`],
        ['Stack/Old', 'UPDATE_FAILED Custom::Thing: earlier'],
        ['Other', `CREATE_IN_PROGRESS ${STACK_TYPE}`],
        ['Other/Thing', 'CREATE_FAILED Custom::Thing: other'],
        ['Stack', `DELETE_IN_PROGRESS ${STACK_TYPE}`],
      ),
      { time: 0, source: 'lambda', subject: 'handler', message: 'DELETE_FAILED Custom::Thing: logged' },
      ...events(['Stack/New', 'DELETE_FAILED Custom::Thing: now']),
    ];
    expect(withFirstFailure({ ...failedStack, status: 'DELETE_FAILED' }, entries).reason).toBe(
      'Stack/New (Custom::Thing) DELETE_FAILED: now',
    );
  });

  test('comes from the event that starts the rollback of the stack, if no resource failed', () => {
    const entries = events(
      ['Stack', `UPDATE_IN_PROGRESS ${STACK_TYPE}`],
      ['Stack', `UPDATE_ROLLBACK_IN_PROGRESS ${STACK_TYPE}: Export a cannot be updated as it is in use by B`],
    );
    expect(withFirstFailure({ ...failedStack, status: 'UPDATE_ROLLBACK_COMPLETE' }, entries).reason).toBe(
      'Stack (AWS::CloudFormation::Stack) UPDATE_ROLLBACK_IN_PROGRESS: Export a cannot be updated as it is in use by B',
    );
  });

  test.each([
    ['the journal is empty', failedStack, []],
    [
      'the stack is complete',
      { name: 'Stack', status: 'UPDATE_COMPLETE' },
      events(['Stack', `UPDATE_IN_PROGRESS ${STACK_TYPE}`], ['Stack/Old', 'DELETE_FAILED Custom::Thing: skipped']),
    ],
  ])('stays the same if %s', (_, result, entries) => {
    expect(withFirstFailure(result, entries)).toEqual(result);
  });
});
