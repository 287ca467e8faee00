/*
 * A life has busy minutes and weeks without events. Short times between two events are drawn to scale. Longer times are quiet, and
 * their width grows with the logarithm: a month is twice as wide as a minute.
 */

/** Up to this duration, time is drawn to scale. */
const LINEAR_MILLISECONDS = 15_000;
const WIDTH_OF_DOUBLING = 2_000;

interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Converts times to positions in the picture. */
export class Scale {
  /** The times without events, which are drawn shorter. */
  readonly quiet: readonly TimeRange[];
  /** The times between the quiet times. */
  readonly busy: readonly TimeRange[];
  private readonly moments: readonly number[];
  private readonly positions: readonly number[];

  /** @param moments when something happens, in any order; at least one */
  constructor(moments: Iterable<number>) {
    this.moments = [...new Set(moments)].sort((one, other) => one - other);
    const quiet: TimeRange[] = [];
    const busy: TimeRange[] = [];
    const widths: number[] = [];
    let sum = 0;
    let busyFrom = this.moments[0] ?? 0;
    this.moments.forEach((to, index) => {
      const from = this.moments[index - 1] ?? to;
      sum += widthOf(to - from);
      widths.push(sum);
      if (to - from > LINEAR_MILLISECONDS) {
        quiet.push({ from, to });
        busy.push({ from: busyFrom, to: from });
        busyFrom = to;
      }
    });
    busy.push({ from: busyFrom, to: this.moments.at(-1) ?? busyFrom });
    this.quiet = quiet;
    this.busy = busy;
    this.positions = widths.map((width) => (sum === 0 ? 0 : width / sum));
  }

  /** The position of a time, from 0 (the first moment) to 1 (the last moment). Linear between two moments. */
  position(time: number): number {
    const next = this.moments.findIndex((moment) => moment >= time);
    const [to, end] = [this.moments[next], this.positions[next]];
    if (to === undefined || end === undefined) {
      return 1;
    }
    const [from, start] = [this.moments[next - 1], this.positions[next - 1]];
    return from === undefined || start === undefined ? end : start + ((time - from) / (to - from)) * (end - start);
  }
}

function widthOf(span: number): number {
  return span <= LINEAR_MILLISECONDS ? span : LINEAR_MILLISECONDS + WIDTH_OF_DOUBLING * Math.log2(span / LINEAR_MILLISECONDS);
}
