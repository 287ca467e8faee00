import type { AuthorizationChange } from '../aws/gamelift/authorizations';
import type { Rehearsal } from '../index';
import type { Entry } from '../journal';

/** A rehearsed life, as far as a picture shows it. */
export interface PicturedLife {
  readonly title: string;
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly entries: readonly Entry[];
  readonly authorizations: readonly AuthorizationChange[];
}

/** What has happened in a rehearsal until now. */
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
