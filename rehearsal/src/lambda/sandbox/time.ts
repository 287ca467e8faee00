import { performance } from 'node:perf_hooks';
import type { SharedTime } from '../../time/shared-time';

/** Makes all clocks that the function's code can read return rehearsed time. */
export function installTime(time: SharedTime): void {
  const now = (): number => time.read() / 1000;

  const RealDate = Date;
  RealDate.now = () => Math.floor(now());
  const RehearsedDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [Math.floor(now())] : args, newTarget) as Date,
    apply: () => new RealDate(Math.floor(now())).toString(),
  });
  RealDate.prototype.constructor = RehearsedDate;
  globalThis.Date = RehearsedDate;

  const timeOrigin = now();
  const rehearsedPerformance = {
    now: { configurable: true, writable: true, value: () => now() - timeOrigin },
    timeOrigin: { configurable: true, get: () => timeOrigin },
  };
  Object.defineProperties(performance, rehearsedPerformance);

  const bigint = () => BigInt(time.read()) * 1000n;
  const hrtime = (previous?: [number, number]): [number, number] => {
    const elapsed = bigint() - (previous ? BigInt(previous[0]) * 1_000_000_000n + BigInt(previous[1]) : 0n);
    return [Number(elapsed / 1_000_000_000n), Number(elapsed % 1_000_000_000n)];
  };
  process.hrtime = Object.assign(hrtime, { bigint });
}
