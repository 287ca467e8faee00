import type { AuthorizationChange, AuthorizationKey } from '../../src/aws/gamelift/authorizations';
import { Journal } from '../../src/journal';
import type { PicturedLife } from '../../src/picture';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const START = Date.UTC(2026, 0, 1);

export const KEY: AuthorizationKey = {
  peerVpcAccount: '111111111111',
  peerVpcId: 'vpc-0123456789abcdef0',
  gameLiftAccount: '222222222222',
  region: 'us-east-1',
};
export const FLEET = 'fleet-12345678-1234-1234-1234-123456789012';
export const ROLE = 'Stack-HandlerRole-0123456789AB';
export const FUNCTION = 'Stack-Handler-0123456789AB';
export const HOSTILE = `</script><script>alert("1")</script><img src='x' onerror=alert(2)>&amp;`;

const HANDLER = `arn:aws:sts::111111111111:assumed-role/${ROLE}/${FUNCTION}`;
const ADMINISTRATOR = 'arn:aws:iam::111111111111:user/administrator';

/** Builds a life for tests, event by event. */
export class Sample {
  readonly journal = new Journal(() => this.time);
  private readonly authorizations: AuthorizationChange[] = [];
  private time = START;

  /** Sets the time of the next events, since the start of the life. */
  at(milliseconds: number): this {
    this.time = START + milliseconds;
    return this;
  }

  step(name: string): this {
    this.journal.write('rehearsal', name, '');
    return this;
  }

  stack(status: string, reason?: string, stack = 'Stack'): this {
    const detail = { kind: 'stack', stack, status, reason } as const;
    this.journal.write('cloudformation', stack, `${status} AWS::CloudFormation::Stack`, detail);
    return this;
  }

  resource(logicalId: string, status: string, physicalId?: string, reason?: string): this {
    const detail = {
      kind: 'resource',
      stack: 'Stack',
      logicalId,
      resourceType: 'AWS::Some::Type',
      physicalId,
      status,
      reason,
    } as const;
    this.journal.write('cloudformation', `Stack/${logicalId}`, `${status} AWS::Some::Type`, detail);
    return this;
  }

  call(operation: string, outcome: string, ids: readonly string[] = [], callerArn = ADMINISTRATOR): this {
    this.journal.write('gamelift', operation, outcome, { kind: 'call', outcome, callerArn, ids });
    return this;
  }

  handlerCall(operation: string, outcome: string, ids: readonly string[] = []): this {
    return this.call(operation, outcome, ids, HANDLER);
  }

  run(kind: 'run started' | 'run ended', requestId = 'request'): this {
    this.journal.write('lambda', FUNCTION, kind, { kind, requestId });
    return this;
  }

  authorize(): this {
    this.authorizations.push({ ...KEY, kind: 'authorized', time: this.time, expirationTime: this.time + DAY });
    return this;
  }

  authorization(kind: 'used' | 'used up' | 'canceled' | 'missing'): this {
    this.authorizations.push({ ...KEY, kind, time: this.time });
    return this;
  }

  /** The life until the current time. */
  life(title = 'sample'): PicturedLife {
    return { title, start: START, end: this.time, entries: this.journal.entries, authorizations: this.authorizations };
  }
}

/** A stack whose deletion fails after thirty days, because there is no authorization. */
export function failedDeletion(title = 'sample'): PicturedLife {
  const sample = new Sample();
  sample.step('create').stack('CREATE_IN_PROGRESS').resource('Vpc', 'CREATE_IN_PROGRESS');
  sample.at(SECOND).resource('Vpc', 'CREATE_COMPLETE', KEY.peerVpcId);
  sample
    .at(2 * SECOND)
    .resource('HandlerRole', 'CREATE_COMPLETE', ROLE)
    .resource('Handler', 'CREATE_COMPLETE', FUNCTION);
  sample
    .at(4 * SECOND)
    .run('run started')
    .handlerCall('CreateVpcPeeringAuthorization', 'ThrottlingException', [KEY.peerVpcId]);
  sample
    .at(14 * SECOND)
    .authorize()
    .handlerCall('CreateVpcPeeringAuthorization', 'succeeded', [KEY.peerVpcId])
    .run('run ended');
  for (let minute = 1; minute <= 20; minute += 1) {
    sample.at(minute * MINUTE).call('DescribeFleetAttributes', 'succeeded', [FLEET]);
  }
  sample
    .at(20 * MINUTE)
    .authorization('used')
    .resource('Fleet', 'CREATE_COMPLETE', FLEET)
    .stack('CREATE_COMPLETE');
  sample
    .at(30 * DAY)
    .step('delete')
    .stack('DELETE_IN_PROGRESS')
    .resource('Fleet', 'DELETE_IN_PROGRESS', FLEET);
  sample
    .at(30 * DAY + 2 * SECOND)
    .authorization('missing')
    .call('DeleteFleet', 'UnauthorizedException', [FLEET]);
  sample.at(30 * DAY + 3 * SECOND).resource('Fleet', 'DELETE_FAILED', FLEET, `no authorization for ${KEY.peerVpcId} ${HOSTILE}`);
  sample.at(30 * DAY + 4 * SECOND).stack('DELETE_FAILED', 'The following resource(s) failed to delete: [Fleet].');
  return sample.at(32 * DAY).life(title);
}
