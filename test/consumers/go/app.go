// Synthesizes the same templates as ../typescript/app.ts.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsgamelift"
	"github.com/aws/jsii-runtime-go"
	peering "github.com/cdk-gamelift-vpc-peering/cdk-gamelift-vpc-peering-go/cdkgameliftvpcpeering"
)

const externalId = "studio-7"

func environment(account string) *awscdk.Environment {
	return &awscdk.Environment{Account: jsii.String(account), Region: jsii.String("us-east-1")}
}

func importVpc(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.Vpc_FromVpcAttributes(stack, jsii.String("DataVpc"), &awsec2.VpcAttributes{
		VpcId:                      jsii.String("vpc-0123456789abcdef0"),
		AvailabilityZones:          jsii.Strings("us-east-1a"),
		PrivateSubnetIds:           jsii.Strings("subnet-0123456789abcdef0"),
		PrivateSubnetRouteTableIds: jsii.Strings("rtb-0123456789abcdef0"),
	})
}

func addFleet(stack awscdk.Stack, id string) awsgamelift.CfnFleet {
	process := &awsgamelift.CfnFleet_ServerProcessProperty{
		LaunchPath:           jsii.String("/local/game/server"),
		ConcurrentExecutions: jsii.Number(1),
	}
	return awsgamelift.NewCfnFleet(stack, jsii.String(id), &awsgamelift.CfnFleetProps{
		Name:            jsii.String(id),
		BuildId:         jsii.String("build-01234567-89ab-cdef-0123-456789abcdef"),
		Ec2InstanceType: jsii.String("c5.large"),
		RuntimeConfiguration: &awsgamelift.CfnFleet_RuntimeConfigurationProperty{
			ServerProcesses: &[]interface{}{process},
		},
	})
}

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)

	data := awscdk.NewStack(app, jsii.String("Data"), &awscdk.StackProps{Env: environment("222222222222")})
	peerRole := peering.NewVpcPeeringRole(data, jsii.String("Role"), &peering.VpcPeeringRoleProps{
		Vpc:             importVpc(data),
		GameLiftAccount: jsii.String("111111111111"),
		ExternalId:      jsii.String(externalId),
	})

	game := awscdk.NewStack(app, jsii.String("Game"), &awscdk.StackProps{Env: environment("111111111111")})
	vpc := awsec2.NewVpc(game, jsii.String("Vpc"), &awsec2.VpcProps{
		IpAddresses:       awsec2.IpAddresses_Cidr(jsii.String("10.90.0.0/16")),
		AvailabilityZones: jsii.Strings("us-east-1a", "us-east-1b"),
	})
	database := awsec2.NewSecurityGroup(game, jsii.String("Database"), &awsec2.SecurityGroupProps{Vpc: vpc})
	port := awsec2.Port_Tcp(jsii.Number(5432))
	authorization := peering.NewVpcPeeringAuthorization(game, jsii.String("Authorization"), &peering.VpcPeeringAuthorizationProps{
		Vpc:     vpc,
		Renewal: peering.AuthorizationRenewal_Scheduled(awscdk.Duration_Hours(jsii.Number(12)), nil),
	})

	fleet := addFleet(game, "Fleet")
	peering.NewVpcPeeringConnection(game, jsii.String("Peering"), &peering.VpcPeeringConnectionProps{
		Authorization: authorization,
		Fleet:         fleet,
		Routes: peering.PeeringRoutes_ForSubnets(&awsec2.SubnetSelection{
			SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS,
		}),
	}).AllowTo(database, port)

	peering.NewVpcPeeringConnection(game, jsii.String("PeeringOnCreate"), &peering.VpcPeeringConnectionProps{
		Authorization: authorization,
		Fleet:         addFleet(game, "FleetPeeredOnCreate"),
		PeerOnCreate:  jsii.Bool(true),
	}).AllowTo(database, port)

	otherAccount := peering.NewVpcPeeringAuthorization(game, jsii.String("OtherAccount"), &peering.VpcPeeringAuthorizationProps{
		Vpc:        importVpc(game),
		PeerRole:   peerRole,
		ExternalId: jsii.String(externalId),
	})
	peering.NewVpcPeeringConnection(game, jsii.String("OtherAccountPeering"), &peering.VpcPeeringConnectionProps{
		Authorization: otherAccount,
		Fleet:         fleet,
		DnsResolution: jsii.Bool(true),
	})

	app.Synth(nil)
}
