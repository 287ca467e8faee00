import { Cron } from 'croner';

/** The times at which a schedule runs. */
export interface Occurrences {
  /** Returns the first occurrence at `time` or later, in milliseconds since the epoch; undefined if there is none. */
  next(time: number): number | undefined;
}

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS };
/** The highest value of each field of a cron expression, in the order of `cronOccurrences`. */
const HIGHEST_FIELD_VALUES = [59, 23, 31, 12, 7, 2199] as const;

/**
 * Parses `rate(…)`, `cron(…)` and `at(…)`, in UTC. A rate first runs at `start`. See "Schedule types" in EventBridge Scheduler's user
 * guide: "If you do not provide a StartDate for a rate-based schedule, your schedule starts invoking the target
 * immediately".
 *
 * @param start the start date, or the time at which the schedule was created if it has no start date
 */
export function parseExpression(expression: string, start: number): Occurrences {
  const [, kind = '', content = ''] = /^(rate|cron|at)\(([^)]*)\)$/.exec(expression.trim()) ?? [];
  switch (kind) {
    case 'rate':
      return rateOccurrences(expression, content, start);
    case 'cron':
      return cronOccurrences(expression, content, start);
    case 'at':
      return oneTimeOccurrence(expression, Date.parse(`${content}Z`));
    default:
      throw invalidExpression(expression);
  }
}

const invalidExpression = (expression: string) => new Error(`Invalid Schedule Expression ${expression}.`);

function rateOccurrences(expression: string, content: string, start: number): Occurrences {
  const [, count = '', unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(content) ?? [];
  const period = Number(count) * (UNITS[unit] ?? NaN);
  if (Number.isNaN(period)) {
    throw invalidExpression(expression);
  }
  return { next: (time) => start + Math.max(0, Math.ceil((time - start) / period)) * period };
}

function oneTimeOccurrence(expression: string, moment: number): Occurrences {
  if (Number.isNaN(moment)) {
    throw invalidExpression(expression);
  }
  return { next: (time) => (moment >= time ? moment : undefined) };
}

/** Parses the fields of a cron expression: minutes, hours, days of the month, months, days of the week and years. */
function cronOccurrences(expression: string, content: string, start: number): Occurrences {
  const fields = content.trim().split(/\s+/);
  const [, , dayOfMonth, , dayOfWeek = ''] = fields;
  // exactly one of the two fields for days must be a question mark, and no other field may contain one
  const hasOneDayField = (dayOfMonth === '?') !== (dayOfWeek === '?') && fields.join().split('?').length === 2;
  // days of the week are 1 to 7, and Scheduler does not have croner's operator +
  if (fields.length !== HIGHEST_FIELD_VALUES.length || !hasOneDayField || /[089+]/.test(dayOfWeek)) {
    throw invalidExpression(expression);
  }
  // translate the fields for croner: steps need a range (5/10 becomes 5-59/10), the first field is for seconds, and the day of the
  // week L, which is the last day of a week, is SAT
  const fieldsWithRanges = fields.map((field, index) =>
    field.replace(/(?<![-\d])(\d+)\//g, `$1-${HIGHEST_FIELD_VALUES[index]}/`),
  );
  const pattern = `0 ${fieldsWithRanges.join(' ')}`.replace(/ L (\S+)$/, ' SAT $1');
  try {
    // with alternativeWeekdays, 1 is Sunday, as in Scheduler
    const schedule = new Cron(pattern, { utcOffset: 0, alternativeWeekdays: true });
    // nextRun searches after the given time, so pass the millisecond before
    return { next: (time) => schedule.nextRun(new Date(Math.max(time, start) - 1))?.getTime() };
  } catch (error) {
    throw new Error(invalidExpression(expression).message, { cause: error });
  }
}
