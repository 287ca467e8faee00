import type { Iam } from '../../aws/iam/iam';
import { partitionOf } from '../../aws/partitions';
import type { Properties } from '../template/template';
import { nestedProperties, objectList, requiredText, optionalText, textList } from './properties';
import type { ResourceRequest, ResourceType, ResourceUpdate } from './resource-type';

/** How long the creation, update or deletion of a role or policy takes. */
const OPERATION_SECONDS = 2;

const itemsNotIn = (items: readonly string[], others: readonly string[]) => items.filter((item) => !others.includes(item));

const roleSettingsOf = (properties: Properties) => {
  const permissionsBoundary = optionalText(properties, 'PermissionsBoundary');
  const assumeRolePolicy = nestedProperties(properties, 'AssumeRolePolicyDocument');
  return permissionsBoundary === undefined ? { assumeRolePolicy } : { assumeRolePolicy, permissionsBoundary };
};

const policyNameOf = (policy: Properties) => requiredText(policy, 'PolicyName');

function roleType(iam: Iam): ResourceType {
  const putPolicies = (account: string, role: string, properties: Properties) => {
    textList(properties, 'ManagedPolicyArns').forEach((arn) => {
      iam.attachRolePolicy(account, role, arn);
    });
    objectList(properties, 'Policies').forEach((policy) => {
      iam.putRolePolicy(account, role, policyNameOf(policy), nestedProperties(policy, 'PolicyDocument'));
    });
  };
  const removePolicies = (account: string, role: string, old: Properties, kept: Properties) => {
    itemsNotIn(textList(old, 'ManagedPolicyArns'), textList(kept, 'ManagedPolicyArns')).forEach((arn) => {
      iam.detachRolePolicy(account, role, arn);
    });
    itemsNotIn(objectList(old, 'Policies').map(policyNameOf), objectList(kept, 'Policies').map(policyNameOf)).forEach((name) => {
      iam.deleteRolePolicy(account, role, name);
    });
  };
  return {
    durationSeconds: OPERATION_SECONDS,
    create: ({ stack, properties, generateName }) => {
      const roleName = optionalText(properties, 'RoleName') ?? generateName(64);
      const path = optionalText(properties, 'Path');
      const roleWithoutPath = {
        account: stack.account,
        partition: partitionOf(stack.region),
        roleName,
        ...roleSettingsOf(properties),
      };
      const { arn, roleId } = iam.createRole(path === undefined ? roleWithoutPath : { ...roleWithoutPath, path });
      putPolicies(stack.account, roleName, properties);
      return { physicalId: roleName, attributes: { Arn: arn, RoleId: roleId } };
    },
    update: ({ stack, physicalId, attributes, properties, previousProperties }) => {
      iam.updateRole(stack.account, physicalId, roleSettingsOf(properties));
      putPolicies(stack.account, physicalId, properties);
      removePolicies(stack.account, physicalId, previousProperties, properties);
      return { physicalId, attributes };
    },
    delete: ({ stack, physicalId, properties }) => {
      removePolicies(stack.account, physicalId, properties, {});
      iam.deleteRole(stack.account, physicalId);
    },
  };
}

/** `AWS::IAM::Policy`: the same inline policy of several roles, updated in place. */
function inlinePolicyType(iam: Iam): ResourceType {
  const put = ({ stack, properties }: ResourceRequest) => {
    textList(properties, 'Roles').forEach((role) => {
      iam.putRolePolicy(stack.account, role, policyNameOf(properties), nestedProperties(properties, 'PolicyDocument'));
    });
  };
  const remove = (account: string, roles: readonly string[], policyName: string) => {
    roles.forEach((role) => {
      iam.deleteRolePolicy(account, role, policyName);
    });
  };
  return {
    durationSeconds: OPERATION_SECONDS,
    create: (request) => {
      put(request);
      const physicalId = request.generateName();
      return { physicalId, attributes: { Id: physicalId } };
    },
    update: (request: ResourceUpdate) => {
      const { stack, properties, previousProperties, physicalId, attributes } = request;
      put(request);
      // a policy with a new name is another policy: then remove the old policy from all roles
      const keptRoles = policyNameOf(previousProperties) === policyNameOf(properties) ? textList(properties, 'Roles') : [];
      remove(stack.account, itemsNotIn(textList(previousProperties, 'Roles'), keptRoles), policyNameOf(previousProperties));
      return { physicalId, attributes };
    },
    delete: ({ stack, properties }) => {
      remove(stack.account, textList(properties, 'Roles'), policyNameOf(properties));
    },
  };
}

/** `AWS::IAM::RolePolicy`: one inline policy of one role. */
function rolePolicyType(iam: Iam): ResourceType {
  const put = ({ stack, properties }: ResourceRequest) => {
    iam.putRolePolicy(
      stack.account,
      requiredText(properties, 'RoleName'),
      policyNameOf(properties),
      nestedProperties(properties, 'PolicyDocument'),
    );
    return { physicalId: `${policyNameOf(properties)}|${requiredText(properties, 'RoleName')}`, attributes: {} };
  };
  return {
    durationSeconds: OPERATION_SECONDS,
    create: (request) => {
      const [role, name] = [requiredText(request.properties, 'RoleName'), policyNameOf(request.properties)];
      if (iam.hasRolePolicy(request.stack.account, role, name)) {
        throw new Error(`Resource of type 'AWS::IAM::RolePolicy' with identifier '${name}|${role}' already exists.`);
      }
      return put(request);
    },
    update: put,
    delete: ({ stack, properties }) => {
      iam.deleteRolePolicy(stack.account, requiredText(properties, 'RoleName'), policyNameOf(properties));
    },
  };
}

function managedPolicyType(iam: Iam): ResourceType {
  return {
    durationSeconds: OPERATION_SECONDS,
    create: ({ stack, properties, generateName }) => {
      const policyName = optionalText(properties, 'ManagedPolicyName') ?? generateName();
      const path = optionalText(properties, 'Path');
      const policyWithoutPath = {
        account: stack.account,
        partition: partitionOf(stack.region),
        policyName,
        document: nestedProperties(properties, 'PolicyDocument'),
      };
      const arn = iam.createPolicy(path === undefined ? policyWithoutPath : { ...policyWithoutPath, path });
      textList(properties, 'Roles').forEach((role) => {
        iam.attachRolePolicy(stack.account, role, arn);
      });
      return { physicalId: arn, attributes: { PolicyArn: arn } };
    },
    update: ({ stack, properties, previousProperties, physicalId, attributes }) => {
      iam.updatePolicy(physicalId, nestedProperties(properties, 'PolicyDocument'));
      const [previousRoles, newRoles] = [textList(previousProperties, 'Roles'), textList(properties, 'Roles')];
      itemsNotIn(newRoles, previousRoles).forEach((role) => {
        iam.attachRolePolicy(stack.account, role, physicalId);
      });
      itemsNotIn(previousRoles, newRoles).forEach((role) => {
        iam.detachRolePolicy(stack.account, role, physicalId);
      });
      return { physicalId, attributes };
    },
    delete: ({ stack, properties, physicalId }) => {
      textList(properties, 'Roles').forEach((role) => {
        iam.detachRolePolicy(stack.account, role, physicalId);
      });
      iam.deletePolicy(physicalId);
    },
  };
}

export const iamTypes = (iam: Iam): Readonly<Record<string, ResourceType>> => ({
  'AWS::IAM::Role': roleType(iam),
  'AWS::IAM::Policy': inlinePolicyType(iam),
  'AWS::IAM::RolePolicy': rolePolicyType(iam),
  'AWS::IAM::ManagedPolicy': managedPolicyType(iam),
});
