"""Synthesizes the same templates as ../typescript/app.ts."""

from aws_cdk import App, Duration, Environment, Stack, aws_ec2 as ec2, aws_gamelift as gamelift
from cdk_gamelift_vpc_peering import (
    AuthorizationRenewal,
    PeeringRoutes,
    VpcPeeringAuthorization,
    VpcPeeringConnection,
    VpcPeeringRole,
)

DATA_ENVIRONMENT = Environment(account="222222222222", region="us-east-1")
GAME_ENVIRONMENT = Environment(account="111111111111", region="us-east-1")
EXTERNAL_ID = "studio-7"


def import_vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "DataVpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a"],
        private_subnet_ids=["subnet-0123456789abcdef0"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef0"],
    )


def add_fleet(stack: Stack, construct_id: str) -> gamelift.CfnFleet:
    process = gamelift.CfnFleet.ServerProcessProperty(launch_path="/local/game/server", concurrent_executions=1)
    return gamelift.CfnFleet(
        stack,
        construct_id,
        name=construct_id,
        build_id="build-01234567-89ab-cdef-0123-456789abcdef",
        ec2_instance_type="c5.large",
        runtime_configuration=gamelift.CfnFleet.RuntimeConfigurationProperty(server_processes=[process]),
    )


app = App()

data = Stack(app, "Data", env=DATA_ENVIRONMENT)
peer_role = VpcPeeringRole(
    data, "Role", vpc=import_vpc(data), game_lift_account="111111111111", external_id=EXTERNAL_ID
)

game = Stack(app, "Game", env=GAME_ENVIRONMENT)
vpc = ec2.Vpc(
    game,
    "Vpc",
    ip_addresses=ec2.IpAddresses.cidr("10.90.0.0/16"),
    availability_zones=["us-east-1a", "us-east-1b"],
)
database = ec2.SecurityGroup(game, "Database", vpc=vpc)
authorization = VpcPeeringAuthorization(
    game, "Authorization", vpc=vpc, renewal=AuthorizationRenewal.scheduled(Duration.hours(12))
)

fleet = add_fleet(game, "Fleet")
peering = VpcPeeringConnection(
    game,
    "Peering",
    authorization=authorization,
    fleet=fleet,
    routes=PeeringRoutes.for_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
)
peering.allow_to(database, ec2.Port.tcp(5432))

peer_on_create = VpcPeeringConnection(
    game,
    "PeeringOnCreate",
    authorization=authorization,
    fleet=add_fleet(game, "FleetPeeredOnCreate"),
    peer_on_create=True,
)
peer_on_create.allow_to(database, ec2.Port.tcp(5432))

other_account = VpcPeeringAuthorization(
    game, "OtherAccount", vpc=import_vpc(game), peer_role=peer_role, external_id=EXTERNAL_ID
)
VpcPeeringConnection(
    game, "OtherAccountPeering", authorization=other_account, fleet=fleet, dns_resolution=True
)

app.synth()
