import type { ConditionContext } from '../iam/iam';
import type { AccountAndRegion, ServiceCall } from '../service';
import { tagKeysContext } from '../tags';
import type { Parameters, QueryOperation } from '../wire/query';
import { notFound } from './errors';
import { authorizeDescribe, endDryRun, applyFilters, pageOf, type Filters } from './filters';
import type { Network } from './network';
import {
  peeringResource,
  otherResource,
  routeTableResource,
  securityGroupResource,
  vpcResource,
  type PolicyResource,
} from './policy-resources';

/** Resource types by the prefix of their ids. */
const RESOURCE_TYPES: Readonly<Record<string, string>> = {
  vpc: 'vpc',
  subnet: 'subnet',
  rtb: 'route-table',
  sg: 'security-group',
  igw: 'internet-gateway',
  vgw: 'vpn-gateway',
  pcx: 'vpc-peering-connection',
};

const TAG_FILTERS: Filters<{ readonly resourceId: string; readonly key: string; readonly value: string }> = {
  key: ({ key }) => key,
  value: ({ value }) => value,
  'resource-id': ({ resourceId }) => resourceId,
  'resource-type': ({ resourceId }) => typeOf(resourceId),
};

/** EC2's operations on the tags of network resources. */
export function tagOperations(network: Network): Readonly<Record<string, QueryOperation>> {
  return {
    DescribeTags: async (parameters, call) => {
      await authorizeDescribe(parameters, call);
      const allTags = call
        .read(() => network.tags.list(call.account))
        .map((tag) => ({ ...tag, resourceType: typeOf(tag.resourceId) }));
      const { items, next } = pageOf(
        parameters,
        applyFilters(parameters, allTags, TAG_FILTERS, ({ key, value }) => new Map([[key, value]])),
      );
      return { tagSet: items, ...next };
    },
    CreateTags: async (parameters, call) => {
      const tags = new Map([...tagsOf(parameters)].map(([key, value]) => [key, value ?? '']));
      const requestTagContext = Object.fromEntries([...tags].map(([key, value]) => [`aws:RequestTag/${key}`, value]));
      await authorizeTagging(network, parameters, call, (resourceContext) => ({ ...resourceContext, ...requestTagContext }));
      parameters.list('ResourceId').forEach((id) => {
        network.tags.put(call.account, id, tags);
      });
      return { return: true };
    },
    DeleteTags: async (parameters, call) => {
      await authorizeTagging(network, parameters, call, contextForDeleteTags);
      const requestedTags = tagsOf(parameters);
      parameters.list('ResourceId').forEach((id) => {
        // a request without tags deletes all tags
        const tagsToRemove = requestedTags.size > 0 ? requestedTags : network.tags.get(call.account, id);
        network.tags.remove(call.account, id, tagsToRemove);
      });
      return { return: true };
    },
  };
}

/** Checks the permission on each resource. @param contextOf returns the condition keys that the operation supports for a resource */
async function authorizeTagging(
  network: Network,
  parameters: Parameters,
  call: ServiceCall,
  contextOf: (resourceContext: ConditionContext) => ConditionContext,
): Promise<void> {
  const keys = tagKeysContext([...tagsOf(parameters).keys()]);
  for (const { arn, context } of parameters.list('ResourceId').map((id) => findResource(network, call, id))) {
    await call.authorize(`ec2:${call.operation}`, [arn], { ...contextOf(context), ...keys });
  }
  endDryRun(parameters);
}

/**
 * Returns the condition keys that the Service Authorization Reference lists for DeleteTags: the global keys, and those for the tags and
 * the Region of the resource, but not those for its id or its VPCs.
 */
function contextForDeleteTags(resourceContext: ConditionContext): ConditionContext {
  return Object.fromEntries(Object.entries(resourceContext).filter(([key]) => /^(aws:|ec2:ResourceTag\/|ec2:Region$)/.test(key)));
}

/** Returns the tags in a request. A tag to delete may have no value. */
function tagsOf(parameters: Parameters): ReadonlyMap<string, string | undefined> {
  return new Map(parameters.structures('Tag').map((tag) => [tag.get('Key') ?? '', tag.get('Value')]));
}

function typeOf(resourceId: string): string {
  return RESOURCE_TYPES[resourceId.split('-')[0] ?? ''] ?? 'unknown';
}

function findResource(network: Network, place: AccountAndRegion, id: string): PolicyResource {
  switch (typeOf(id)) {
    case 'vpc':
      return vpcResource(network, network.vpc(place, id));
    case 'route-table':
      return routeTableResource(network, network.routeTable(place, id));
    case 'security-group':
      return securityGroupResource(network, network.securityGroup(place, id));
    case 'vpc-peering-connection':
      return peeringResource(network, network.peerings.getVisible(place, id), place.account);
    case 'unknown':
      throw notFound('resource', [id]);
    default:
      return otherResource(network, typeOf(id), id, place);
  }
}
