import { SimulatedAws } from '../aws';
import { Journal } from '../journal';
import { randomNumbers } from '../random-numbers';
import { RehearsalClock } from '../time/clock';
import { Rehearsal, type RehearsalOptions } from '..';
import { InProcessLambda } from './lambda';
import type { CreateHandler } from './handler';
import { InProcessResponses } from './responses';

export { sendAs } from './calls';
export type { InProcessLambda, RecordedCall } from './lambda';
export type { CreateHandler, HandlerServices, Send, ServiceName } from './handler';
export type { CallFault, CallPoint, Faults, InvocationPoint, PutFault, PutPoint } from './handler-faults';
export { rehearsedTime } from './handler-time';
export { KillableProcess } from './killable';
export type { InProcessResponses } from './responses';

export interface InProcessOptions extends Omit<RehearsalOptions, 'lambdaRuntimeModule'> {
  readonly startTime: number;
  /** The handler of every function. */
  readonly createHandler: CreateHandler;
}

/** A rehearsal without sockets and threads. Every run gives the same result. */
export class InProcessRehearsal extends Rehearsal {
  override readonly lambda: InProcessLambda;
  override readonly responses: InProcessResponses;

  constructor(options: InProcessOptions) {
    const { startTime, createHandler, callMilliseconds = 1 } = options;
    const clock = new RehearsalClock(startTime);
    const journal = new Journal(() => clock.now());
    const aws = new SimulatedAws({ clock, journal, callMilliseconds });
    const responses = new InProcessResponses(clock, journal);
    const lambda = new InProcessLambda({ createHandler, clock, journal, aws, responses, random: randomNumbers(0) });
    super({ clock, journal, aws, lambda, responses }, options);
    this.lambda = lambda;
    this.responses = responses;
  }
}
