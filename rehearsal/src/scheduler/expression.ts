import { Cron } from 'croner';

/** When a schedule runs: each after the one before. */
export interface Occurrences {
  /** The first that is due at `time` or later, in milliseconds since the epoch; undefined where there is none. */
  next(time: number): number | undefined;
}

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS };
/** The last value of each field of a cron expression. */
const LAST_VALUES = [59, 23, 31, 12, 7, 2199] as const;

/**
 * Reads `rate(…)`, `cron(…)` and `at(…)`, in UTC. The first run of a rate is at its start: "If you do not provide a StartDate for a
 * rate-based schedule, your schedule starts invoking the target immediately" (Schedule types, in EventBridge Scheduler's user guide).
 *
 * @param start the start date, or when the schedule was made
 */
export function parseExpression(expression: string, start: number): Occurrences {
  const [, kind = '', content = ''] = /^(rate|cron|at)\(([^)]*)\)$/.exec(expression.trim()) ?? [];
  switch (kind) {
    case 'rate':
      return rate(expression, content, start);
    case 'cron':
      return cron(expression, content, start);
    case 'at':
      return oneTime(expression, Date.parse(`${content}Z`));
    default:
      throw invalid(expression);
  }
}

const invalid = (expression: string) => new Error(`Invalid Schedule Expression ${expression}.`);

function rate(expression: string, content: string, start: number): Occurrences {
  const [, count = '', unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(content) ?? [];
  const period = Number(count) * (UNITS[unit] ?? NaN);
  if (Number.isNaN(period)) {
    throw invalid(expression);
  }
  return { next: (time) => start + Math.max(0, Math.ceil((time - start) / period)) * period };
}

function oneTime(expression: string, moment: number): Occurrences {
  if (Number.isNaN(moment)) {
    throw invalid(expression);
  }
  return { next: (time) => (moment >= time ? moment : undefined) };
}

/** Minutes, hours, days of the month, months, days of the week and years. */
function cron(expression: string, content: string, start: number): Occurrences {
  const fields = content.trim().split(/\s+/);
  const [, , dayOfMonth, , dayOfWeek = ''] = fields;
  // whatever one of the two fields of days has, the other must have a question mark
  const hasOneDay = (dayOfMonth === '?') !== (dayOfWeek === '?') && fields.join().split('?').length === 2;
  // days of the week are 1 to 7, and + is an operator of croner only
  if (fields.length !== LAST_VALUES.length || !hasOneDay || /[089+]/.test(dayOfWeek)) {
    throw invalid(expression);
  }
  // croner counts seconds too, has steps only in ranges, and L in days of the week only behind one of them
  const inRanges = fields.map((field, index) => field.replace(/(?<![-\d])(\d+)\//g, `$1-${LAST_VALUES[index]}/`));
  const pattern = `0 ${inRanges.join(' ')}`.replace(/ L (\S+)$/, ' SAT $1');
  try {
    const schedule = new Cron(pattern, { utcOffset: 0, alternativeWeekdays: true });
    return { next: (time) => schedule.nextRun(new Date(Math.max(time, start) - 1))?.getTime() };
  } catch (error) {
    throw new Error(invalid(expression).message, { cause: error });
  }
}
