import type { Iam } from '../../aws/iam/iam';
import { partitionOf } from '../../aws/partitions';
import type { Properties } from '../template/template';
import { object, objects, required, text, texts } from './properties';
import type { ResourceRequest, ResourceType, ResourceUpdate } from './resource-type';

const POLICY_SECONDS = 2;

/** The items of `one` that are not in `other`. */
const without = (one: readonly string[], other: readonly string[]) => one.filter((item) => !other.includes(item));

const assumeRolePolicyOf = (properties: Properties) => {
  const permissionsBoundary = text(properties, 'PermissionsBoundary');
  const assumeRolePolicy = object(properties, 'AssumeRolePolicyDocument');
  return permissionsBoundary === undefined ? { assumeRolePolicy } : { assumeRolePolicy, permissionsBoundary };
};

const nameOf = (policy: Properties) => required(policy, 'PolicyName');

function roleType(iam: Iam): ResourceType {
  const putPolicies = (account: string, role: string, properties: Properties) => {
    texts(properties, 'ManagedPolicyArns').forEach((arn) => {
      iam.attachRolePolicy(account, role, arn);
    });
    objects(properties, 'Policies').forEach((policy) => {
      iam.putRolePolicy(account, role, nameOf(policy), object(policy, 'PolicyDocument'));
    });
  };
  const removePolicies = (account: string, role: string, old: Properties, kept: Properties) => {
    without(texts(old, 'ManagedPolicyArns'), texts(kept, 'ManagedPolicyArns')).forEach((arn) => {
      iam.detachRolePolicy(account, role, arn);
    });
    without(objects(old, 'Policies').map(nameOf), objects(kept, 'Policies').map(nameOf)).forEach((name) => {
      iam.deleteRolePolicy(account, role, name);
    });
  };
  return {
    seconds: POLICY_SECONDS,
    create: ({ stack, properties, generateName }) => {
      const roleName = text(properties, 'RoleName') ?? generateName(64);
      const path = text(properties, 'Path');
      const base = { account: stack.account, partition: partitionOf(stack.region), roleName, ...assumeRolePolicyOf(properties) };
      const { arn, roleId } = iam.createRole(path === undefined ? base : { ...base, path });
      putPolicies(stack.account, roleName, properties);
      return { physicalId: roleName, attributes: { Arn: arn, RoleId: roleId } };
    },
    update: ({ stack, physicalId, attributes, properties, previous }) => {
      iam.updateRole(stack.account, physicalId, assumeRolePolicyOf(properties));
      putPolicies(stack.account, physicalId, properties);
      removePolicies(stack.account, physicalId, previous, properties);
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
    texts(properties, 'Roles').forEach((role) => {
      iam.putRolePolicy(stack.account, role, nameOf(properties), object(properties, 'PolicyDocument'));
    });
  };
  const remove = (account: string, roles: readonly string[], policyName: string) => {
    roles.forEach((role) => {
      iam.deleteRolePolicy(account, role, policyName);
    });
  };
  return {
    seconds: POLICY_SECONDS,
    create: (request) => {
      put(request);
      const physicalId = request.generateName();
      return { physicalId, attributes: { Id: physicalId } };
    },
    update: (request: ResourceUpdate) => {
      const { stack, properties, previous, physicalId, attributes } = request;
      put(request);
      const kept = nameOf(previous) === nameOf(properties) ? texts(properties, 'Roles') : [];
      remove(stack.account, without(texts(previous, 'Roles'), kept), nameOf(previous));
      return { physicalId, attributes };
    },
    delete: ({ stack, properties }) => {
      remove(stack.account, texts(properties, 'Roles'), nameOf(properties));
    },
  };
}

/** `AWS::IAM::RolePolicy`: one inline policy of one role. */
function rolePolicyType(iam: Iam): ResourceType {
  const put = ({ stack, properties }: ResourceRequest) => {
    iam.putRolePolicy(stack.account, required(properties, 'RoleName'), nameOf(properties), object(properties, 'PolicyDocument'));
    return { physicalId: `${nameOf(properties)}|${required(properties, 'RoleName')}`, attributes: {} };
  };
  return {
    seconds: POLICY_SECONDS,
    create: (request) => {
      const [role, name] = [required(request.properties, 'RoleName'), nameOf(request.properties)];
      if (iam.hasRolePolicy(request.stack.account, role, name)) {
        throw new Error(`Resource of type 'AWS::IAM::RolePolicy' with identifier '${name}|${role}' already exists.`);
      }
      return put(request);
    },
    update: put,
    delete: ({ stack, properties }) => {
      iam.deleteRolePolicy(stack.account, required(properties, 'RoleName'), nameOf(properties));
    },
  };
}

function managedPolicyType(iam: Iam): ResourceType {
  return {
    seconds: POLICY_SECONDS,
    create: ({ stack, properties, generateName }) => {
      const policyName = text(properties, 'ManagedPolicyName') ?? generateName();
      const path = text(properties, 'Path');
      const base = {
        account: stack.account,
        partition: partitionOf(stack.region),
        policyName,
        document: object(properties, 'PolicyDocument'),
      };
      const arn = iam.createPolicy(path === undefined ? base : { ...base, path });
      texts(properties, 'Roles').forEach((role) => {
        iam.attachRolePolicy(stack.account, role, arn);
      });
      return { physicalId: arn, attributes: { PolicyArn: arn } };
    },
    update: ({ stack, properties, previous, physicalId, attributes }) => {
      iam.updatePolicy(physicalId, object(properties, 'PolicyDocument'));
      const [before, after] = [texts(previous, 'Roles'), texts(properties, 'Roles')];
      without(after, before).forEach((role) => {
        iam.attachRolePolicy(stack.account, role, physicalId);
      });
      without(before, after).forEach((role) => {
        iam.detachRolePolicy(stack.account, role, physicalId);
      });
      return { physicalId, attributes };
    },
    delete: ({ stack, properties, physicalId }) => {
      texts(properties, 'Roles').forEach((role) => {
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
