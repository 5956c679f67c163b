"""ECS by boto3: clusters, task definitions, services and tasks of a region that runs nothing."""

import zlib

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ecs(region, request):
    """A client in an account of the test's own."""
    account = f"{zlib.crc32(request.node.name.encode()):012d}"
    return region.client("ecs", key=account)


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response["Error"]
    return answer["Code"], answer["Message"]


def define(ecs, family="web", **changes):
    """Registers a plain Fargate task definition."""
    definition = {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {"name": "web", "image": "web:1", "portMappings": [{"containerPort": 80}]}
        ],
    }
    definition.update(changes)
    return ecs.register_task_definition(**definition)["taskDefinition"]


# ---- clusters


def test_cluster_life(ecs):
    made = ecs.create_cluster(
        clusterName="main",
        settings=[{"name": "containerInsights", "value": "enabled"}],
        tags=[{"key": "Stage", "value": "test"}],
    )["cluster"]
    assert made["clusterArn"].endswith(":cluster/main")
    assert made["status"] == "ACTIVE"
    assert made["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert made["tags"] == [{"key": "Stage", "value": "test"}]
    assert ecs.create_cluster(clusterName="main")["cluster"]["clusterArn"] == made["clusterArn"]
    assert ecs.list_clusters()["clusterArns"] == [made["clusterArn"]]
    plain = ecs.describe_clusters(clusters=["main"])["clusters"][0]
    assert plain["settings"] == [] and plain["tags"] == []
    assert (plain["activeServicesCount"], plain["runningTasksCount"], plain["pendingTasksCount"]) == (0, 0, 0)
    full = ecs.describe_clusters(clusters=[made["clusterArn"]], include=["TAGS", "SETTINGS"])["clusters"][0]
    assert full["settings"] == made["settings"] and full["tags"] == made["tags"]
    changed = ecs.update_cluster(cluster="main", settings=[{"name": "containerInsights", "value": "disabled"}])
    assert changed["cluster"]["settings"][0]["value"] == "disabled"
    changed = ecs.update_cluster_settings(cluster="main", settings=[{"name": "containerInsights", "value": "enhanced"}])
    assert changed["cluster"]["settings"][0]["value"] == "enhanced"
    assert ecs.delete_cluster(cluster="main")["cluster"]["status"] == "INACTIVE"
    assert ecs.list_clusters()["clusterArns"] == []
    assert ecs.describe_clusters(clusters=["main"])["clusters"][0]["status"] == "INACTIVE"
    assert ecs.create_cluster(clusterName="main")["cluster"]["status"] == "ACTIVE"


def test_cluster_errors(ecs):
    assert refused(ecs.delete_cluster, cluster="none") == ("ClusterNotFoundException", "Cluster not found.")
    assert refused(ecs.update_cluster, cluster="none")[0] == "ClusterNotFoundException"
    assert refused(ecs.create_cluster, clusterName="no blanks")[0] == "InvalidParameterException"
    answer = ecs.describe_clusters(clusters=["none"])
    assert answer["clusters"] == []
    assert answer["failures"][0]["reason"] == "MISSING"
    assert answer["failures"][0]["arn"].endswith(":cluster/none")


def test_capacity_providers(ecs):
    ecs.create_cluster(clusterName="main")
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}]
    changed = ecs.put_cluster_capacity_providers(
        cluster="main", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy
    )["cluster"]
    assert changed["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert changed["defaultCapacityProviderStrategy"] == strategy
    code, message = refused(
        ecs.put_cluster_capacity_providers,
        cluster="main",
        capacityProviders=["mine"],
        defaultCapacityProviderStrategy=[],
    )
    assert code == "InvalidParameterException" and "'mine'" in message
    names = [each["name"] for each in ecs.describe_capacity_providers()["capacityProviders"]]
    assert names == ["FARGATE", "FARGATE_SPOT"]


def test_pages(ecs):
    for i in range(5):
        ecs.create_cluster(clusterName=f"c{i}")
    first = ecs.list_clusters(maxResults=2)
    assert len(first["clusterArns"]) == 2 and first["nextToken"]
    pages = ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
    assert [arn[-2:] for page in pages for arn in page["clusterArns"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert refused(ecs.list_clusters, nextToken="x")[0] == "InvalidParameterException"
    assert refused(ecs.list_clusters, maxResults=101)[0] == "InvalidParameterException"


def test_account_settings(ecs):
    settings = ecs.list_account_settings(effectiveSettings=True, name="containerInsights")["settings"]
    assert settings[0]["value"] == "disabled"
    ecs.put_account_setting_default(name="containerInsights", value="enabled")
    made = ecs.create_cluster(clusterName="main")["cluster"]
    assert made["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    ecs.put_account_setting(name="containerInsights", value="enhanced")
    assert ecs.list_account_settings()["settings"][0]["value"] == "enhanced"
    assert ecs.delete_account_setting(name="containerInsights")["setting"]["value"] == "enhanced"
    assert ecs.list_account_settings()["settings"] == []
    assert refused(ecs.put_account_setting, name="containerInsights", value="maybe")[0] == "InvalidParameterException"


# ---- task definitions


def test_task_definition_life(ecs):
    first = define(ecs)
    assert first["taskDefinitionArn"].endswith(":task-definition/web:1")
    assert (first["revision"], first["status"], first["cpu"], first["memory"]) == (1, "ACTIVE", "256", "512")
    assert first["compatibilities"] == ["EC2", "FARGATE"]
    container = first["containerDefinitions"][0]
    assert container["essential"] is True and container["cpu"] == 0
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]
    assert (container["environment"], container["mountPoints"], container["volumesFrom"]) == ([], [], [])
    second = define(ecs, cpu="1 vCPU", memory="2GB", tags=[{"key": "a", "value": "b"}])
    assert (second["revision"], second["cpu"], second["memory"]) == (2, "1024", "2048")
    latest = ecs.describe_task_definition(taskDefinition="web", include=["TAGS"])
    assert latest["taskDefinition"]["revision"] == 2
    assert latest["tags"] == [{"key": "a", "value": "b"}]
    assert ecs.describe_task_definition(taskDefinition="web:1")["taskDefinition"]["revision"] == 1
    gone = ecs.deregister_task_definition(taskDefinition="web:2")["taskDefinition"]
    assert gone["status"] == "INACTIVE" and gone["deregisteredAt"]
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 1
    assert ecs.list_task_definitions()["taskDefinitionArns"] == [first["taskDefinitionArn"]]
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == [second["taskDefinitionArn"]]
    answer = ecs.delete_task_definitions(taskDefinitions=["web:1", "web:2"])
    assert answer["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS"
    assert answer["failures"][0]["arn"] == "web:1"
    assert define(ecs)["revision"] == 3


def test_task_definition_lists(ecs):
    for family in ("b", "a-b", "a"):
        for _ in range(2):
            define(ecs, family)
    names = [arn.split("/")[-1] for arn in ecs.list_task_definitions()["taskDefinitionArns"]]
    assert names == ["a:1", "a:2", "a-b:1", "a-b:2", "b:1", "b:2"]
    names = [arn.split("/")[-1] for arn in ecs.list_task_definitions(sort="DESC", familyPrefix="a")["taskDefinitionArns"]]
    assert names == ["a:2", "a:1"]
    assert ecs.list_task_definition_families()["families"] == ["a", "a-b", "b"]
    ecs.deregister_task_definition(taskDefinition="b:1")
    ecs.deregister_task_definition(taskDefinition="b:2")
    assert ecs.list_task_definition_families(status="ACTIVE")["families"] == ["a", "a-b"]
    assert ecs.list_task_definition_families(status="INACTIVE")["families"] == ["b"]


WEB = {"name": "web", "image": "web:1"}
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"cpu": "256", "memory": "4096"}, "No Fargate configuration exists for given values: 256 CPU, 4096 memory."),
        ({"cpu": "300"}, "No Fargate configuration exists for given values: 300 CPU"),
        ({"cpu": "much"}, "Invalid 'cpu' setting for task."),
        ({"networkMode": "bridge"}, "Fargate only supports network mode ‘awsvpc’."),
        ({"family": "a b"}, "Family contains invalid characters"),
        ({"containerDefinitions": []}, "Container list cannot be empty."),
        ({"containerDefinitions": [{"image": "x"}]}, "Container.name should not be null or empty."),
        ({"containerDefinitions": [{"name": "x"}]}, "Container.image should not be null or empty."),
        ({"containerDefinitions": [WEB, WEB]}, "Container names must be unique"),
        ({"containerDefinitions": [dict(WEB, essential=False)]}, "marked as essential"),
        (
            {"containerDefinitions": [dict(WEB, portMappings=[{"containerPort": 80, "hostPort": 81}])]},
            "the host ports and container ports in port mappings must match",
        ),
        ({"containerDefinitions": [dict(WEB, logConfiguration=LOGS)]}, "execution role ARN to support log driver awslogs"),
        (
            {"containerDefinitions": [dict(WEB, image="000000000000.dkr.ecr.us-east-1.amazonaws.com/web:1")]},
            "execution role ARN to support ECR images",
        ),
        (
            {"containerDefinitions": [dict(WEB, mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}])]},
            "Unknown volume 'v'.",
        ),
        (
            {"containerDefinitions": [dict(WEB, dependsOn=[{"containerName": "db", "condition": "START"}])]},
            "a dependency on container 'db' which does not exist",
        ),
        ({"containerDefinitions": [dict(WEB, cpu=512)]}, "greater than the cpu of the task"),
        ({"containerDefinitions": [dict(WEB, privileged=True)]}, "do not support privileged"),
        ({"containerDefinitions": [dict(WEB, links=["x"])]}, "Links are not supported"),
        ({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "efsVolumeConfiguration"),
    ],
)
def test_task_definition_errors(ecs, changes, message):
    code, said = refused(define, ecs=ecs, **changes)
    assert code == "ClientException"
    assert message in said


def test_task_definition_not_there(ecs):
    missing = ("ClientException", "Unable to describe task definition.")
    assert refused(ecs.describe_task_definition, taskDefinition="none") == missing
    assert refused(ecs.describe_task_definition, taskDefinition="none:7") == missing
    assert refused(ecs.deregister_task_definition, taskDefinition="none:7")[0] == "ClientException"
    assert refused(ecs.deregister_task_definition, taskDefinition="none")[0] == "InvalidParameterException"


# ---- tags


def test_tags(ecs):
    arns = [ecs.create_cluster(clusterName="main")["cluster"]["clusterArn"], define(ecs)["taskDefinitionArn"]]
    for arn in arns:
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
        assert refused(ecs.tag_resource, resourceArn=arn, tags=[{"key": "aws:x", "value": ""}])[0] == (
            "InvalidParameterException"
        )
    assert refused(ecs.list_tags_for_resource, resourceArn=arns[0] + "x")[0] == "ClusterNotFoundException"
    assert refused(ecs.list_tags_for_resource, resourceArn=arns[1] + "9")[0] == "InvalidParameterException"
