import { EC2_DIALECT } from './dialects';
import { securityGroupOperations } from './ec2-groups';
import { networkOperations } from './ec2-network';
import { peeringOperations } from './ec2-peerings';
import { tagOperations } from './ec2-tags';
import type { History } from './history';
import { Network } from './network';
import { QueryService } from './query';

export type { Route, RouteTable, Rule, SecurityGroup, Subnet, Vpc } from './network';

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The networks of every account and Region, and EC2's API to them: each caller sees what is its account's. */
export class Ec2 extends Network {
  readonly service: QueryService;

  constructor(history: History) {
    super(history);
    this.service = new QueryService('ec2', NAMESPACE, EC2_DIALECT, {
      ...networkOperations(this),
      ...peeringOperations(this),
      ...securityGroupOperations(this),
      ...tagOperations(this),
    });
  }
}
