import type { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { MAX_RENEWAL_INTERVAL_SECONDS, MIN_RENEWAL_INTERVAL_SECONDS } from './contract';
import type { RenewalConfig } from './private/scheduled-renewals';

/**
 * Options of a renewal on a schedule.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export interface ScheduledRenewalOptions {
  /**
   * The actions of the alarm that goes off when a renewal and its retries have failed.
   *
   * @default - nothing: the alarm only changes its state
   */
  readonly alarmActions?: cloudwatch.IAlarmAction[];
}

/**
 * When an authorization is renewed.
 *
 * GameLift's authorization is valid for 24 hours. Creating or deleting a peering connection, and deleting a peered fleet, require
 * a valid authorization.
 *
 * @see https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_CreateVpcPeeringAuthorization.html
 */
export class AuthorizationRenewal {
  /**
   * Renews the authorization in each deployment that changes one of its properties, or a fleet or connection that needs it.
   *
   * Every synthesis produces the same template, so `cdk diff` stays empty if nothing has changed.
   */
  static onChange(): AuthorizationRenewal {
    return new AuthorizationRenewal(() => ({}));
  }

  /**
   * Renews the authorization in each deployment of a newly synthesized template.
   *
   * The time of the synthesis becomes a property of the authorization, so each synthesis produces a different template. Deploying
   * the same cloud assembly to a stack again renews nothing. So if a pipeline deploys an assembly a second time after more than a day,
   * the authorization may have expired.
   */
  static everySynthesis(): AuthorizationRenewal {
    return new AuthorizationRenewal(() => ({ value: new Date().toISOString() }));
  }

  /**
   * Renews the authorization on a schedule with EventBridge Scheduler, in addition to `onChange()`, so that it is always valid.
   *
   * Use it for an authorization that another account needs, because that account can deploy at any time. Lambda retries a failed
   * run twice, after one and two minutes. If all attempts fail, a message goes to a queue, which keeps it for 14 days, and an
   * alarm goes off. At each run, the authorization is still valid for at least one hour.
   *
   * @param every the interval, in whole minutes: from 10 minutes to 22 hours
   * @param options the actions of the alarm on failed renewals
   * @throws Error if the interval is out of range, is not in whole minutes, or is a token
   * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
   */
  static scheduled(every: Duration, options: ScheduledRenewalOptions = {}): AuthorizationRenewal {
    validateInterval(every);
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

function validateInterval(every: Duration): void {
  if (every.isUnresolved()) {
    throw new Error('the renewal interval must be known at synthesis, got a token: pass a Duration of minutes or hours');
  }
  const seconds = every.toSeconds({ integral: false });
  if (seconds % 60 !== 0 || seconds < MIN_RENEWAL_INTERVAL_SECONDS || seconds > MAX_RENEWAL_INTERVAL_SECONDS) {
    throw new Error(
      `the renewal interval must be ${MIN_RENEWAL_INTERVAL_SECONDS / 60} minutes to ${MAX_RENEWAL_INTERVAL_SECONDS / 3600} hours, in whole minutes, ` +
        `got ${every.toHumanString()}`,
    );
  }
}
