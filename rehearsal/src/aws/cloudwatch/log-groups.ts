import { arnOf } from '../partitions';
import type { Place } from '../service';

interface LogGroup extends Place {
  readonly name: string;
}

/** The log groups of every account and Region. Their log events are in the journal. */
export class LogGroups {
  private readonly byArn = new Map<string, LogGroup>();

  /** @returns the ARN that `Fn::GetAtt` returns */
  create({ account, region }: Place, name: string): string {
    const arn = arnOfGroup({ account, region }, name);
    this.byArn.set(arn, { name, account, region });
    return arn;
  }

  has(place: Place, name: string): boolean {
    return this.byArn.has(arnOfGroup(place, name));
  }

  delete(place: Place, name: string): void {
    this.byArn.delete(arnOfGroup(place, name));
  }

  list(): LogGroup[] {
    return [...this.byArn.values()];
  }
}

const arnOfGroup = (place: Place, name: string): string => arnOf(place, 'logs', `log-group:${name}:*`);
