import { fleetOfChanges, tagKeysOfChanges, readChanges, tagsOfChanges } from '../../lambda/network/adopted-changes';
import { ec2Side } from './situations';

test('stores the changes to an adopted connection in tags of at most 256 characters, and reads the same changes from the tags', () => {
  const routeTableIds = Array.from({ length: 40 }, (_, index) => `rtb-${String(index).padStart(17, '0')}`);
  const tags = tagsOfChanges('fleet-1', { dnsResolutionBefore: false, routeTableIds });
  // one tag with the fleet, and four with the changes: each has space for eleven route tables
  expect(Object.keys(tags)).toHaveLength(5);
  expect(Math.max(...Object.values(tags).map(({ length }) => length))).toBeLessThanOrEqual(256);
  const adopted = ec2Side({ tags: { ...tags, Name: 'rtb-somebody-elses' } });
  expect(readChanges(adopted)).toEqual({ dnsResolutionBefore: false, routeTableIds });
  expect(tagKeysOfChanges(adopted)).toEqual(Object.keys(tags));
  expect(fleetOfChanges(adopted)).toBe('fleet-1');
});

test('stores no tags if nothing was changed', () => {
  expect(tagsOfChanges('fleet-1', { routeTableIds: [] })).toEqual({});
});

test('reads changes only from tags of this library', () => {
  expect(readChanges(ec2Side({ tags: { Name: 'dns-was-true' } }))).toEqual({ dnsResolutionBefore: undefined, routeTableIds: [] });
  expect(readChanges(ec2Side({ tags: { 'cdk-gamelift-vpc-peering:changed:1': 'dns-was-true' } }))).toEqual({
    dnsResolutionBefore: true,
    routeTableIds: [],
  });
});
