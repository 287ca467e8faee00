import { fleetOfChanges, keysOfChanges, readChanges, tagsOfChanges } from '../../lambda/network/adopted-changes';
import type { Ec2Peering } from '../../lambda/aws/api';

const peering = (tags: Readonly<Record<string, string>>): Ec2Peering => ({
  id: 'pcx-1',
  status: 'active',
  message: '',
  requesterVpcId: 'vpc-1',
  requesterAccount: '333333333333',
  cidrBlock: undefined,
  dnsResolution: false,
  tags,
});

test('changes to an adopted connection are written to tags that are short enough, and read from them', () => {
  const routeTableIds = Array.from({ length: 40 }, (_, index) => `rtb-${String(index).padStart(17, '0')}`);
  const tags = tagsOfChanges('fleet-1', { dnsResolution: false, routeTableIds });
  expect(Object.keys(tags)).toHaveLength(5);
  expect(Math.max(...Object.values(tags).map(({ length }) => length))).toBeLessThanOrEqual(256);
  const noted = peering({ ...tags, Name: 'rtb-somebody-elses' });
  expect(readChanges(noted)).toEqual({ dnsResolution: false, routeTableIds });
  expect(keysOfChanges(noted)).toEqual(Object.keys(tags));
  expect(fleetOfChanges(noted)).toBe('fleet-1');
});

test('writes no tags if nothing was changed', () => {
  expect(tagsOfChanges('fleet-1', { routeTableIds: [] })).toEqual({});
  expect(readChanges(peering({ Name: 'dns-was-true' }))).toEqual({ dnsResolution: undefined, routeTableIds: [] });
  expect(readChanges(peering({ 'cdk-gamelift-vpc-peering:changed:1': 'dns-was-true' }))).toEqual({
    dnsResolution: true,
    routeTableIds: [],
  });
});
