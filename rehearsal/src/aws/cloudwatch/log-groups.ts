import { arnOf } from '../partitions';
import type { AccountAndRegion } from '../service';

interface LogGroup extends AccountAndRegion {
  readonly name: string;
}

/** The log groups of every account and Region. Their log events are in the journal. */
export class LogGroups {
  private readonly byArn = new Map<string, LogGroup>();

  /** @returns the ARN that `Fn::GetAtt` returns */
  create({ account, region }: AccountAndRegion, name: string): string {
    const arn = arnOfGroup({ account, region }, name);
    this.byArn.set(arn, { name, account, region });
    return arn;
  }

  has(place: AccountAndRegion, name: string): boolean {
    return this.byArn.has(arnOfGroup(place, name));
  }

  delete(place: AccountAndRegion, name: string): void {
    this.byArn.delete(arnOfGroup(place, name));
  }

  list(): LogGroup[] {
    return [...this.byArn.values()];
  }
}

const arnOfGroup = (place: AccountAndRegion, name: string): string => arnOf(place, 'logs', `log-group:${name}:*`);
