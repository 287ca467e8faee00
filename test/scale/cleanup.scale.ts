import { SLOW_CLEANUPS, rehearseCleanup } from '../life/cleanups';
import { closeRehearsals } from '../life/rehearsals';

afterEach(closeRehearsals);

test.each(SLOW_CLEANUPS)(
  'after ten days, %s succeeds in every order of the cleanup (number of orders: %i)',
  async (_, orderCount, firstDeployment, secondDeployment) => {
    const orders = await rehearseCleanup(firstDeployment, secondDeployment);
    expect(new Set(orders.map((order) => order.join(' ')))).toHaveProperty('size', orderCount);
  },
);
