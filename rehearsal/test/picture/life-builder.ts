import type { AuthorizationChange, AuthorizationKey } from '../../src/aws/gamelift/authorizations';
import { Journal } from '../../src/journal';
import type { PicturedLife } from '../../src/picture';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const START = Date.UTC(2026, 0, 1);

export const AUTHORIZATION_KEY: AuthorizationKey = {
  peerVpcAccount: '111111111111',
  peerVpcId: 'vpc-0123456789abcdef0',
  gameLiftAccount: '222222222222',
  region: 'us-east-1',
};
export const FLEET_ID = 'fleet-12345678-1234-1234-1234-123456789012';
export const ROLE_NAME = 'Stack-HandlerRole-0123456789AB';
export const FUNCTION_NAME = 'Stack-Handler-0123456789AB';
/** Runs scripts in a page that does not escape it. */
export const HOSTILE_TEXT = `</script><script>alert("1")</script><img src='x' onerror=alert(2)>&amp;`;

const HANDLER_ARN = `arn:aws:sts::111111111111:assumed-role/${ROLE_NAME}/${FUNCTION_NAME}`;
const ADMINISTRATOR_ARN = 'arn:aws:iam::111111111111:user/administrator';

/** Builds a life for tests, event by event. */
export class LifeBuilder {
  readonly journal = new Journal(() => this.time);
  private readonly authorizations: AuthorizationChange[] = [];
  private time = START;

  /** Sets the time of the next events, since the start of the life. */
  atTime(milliseconds: number): this {
    this.time = START + milliseconds;
    return this;
  }

  step(name: string): this {
    this.journal.write('rehearsal', name, '');
    return this;
  }

  stack(status: string, { stack = 'Stack', reason }: { readonly stack?: string; readonly reason?: string } = {}): this {
    const detail = { kind: 'stack', stack, status, reason } as const;
    this.journal.write('cloudformation', stack, `${status} AWS::CloudFormation::Stack`, detail);
    return this;
  }

  resource(
    logicalId: string,
    status: string,
    { physicalId, reason }: { readonly physicalId?: string; readonly reason?: string } = {},
  ): this {
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

  call(operation: string, outcome: string, ids: readonly string[] = [], callerArn = ADMINISTRATOR_ARN): this {
    this.journal.write('gamelift', operation, outcome, { kind: 'call', outcome, callerArn, ids });
    return this;
  }

  handlerCall(operation: string, outcome: string, ids: readonly string[] = []): this {
    return this.call(operation, outcome, ids, HANDLER_ARN);
  }

  run(kind: 'run started' | 'run ended', requestId = 'request'): this {
    this.journal.write('lambda', FUNCTION_NAME, kind, { kind, requestId });
    return this;
  }

  authorize(): this {
    this.authorizations.push({ ...AUTHORIZATION_KEY, kind: 'authorized', time: this.time, expirationTime: this.time + DAY });
    return this;
  }

  /** Records a use of the authorization, a use that consumes it, its cancellation, or an operation that found no valid authorization. */
  authorizationChange(kind: 'used' | 'consumed' | 'canceled' | 'missing'): this {
    this.authorizations.push({ ...AUTHORIZATION_KEY, kind, time: this.time });
    return this;
  }

  /** Returns the life until the current time. */
  build(title = 'sample'): PicturedLife {
    return { title, start: START, end: this.time, entries: this.journal.entries, authorizations: this.authorizations };
  }
}

/** The life of a stack whose deletion fails after thirty days, because there is no authorization. */
export function lifeWithFailedDeletion(title = 'sample'): PicturedLife {
  const life = new LifeBuilder();
  life.step('create').stack('CREATE_IN_PROGRESS').resource('Vpc', 'CREATE_IN_PROGRESS');
  life.atTime(SECOND).resource('Vpc', 'CREATE_COMPLETE', { physicalId: AUTHORIZATION_KEY.peerVpcId });
  life
    .atTime(2 * SECOND)
    .resource('HandlerRole', 'CREATE_COMPLETE', { physicalId: ROLE_NAME })
    .resource('Handler', 'CREATE_COMPLETE', { physicalId: FUNCTION_NAME });
  life
    .atTime(4 * SECOND)
    .run('run started')
    .handlerCall('CreateVpcPeeringAuthorization', 'ThrottlingException', [AUTHORIZATION_KEY.peerVpcId]);
  life
    .atTime(14 * SECOND)
    .authorize()
    .handlerCall('CreateVpcPeeringAuthorization', 'succeeded', [AUTHORIZATION_KEY.peerVpcId])
    .run('run ended');
  for (let minute = 1; minute <= 20; minute += 1) {
    life.atTime(minute * MINUTE).call('DescribeFleetAttributes', 'succeeded', [FLEET_ID]);
  }
  life
    .atTime(20 * MINUTE)
    .authorizationChange('used')
    .resource('Fleet', 'CREATE_COMPLETE', { physicalId: FLEET_ID })
    .stack('CREATE_COMPLETE');
  life
    .atTime(30 * DAY)
    .step('delete')
    .stack('DELETE_IN_PROGRESS')
    .resource('Fleet', 'DELETE_IN_PROGRESS', { physicalId: FLEET_ID });
  life
    .atTime(30 * DAY + 2 * SECOND)
    .authorizationChange('missing')
    .call('DeleteFleet', 'UnauthorizedException', [FLEET_ID]);
  life.atTime(30 * DAY + 3 * SECOND).resource('Fleet', 'DELETE_FAILED', {
    physicalId: FLEET_ID,
    reason: `no authorization for ${AUTHORIZATION_KEY.peerVpcId} ${HOSTILE_TEXT}`,
  });
  life.atTime(30 * DAY + 4 * SECOND).stack('DELETE_FAILED', { reason: 'The following resource(s) failed to delete: [Fleet].' });
  return life.atTime(32 * DAY).build(title);
}
