import { InProcessRehearsal, sendAs } from '../../src/in-process';

test.each([1, 500])('a call in process takes the %s ms of the option `callMilliseconds`', async (callMilliseconds) => {
  const rehearsal = new InProcessRehearsal({ startTime: 0, callMilliseconds, createHandler: () => () => Promise.resolve() });
  const { accessKeyId } = rehearsal.aws.iam.administrator('111111111111');
  await sendAs(rehearsal.aws, accessKeyId, 'us-east-1')('ec2', 'DescribeVpcs', {}, new AbortController().signal);
  expect(rehearsal.clock.now()).toBe(callMilliseconds);
  await rehearsal.close();
});
