import { isObject, type Properties } from '../template';

/** The constraints on a property's value, besides its type. */
interface Constraint {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** The pattern for the whole text. */
  readonly pattern?: RegExp;
}

/** Constraints by property path. */
type Constraints = Readonly<Record<string, Constraint>>;

const POLICY_NAME_CONSTRAINT: Constraint = { minLength: 1, maxLength: 128, pattern: /^[\w+=,.@-]*$/ };
const EVENT_INVOKE_CONSTRAINTS: Constraints = {
  MaximumEventAgeInSeconds: { minimum: 60, maximum: 21_600 },
  MaximumRetryAttempts: { minimum: 0, maximum: 2 },
};
const RETRY_CONSTRAINTS: Constraints = {
  'Target.RetryPolicy.MaximumEventAgeInSeconds': { minimum: 60, maximum: 86_400 },
  'Target.RetryPolicy.MaximumRetryAttempts': { minimum: 0, maximum: 185 },
};

/** Documented constraints that are missing in `@aws-cdk/aws-service-spec`, for the types that templates with peerings contain. */
const CONSTRAINTS: Readonly<Record<string, Constraints>> = {
  'AWS::CloudWatch::Alarm': { DatapointsToAlarm: { minimum: 1 }, EvaluationPeriods: { minimum: 1 }, Period: { minimum: 1 } },
  'AWS::GameLift::Fleet': {
    Description: { minLength: 1, maxLength: 1024 },
    Name: { minLength: 1, maxLength: 1024 },
    PeerVpcAwsAccountId: { minLength: 1, maxLength: 1024, pattern: /^\d{12}$/ },
    PeerVpcId: { minLength: 1, maxLength: 1024, pattern: /^vpc-\S+$/ },
  },
  'AWS::IAM::ManagedPolicy': { ManagedPolicyName: POLICY_NAME_CONSTRAINT },
  'AWS::IAM::Policy': { PolicyName: POLICY_NAME_CONSTRAINT },
  'AWS::IAM::Role': {
    // the characters that IAM's API reference lists
    Description: { maxLength: 1000, pattern: /^[\t\n\r\u0020-\u007e\u00a1-\u00ff]*$/ },
    MaxSessionDuration: { minimum: 3600, maximum: 43_200 },
    RoleName: { minLength: 1, maxLength: 64, pattern: /^[\w+=,.@-]*$/ },
  },
  'AWS::IAM::RolePolicy': { PolicyName: POLICY_NAME_CONSTRAINT },
  'AWS::Lambda::EventInvokeConfig': EVENT_INVOKE_CONSTRAINTS,
  'AWS::Lambda::Function': {
    Description: { maxLength: 256 },
    MemorySize: { minimum: 128, maximum: 10_240 },
    Timeout: { minimum: 1, maximum: 900 },
  },
  'AWS::Logs::LogGroup': { LogGroupName: { minLength: 1, maxLength: 512, pattern: /^[\w./#-]*$/ } },
  'AWS::SQS::Queue': { MessageRetentionPeriod: { minimum: 60, maximum: 1_209_600 } },
  'AWS::Scheduler::Schedule': {
    Description: { maxLength: 512 },
    GroupName: { minLength: 1, maxLength: 64, pattern: /^[\w.-]*$/ },
    Name: { minLength: 1, maxLength: 64, pattern: /^[\w.-]*$/ },
    ...RETRY_CONSTRAINTS,
  },
};

const CUSTOM_RESOURCE_CONSTRAINTS: Constraints = { ServiceTimeout: { minimum: 1, maximum: 3600 } };

/** CloudFormation's messages for violated constraints, one per line. */
export function constraintViolations(type: string, properties: Properties): string[] {
  return violationsOf(CONSTRAINTS[type] ?? {}, properties);
}

export const customResourceViolations = (properties: Properties): string[] =>
  violationsOf(CUSTOM_RESOURCE_CONSTRAINTS, properties);

function violationsOf(constraints: Constraints, properties: Properties): string[] {
  return Object.entries(constraints).flatMap(([path, constraint]) => {
    const value = path.split('.').reduce<unknown>((object, name) => (isObject(object) ? object[name] : undefined), properties);
    const problem = ['string', 'number'].includes(typeof value) ? violationOf(String(value), constraint) : undefined;
    return problem === undefined ? [] : [`#/${path.replaceAll('.', '/')}: ${problem}`];
  });
}

function violationOf(value: string, constraint: Constraint): string | undefined {
  const { minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity, pattern } = constraint;
  if (Number(value) < minimum) {
    return `${value} is not greater or equal to ${minimum}`;
  }
  if (Number(value) > maximum) {
    return `${value} is not less or equal to ${maximum}`;
  }
  if (value.length < minLength) {
    return `expected minLength: ${minLength}, actual: ${value.length}`;
  }
  if (value.length > maxLength) {
    return `expected maxLength: ${maxLength}, actual: ${value.length}`;
  }
  return pattern?.test(value) === false ? 'failed validation constraint for keyword [pattern]' : undefined;
}
