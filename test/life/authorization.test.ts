import { CfnOutput, CfnWaitCondition } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Fault } from 'rehearsal/aws';
import { AuthorizationRenewal, VpcPeeringAuthorization } from '../../lib';
import { addFailingResource } from './common-stacks';
import {
  errorFault,
  countResponses,
  countCalls,
  editTemplate,
  failureReasons,
  HOUR_MS,
  handlerArn,
  STACK,
  startRehearsal,
  closeRehearsals,
  synthesize,
  journalLinesFrom,
} from './rehearsals';

const ACCOUNT = '111111111111';
const CREATE_OPERATION = 'CreateVpcPeeringAuthorization';
const DELETE_OPERATION = 'DeleteVpcPeeringAuthorization';
const DESCRIBE_OPERATION = 'DescribeVpcPeeringAuthorizations';

function addAuthorizedVpc(renewal = AuthorizationRenewal.onChange()): (stack: Stack) => void {
  return (stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0, subnetConfiguration: [] });
    const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc, renewal });
    new CfnOutput(stack, 'Expires', { value: authorization.expirationTime });
    new CfnOutput(stack, 'EpochSeconds', { value: authorization.expirationEpochSeconds.toString() });
    new CfnOutput(stack, 'PeerVpc', { value: authorization.peerVpcId });
    new CfnOutput(stack, 'Accounts', { value: `${authorization.peerVpcAccount} ${authorization.gameLiftAccount}` });
  };
}

afterEach(closeRehearsals);

test('creates, keeps, renews and cancels an authorization', async () => {
  const rehearsal = await startRehearsal();
  const assembly = synthesize(addAuthorizedVpc(AuthorizationRenewal.everySynthesis()));

  const creation = await rehearsal.cloudFormation.deploy(assembly, STACK);
  expect(creation.status).toBe('CREATE_COMPLETE');
  const expirationTime = Date.parse(String(creation.outputs.Expires));
  expect(Math.abs(expirationTime - rehearsal.clock.now() - 24 * HOUR_MS)).toBeLessThan(60_000);
  expect(creation.outputs).toMatchObject({
    EpochSeconds: String(Math.floor(expirationTime / 1000)),
    PeerVpc: expect.stringMatching(/^vpc-[0-9a-f]{17}$/) as string,
    Accounts: `${ACCOUNT} ${ACCOUNT}`,
  });

  await rehearsal.cloudFormation.deploy(assembly, STACK);
  expect(countCalls(rehearsal, CREATE_OPERATION)).toBe(1);

  await rehearsal.clock.sleep(25 * HOUR_MS);
  expect(expirationTime).toBeLessThan(rehearsal.clock.now());

  const renewal = await rehearsal.cloudFormation.deploy(
    synthesize(addAuthorizedVpc(AuthorizationRenewal.everySynthesis())),
    STACK,
  );
  expect(renewal.status).toBe('UPDATE_COMPLETE');
  const renewedExpirationTime = Date.parse(String(renewal.outputs.Expires));
  expect(Math.abs(renewedExpirationTime - rehearsal.clock.now() - 24 * HOUR_MS)).toBeLessThan(60_000);

  expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
  expect(countCalls(rehearsal, DELETE_OPERATION)).toBe(1);
  expect(countResponses(rehearsal)).toBe(3);
});

test('authorizes a new VPC, and lets the authorization of the previous one expire', async () => {
  const rehearsal = await startRehearsal();
  const withCidr = (cidr: string): string =>
    synthesize((stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { ipAddresses: ec2.IpAddresses.cidr(cidr), subnetConfiguration: [] });
      new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    });
  await rehearsal.cloudFormation.deploy(withCidr('10.0.0.0/16'), STACK);
  await rehearsal.clock.sleep(HOUR_MS);
  expect((await rehearsal.cloudFormation.deploy(withCidr('10.1.0.0/16'), STACK)).status).toBe('UPDATE_COMPLETE');
  expect(countCalls(rehearsal, CREATE_OPERATION)).toBe(2);
  expect(countCalls(rehearsal, DELETE_OPERATION)).toBe(0);
});

describe('permissions', () => {
  test.each([
    // [the operation that fails, the missing action]
    [CREATE_OPERATION, `gamelift:${CREATE_OPERATION}`],
    [CREATE_OPERATION, 'ec2:AuthorizeSecurityGroupIngress'],
  ])('%s fails without %s, and the message names the missing action', async (operation, action) => {
    const rehearsal = await startRehearsal();
    const assembly = editTemplate(synthesize(addAuthorizedVpc()), ({ Resources }) => {
      for (const { Type, Properties } of Object.values(Resources)) {
        if (Type === 'AWS::IAM::RolePolicy') {
          const { Statement } = Properties.PolicyDocument as { Statement: { Action: string | string[] }[] };
          for (const statement of Statement) {
            statement.Action = [statement.Action].flat().filter((candidate) => candidate !== action);
          }
        }
      }
    });
    expect((await rehearsal.cloudFormation.deploy(assembly, STACK)).status).toBe('ROLLBACK_COMPLETE');
    const [reason] = failureReasons(rehearsal);
    expect(reason).toContain(action);
    expect(reason).toMatch(
      new RegExp(
        '^could not authorize VPC peering for VPC vpc-[0-9a-f]{17} in us-east-1: .*\\. ' +
          `Check that the handler's role in account ${ACCOUNT} is allowed to call gamelift:CreateVpcPeeringAuthorization, .* then try again$`,
      ),
    );
    const lines = journalLinesFrom(rehearsal, 'gamelift').filter((line) => line.startsWith(`${operation} `));
    expect(lines).not.toEqual([]);
    expect(lines.filter((line) => line.includes('succeeded'))).toEqual([]);
  });

  test('waits for a policy that takes up to a minute to propagate', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.aws.behaviours.set('iamPropagation', 'up to a minute late');
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
  });
});

describe('an authorization whose create fails', () => {
  test('does not cancel the authorization of another stack if its own create fails', async () => {
    const rehearsal = await startRehearsal();
    const { vpcId } = rehearsal.aws.ec2.createVpc({ account: ACCOUNT, region: 'us-east-1', cidrBlock: '10.0.0.0/16' });
    const authorizeIn = async (name: string): Promise<string> => {
      const assembly = synthesize((stack) => {
        const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId, availabilityZones: ['us-east-1a'] });
        new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      }, name);
      return (await rehearsal.cloudFormation.deploy(assembly, name)).status;
    };
    expect(await authorizeIn(STACK)).toBe('CREATE_COMPLETE');
    rehearsal.aws.intercept(({ operation }) =>
      operation === CREATE_OPERATION ? errorFault('UnauthorizedException') : undefined,
    );
    expect(await authorizeIn('Second')).toBe('ROLLBACK_COMPLETE');
    expect(countCalls(rehearsal, DELETE_OPERATION)).toBe(0);
    expect(rehearsal.aws.inventory().authorizations).toHaveLength(1);
  });

  test('can be deleted in a rollback even if GameLift denies every call', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.aws.intercept(({ service }) =>
      service === 'gamelift' ? errorFault('AccessDeniedException', 'explicit deny', 400) : undefined,
    );
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('ROLLBACK_COMPLETE');
  });
});

describe('deployments that CloudFormation rolls back', () => {
  const synthesizeWithCidr = (cidr: string, hasFailingResource: boolean): string =>
    synthesize((stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { ipAddresses: ec2.IpAddresses.cidr(cidr), subnetConfiguration: [] });
      const authorization = new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      if (hasFailingResource) {
        addFailingResource(stack, authorization);
      }
    });

  test.each(['stored', 'ignored'] as const)(
    'the rollback of a changed VPC authorizes the previous VPC again, keeps the physical id, and cancels nothing (failedUpdatePhysicalId: %s)',
    async (failedUpdatePhysicalId) => {
      const rehearsal = await startRehearsal({ failedUpdatePhysicalId });
      await rehearsal.cloudFormation.deploy(synthesizeWithCidr('10.0.0.0/16', false), STACK);
      const readPhysicalId = (): string | undefined =>
        rehearsal.cloudFormation.describe(STACK).resources.find(({ type }) => type.startsWith('Custom::'))?.physicalId;
      const before = readPhysicalId();
      expect((await rehearsal.cloudFormation.deploy(synthesizeWithCidr('10.1.0.0/16', true), STACK)).status).toBe(
        'UPDATE_ROLLBACK_COMPLETE',
      );
      expect(readPhysicalId()).toBe(before);
      expect(countCalls(rehearsal, DELETE_OPERATION)).toBe(0);
      expect(countCalls(rehearsal, CREATE_OPERATION)).toBeGreaterThanOrEqual(3);
      expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
    },
  );

  test('the rollback succeeds if the create of the authorization is canceled while GameLift throttles it', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.aws.intercept(({ operation }) =>
      operation === CREATE_OPERATION ? errorFault('ThrottlingException', 'Rate exceeded') : undefined,
    );
    const assembly = synthesize((stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: [] });
      new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
      const handler = stack.node.findChild('GameLiftVpcPeeringHandler').node;
      // the failing resource waits for the same policies (through a wait condition that completes at once) and the same configuration as
      // the authorization, so it fails while the authorization is being created
      const waitCondition = new CfnWaitCondition(stack, 'WaitCondition');
      waitCondition.node.addDependency(...handler.children.filter((child) => child instanceof iam.CfnRolePolicy));
      addFailingResource(stack, handler.findChild('EventInvokeConfig'), waitCondition);
    });
    expect((await rehearsal.cloudFormation.deploy(assembly, STACK)).status).toBe('ROLLBACK_COMPLETE');
    expect(journalLinesFrom(rehearsal, 'cloudformation').some((line) => line.includes('Resource creation cancelled'))).toBe(true);
  });
});

describe('renamed and removed authorizations', () => {
  const synthesizeWithIds = (...ids: string[]): ((vpcId: string) => string) => {
    return (vpcId) =>
      synthesize((stack) => {
        for (const [index, id] of ids.entries()) {
          // a stack can't have two authorizations for the same VPC and GameLift account, so each one has its own account
          const gameLiftAccount = `${index + 1}`.repeat(12);
          const vpc = ec2.Vpc.fromVpcAttributes(stack, id, { vpcId, availabilityZones: ['us-east-1a'] });
          new VpcPeeringAuthorization(stack, `Authorization${id}`, { vpc, gameLiftAccount });
        }
      });
  };

  test.each([
    ['its authorization is renamed', synthesizeWithIds('One'), synthesizeWithIds('Renamed')],
    ['one of its two authorizations is removed', synthesizeWithIds('One', 'Two'), synthesizeWithIds('One')],
  ])('the handler keeps the permissions for a VPC if %s', async (_, synthesizeFirst, synthesizeSecond) => {
    const rehearsal = await startRehearsal();
    const { vpcId } = rehearsal.aws.ec2.createVpc({ account: ACCOUNT, region: 'us-east-1', cidrBlock: '10.0.0.0/16' });
    expect((await rehearsal.cloudFormation.deploy(synthesizeFirst(vpcId), STACK)).status).toBe('CREATE_COMPLETE');
    expect((await rehearsal.cloudFormation.deploy(synthesizeSecond(vpcId), STACK)).status).toBe('UPDATE_COMPLETE');
    expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
    expect(failureReasons(rehearsal)).toEqual([]);
  });
});

describe('failures and retries', () => {
  test('responds once if Lambda kills the function and runs it again', async () => {
    const rehearsal = await startRehearsal();
    let kills = 0;
    rehearsal.aws.intercept(({ operation }) => {
      if (operation === CREATE_OPERATION && kills === 0) {
        kills += rehearsal.lambda.kill(handlerArn(rehearsal));
        return { kind: 'reset' };
      }
      return undefined;
    });
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
    expect(kills).toBe(1);
    expect(countResponses(rehearsal)).toBe(1);
  });

  test('fails within twelve minutes, not after an hour, if Lambda kills the function in all three runs', async () => {
    const rehearsal = await startRehearsal();
    const start = rehearsal.clock.now();
    let kills = 0;
    rehearsal.aws.intercept(({ operation }) => {
      if (operation === CREATE_OPERATION) {
        kills += rehearsal.lambda.kill(handlerArn(rehearsal));
      }
      return undefined;
    });
    const { status } = await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK);
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(kills).toBe(3);
    expect(rehearsal.clock.now() - start).toBeLessThan(12 * 60_000);
  });

  test('sends the response again if its URL returns HTTP 500', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.responses.intercept(({ attempt }) => (attempt <= 2 ? { status: 500 } : undefined));
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
    expect(countResponses(rehearsal)).toBe(1);
    expect(countCalls(rehearsal, CREATE_OPERATION)).toBe(1);
  });

  test('sends the response again if its URL does not answer', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.responses.intercept(({ attempt }) => (attempt <= 2 ? 'hang' : undefined));
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
    expect(countResponses(rehearsal)).toBe(1);
  });

  test('fails within 11.5 minutes if the URL of the response never answers, and logs no secret', async () => {
    const rehearsal = await startRehearsal();
    rehearsal.responses.intercept(() => 'hang');
    const start = rehearsal.clock.now();
    const { status } = await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK);
    expect(status).toBe('ROLLBACK_FAILED');
    expect(countResponses(rehearsal)).toBe(0);
    const failure = rehearsal.journal.entries.find(({ message }) => message.startsWith('CREATE_FAILED Custom::'));
    expect((failure?.time ?? Infinity) - start).toBeLessThan(11.5 * 60_000);
    const log = rehearsal.journal.entries.map(({ message }) => message).join('\n');
    expect(log).toContain('could not send the response to CloudFormation');
    expect(log).not.toContain('X-Amz-Signature');
  });

  test('succeeds if GameLift throttles for a minute', async () => {
    const rehearsal = await startRehearsal();
    let throttledUntil = 0;
    rehearsal.aws.intercept(({ operation }) => {
      throttledUntil ||= rehearsal.clock.now() + 60_000;
      return operation === CREATE_OPERATION && rehearsal.clock.now() < throttledUntil
        ? errorFault('ThrottlingException', 'Rate exceeded')
        : undefined;
    });
    expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
    expect(countResponses(rehearsal)).toBe(1);
    // the handler calls about every ten seconds
    expect(countCalls(rehearsal, CREATE_OPERATION)).toBeGreaterThanOrEqual(6);
    expect(countCalls(rehearsal, CREATE_OPERATION)).toBeLessThanOrEqual(8);
  });

  test.each(['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded'] as const)(
    'creates ten authorizations if GameLift allows one call in ten seconds, and throttles the others with %s',
    async (name) => {
      const rehearsal = await startRehearsal();
      rehearsal.aws.behaviours.set('throttlingError', name);
      const assembly = synthesize((stack) => {
        const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: [] });
        for (let index = 0; index < 10; index += 1) {
          new VpcPeeringAuthorization(stack, `Authorization${index}`, { vpc, gameLiftAccount: `22222222222${index}` });
        }
      });
      const start = rehearsal.clock.now();
      expect((await rehearsal.cloudFormation.deploy(assembly, STACK)).status).toBe('CREATE_COMPLETE');
      const seconds = (rehearsal.clock.now() - start) / 1000;
      expect(seconds).toBeGreaterThan(90);
      expect(seconds).toBeLessThan(180);
    },
  );

  describe('errors of calls', () => {
    const message = 'GameLift refused the call';

    test.each([
      ['UnauthorizedException', 400, "Check that the handler's role in account"],
      [
        'InvalidRequestException',
        400,
        `is in us-east-1, and that the gameLiftAccount of the VpcPeeringAuthorization, ${ACCOUNT}, is the account of the fleet, then try again`,
      ],
      [
        'NotFoundException',
        400,
        `is in us-east-1, and that the gameLiftAccount of the VpcPeeringAuthorization, ${ACCOUNT}, is the account of the fleet, then try again`,
      ],
      ['InternalServiceException', 500, 'The template is not the cause: try again'],
    ])('the create fails with advice if CreateVpcPeeringAuthorization returns %s', async (name, status, advice) => {
      const rehearsal = await startRehearsal();
      rehearsal.aws.intercept(({ operation }) =>
        operation === CREATE_OPERATION ? errorFault(name, message, status) : undefined,
      );
      expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('ROLLBACK_COMPLETE');
      const [reason] = failureReasons(rehearsal);
      expect(reason).toMatch(/^could not authorize VPC peering for VPC vpc-[0-9a-f]{17} in us-east-1: /);
      expect(reason).toContain(`${name}: ${message}`);
      expect(reason).toContain(advice);
      expect(countResponses(rehearsal)).toBe(2);
    });

    test.each([
      ['UnauthorizedException', 400, 'DELETE_FAILED'],
      ['InvalidRequestException', 400, 'DELETE_FAILED'],
      ['NotFoundException', 400, 'DELETE_COMPLETE'],
      ['InternalServiceException', 500, 'DELETE_FAILED'],
    ])('if DeleteVpcPeeringAuthorization returns %s (HTTP %i), the status of the stack is %s', async (name, status, outcome) => {
      const rehearsal = await startRehearsal();
      await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK);
      const endFault = rehearsal.aws.intercept(({ operation }) =>
        operation === DELETE_OPERATION ? errorFault(name, message, status) : undefined,
      );
      expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe(outcome);
      expect(countResponses(rehearsal)).toBe(2);
      if (outcome === 'DELETE_FAILED') {
        const [reason] = failureReasons(rehearsal);
        expect(reason).toMatch(/^could not cancel the VPC peering authorization for VPC vpc-[0-9a-f]{17} in us-east-1: /);
        expect(reason).toContain(`${name}: ${message}`);
        // "Try again" or "try again"
        expect(reason).toContain('ry again');
        endFault();
        expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
      }
    });

    test.each([
      ['UnauthorizedException', 400],
      ['InvalidRequestException', 400],
      ['InternalServiceException', 500],
    ])(
      'the create fails if CreateVpcPeeringAuthorization fails, and then DescribeVpcPeeringAuthorizations returns %s',
      async (name, status) => {
        const rehearsal = await startRehearsal();
        rehearsal.aws.intercept(({ operation }) => {
          if (operation === CREATE_OPERATION) {
            return errorFault('InvalidRequestException', 'exists');
          }
          return operation === DESCRIBE_OPERATION ? errorFault(name, message, status) : undefined;
        });
        expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('ROLLBACK_COMPLETE');
        const [reason] = failureReasons(rehearsal);
        expect(reason).toContain(`${name}: ${message}`);
        expect(reason).toContain('for VPC vpc-');
        expect(countResponses(rehearsal)).toBe(2);
      },
    );

    test.each([[{ kind: 'reset' }], [{ kind: 'malformed' }], [{ kind: 'hang' }]] as [Fault][])(
      'the create succeeds after one fault of the network: %j',
      async (fault) => {
        const rehearsal = await startRehearsal();
        let attempts = 0;
        rehearsal.aws.intercept(({ operation }) => {
          attempts += operation === CREATE_OPERATION ? 1 : 0;
          return operation === CREATE_OPERATION && attempts === 1 ? fault : undefined;
        });
        expect((await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK)).status).toBe('CREATE_COMPLETE');
        expect(attempts).toBeGreaterThan(1);
        expect(countResponses(rehearsal)).toBe(1);
      },
    );
  });

  test('the create fails and says so if the VPC does not exist', async () => {
    const rehearsal = await startRehearsal();
    const assembly = synthesize((stack) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['us-east-1a'] });
      new VpcPeeringAuthorization(stack, 'Authorization', { vpc });
    });
    expect((await rehearsal.cloudFormation.deploy(assembly, STACK)).status).toBe('ROLLBACK_COMPLETE');
    expect(failureReasons(rehearsal)[0]).toContain(
      `There is no VPC vpc-0123456789abcdef0 in account ${ACCOUNT} and us-east-1: correct the vpc of the VpcPeeringAuthorization, then deploy again`,
    );
  });
});

describe('questions that AWS does not answer', () => {
  test.each(['renews', 'keeps expiry', 'InvalidRequestException'] as const)(
    'after each deployment, the authorization is valid for at least about 12 hours (authorizingAgain: %s)',
    async (reading) => {
      const rehearsal = await startRehearsal();
      rehearsal.aws.behaviours.set('authorizingAgain', reading);
      const deploy = () =>
        rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc(AuthorizationRenewal.everySynthesis())), STACK);
      await deploy();
      for (const hours of [1, 13, 25]) {
        await rehearsal.clock.sleep(hours * HOUR_MS);
        const { status, outputs } = await deploy();
        expect(status).toBe('UPDATE_COMPLETE');
        expect(Date.parse(String(outputs.Expires)) - rehearsal.clock.now()).toBeGreaterThan(12 * HOUR_MS - 60_000);
      }
      expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
    },
  );

  test.each(['NotFoundException', 'success'] as const)(
    'deletes a stack whose authorization has expired (deletingAbsentAuthorization: %s)',
    async (reading) => {
      const rehearsal = await startRehearsal();
      rehearsal.aws.behaviours.set('deletingAbsentAuthorization', reading);
      await rehearsal.cloudFormation.deploy(synthesize(addAuthorizedVpc()), STACK);
      await rehearsal.clock.sleep(30 * 24 * HOUR_MS);
      expect((await rehearsal.cloudFormation.delete(STACK)).status).toBe('DELETE_COMPLETE');
    },
  );
});
