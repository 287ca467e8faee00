import { CLEANUPS_WITH_FEW_ORDERS, rehearseCleanup } from './cleanups';
import { closeRehearsals } from './rehearsals';

afterEach(closeRehearsals);

test.each(CLEANUPS_WITH_FEW_ORDERS)(
  '%s after ten days succeeds in each of the %i possible orders of the cleanup',
  async (_, count, first, second) => {
    const orders = await rehearseCleanup(first, second);
    expect(new Set(orders.map((order) => order.join(' ')))).toHaveProperty('size', count);
  },
);
