import { LAMBDA_PRINCIPAL } from './lambda/service/function-configuration';
import { SimulatedAws, type Behaviour } from './aws/index';
import { CloudFormation, type NextDeletion } from './cloudformation/engine/cloudformation';
import { cloudFormationService } from './cloudformation/engine/cloudformation-api';
import { ResponseEndpoint } from './cloudformation/engine/response-endpoint';
import type { ResponseUrls } from './cloudformation/engine/response-urls';
import { Journal } from './journal';
import { threadEnvironmentStarter } from './lambda/sandbox/threads';
import { LambdaApi } from './lambda/service/lambda-api';
import { LambdaService, type LambdaOptions } from './lambda/service/lambda-service';
import { prepareLogs } from './lambda/service/logs';
import { NetworkInterfaces } from './lambda/service/network-interfaces';
import { Scheduler } from './scheduler/scheduler';
import { RehearsalClock } from './time/clock';

export type { CloudFormation, Resource } from './cloudformation/engine/cloudformation';
export { Journal } from './journal';
export type { Entry, Source } from './journal';
export { randomNumbers } from './random-numbers';
export { RehearsalClock } from './time/clock';

export interface RehearsalOptions {
  /** Milliseconds since the epoch. @default - now */
  readonly startTime?: number;
  /** The account of environment-agnostic stacks. @default '111111111111' */
  readonly account?: string;
  /** The Region of environment-agnostic stacks. @default 'us-east-1' */
  readonly region?: string;
  /** What CloudFormation does with the physical id that a custom resource returns for a failed update. @default 'stored' */
  readonly failedUpdatePhysicalId?: 'stored' | 'ignored';
  /** Chooses the order in which resources are deleted, one at a time. @default - independent resources are deleted in parallel */
  readonly nextDeletion?: NextDeletion;
  /**
   * The duration of each call, in rehearsed milliseconds. Use 0 if code calls a service over loopback inside `clock.work()`: time stands
   * still during `clock.work()`, so a call that takes time would never return. @default 1
   */
  readonly callMilliseconds?: number;
  /** The module from which the packages of Lambda's runtime are resolved. @default - a module of the rehearsal */
  readonly lambdaRuntimeModule?: string;
}

/** The questions about CloudFormation that AWS's documents leave open. `RehearsalOptions` has an option for each. */
export const CLOUDFORMATION_BEHAVIOURS = {
  failedUpdatePhysicalId: {
    question: 'Does CloudFormation store the physical id in the response to a failed update of a custom resource?',
    readings: ['stored', 'ignored'],
    default: 'stored',
  },
} as const satisfies Readonly<Record<string, Behaviour>>;

/** The parts of a rehearsal. A rehearsal in process has other implementations of `lambda` and `responses` than one over the wire. */
interface RehearsalParts {
  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly lambda: LambdaService;
  readonly responses: ResponseUrls;
}

/** The options that connect Lambda to the clock, the journal and the other simulated services. */
export function lambdaOptions({
  clock,
  journal,
  aws,
}: Pick<RehearsalParts, 'clock' | 'journal' | 'aws'>): Omit<LambdaOptions, 'startEnvironment'> {
  return {
    clock,
    journal,
    metrics: aws.metrics,
    assumeRole: (roleArn, sessionName) => aws.iam.assumeRoleForService(roleArn, LAMBDA_PRINCIPAL, sessionName),
    prepareLogs: (configuration, logStreamName) => prepareLogs(aws.iam, aws.logGroups, configuration, logStreamName),
    sendToQueue: (queueArn, body, roleArn) =>
      aws.queues.send(queueArn, { roleArn, service: LAMBDA_PRINCIPAL }, { body, attributes: {} }),
  };
}

/** A simulated AWS in rehearsed time, which deploys the stacks of cloud assemblies. */
export class Rehearsal {
  /** Starts a rehearsal over the wire: the services listen on loopback, and the code of functions runs in threads. */
  static async start(options: RehearsalOptions = {}): Promise<Rehearsal> {
    const { startTime = Date.now(), callMilliseconds = 1, lambdaRuntimeModule: runtimeModule } = options;
    const clock = new RehearsalClock(startTime);
    const journal = new Journal(() => clock.now());
    const aws = await SimulatedAws.start({ clock, journal, callMilliseconds });
    const responses = await ResponseEndpoint.start(clock, journal);
    const startEnvironment = threadEnvironmentStarter({
      clock,
      endpointUrl: aws.endpointUrl,
      responseEndpoint: (region) => responses.portAndCertificate(region),
      runtimeModule,
    });
    const lambda = new LambdaService({ ...lambdaOptions({ clock, journal, aws }), startEnvironment });
    aws.register('lambda', new LambdaApi(lambda));
    return new Rehearsal({ clock, journal, aws, lambda, responses }, options);
  }

  readonly clock: RehearsalClock;
  readonly journal: Journal;
  readonly aws: SimulatedAws;
  readonly lambda: LambdaService;
  readonly responses: ResponseUrls;
  readonly cloudFormation: CloudFormation;

  protected constructor(parts: RehearsalParts, options: RehearsalOptions) {
    const { clock, journal, aws, lambda, responses } = parts;
    const { account = '111111111111', region = 'us-east-1', failedUpdatePhysicalId = 'stored', nextDeletion } = options;
    this.clock = clock;
    this.journal = journal;
    this.aws = aws;
    this.lambda = lambda;
    this.responses = responses;
    const scheduler = new Scheduler({ clock, journal, lambda, iam: aws.iam, queues: aws.queues });
    this.cloudFormation = new CloudFormation({
      clock,
      journal,
      lambda,
      responses,
      iam: aws.iam,
      ec2: aws.ec2,
      keys: aws.keys,
      networkInterfaces: new NetworkInterfaces({ clock, iam: aws.iam, ec2: aws.ec2, lambda }),
      gameLift: aws,
      parameterStore: aws.parameters,
      queues: aws.queues,
      alarms: aws.alarms,
      logGroups: aws.logGroups,
      notUnderstood: aws.notUnderstood,
      scheduler,
      defaults: { account, region },
      failedUpdatePhysicalId,
      nextDeletion,
    });
    aws.register('cloudformation', cloudFormationService(this.cloudFormation));
    aws.addToInventory(() => ({ ...this.cloudFormation.inventory(), ...scheduler.inventory(), functions: lambda.list() }));
  }

  async close(): Promise<void> {
    this.clock.close();
    await Promise.all([this.lambda.close(), this.responses.close(), this.aws.close()]);
  }
}
