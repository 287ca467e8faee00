import { FAST_CLEANUPS, rehearseCleanup } from './cleanups';
import { closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

test.each(FAST_CLEANUPS)(
  'after ten days, %s succeeds in every order of the cleanup (number of orders: %i)',
  async (_, count, first, second) => {
    const orders = await rehearseCleanup(first, second);
    expect(new Set(orders.map((order) => order.join(' ')))).toHaveProperty('size', count);
  },
);
