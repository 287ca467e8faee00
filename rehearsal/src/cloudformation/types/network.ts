import type { Ec2 } from '../../aws';
import type { GatewayKind } from '../../aws/ec2/network';
import { ROUTE_TARGETS, routeDestination, routeTargetKind } from '../../aws/ec2/network-operations';
import { ALL_EGRESS, isSameRule, type Rule } from '../../aws/ec2/security-group-rules';
import { ServiceError } from '../../aws/service';
import { NotSimulated } from '../../not-understood';
import type { Clock } from '../../time/clock';
import type { Properties } from '../template/template';
import { objectList, requiredText, optionalText } from './properties';
import type { ExistingResource, ResourceRequest, ResourceType, ResourceUpdate } from './resource-type';

/*
 * The resource types of EC2 networks.
 */

/** An update that changes nothing in the simulation. `withTags` adds the update of the tags. */
const updateNothing = ({ physicalId, attributes }: ResourceUpdate): { physicalId: string; attributes: Properties } => ({
  physicalId,
  attributes,
});

/** The tags of a resource in the template. */
export const tagsOf = (properties: Properties): ReadonlyMap<string, string> =>
  new Map(objectList(properties, 'Tags').map((tag) => [requiredText(tag, 'Key'), requiredText(tag, 'Value')]));

/** Extends a resource type with EC2 tags, which are updated in place. */
function withTags(ec2: Ec2, type: ResourceType): ResourceType {
  return {
    ...type,
    create: async (request) => {
      const outcome = await type.create(request);
      ec2.tags.put(request.stack.account, outcome.physicalId, tagsOf(request.properties));
      return outcome;
    },
    update: async (request) => {
      const outcome = await type.update(request);
      const newTags = tagsOf(request.properties);
      const removedKeys = [...tagsOf(request.previousProperties).keys()].filter((key) => !newTags.has(key));
      // undefined removes a tag with any value
      ec2.tags.remove(request.stack.account, request.physicalId, new Map(removedKeys.map((key) => [key, undefined])));
      ec2.tags.put(request.stack.account, request.physicalId, newTags);
      return outcome;
    },
  };
}

const PEER_PROPERTIES = [
  'CidrIp',
  'CidrIpv6',
  'SourceSecurityGroupId',
  'DestinationSecurityGroupId',
  'SourcePrefixListId',
  'DestinationPrefixListId',
];

function ruleOf(properties: Properties, direction: Rule['direction']): Rule {
  const peer = PEER_PROPERTIES.map((name) => optionalText(properties, name)).find((value) => value !== undefined);
  if (peer === undefined) {
    throw new Error('Invalid request provided: a rule needs a CIDR block, a security group or a prefix list');
  }
  const protocol = requiredText(properties, 'IpProtocol');
  // the protocol -1 includes all ports
  const portOf = (name: string): number | undefined =>
    properties[name] === undefined || protocol === '-1' ? undefined : Number(properties[name]);
  const [fromPort, toPort] = [portOf('FromPort'), portOf('ToPort')];
  const description = optionalText(properties, 'Description');
  return {
    direction,
    protocol,
    peer,
    ...(fromPort === undefined ? {} : { fromPort }),
    ...(toPort === undefined ? {} : { toPort }),
    ...(description === undefined ? {} : { description }),
  };
}

/** A security group's rule as a resource of its own. An update replaces the rule. */
function ruleType(ec2: Ec2, direction: Rule['direction']): ResourceType {
  return {
    create: (request) => {
      ec2.authorizeRule(request.stack, requiredText(request.properties, 'GroupId'), ruleOf(request.properties, direction));
      // a generated name ends with a unique suffix of 12 characters
      const id = `sgr-${request.generateName(64).slice(-12).toLowerCase()}`;
      return { physicalId: id, attributes: { Id: id } };
    },
    update: updateNothing,
    delete: (request) => {
      ec2.revokeRule(request.stack, requiredText(request.properties, 'GroupId'), ruleOf(request.properties, direction));
    },
  };
}

const includesRule = (rules: readonly Rule[], rule: Rule) => rules.some((other) => isSameRule(other, rule));

function securityGroupType(ec2: Ec2): ResourceType {
  const rulesOf = (properties: Properties): Rule[] => {
    const egress = objectList(properties, 'SecurityGroupEgress').map((rule) => ruleOf(rule, 'egress'));
    const rules = [
      ...objectList(properties, 'SecurityGroupIngress').map((rule) => ruleOf(rule, 'ingress')),
      ...(egress.length === 0 ? [ALL_EGRESS] : egress),
    ];
    // CloudFormation ignores EC2's error for duplicate rules
    return rules.filter((rule, index) => !includesRule(rules.slice(0, index), rule));
  };
  return {
    durationSeconds: 2,
    create: ({ stack, properties, generateName }) => {
      const vpcId = requiredText(properties, 'VpcId');
      const name = optionalText(properties, 'GroupName') ?? generateName(255);
      const description = requiredText(properties, 'GroupDescription');
      const groupId = ec2.createSecurityGroup(stack, { vpcId, name, description, rules: rulesOf(properties) });
      return { physicalId: groupId, attributes: { GroupId: groupId, Id: groupId, VpcId: vpcId } };
    },
    update: ({ stack, physicalId, attributes, properties, previousProperties }) => {
      const [previousRules, newRules] = [rulesOf(previousProperties), rulesOf(properties)];
      const currentRules = ec2.securityGroup(stack, physicalId).rules;
      // add the new rules first, so that traffic that both old and new rules allow is not interrupted
      for (const rule of newRules) {
        if (includesRule(currentRules, rule)) {
          ec2.updateRuleDescription(stack, physicalId, rule);
        } else {
          ec2.authorizeRule(stack, physicalId, rule);
        }
      }
      previousRules
        .filter((rule) => includesRule(currentRules, rule) && !includesRule(newRules, rule))
        .forEach((rule) => {
          ec2.revokeRule(stack, physicalId, rule);
        });
      return { physicalId, attributes };
    },
    delete: ({ stack, physicalId }) => {
      ec2.deleteSecurityGroup(stack, physicalId);
    },
  };
}

function routeType(ec2: Ec2): ResourceType {
  const routeOf = (properties: Properties): { destination: string; kind: string; target: string } => {
    const targetProperty = ROUTE_TARGETS.find((candidate) => properties[candidate] !== undefined);
    if (targetProperty === undefined) {
      throw new NotSimulated(`this route has no simulated target: use one of ${ROUTE_TARGETS.join(', ')}`);
    }
    return {
      destination:
        routeDestination((parameter) => optionalText(properties, parameter)) ?? requiredText(properties, 'DestinationCidrBlock'),
      kind: routeTargetKind(targetProperty),
      target: requiredText(properties, targetProperty),
    };
  };
  return {
    create: ({ stack, properties }) => {
      const tableId = requiredText(properties, 'RouteTableId');
      const route = routeOf(properties);
      ec2.createRoute(stack, tableId, route);
      return { physicalId: `${tableId}|${route.destination}`, attributes: { CidrBlock: route.destination } };
    },
    update: ({ stack, properties, physicalId, attributes }) => {
      ec2.replaceRoute(stack, requiredText(properties, 'RouteTableId'), routeOf(properties));
      return { physicalId, attributes };
    },
    delete: ({ stack, properties }) => {
      const table = ec2.routeTable(stack, requiredText(properties, 'RouteTableId'));
      const { destination } = routeOf(properties);
      // the route may already be gone
      if (table.routes.has(destination)) {
        ec2.deleteRoute(stack, table.routeTableId, destination);
      }
    },
  };
}

const gatewayIdOf = (properties: Properties): string =>
  optionalText(properties, 'VpnGatewayId') ?? requiredText(properties, 'InternetGatewayId');

/** @param idAttribute the attribute that returns the id */
function gatewayType(ec2: Ec2, kind: GatewayKind, idAttribute: string): ResourceType {
  return withTags(ec2, {
    create: ({ stack }) => {
      const id = ec2.createGateway(stack, kind);
      return { physicalId: id, attributes: { [idAttribute]: id } };
    },
    update: updateNothing,
    delete: ({ stack, physicalId }) => {
      ec2.deleteGateway(stack, physicalId);
    },
  });
}

function associateGateway(ec2: Ec2, { stack, properties }: ResourceRequest): { physicalId: string; attributes: Properties } {
  const gatewayId = requiredText(properties, 'GatewayId');
  const AssociationId = ec2.associateGateway(stack, requiredText(properties, 'RouteTableId'), gatewayId);
  return { physicalId: gatewayId, attributes: { AssociationId } };
}

/** @param properties the properties with which the association was created */
function disassociateGateway(ec2: Ec2, { stack, attributes }: ExistingResource, properties: Properties): void {
  ec2.disassociate(stack, requiredText(properties, 'RouteTableId'), String(attributes.AssociationId));
}

/** How long CloudFormation retries the deletion of a subnet or security group that is in use. */
const DELETION_TIMEOUT_SECONDS = 15 * 60;
const DELETION_RETRY_SECONDS = 30;

function withRetriedDelete(clock: Clock, type: ResourceType): ResourceType {
  return {
    ...type,
    delete: async (resource) => {
      const deadline = clock.now() + DELETION_TIMEOUT_SECONDS * 1000;
      for (;;) {
        try {
          await type.delete(resource);
          return;
        } catch (error) {
          if (!(error instanceof ServiceError && error.code === 'DependencyViolation') || clock.now() >= deadline) {
            throw error;
          }
          await clock.sleep(DELETION_RETRY_SECONDS * 1000);
        }
      }
    },
  };
}

export function networkTypes(ec2: Ec2, clock: Clock): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::EC2::VPC': withTags(ec2, {
      durationSeconds: 3,
      create: ({ stack, properties }) => {
        const cidrBlock = requiredText(properties, 'CidrBlock');
        const { vpcId } = ec2.createVpc({ account: stack.account, region: stack.region, cidrBlock });
        const { defaultSecurityGroupId, cidrBlocks } = ec2.vpc(stack, vpcId);
        const attributes = {
          VpcId: vpcId,
          CidrBlock: cidrBlock,
          CidrBlockAssociations: [...cidrBlocks.keys()],
          DefaultSecurityGroup: defaultSecurityGroupId,
          DefaultNetworkAcl: `acl-${vpcId.slice('vpc-'.length)}`,
          Ipv6CidrBlocks: [],
        };
        return { physicalId: vpcId, attributes };
      },
      update: updateNothing,
      delete: ({ stack, physicalId }) => {
        ec2.deleteVpc(stack.account, stack.region, physicalId);
      },
    }),
    'AWS::EC2::VPCCidrBlock': {
      create: ({ stack, properties }) => {
        const id = ec2.associateCidrBlock(stack, requiredText(properties, 'VpcId'), requiredText(properties, 'CidrBlock'));
        return { physicalId: id, attributes: { Id: id } };
      },
      update: updateNothing,
      delete: ({ stack, properties, physicalId }) => {
        ec2.findVpc(stack.account, stack.region, requiredText(properties, 'VpcId'))?.cidrBlocks.delete(physicalId);
      },
    },
    'AWS::EC2::Subnet': withRetriedDelete(
      clock,
      withTags(ec2, {
        create: ({ stack, properties }) => {
          const vpcId = requiredText(properties, 'VpcId');
          const cidrBlock = requiredText(properties, 'CidrBlock');
          const availabilityZone = optionalText(properties, 'AvailabilityZone') ?? `${stack.region}a`;
          const subnetId = ec2.createSubnet(stack, { vpcId, cidrBlock, availabilityZone });
          return {
            physicalId: subnetId,
            attributes: { SubnetId: subnetId, VpcId: vpcId, CidrBlock: cidrBlock, AvailabilityZone: availabilityZone },
          };
        },
        update: updateNothing,
        delete: ({ stack, physicalId }) => {
          ec2.deleteSubnet(stack, physicalId);
        },
      }),
    ),
    'AWS::EC2::RouteTable': withTags(ec2, {
      create: ({ stack, properties }) => {
        const routeTableId = ec2.createRouteTable(stack, requiredText(properties, 'VpcId'));
        return { physicalId: routeTableId, attributes: { RouteTableId: routeTableId } };
      },
      update: updateNothing,
      delete: ({ stack, physicalId }) => {
        ec2.deleteRouteTable(stack, physicalId);
      },
    }),
    'AWS::EC2::SubnetRouteTableAssociation': {
      create: ({ stack, properties }) => {
        const id = ec2.associateSubnet(stack, requiredText(properties, 'RouteTableId'), requiredText(properties, 'SubnetId'));
        return { physicalId: id, attributes: { Id: id } };
      },
      update: updateNothing,
      delete: ({ stack, properties, physicalId }) => {
        ec2.disassociate(stack, requiredText(properties, 'RouteTableId'), physicalId);
      },
    },
    'AWS::EC2::GatewayRouteTableAssociation': {
      create: (request) => associateGateway(ec2, request),
      update: (request) => {
        disassociateGateway(ec2, request, request.previousProperties);
        return associateGateway(ec2, request);
      },
      delete: (request) => {
        disassociateGateway(ec2, request, request.properties);
      },
    },
    'AWS::EC2::Route': routeType(ec2),
    'AWS::EC2::InternetGateway': gatewayType(ec2, 'igw', 'InternetGatewayId'),
    'AWS::EC2::VPNGateway': gatewayType(ec2, 'vgw', 'VPNGatewayId'),
    'AWS::EC2::VPCGatewayAttachment': {
      create: ({ stack, properties }) => {
        const gatewayId = gatewayIdOf(properties);
        const vpcId = requiredText(properties, 'VpcId');
        ec2.attachGateway(stack, gatewayId, vpcId);
        const AttachmentType = gatewayId.slice(0, 3).toUpperCase();
        return { physicalId: `${AttachmentType}|${vpcId}`, attributes: { AttachmentType } };
      },
      update: ({ stack, properties, previousProperties, physicalId, attributes }) => {
        // without a VPC, this detaches the gateway
        ec2.attachGateway(stack, gatewayIdOf(previousProperties));
        ec2.attachGateway(stack, gatewayIdOf(properties), requiredText(properties, 'VpcId'));
        return { physicalId, attributes };
      },
      delete: ({ stack, properties }) => {
        // without a VPC, this detaches the gateway
        ec2.attachGateway(stack, gatewayIdOf(properties));
      },
    },
    'AWS::EC2::SecurityGroup': withRetriedDelete(clock, withTags(ec2, securityGroupType(ec2))),
    'AWS::EC2::SecurityGroupIngress': ruleType(ec2, 'ingress'),
    'AWS::EC2::SecurityGroupEgress': ruleType(ec2, 'egress'),
  };
}
