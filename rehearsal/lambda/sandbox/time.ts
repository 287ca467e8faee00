import { performance } from 'node:perf_hooks';

const realHrtime = process.hrtime.bigint.bind(process.hrtime);

/** Makes every clock that the function's code can read tell rehearsed time. Returns the one to read. */
export function installTime(clockOffset: Float64Array): () => number {
  const now = () => Number(realHrtime()) / 1e6 + (clockOffset[0] ?? 0);
  const startOffset = clockOffset[0] ?? 0;
  const leapt = () => (clockOffset[0] ?? 0) - startOffset;

  const RealDate = Date;
  RealDate.now = () => Math.floor(now());
  const RehearsedDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [Math.floor(now())] : args, newTarget) as Date,
    apply: () => new RealDate(Math.floor(now())).toString(),
  });
  RealDate.prototype.constructor = RehearsedDate;
  globalThis.Date = RehearsedDate;

  const realPerformanceNow = performance.now.bind(performance);
  const timeOrigin = now() - realPerformanceNow();
  const rehearsedPerformance = {
    now: { configurable: true, writable: true, value: () => realPerformanceNow() + leapt() },
    timeOrigin: { configurable: true, get: () => timeOrigin },
  };
  Object.defineProperties(performance, rehearsedPerformance);

  const bigint = () => realHrtime() + BigInt(Math.round(leapt() * 1e6));
  const hrtime = (previous?: [number, number]): [number, number] => {
    const elapsed = bigint() - (previous ? BigInt(previous[0]) * 1_000_000_000n + BigInt(previous[1]) : 0n);
    return [Number(elapsed / 1_000_000_000n), Number(elapsed % 1_000_000_000n)];
  };
  process.hrtime = Object.assign(hrtime, { bigint });
  return now;
}
