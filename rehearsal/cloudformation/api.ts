import { QUERY_DIALECT } from '../aws/dialects';
import { QueryService } from '../aws/query';
import { ServiceError } from '../aws/service';
import type { CloudFormation } from './index';

/** CloudFormation's API, as far as one stack is looked at. */
export function cloudFormationService(cloudFormation: CloudFormation): QueryService {
  return new QueryService('cloudformation', 'http://cloudformation.amazonaws.com/doc/2010-05-15/', QUERY_DIALECT, {
    DescribeStacks: async (parameters, call) => {
      const name = parameters.get('StackName') ?? '';
      const stack = cloudFormation.find(name, call);
      await call.authorize('cloudformation:DescribeStacks', [stack?.identity.id ?? '*']);
      if (stack === undefined) {
        throw new ServiceError('ValidationError', `Stack with id ${name} does not exist`);
      }
      const { identity, status, createdAt } = stack;
      return {
        Stacks: [{ StackId: identity.id, StackName: identity.name, StackStatus: status, CreationTime: new Date(createdAt) }],
      };
    },
  });
}
