import type { Stack } from 'aws-cdk-lib';
import type { aws_gamelift } from 'aws-cdk-lib/interfaces';

/** A VPC, and the fleets to connect with it. */
export interface Network {
  readonly vpcId: string;
  readonly fleets: readonly aws_gamelift.IFleetRef[];
}

/** A way to write a stack that connects fleets: with this library, or with an alternative. */
export interface Way {
  readonly name: string;
  /** The resource type of the custom resources that request the connections. */
  readonly connectionType: string;
  readonly connect: (stack: Stack, networks: readonly Network[]) => void;
}
