import { LambdaService } from '../lambda/service/lambda-service';
import { lambdaOptions } from '..';
import { InProcessEnvironment, type MadeCall, type EnvironmentOptions, type CallControl } from './environment';
import type { HandlerLogRecord } from './handler';
import type { Faults, EventPoint } from './handler-faults';

export type { MadeCall } from './environment';

/** Simulated Lambda whose functions all run the same handler, in this process. */
export class InProcessFunctions extends LambdaService implements CallControl {
  readonly calls: MadeCall[] = [];
  readonly secrets: string[] = [];
  readonly logged: HandlerLogRecord[] = [];
  faults: Faults = {};
  puts = 0;
  events = 0;
  /** Called with the body of each attempt to send a response to CloudFormation. */
  onResponse: (body: string) => void = () => undefined;
  private readonly points = new Map<string, EventPoint>();

  constructor(private readonly world: EnvironmentOptions) {
    super({
      ...lambdaOptions(world),
      startEnvironment: (settings) => Promise.resolve(new InProcessEnvironment(world, this, settings)),
    });
  }

  override invokeAsync(arn: string, payload: unknown): void {
    const { clock } = this.world;
    const { RequestType = 'Renewal', LogicalResourceId = '' } = payload as Readonly<Record<string, string | undefined>>;
    const point = { index: this.events, request: `${RequestType} ${LogicalResourceId}` };
    this.points.set(JSON.stringify(payload), point);
    super.invokeAsync(arn, payload);
    this.events += 1;
    for (const seconds of this.faults.copies?.(point) ?? []) {
      clock.callAfter(seconds * 1000, () => {
        if (this.has(arn)) {
          super.invokeAsync(arn, payload);
        }
      });
    }
  }

  pointOf(payload: string): EventPoint {
    const point = this.points.get(payload);
    if (point === undefined) {
      throw new Error(`the function was not invoked with ${payload}`);
    }
    return point;
  }
}
