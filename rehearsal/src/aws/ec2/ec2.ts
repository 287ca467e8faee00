import type { History } from '../../time/history';
import { QueryService } from '../wire/query';
import { EC2_DIALECT } from '../wire/query-dialects';
import { Network } from './network';
import { networkOperations } from './network-operations';
import { peeringOperations } from './peering-operations';
import { securityGroupOperations } from './security-group-operations';
import { tagOperations } from './tag-operations';

export type { Route, RouteTable, SecurityGroup, Subnet, Vpc } from './network';
export type { Peering } from './peerings';
export type { Rule } from './security-group-rules';

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The networks of every account and Region, and the EC2 API. Callers see only the resources of their own account. */
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
