/*
 * A life has busy minutes and weeks without events. Short times between two events are drawn to scale. Longer times are called quiet.
 * Their width grows with the logarithm of their duration: a month is less than three times as wide as a minute.
 */

/** Up to this duration, time is drawn to scale. */
const LINEAR_MILLISECONDS = 15_000;
/** A quiet time that is twice as long is this much wider. A width of 1 is the width of a millisecond in a busy time. */
const WIDTH_OF_DOUBLING = 2_000;

interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Converts times to positions in the picture. */
export class Scale {
  /** The times without events, which are drawn shorter. */
  readonly quietTimes: readonly TimeRange[];
  /** The times between the quiet times. */
  readonly busyTimes: readonly TimeRange[];
  private readonly moments: readonly number[];
  private readonly positions: readonly number[];

  /** @param moments when something happens, in any order; at least one */
  constructor(moments: Iterable<number>) {
    this.moments = [...new Set(moments)].sort((one, other) => one - other);
    const quietTimes: TimeRange[] = [];
    const busyTimes: TimeRange[] = [];
    const widthsSoFar: number[] = [];
    let totalWidth = 0;
    let busyFrom = this.moments[0] ?? 0;
    this.moments.forEach((to, index) => {
      const from = this.moments[index - 1] ?? to;
      totalWidth += widthOf(to - from);
      widthsSoFar.push(totalWidth);
      if (to - from > LINEAR_MILLISECONDS) {
        quietTimes.push({ from, to });
        busyTimes.push({ from: busyFrom, to: from });
        busyFrom = to;
      }
    });
    busyTimes.push({ from: busyFrom, to: this.moments.at(-1) ?? busyFrom });
    this.quietTimes = quietTimes;
    this.busyTimes = busyTimes;
    this.positions = widthsSoFar.map((width) => (totalWidth === 0 ? 0 : width / totalWidth));
  }

  /** The position of a time, from 0 (the first moment) to 1 (the last moment). Linear between two moments. */
  position(time: number): number {
    const next = this.moments.findIndex((moment) => moment >= time);
    const [to, toPosition] = [this.moments[next], this.positions[next]];
    if (to === undefined || toPosition === undefined) {
      return 1;
    }
    const [from, fromPosition] = [this.moments[next - 1], this.positions[next - 1]];
    return from === undefined || fromPosition === undefined
      ? toPosition
      : fromPosition + ((time - from) / (to - from)) * (toPosition - fromPosition);
  }
}

function widthOf(milliseconds: number): number {
  return milliseconds <= LINEAR_MILLISECONDS
    ? milliseconds
    : LINEAR_MILLISECONDS + WIDTH_OF_DOUBLING * Math.log2(milliseconds / LINEAR_MILLISECONDS);
}
