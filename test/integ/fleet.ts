import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import * as gamelift from 'aws-cdk-lib/aws-gamelift';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { fromEnvironment } from './environment';

interface Server {
  /** The property of the fleet that names the build or the script. */
  readonly source: Pick<gamelift.CfnFleetProps, 'buildId' | 'scriptId'>;
  readonly launchPath: string;
}

/** Adds the script of the folder `server`, which GameLift runs in a Realtime server. */
function addRealtimeServer(stack: Stack): Server {
  const asset = new Asset(stack, 'Script', { path: join(__dirname, 'server') });
  const role = new iam.Role(stack, 'ScriptAccess', { assumedBy: new iam.ServicePrincipal('gamelift.amazonaws.com') });
  asset.grantRead(role);
  const script = new gamelift.CfnScript(stack, 'Server', {
    storageLocation: { bucket: asset.s3BucketName, key: asset.s3ObjectKey, roleArn: role.roleArn },
  });
  // by default, GameLift uses a version of Node.js that it no longer supports
  script.addPropertyOverride('NodeJsVersion', '24.x');
  script.node.addDependency(role);
  return { source: { scriptId: script.ref }, launchPath: '/local/game/server.js' };
}

/** Adds a fleet that becomes ACTIVE. Set `GAMELIFT_BUILD_ID` and `GAMELIFT_LAUNCH_PATH` to use your own build. */
export function createFleet(stack: Stack): gamelift.CfnFleet {
  const buildId = fromEnvironment('GAMELIFT_BUILD_ID', '');
  const { source, launchPath } =
    buildId === ''
      ? addRealtimeServer(stack)
      : { source: { buildId }, launchPath: fromEnvironment('GAMELIFT_LAUNCH_PATH', '/local/game/server') };
  return new gamelift.CfnFleet(stack, 'Fleet', {
    name: stack.stackName,
    ...source,
    ec2InstanceType: 'c5.large',
    runtimeConfiguration: { serverProcesses: [{ launchPath, concurrentExecutions: 1 }] },
  });
}
