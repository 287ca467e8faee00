import { ServiceError } from '../../aws/service';
import type { ServiceCall } from '../../aws/service';
import { QueryService } from '../../aws/wire/query';
import type { Members, Parameters } from '../../aws/wire/query';
import { QUERY_DIALECT } from '../../aws/wire/query-dialects';
import type { CloudFormation } from './cloudformation';
import type { Stack } from './stack';

/** The read operations of CloudFormation's API. */
export function cloudFormationService(cloudFormation: CloudFormation): QueryService {
  const summaryOf = ({ identity, status, createdAt }: Stack): Members => ({
    StackId: identity.id,
    StackName: identity.name,
    StackStatus: status,
    CreationTime: new Date(createdAt),
  });
  const descriptionOf = (stack: Stack): Members => ({
    ...summaryOf(stack),
    Outputs: Object.entries(stack.outputs.values).map(([OutputKey, value]) => ({ OutputKey, OutputValue: String(value) })),
  });
  const findAndAuthorize = async (parameters: Parameters, call: ServiceCall, action: string): Promise<Stack> => {
    const name = parameters.get('StackName') ?? '';
    const stack = cloudFormation.find(name, call);
    await call.authorize(action, [stack?.identity.id ?? '*']);
    if (stack === undefined) {
      throw new ServiceError('ValidationError', `Stack with id ${name} does not exist`);
    }
    return stack;
  };
  return new QueryService('cloudformation', 'http://cloudformation.amazonaws.com/doc/2010-05-15/', QUERY_DIALECT, {
    DescribeStacks: async (parameters, call) => ({
      Stacks: [descriptionOf(await findAndAuthorize(parameters, call, 'cloudformation:DescribeStacks'))],
    }),
    ListStacks: async (parameters, call) => {
      await call.authorize('cloudformation:ListStacks', ['*']);
      const statuses = new Set(parameters.list('StackStatusFilter.member'));
      const stacks = cloudFormation.list(call).filter(({ status }) => statuses.size === 0 || statuses.has(status));
      return { StackSummaries: stacks.map(summaryOf) };
    },
    GetTemplate: async (parameters, call) => {
      const { artifact } = await findAndAuthorize(parameters, call, 'cloudformation:GetTemplate');
      return { TemplateBody: JSON.stringify(artifact.template) };
    },
  });
}
