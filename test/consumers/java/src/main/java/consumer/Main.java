package consumer;

import io.github.cdk_gamelift_vpc_peering.AuthorizationRenewal;
import io.github.cdk_gamelift_vpc_peering.PeeringRoutes;
import io.github.cdk_gamelift_vpc_peering.VpcPeeringAuthorization;
import io.github.cdk_gamelift_vpc_peering.VpcPeeringConnection;
import io.github.cdk_gamelift_vpc_peering.VpcPeeringRole;
import java.util.List;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Environment;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.ec2.IVpc;
import software.amazon.awscdk.services.ec2.IpAddresses;
import software.amazon.awscdk.services.ec2.Port;
import software.amazon.awscdk.services.ec2.SecurityGroup;
import software.amazon.awscdk.services.ec2.SubnetSelection;
import software.amazon.awscdk.services.ec2.SubnetType;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.ec2.VpcAttributes;
import software.amazon.awscdk.services.gamelift.CfnFleet;

/** Synthesizes the same templates as ../typescript/app.ts. */
public final class Main {
    private static final String EXTERNAL_ID = "studio-7";

    private static Stack addStack(App app, String id, String account) {
        Environment environment = Environment.builder().account(account).region("us-east-1").build();
        return new Stack(app, id, StackProps.builder().env(environment).build());
    }

    private static IVpc importVpc(Stack stack) {
        return Vpc.fromVpcAttributes(stack, "DataVpc", VpcAttributes.builder()
            .vpcId("vpc-0123456789abcdef0")
            .availabilityZones(List.of("us-east-1a"))
            .privateSubnetIds(List.of("subnet-0123456789abcdef0"))
            .privateSubnetRouteTableIds(List.of("rtb-0123456789abcdef0"))
            .build());
    }

    private static CfnFleet addFleet(Stack stack, String id) {
        CfnFleet.ServerProcessProperty process = CfnFleet.ServerProcessProperty.builder()
            .launchPath("/local/game/server")
            .concurrentExecutions(1)
            .build();
        return CfnFleet.Builder.create(stack, id)
            .name(id)
            .buildId("build-01234567-89ab-cdef-0123-456789abcdef")
            .ec2InstanceType("c5.large")
            .runtimeConfiguration(CfnFleet.RuntimeConfigurationProperty.builder().serverProcesses(List.of(process)).build())
            .build();
    }

    public static void main(String[] arguments) {
        App app = new App();

        Stack data = addStack(app, "Data", "222222222222");
        VpcPeeringRole peerRole = VpcPeeringRole.Builder.create(data, "Role")
            .vpc(importVpc(data))
            .gameLiftAccount("111111111111")
            .externalId(EXTERNAL_ID)
            .build();

        Stack game = addStack(app, "Game", "111111111111");
        Vpc vpc = Vpc.Builder.create(game, "Vpc")
            .ipAddresses(IpAddresses.cidr("10.90.0.0/16"))
            .availabilityZones(List.of("us-east-1a", "us-east-1b"))
            .build();
        SecurityGroup database = SecurityGroup.Builder.create(game, "Database").vpc(vpc).build();
        VpcPeeringAuthorization authorization = VpcPeeringAuthorization.Builder.create(game, "Authorization")
            .vpc(vpc)
            .renewal(AuthorizationRenewal.scheduled(Duration.hours(12)))
            .build();

        CfnFleet fleet = addFleet(game, "Fleet");
        VpcPeeringConnection.Builder.create(game, "Peering")
            .authorization(authorization)
            .fleet(fleet)
            .routes(PeeringRoutes.forSubnets(SubnetSelection.builder().subnetType(SubnetType.PRIVATE_WITH_EGRESS).build()))
            .build()
            .allowTo(database, Port.tcp(5432));

        VpcPeeringConnection.Builder.create(game, "PeeringOnCreate")
            .authorization(authorization)
            .fleet(addFleet(game, "FleetPeeredOnCreate"))
            .peerOnCreate(true)
            .build()
            .allowTo(database, Port.tcp(5432));

        VpcPeeringAuthorization otherAccount = VpcPeeringAuthorization.Builder.create(game, "OtherAccount")
            .vpc(importVpc(game))
            .peerRole(peerRole)
            .externalId(EXTERNAL_ID)
            .build();
        VpcPeeringConnection.Builder.create(game, "OtherAccountPeering")
            .authorization(otherAccount)
            .fleet(fleet)
            .dnsResolution(true)
            .build();

        app.synth();
    }
}
