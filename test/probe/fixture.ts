import { Rehearsal } from 'rehearsal';
import { BEHAVIOURS } from 'rehearsal/aws';
import type { ApiCall, BehaviourName, Credentials, Fault, Inventory, Reading } from 'rehearsal/aws';
import { differenceLines } from 'rehearsal/cli';
import { createClients } from '../../probe/clients';
import type { Clients } from '../../probe/clients';
import type { Clock } from '../../probe/clock';
import { probe } from '../../probe/probe';
import type { Outcome } from '../../probe/probe';

export const ACCOUNT = '111111111111';
export const REGION = 'us-east-1';
export const ACCOUNT_AND_REGION = { account: ACCOUNT, region: REGION };

export type Readings = Partial<Record<BehaviourName, string>>;

/**
 * A simulated account with a fleet and a VPC, in which a test runs the probe. The probe runs in simulated time, and calls the account over the
 * wire with its own clients.
 */
export class ProbeFixture {
  static async create(readings: Readings = {}, { routeTables = 2 } = {}): Promise<ProbeFixture> {
    // the clients run in this process, so calls must not take simulated time: see RehearsalOptions
    const rehearsal = await Rehearsal.start({ ...ACCOUNT_AND_REGION, startTime: Date.UTC(2026, 0, 1), callMilliseconds: 0 });
    const { aws, clock } = rehearsal;
    for (const [name, reading] of Object.entries(readings)) {
      aws.behaviours.set(name as BehaviourName, reading as Reading<BehaviourName>);
    }
    const vpc = aws.ec2.createVpc({ ...ACCOUNT_AND_REGION, cidrBlock: '10.90.0.0/16' });
    // EC2 has created the main route table with the VPC
    for (let count = 1; count < routeTables; count += 1) {
      aws.ec2.createRouteTable(ACCOUNT_AND_REGION, vpc.vpcId);
    }
    const fleetId = await createFleet(rehearsal);
    await clock.sleep(3_600_000);
    const fixture = new ProbeFixture(rehearsal, fleetId, vpc.vpcId);
    ProbeFixture.openFixtures.push(fixture);
    return fixture;
  }

  /** Closes all fixtures. Call it after each test. */
  static async closeAll(): Promise<void> {
    await Promise.all(ProbeFixture.openFixtures.splice(0).map(({ rehearsal }) => rehearsal.close()));
  }

  private static readonly openFixtures: ProbeFixture[] = [];

  readonly inventoryBefore: Inventory;
  /** The lines that the runs printed. */
  readonly lines: string[] = [];
  /** The operations that were called, in order. */
  readonly calls: string[] = [];

  private constructor(
    readonly rehearsal: Rehearsal,
    readonly fleetId: string,
    readonly vpcId: string,
  ) {
    this.inventoryBefore = rehearsal.aws.inventory();
    rehearsal.aws.intercept(({ service, operation }) => {
      this.calls.push(`${service}:${operation}`);
      return undefined;
    });
  }

  get aws(): Rehearsal['aws'] {
    return this.rehearsal.aws;
  }

  /** Runs the probe to its end. */
  run(options: RunOptions = {}): Promise<Outcome> {
    return this.startRun(options).outcome;
  }

  createFleet(change: object = {}): Promise<string> {
    return createFleet(this.rehearsal, change);
  }

  /** Authorizes and connects the fleet with the VPC, as a user does. */
  async peer(): Promise<void> {
    const { aws, fleetId, vpcId } = this;
    await aws.callGameLift(
      'CreateVpcPeeringAuthorization',
      { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId },
      ACCOUNT_AND_REGION,
    );
    const input = { FleetId: fleetId, PeerVpcAwsAccountId: ACCOUNT, PeerVpcId: vpcId };
    await aws.callGameLift('CreateVpcPeeringConnection', input, ACCOUNT_AND_REGION);
    await this.waitForGameLift();
  }

  /** Deletes the connection and the authorization that `peer` made. */
  async unpeer(): Promise<void> {
    const { aws, fleetId, vpcId } = this;
    const [connection] = aws.inventory().connections as readonly { readonly id: string }[];
    await aws.callGameLift(
      'DeleteVpcPeeringConnection',
      { FleetId: fleetId, VpcPeeringConnectionId: connection?.id },
      ACCOUNT_AND_REGION,
    );
    await aws.callGameLift(
      'DeleteVpcPeeringAuthorization',
      { GameLiftAwsAccountId: ACCOUNT, PeerVpcId: vpcId },
      ACCOUNT_AND_REGION,
    );
    await this.waitForGameLift();
  }

  /** Starts a run that the test can stop or kill. */
  startRun(options: RunOptions = {}): Run {
    const { fleetId, vpcId } = this;
    return new Run(this.rehearsal, { fleetId, vpcId, ...options }, (line) => this.lines.push(line));
  }

  /** Counts the calls from now on, and runs `onCall` for the call with this number. */
  atCall(number: number, onCall: (call: ApiCall) => Fault | undefined): CallHook {
    let calls = 0;
    let resolve: () => void;
    const untilCalled = new Promise<void>((end) => (resolve = end));
    const hook = {
      wasCalled: false,
      untilCalled,
      remove: () => {
        remove();
      },
    };
    const remove = this.aws.intercept((call) => {
      calls += 1;
      if (calls !== number) {
        return undefined;
      }
      hook.wasCalled = true;
      resolve();
      return onCall(call);
    });
    return hook;
  }

  /** What exists now, but did not exist when the fixture was created, or the other way around. */
  get leftBehind(): readonly string[] {
    return differenceLines(this.inventoryBefore, this.aws.inventory());
  }

  /** Waits until GameLift has created and deleted everything that was requested. */
  async waitForGameLift(): Promise<void> {
    await this.rehearsal.clock.sleep(600_000);
  }

  async waitHours(hours: number): Promise<void> {
    await this.rehearsal.clock.sleep(hours * 3_600_000);
  }
}

async function createFleet({ aws }: Rehearsal, change: object = {}): Promise<string> {
  const input = { Name: 'Lobby', BuildId: 'build-1', EC2InstanceType: 'c5.large', ...change };
  const output = (await aws.callGameLift('CreateFleet', input, ACCOUNT_AND_REGION)) as {
    readonly FleetAttributes: { readonly FleetId: string };
  };
  return output.FleetAttributes.FleetId;
}

export interface CallHook {
  /** Whether the call with the chosen number was made. */
  readonly wasCalled: boolean;
  /** Resolves when that call is made. */
  readonly untilCalled: Promise<void>;
  /** Stops counting calls. */
  readonly remove: () => void;
}

export interface RunOptions {
  readonly fleetId?: string;
  readonly vpcId?: string;
  /** @default - credentials of an administrator */
  readonly credentials?: Credentials;
  /** Whether the user confirms. @default - yes */
  readonly confirm?: () => Promise<boolean>;
  /** Returns an output to use instead of calling the operation. */
  readonly replaceOutput?: (operation: string) => object | undefined;
  /** Called with each line that the run prints. */
  readonly onLine?: (line: string) => void;
}

/** One run of the probe. A test can kill it like a process. */
export class Run {
  readonly stop = new AbortController();
  readonly outcome: Promise<Outcome>;
  private isKilled = false;

  constructor(
    private readonly rehearsal: Rehearsal,
    options: RunOptions & { readonly fleetId: string; readonly vpcId: string },
    print: (line: string) => void,
  ) {
    const { aws, clock } = rehearsal;
    const { fleetId, vpcId, confirm = () => Promise.resolve(true), replaceOutput = () => undefined, onLine } = options;
    const { accessKeyId, secretAccessKey, sessionToken } = options.credentials ?? aws.iam.administrator(ACCOUNT);
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    const clients = createClients({ endpoint: aws.endpointUrl, region: REGION, credentials });
    for (const client of Object.values(clients) as { readonly middlewareStack: Clients['sts']['middlewareStack'] }[]) {
      client.middlewareStack.add(
        (next, { commandName = '' }) =>
          async (args) => {
            const output = replaceOutput(commandName.replace(/Command$/, ''));
            // no simulated time passes while the client reads a response
            return output === undefined
              ? await this.unlessKilled(clock.work(() => next(args)))
              : { output: { $metadata: {}, ...output }, response: undefined };
          },
        { step: 'initialize' },
      );
    }
    this.outcome = probe({
      clients,
      clock: this.createClock(),
      region: REGION,
      fleetId,
      vpcId,
      confirm,
      print: (line) => {
        print(line);
        onLine?.(line);
      },
      stop: this.stop,
    }).finally(() => {
      for (const client of Object.values(clients) as readonly { readonly destroy: () => void }[]) {
        client.destroy();
      }
    });
  }

  /** Like `kill -9`: calls that were sent take effect, and the run does nothing more. */
  kill(): void {
    this.isKilled = true;
  }

  private createClock(): Clock {
    const { clock } = this.rehearsal;
    return {
      now: () => clock.now(),
      sleep: (milliseconds, signal) =>
        this.unlessKilled(
          new Promise((resolve) => {
            const end = (): void => {
              cancel();
              signal.removeEventListener('abort', end);
              resolve();
            };
            const cancel = clock.callAfter(milliseconds, end);
            signal.addEventListener('abort', end);
          }),
        ),
    };
  }

  /** Resolves with the result. Never resolves if the run was killed. */
  private async unlessKilled<Result>(result: Promise<Result>): Promise<Result> {
    const value = await result;
    return this.isKilled ? await new Promise(() => undefined) : value;
  }
}

/** Describes the findings that differ from the readings of the rehearsal. */
export function wrongReadings({ findings }: Outcome, readings: Readings): readonly string[] {
  return findings.flatMap((finding) => {
    const expected = readings[finding.question] ?? BEHAVIOURS[finding.question].default;
    return finding.kind === 'settled' && finding.reading !== expected
      ? [`${finding.question}: ${finding.reading} instead of ${expected}. ${finding.evidence}`]
      : [];
  });
}
