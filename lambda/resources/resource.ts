import type { Authorizer } from '../authorization/authorizer';
import { createAuthorizer } from '../authorization/create-authorizer';
import type { AwsApi } from '../aws/api';
import { Calls } from '../aws/calls';
import type { PeerRole } from '../aws/sts';
import type { PhysicalId } from '../cloudformation/physical-id';
import type { Requester } from '../cloudformation/request';
import type { Put } from '../cloudformation/response';
import type { Log } from '../log';
import type { Time } from '../time';
import type { Pair } from '../model/pair';

/** The handler's external dependencies, which tests replace. */
export interface Dependencies {
  /** Makes calls to AWS with the function's own role. */
  readonly api: AwsApi;
  /** Returns an API that makes calls with a role of another account. */
  readonly assume: (role: PeerRole, sessionName: string) => AwsApi;
  readonly put: Put;
  readonly time: Time;
  readonly log: Log;
  readonly region: string;
}

/** A custom resource, with the properties of one request. */
export interface Resource {
  readonly physicalId: PhysicalId;
  /** Returns the attributes of the resource. */
  create(): Promise<object>;
  /** Returns the attributes of the resource. */
  update(): Promise<object>;
  delete(): Promise<void>;
}

/** What the code of a resource needs for one request. */
export class RequestContext {
  readonly calls: Calls;
  /** The APIs of assumed roles, by role and external id. All calls of a request with the same role share one session. */
  private readonly assumedRoles = new Map<string, AwsApi>();

  constructor(
    private readonly requester: Requester,
    readonly dependencies: Dependencies,
    signal: AbortSignal,
  ) {
    this.calls = new Calls(dependencies.time, dependencies.log, signal);
  }

  /** Returns an API that makes calls in the account of the VPC; undefined if the handler has no access to that account. */
  vpcApiFor({ peerRole, peerVpcAccount }: Pair): AwsApi | undefined {
    const { api: ownApi, assume } = this.dependencies;
    const { stackId, logicalResourceId } = this.requester;
    if (peerRole !== undefined) {
      // the session name shows in the other account's CloudTrail which stack and resource acted. It has at most 64 characters
      const [, stackName = ''] = stackId.split('/');
      const key = JSON.stringify([peerRole.arn, peerRole.externalId]);
      const api = this.assumedRoles.get(key) ?? assume(peerRole, `${stackName.slice(0, 31)}.${logicalResourceId.slice(0, 32)}`);
      this.assumedRoles.set(key, api);
      return api;
    }
    return peerVpcAccount === this.ownAccount ? ownApi : undefined;
  }

  /**
   * Creates the authorizer of a pair.
   *
   * @param minimumValidityMilliseconds an authorization that is valid for a shorter time is replaced. Default: 12 hours
   */
  authorizerFor(pair: Pair, minimumValidityMilliseconds?: number): Authorizer {
    const { calls, ownAccount } = this;
    const { api, log, region } = this.dependencies;
    const { stackId } = this.requester;
    const vpcApi = this.vpcApiFor(pair);
    return createAuthorizer({ pair, ownAccount, stackId, region, api, vpcApi, calls, log, minimumValidityMilliseconds });
  }

  /** The account of the stack, and of the function. */
  private get ownAccount(): string | undefined {
    return this.requester.stackId.split(':')[4];
  }
}
