import { CLEANUPS_WITH_MANY_ORDERS, rehearseCleanup } from '../life/cleanups';
import { closeRehearsals } from '../life/rehearsals';

afterEach(closeRehearsals);

test.each(CLEANUPS_WITH_MANY_ORDERS)(
  '%s: the deployment succeeds, ten days after the first one, in each of the %i orders of its cleanup',
  async (_, orderCount, first, second) => {
    const orders = await rehearseCleanup(first, second);
    expect(new Set(orders.map((order) => order.join(' ')))).toHaveProperty('size', orderCount);
  },
);
