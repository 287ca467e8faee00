import { CLEANUPS_WITH_MANY_ORDERS, rehearseCleanup } from '../life/cleanups';
import { closeRehearsals } from '../life/rehearsals';

afterEach(closeRehearsals);

test.each(CLEANUPS_WITH_MANY_ORDERS)(
  '%s, ten days later: succeeds in each of %i orders of the cleanup',
  async (_, count, first, second) => {
    const orders = await rehearseCleanup(first, second);
    expect(new Set(orders.map((order) => order.join(' ')))).toHaveProperty('size', count);
  },
);
