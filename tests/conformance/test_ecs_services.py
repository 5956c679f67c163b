"""ECS services and tasks by boto3, in a region that runs nothing: what the API says of them."""

import time
import zlib

import pytest
from botocore.exceptions import ClientError


class Place:
    """An account of the test's own, with a VPC of two subnets and a cluster."""

    def __init__(self, region, name):
        self.region = region
        self.account = f"{zlib.crc32(name.encode()):012d}"
        self.ecs = self.client("ecs")
        self.ec2 = self.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{zone}"
            )["Subnet"]["SubnetId"]
            for i, zone in enumerate("ab")
        ]
        self.ecs.create_cluster(clusterName="main")

    def client(self, service):
        return self.region.client(service, key=self.account)

    def network(self, **more):
        return {"awsvpcConfiguration": {"subnets": self.subnets, **more}}

    def define(self, family="web", **changes):
        definition = {
            "family": family,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "web", "image": "web:1", "portMappings": [{"containerPort": 80}]}],
        }
        definition.update(changes)
        return self.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]

    def service(self, **changes):
        request = {
            "cluster": "main",
            "serviceName": "web",
            "taskDefinition": "web",
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": self.network(),
        }
        request.update(changes)
        return self.ecs.create_service(**{k: v for k, v in request.items() if v is not None})["service"]

    def described(self, name="web"):
        return self.ecs.describe_services(cluster="main", services=[name], include=["TAGS"])["services"][0]

    def tasks(self, **filters):
        arns = self.ecs.list_tasks(cluster="main", **filters)["taskArns"]
        return self.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []


@pytest.fixture
def place(region, request):
    return Place(region, request.node.name)


def eventually(question, seconds=5):
    """The first answer that is not false: controllers work after the call that woke them."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response["Error"]
    return answer["Code"], answer["Message"]


# ---- services


def test_service_life(place):
    definition = place.define()
    made = place.service(tags=[{"key": "Stage", "value": "test"}])
    assert made["serviceArn"].endswith(":service/main/web")
    assert made["status"] == "ACTIVE" and made["taskDefinition"] == definition
    assert made["deploymentConfiguration"]["maximumPercent"] == 200
    assert made["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    (primary,) = made["deployments"]
    assert primary["status"] == "PRIMARY" and primary["rolloutState"] == "IN_PROGRESS"
    assert primary["id"].startswith("ecs-svc/") and primary["desiredCount"] == 2
    assert place.ecs.list_services(cluster="main")["serviceArns"] == [made["serviceArn"]]
    now = eventually(lambda: (s := place.described())["pendingCount"] == 2 and s)
    assert now["tags"] == [{"key": "Stage", "value": "test"}]
    assert (now["runningCount"], now["pendingCount"]) == (0, 2)
    assert "has started 2 tasks" in now["events"][0]["message"]
    assert place.ecs.describe_clusters(clusters=["main"])["clusters"][0]["activeServicesCount"] == 1
    assert refused(place.ecs.delete_cluster, cluster="main")[0] == "ClusterContainsServicesException"
    assert refused(place.ecs.delete_service, cluster="main", service="web") == (
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    )
    place.ecs.update_service(cluster="main", service="web", desiredCount=0)
    assert place.ecs.delete_service(cluster="main", service="web")["service"]["status"] == "DRAINING"
    gone = eventually(lambda: (s := place.described())["status"] == "INACTIVE" and s)
    assert gone["deployments"] == []
    assert place.ecs.list_services(cluster="main")["serviceArns"] == []
    assert place.ec2.describe_network_interfaces(
        Filters=[{"Name": "vpc-id", "Values": [place.vpc]}]
    )["NetworkInterfaces"] == []
    assert place.service()["status"] == "ACTIVE"


def test_tasks_of_a_service(place):
    place.define()
    service = place.service(
        enableECSManagedTags=True, propagateTags="SERVICE", tags=[{"key": "Team", "value": "a"}]
    )
    tasks = eventually(lambda: len(found := place.tasks(serviceName="web")) == 2 and found)
    assert sorted(task["availabilityZone"] for task in tasks) == ["us-east-1a", "us-east-1b"]
    for task in tasks:
        assert task["group"] == "service:web" and task["launchType"] == "FARGATE"
        assert task["startedBy"] == service["deployments"][0]["id"]
        assert (task["lastStatus"], task["desiredStatus"]) == ("PROVISIONING", "RUNNING")
        assert (task["cpu"], task["memory"]) == ("256", "512")
        details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
        (interface,) = place.ec2.describe_network_interfaces(
            NetworkInterfaceIds=[details["networkInterfaceId"]]
        )["NetworkInterfaces"]
        assert interface["PrivateIpAddress"] == details["privateIPv4Address"]
        assert interface["SubnetId"] == details["subnetId"] and details["subnetId"] in place.subnets
        (container,) = task["containers"]
        assert container["name"] == "web" and container["image"] == "web:1"
        assert container["networkInterfaces"][0]["privateIpv4Address"] == details["privateIPv4Address"]
        tags = place.ecs.list_tags_for_resource(resourceArn=task["taskArn"])["tags"]
        assert {t["key"]: t["value"] for t in tags} == {
            "Team": "a",
            "aws:ecs:clusterName": "main",
            "aws:ecs:serviceName": "web",
        }


def test_a_stopped_task_is_replaced(place):
    place.define()
    place.service(desiredCount=1)
    (before,) = eventually(lambda: place.tasks(serviceName="web"))
    place.ecs.stop_task(cluster="main", task=before["taskArn"], reason="by the test")

    def look():
        return place.ecs.describe_tasks(cluster="main", tasks=[before["taskArn"]])["tasks"][0]

    stopped = eventually(lambda: (t := look())["lastStatus"] == "STOPPED" and t)
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedReason"] == "by the test"
    (after,) = eventually(lambda: place.tasks(serviceName="web"))
    assert after["taskArn"] != before["taskArn"]


def test_update_service(place):
    place.define()
    first = place.service(deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50})
    same = place.ecs.update_service(cluster="main", service="web", taskDefinition="web")["service"]
    assert [d["id"] for d in same["deployments"]] == [first["deployments"][0]["id"]]
    second = place.define(cpu="512", memory="1024")
    changed = place.ecs.update_service(cluster="main", service="web", taskDefinition=second)["service"]
    assert changed["taskDefinition"] == second
    assert [d["status"] for d in changed["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert changed["deploymentConfiguration"]["maximumPercent"] == 150
    # Former tasks never ran: nothing is lost by stopping them.
    assert eventually(lambda: [d["status"] for d in place.described()["deployments"]] == ["PRIMARY"])
    assert {t["taskDefinitionArn"] for t in place.tasks(serviceName="web")} == {second}
    forced = place.ecs.update_service(cluster="main", service="web", forceNewDeployment=True)["service"]
    assert forced["deployments"][0]["id"] != changed["deployments"][0]["id"]
    scaled = place.ecs.update_service(cluster="main", service="web", desiredCount=3)["service"]
    assert scaled["desiredCount"] == 3
    assert eventually(lambda: len(place.tasks(serviceName="web")) == 3)
    place.ecs.update_service(cluster="main", service="web", desiredCount=1)
    assert eventually(lambda: len(place.tasks(serviceName="web")) == 1)


def test_service_deployments(place):
    if not hasattr(place.ecs, "list_service_deployments"):
        pytest.skip("this boto3 does not know ListServiceDeployments")
    place.define()
    service = place.service()
    number = service["deployments"][0]["id"].split("/")[1]
    (brief,) = place.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    assert brief["status"] == "IN_PROGRESS" and number in brief["targetServiceRevisionArn"]
    place.ecs.update_service(cluster="main", service="web", forceNewDeployment=True)
    all_of_them = place.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    assert [each["status"] for each in all_of_them] == ["IN_PROGRESS", "STOPPED"]


def test_service_errors(place):
    place.define()
    create = place.service
    assert refused(create, taskDefinition="none")[0] == "ClientException"
    assert refused(create, cluster="none")[0] == "ClusterNotFoundException"
    assert "Network Configuration must be provided" in refused(create, networkConfiguration=None)[1]
    bad = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
    assert "InvalidSubnetID.NotFound" in refused(create, networkConfiguration=bad)[1]
    assert "securityGroups" not in refused(create, networkConfiguration=bad)[1]
    groups = place.network(securityGroups=["sg-0123456789abcdef0"])
    assert "InvalidGroup.NotFound" in refused(create, networkConfiguration=groups)[1]
    arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/0123456789abcdef"
    balancer = {"targetGroupArn": arn, "containerName": "web", "containerPort": 80}
    assert "does not have an associated load balancer" in refused(create, loadBalancers=[balancer])[1]
    assert "does not exist in the task definition" in refused(
        create, loadBalancers=[{**balancer, "containerName": "other"}])[1]
    assert "container port 81" in refused(create, loadBalancers=[{**balancer, "containerPort": 81}])[1]
    assert "cannot both be 100" in refused(
        create, deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 100})[1]
    alarms = {"alarmNames": ["a"], "enable": True, "rollback": True}
    assert "deployment alarms" in refused(create, deploymentConfiguration={"alarms": alarms})[1]
    assert "CODE_DEPLOY" in refused(create, deploymentController={"type": "CODE_DEPLOY"})[1]
    place.service()
    assert refused(create)[1] == "Creation of service was not idempotent."
    assert refused(place.ecs.update_service, cluster="main", service="none")[0] == "ServiceNotFoundException"
    answer = place.ecs.describe_services(cluster="main", services=["none"])
    assert answer["failures"][0]["reason"] == "MISSING" and answer["services"] == []


def test_ec2_launch_type_has_no_instances(place):
    place.define()
    place.service(launchType="EC2", desiredCount=1)
    events = eventually(lambda: place.described()["events"])
    assert "No Container Instances were found" in events[0]["message"]


def test_subnet_that_is_full(place):
    small = place.ec2.create_subnet(VpcId=place.vpc, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    place.define()
    network = {"awsvpcConfiguration": {"subnets": [small]}}
    place.service(desiredCount=12, networkConfiguration=network)

    def said():
        return any("failed to launch a task" in e["message"] for e in place.described()["events"])

    assert eventually(said)
    assert len(place.tasks(serviceName="web")) <= 11


# ---- tasks


def test_run_task(place):
    definition = place.define()
    answer = place.ecs.run_task(
        cluster="main",
        taskDefinition="web",
        launchType="FARGATE",
        count=2,
        startedBy="me",
        networkConfiguration=place.network(assignPublicIp="ENABLED"),
        overrides={"containerOverrides": [{"name": "web", "command": ["true"]}], "cpu": "512", "memory": "1024"},
        tags=[{"key": "a", "value": "b"}],
    )
    assert answer["failures"] == []
    first, second = answer["tasks"]
    assert first["taskDefinitionArn"] == definition and first["group"] == "family:web"
    assert first["startedBy"] == "me" and first["tags"] == [{"key": "a", "value": "b"}]
    assert (first["cpu"], first["memory"]) == ("512", "1024")
    assert first["overrides"]["containerOverrides"][0]["command"] == ["true"]
    listed = place.ecs.list_tasks(cluster="main", startedBy="me")["taskArns"]
    assert sorted(listed) == sorted([first["taskArn"], second["taskArn"]])
    assert place.ecs.list_tasks(cluster="main", family="other")["taskArns"] == []
    stopped = place.ecs.stop_task(cluster="main", task=first["taskArn"].split("/")[-1])["task"]
    assert stopped["desiredStatus"] == "STOPPED"
    assert len(place.ecs.list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"]) == 1
    missing = place.ecs.describe_tasks(cluster="main", tasks=["0" * 32])
    assert missing["failures"][0]["reason"] == "MISSING"


def test_run_task_errors(place):
    place.define()
    run = place.ecs.run_task
    good = {
        "cluster": "main",
        "taskDefinition": "web",
        "launchType": "FARGATE",
        "networkConfiguration": place.network(),
    }
    assert refused(run, **{**good, "taskDefinition": "none"}) == ("ClientException", "TaskDefinition not found.")
    assert refused(run, **{**good, "count": 11})[0] == "InvalidParameterException"
    assert "No Container Instances" in refused(run, cluster="main", taskDefinition="web",
                                               networkConfiguration=place.network())[1]
    override = {"containerOverrides": [{"name": "other"}]}
    assert "Override for container named other" in refused(run, **{**good, "overrides": override})[1]
    assert refused(place.ecs.stop_task, cluster="main", task="0" * 32)[1] == "The referenced task was not found."
    assert refused(run, **{**good, "group": "service:web"})[1] == "Invalid namespace for group."


def test_stopped_tasks_are_forgotten_after_an_hour(stepped_region):
    place = Place(stepped_region, "stepped")
    place.define()
    arn = place.ecs.run_task(
        cluster="main", taskDefinition="web", launchType="FARGATE", networkConfiguration=place.network()
    )["tasks"][0]["taskArn"]
    place.ecs.stop_task(cluster="main", task=arn)

    def is_described():
        return place.ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"]

    assert eventually(lambda: is_described()[0]["lastStatus"] == "STOPPED")
    place.region.advance(3500)
    assert is_described()
    place.region.advance(200)
    assert eventually(lambda: not is_described())
