import type { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { MAX_RENEWAL_SECONDS, MIN_RENEWAL_SECONDS } from './contract';
import type { RenewalConfig } from './scheduled-renewals';

/**
 * How an authorization is renewed on a schedule.
 */
export interface ScheduledRenewalOptions {
  /**
   * What the alarm does when a renewal has failed for good.
   *
   * @default - nothing: the alarm only changes its state
   */
  readonly alarmActions?: cloudwatch.IAlarmAction[];
}

/**
 * When a deployment authorizes again.
 *
 * GameLift's authorization is valid for 24 hours. Creating or deleting a peering connection, and deleting a peered fleet,
 * need a valid one.
 */
export class AuthorizationRenewal {
  /**
   * Authorize again when a property of the authorization changes, or what relies on it.
   *
   * A deployment that changes nothing stays empty, and the template is the same with every synthesis.
   */
  static onChange(): AuthorizationRenewal {
    return new AuthorizationRenewal(() => ({}));
  }

  /**
   * Authorize again with every deployment of a newly synthesized template.
   *
   * The moment of the synthesis becomes a property, so that each synthesis makes a different template. Deploying the same
   * cloud assembly again renews nothing: a pipeline that synthesizes once and waits for an approval for longer than a
   * day deploys with the authorization that it had.
   */
  static everySynthesis(): AuthorizationRenewal {
    return new AuthorizationRenewal(() => ({ value: new Date().toISOString() }));
  }

  /**
   * Authorize again with EventBridge Scheduler, besides what `onChange()` does, so that an authorization is valid at any time.
   *
   * For an authorization that another account relies on, which deploys when it likes. A run that fails is tried again after
   * one and two minutes; one that fails for good leaves a message in a queue, for 14 days, and sets off an alarm. From one run
   * to the next an authorization has at least an hour left.
   *
   * @param every whole minutes, from 10 minutes to 22 hours: an authorization is valid for 24, and retries need some of them
   * @throws Error if the duration is out of bounds, or not of whole minutes
   * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
   */
  static scheduled(every: Duration, options: ScheduledRenewalOptions = {}): AuthorizationRenewal {
    requireRenewable(every);
    return new AuthorizationRenewal(() => ({ every, alarmActions: options.alarmActions ?? [] }));
  }

  private constructor(private readonly configure: () => RenewalConfig) {}

  /**
   * @internal
   */
  _bind(): RenewalConfig {
    return this.configure();
  }
}

function requireRenewable(every: Duration): void {
  if (every.isUnresolved()) {
    throw new Error(
      'an authorization is renewed every so often as is known at synthesis, got a token: pass a Duration of minutes or hours',
    );
  }
  const seconds = every.toSeconds({ integral: false });
  if (seconds % 60 !== 0 || seconds < MIN_RENEWAL_SECONDS || seconds > MAX_RENEWAL_SECONDS) {
    throw new Error(
      `an authorization is renewed every ${MIN_RENEWAL_SECONDS / 60} minutes to ${MAX_RENEWAL_SECONDS / 3600} hours, ` +
        `in whole minutes, got ${every.toHumanString()}`,
    );
  }
}
