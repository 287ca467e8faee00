/** When a schedule runs: each after the one before. */
export interface Occurrences {
  /** The first that is due at `time` or later, in milliseconds since the epoch; undefined where there is none. */
  next(time: number): number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: DAY_MS };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** Beyond that many days a cron expression names no day at all. */
const SEARCH_DAYS = 8 * 366;

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
      return once(expression, Date.parse(`${content}Z`));
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

function once(expression: string, moment: number): Occurrences {
  if (Number.isNaN(moment)) {
    throw invalid(expression);
  }
  return { next: (time) => (moment >= time ? moment : undefined) };
}

/** Minutes, hours, days of the month, months, days of the week and years. */
function cron(expression: string, content: string, start: number): Occurrences {
  const parts = content.trim().split(/\s+/);
  const [minutes, hours, daysOfMonth, months, daysOfWeek, years] = [
    field(parts[0], 0, 59),
    field(parts[1], 0, 23),
    field(parts[2], 1, 31),
    field(named(parts[3], MONTHS), 1, 12),
    field(named(parts[4], DAYS), 1, 7),
    field(parts[5], 1970, 2199),
  ];
  if (parts.length !== 6 || !minutes || !hours || !daysOfMonth || !months || !daysOfWeek || !years) {
    throw invalid(expression);
  }
  const onDay = (day: Date) =>
    years.has(day.getUTCFullYear()) &&
    months.has(day.getUTCMonth() + 1) &&
    daysOfMonth.has(day.getUTCDate()) &&
    daysOfWeek.has(day.getUTCDay() + 1);
  const moments = [...hours].sort(ascending).flatMap((hour) => [...minutes].sort(ascending).map((minute) => hour * 60 + minute));
  return {
    next: (time) => {
      const from = Math.max(time, start);
      const midnight = Math.floor(from / DAY_MS) * DAY_MS;
      for (let day = 0; day < SEARCH_DAYS; day++) {
        const date = midnight + day * DAY_MS;
        const moment = onDay(new Date(date)) ? moments.find((minute) => date + minute * MINUTE_MS >= from) : undefined;
        if (moment !== undefined) {
          return date + moment * MINUTE_MS;
        }
      }
      return undefined;
    },
  };
}

const ascending = (one: number, other: number) => one - other;

/** Names of months and days as numbers, from 1. */
const named = (text = '', names: readonly string[]) =>
  text.toUpperCase().replace(/[A-Z]{3}/g, (name) => String(names.indexOf(name) + 1));

/** The numbers that a field names with `*`, `?`, lists, ranges and steps; undefined for what is not simulated (`L`, `W`, `#`). */
function field(text: string | undefined, least: number, most: number): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [, range = '', , step] = /^(\*|\?|\d+(-\d+)?)(?:\/(\d+))?$/.exec(part) ?? [];
    const [first, last] = range === '*' || range === '?' ? [least, most] : range.split('-').map(Number);
    if (first === undefined || Number.isNaN(first) || range === '') {
      return undefined;
    }
    const end = last ?? (step === undefined ? first : most);
    for (let value = first; value <= Math.min(end, most); value += Number(step ?? 1)) {
      values.add(value);
    }
  }
  return values;
}
