"""A small environment of the test's own: a VPC, a cluster, roles, logs, a repository."""

import json
import uuid

from conftest import wait_until

ACCOUNT = "000000000000"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
SERVE = "trap 'exit 0' TERM; echo serving $VERSION; httpd -f -p 80 -h /www & wait $!"


class Stack:
    """A VPC of two zones that reaches nothing, a cluster, a role, a log group and a repository."""

    def __init__(self, region):
        self.region = region
        self.balancers = []
        self.name = "t" + uuid.uuid4().hex[:8]
        self.ecs, self.ec2, self.iam = (region.client(each) for each in ("ecs", "ec2", "iam"))
        self.ecr, self.logs, self.secrets = (region.client(each) for each in ("ecr", "logs", "secretsmanager"))
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.20.{i}.0/24", AvailabilityZone=f"us-east-1{zone}"
            )["Subnet"]["SubnetId"]
            for i, zone in enumerate("ab")
        ]
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.iam.attach_role_policy(
            RoleName=self.name,
            PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        )
        self.iam.put_role_policy(
            RoleName=self.name,
            PolicyName="secrets",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameters", "ecs:ListClusters"],
                            "Resource": "*",
                        }
                    ],
                }
            ),
        )
        self.logs.create_log_group(logGroupName=self.name)
        self.ecr.create_repository(repositoryName=self.name)
        self.ecs.create_cluster(clusterName=self.name)
        self.image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{self.name}"

    def push(self, tag="1"):
        self.region.registry.push(self.name, tag, {"www/index.html": ("here\n", 0o644)})

    def container(self, name="web", command=SERVE, tag="1", **more):
        return {
            "name": name,
            "image": f"{self.image}:{tag}",
            "command": ["sh", "-c", command],
            "stopTimeout": 5,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": self.name,
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "x",
                },
            },
            **more,
        }

    def define(self, *containers):
        return self.ecs.register_task_definition(
            family=self.name,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            taskRoleArn=self.role,
            containerDefinitions=list(containers) or [self.container()],
        )["taskDefinition"]["taskDefinitionArn"]

    def network(self, **more):
        return {"awsvpcConfiguration": {"subnets": self.subnets, **more}}

    def run_task(self, **more):
        answer = self.ecs.run_task(
            cluster=self.name,
            taskDefinition=self.name,
            launchType="FARGATE",
            networkConfiguration=self.network(),
            **more,
        )
        return answer["tasks"][0]["taskArn"]

    def task(self, arn):
        return self.ecs.describe_tasks(cluster=self.name, tasks=[arn])["tasks"][0]

    def ended(self, arn):
        return wait_until(
            lambda: (task := self.task(arn))["lastStatus"] == "STOPPED" and task, "the task has stopped"
        )

    def running(self, arn):
        return wait_until(lambda: (task := self.task(arn))["lastStatus"] == "RUNNING" and task, "the task runs")

    def serve(self, count=1, **more):
        return self.ecs.create_service(
            cluster=self.name,
            serviceName="web",
            taskDefinition=self.name,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=self.network(),
            **more,
        )["service"]

    def service(self):
        return self.ecs.describe_services(cluster=self.name, services=["web"])["services"][0]

    def steady(self, count=1, seconds=40):
        def is_steady():
            now = self.service()
            return (
                len(now["deployments"]) == 1
                and now["runningCount"] == count
                and now["deployments"][0]["rolloutState"] == "COMPLETED"
                and now
            )

        return wait_until(is_steady, "the service is steady", seconds)

    def balancer(self):
        """A load balancer with one target group of port 80. Returns the group's ARN and the URL."""
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        elb = self.region.client("elbv2")
        group = elb.create_target_group(
            Name=self.name,
            Protocol="HTTP",
            Port=80,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            HealthCheckPath="/",
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
        )
        default = self.ec2.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "group-name", "Values": ["default"]}]
        )["SecurityGroups"][0]["GroupId"]
        self.ec2.authorize_security_group_ingress(
            GroupId=default, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )
        made = elb.create_load_balancer(Name=self.name, Subnets=self.subnets)["LoadBalancers"][0]
        elb.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        self.balancers = [(elb, made["LoadBalancerArn"])]
        return group, f"http://{made['DNSName']}/"

    def tasks(self):
        arns = self.ecs.list_tasks(cluster=self.name, serviceName="web")["taskArns"]
        return self.ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"] if arns else []

    def lines(self, container="web"):
        events = self.logs.filter_log_events(logGroupName=self.name, logStreamNamePrefix=f"x/{container}/")
        return [event["message"] for event in events["events"]]

    def close(self):
        for arn in self.ecs.list_services(cluster=self.name)["serviceArns"]:
            self.ecs.delete_service(cluster=self.name, service=arn, force=True)
        for arn in self.ecs.list_tasks(cluster=self.name)["taskArns"]:
            self.ecs.stop_task(cluster=self.name, task=arn)
        wait_until(lambda: not self.ecs.list_tasks(cluster=self.name)["taskArns"], "no task is wanted")

        def is_empty():
            stopped = self.ecs.list_tasks(cluster=self.name, desiredStatus="STOPPED")["taskArns"]
            return all(self.task(arn)["lastStatus"] == "STOPPED" for arn in stopped)

        wait_until(is_empty, "all tasks have stopped", 60)
        for elb, arn in self.balancers:
            elb.delete_load_balancer(LoadBalancerArn=arn)
