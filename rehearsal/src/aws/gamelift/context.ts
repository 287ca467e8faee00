import type { Journal } from '../../journal';
import type { Clock } from '../../time/clock';
import type { History } from '../../time/history';
import type { Behaviours } from '../behaviours';
import type { Ec2 } from '../ec2/ec2';
import type { Iam } from '../iam/iam';
import type { ScriptedOutcomes } from './scripted-outcomes';

/** The dependencies that all parts of the simulated GameLift share. */
export interface GameLiftContext {
  readonly clock: Clock;
  readonly history: History;
  readonly journal: Journal;
  readonly behaviours: Behaviours;
  readonly iam: Iam;
  readonly ec2: Ec2;
  readonly scriptedOutcomes: ScriptedOutcomes;
}
