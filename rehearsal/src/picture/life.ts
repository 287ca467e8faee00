import type { AuthorizationChange } from '../aws/gamelift/authorizations';
import type { Rehearsal } from '../index';
import type { Entry } from '../journal';

/** The data of a life that its picture needs. */
export interface PicturedLife {
  readonly title: string;
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly entries: readonly Entry[];
  readonly authorizations: readonly AuthorizationChange[];
}

/** Collects the data of a rehearsal until now. */
export function picturedLife(
  title: string,
  start: number,
  { clock, journal, aws }: Pick<Rehearsal, 'clock' | 'journal' | 'aws'>,
): PicturedLife {
  return {
    title,
    start,
    end: clock.now(),
    entries: [...journal.entries],
    authorizations: [...aws.gameLift.authorizations.changes],
  };
}
