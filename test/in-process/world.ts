import type { createHandler } from '../../lambda/handler';
import { Rehearsal, type RehearsalOptions } from '../../rehearsal';
import { SimulatedAws } from '../../rehearsal/aws';
import { RehearsalClock } from '../../rehearsal/clock';
import { Journal } from '../../rehearsal/journal';
import { randomNumbers } from '../../rehearsal/random-numbers';
import { InProcessFunctions } from './functions';
import { InProcessResponses } from './responses';

export interface InProcessOptions extends Omit<RehearsalOptions, 'lambdaRuntimeModule'> {
  readonly startTime: number;
  /** The handler of every function. */
  readonly createHandler: typeof createHandler;
}

/** A rehearsal without sockets and threads, in a time that passes in leaps alone: every run is the same. */
export class InProcessWorld extends Rehearsal {
  override readonly lambda: InProcessFunctions;
  override readonly responses: InProcessResponses;

  constructor(options: InProcessOptions) {
    const { startTime, createHandler } = options;
    const clock = new RehearsalClock(startTime);
    const journal = new Journal(() => clock.now());
    const aws = new SimulatedAws({ clock, journal, callMilliseconds: 1 });
    const responses = new InProcessResponses(clock, journal);
    const lambda = new InProcessFunctions({ createHandler, clock, journal, aws, responses, random: randomNumbers(0) });
    super({ clock, journal, aws, lambda, responses }, options);
    this.lambda = lambda;
    this.responses = responses;
  }
}
