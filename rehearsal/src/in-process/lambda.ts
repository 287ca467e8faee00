import { LambdaService } from '../lambda/service/lambda-service';
import { lambdaOptions } from '..';
import { InProcessEnvironment, type RecordedCall, type EnvironmentOptions, type CallControl } from './environment';
import type { HandlerLogRecord } from './handler';
import type { Faults, InvocationPoint } from './handler-faults';

export type { RecordedCall } from './environment';

/** A simulated Lambda that runs the same handler in this process for every function. */
export class InProcessLambda extends LambdaService implements CallControl {
  readonly calls: RecordedCall[] = [];
  readonly secrets: string[] = [];
  readonly logRecords: HandlerLogRecord[] = [];
  faults: Faults = {};
  putCount = 0;
  eventCount = 0;
  /** Called for each attempt to send a response to CloudFormation. */
  onResponse: (body: string) => void = () => undefined;
  /** The invocation point of each payload. */
  private readonly invocationPoints = new Map<string, InvocationPoint>();

  constructor(private readonly environmentOptions: EnvironmentOptions) {
    super({
      ...lambdaOptions(environmentOptions),
      startEnvironment: (settings) => Promise.resolve(new InProcessEnvironment(environmentOptions, this, settings)),
    });
  }

  override invokeAsync(arn: string, payload: unknown): void {
    const { clock } = this.environmentOptions;
    // the event of a scheduled renewal has no request type
    const { RequestType = 'Renewal', LogicalResourceId = '' } = payload as Readonly<Record<string, string | undefined>>;
    const point = { index: this.eventCount, request: `${RequestType} ${LogicalResourceId}` };
    this.invocationPoints.set(JSON.stringify(payload), point);
    super.invokeAsync(arn, payload);
    this.eventCount += 1;
    for (const seconds of this.faults.copyDelays?.(point) ?? []) {
      clock.callAfter(seconds * 1000, () => {
        if (this.has(arn)) {
          super.invokeAsync(arn, payload);
        }
      });
    }
  }

  invocationPointOf(payload: string): InvocationPoint {
    const point = this.invocationPoints.get(payload);
    if (point === undefined) {
      throw new Error(`the function was not invoked with ${payload}`);
    }
    return point;
  }
}
