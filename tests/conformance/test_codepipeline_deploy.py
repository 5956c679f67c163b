"""What pipelines deploy, to S3 and to ECS, without a glass; and what may be wrong with it."""

import datetime
import json

import pytest

from pipes import ASK, SHIP, SOURCE, TRUST, action, until, zipped


def test_permission(pipes, name):
    iam = pipes.region.client("iam")
    few = iam.create_role(RoleName="few", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    run = pipes.create(name, [SOURCE], [dict(SHIP, roleArn=few)])
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError" and "sufficient permissions" in details["message"]
    statements = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pipe-artifacts/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::pipe-site/few/*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName="few", PolicyName="own", PolicyDocument=policy)
    retry = {"pipelineName": name, "stageName": "S1", "pipelineExecutionId": run, "retryMode": "FAILED_ACTIONS"}
    pipes.api.retry_stage_execution(**retry)
    until(lambda: len(pipes.actions(name, run)) == 3 and pipes.status(name, run) == "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError" and "perform: s3:PutObject" in details["message"]
    # Mended in the pipeline, a retry goes on with what it says now.
    into = dict(SHIP, roleArn=few, configuration={**SHIP["configuration"], "ObjectKey": "few"})
    pipes.api.update_pipeline(pipeline=pipes.declare(name, [SOURCE], [into]))
    pipes.api.retry_stage_execution(**retry)
    pipes.wait(name, run, "Succeeded")


def definitions(text):
    return zipped(imagedefinitions_json=text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (definitions('[{"name": "web", '), "is not valid"),
        (definitions('{"name": "web"}'), "JSON list"),
        (definitions('[{"name": "other", "imageUri": "x"}]'), "The AWS ECS container other does not exist"),
        (zipped(readme="x"), "Did not find the image definition file imagedefinitions.json"),
        (b"no zip at all", "Exception while trying to read the image definition file"),
        (definitions('[{"name": "web", "imageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/web:2"}]'), None),
    ],
)
def test_ecs(pipes, name, body, words):
    ecs = pipes.region.client("ecs")
    ecs.create_cluster(clusterName="pipe")
    definition = ecs.register_task_definition(
        family="pipe",
        containerDefinitions=[{"name": "web", "image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/web:1"}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=pipes.role,
    )["taskDefinition"]
    ec2 = pipes.region.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"] if ec2.describe_subnets()["Subnets"] else None
    if not subnet:
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.0.0/24")["Subnet"]["SubnetId"]
    ecs.create_service(
        cluster="pipe",
        serviceName="web",
        taskDefinition=definition["taskDefinitionArn"],
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    try:
        pipes.s3.put_object(Bucket="pipe-source", Key="ecs.zip", Body=body)
        get = dict(SOURCE, configuration={"S3Bucket": "pipe-source", "S3ObjectKey": "ecs.zip"})
        deploy = action("Ecs", "Deploy", "ECS", {"ClusterName": "pipe", "ServiceName": "web"}, inputs=["app"])
        run = pipes.create(name, [get], [deploy])
        pipes.wait(name, run, "Failed" if words else "Succeeded")
        result = pipes.actions(name, run)[0]["output"]["executionResult"]
        if words:
            assert words in result["errorDetails"]["message"]
            assert result["errorDetails"]["code"] == "ConfigurationError"
            return
        service = ecs.describe_services(cluster="pipe", services=["web"])["services"][0]
        assert result["externalExecutionId"] == service["deployments"][0]["id"]
        now = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        assert now["revision"] == definition["revision"] + 1
        assert now["containerDefinitions"][0]["image"].endswith("/web:2")
        assert now["executionRoleArn"] == pipes.role
    finally:
        ecs.delete_service(cluster="pipe", service="web", force=True)


@pytest.mark.parametrize(
    ("cluster", "words"),
    [("pipe", "it does not exist, or is not ACTIVE"), ("pipe-nowhere", "Cluster not found")],
)
def test_ecs_that_is_not_there(pipes, name, cluster, words):
    pipes.region.client("ecs").create_cluster(clusterName="pipe")
    body = definitions('[{"name": "web", "imageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/web:2"}]')
    pipes.s3.put_object(Bucket="pipe-source", Key="ecs.zip", Body=body)
    get = dict(SOURCE, configuration={"S3Bucket": "pipe-source", "S3ObjectKey": "ecs.zip"})
    deploy = action("Ecs", "Deploy", "ECS", {"ClusterName": cluster, "ServiceName": "none"}, inputs=["app"])
    run = pipes.create(name, [get], [deploy])
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError" and words in details["message"]
    assert f"service 'none' of the cluster '{cluster}'" in details["message"]


def test_what_vanishes(pipes, name):
    """A bucket that goes while the pipeline runs fails the action that needs it, by name; a retry goes on."""
    for bucket in ["pipe-gone", "pipe-gone-too"]:
        pipes.s3.create_bucket(Bucket=bucket)
    pipes.s3.put_bucket_versioning(Bucket="pipe-gone-too", VersioningConfiguration={"Status": "Enabled"})
    pipes.s3.put_object(Bucket="pipe-gone-too", Key="app.zip", Body=zipped(index_html="x"))
    source = dict(SOURCE, configuration={"S3Bucket": "pipe-gone-too", "S3ObjectKey": "app.zip"})
    declaration = pipes.declare(name, [source], [ASK], [SHIP])
    declaration["artifactStore"]["location"] = "pipe-gone"
    pipes.api.create_pipeline(pipeline=declaration)
    run = pipes.executions(name)[0]["pipelineExecutionId"]
    token = pipes.token(name, 1)
    place = pipes.actions(name, run)[-1]["output"]["outputArtifacts"][0]["s3location"]
    artifact = pipes.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    pipes.s3.delete_object(Bucket=place["bucket"], Key=place["key"])
    pipes.answer(name, 1, token=token)
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError" and f"object key '{place['key']}'" in details["message"]
    pipes.s3.put_object(Bucket=place["bucket"], Key=place["key"], Body=artifact)
    retry = {"pipelineName": name, "pipelineExecutionId": run, "retryMode": "FAILED_ACTIONS"}
    pipes.api.retry_stage_execution(stageName="S2", **retry)
    pipes.wait(name, run, "Succeeded")
    pipes.s3.delete_object(Bucket=place["bucket"], Key=place["key"])
    pipes.s3.delete_bucket(Bucket="pipe-gone")
    run = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert "artifact bucket 'pipe-gone'" in details["message"] and "does not exist" in details["message"]
    for version in pipes.s3.list_object_versions(Bucket="pipe-gone-too")["Versions"]:
        pipes.s3.delete_object(Bucket="pipe-gone-too", Key="app.zip", VersionId=version["VersionId"])
    pipes.s3.delete_bucket(Bucket="pipe-gone-too")
    run = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert "Amazon S3 bucket 'pipe-gone-too'" in details["message"]
    assert pipes.executions(name)[0]["trigger"]["triggerType"] == "StartPipelineExecution"


def test_site_as_it_is_asked_for(pipes, name):
    """Extract, with a prefix, types, Cache-Control and a canned ACL; without Extract the zip itself."""
    files = zipped(index_html="site", **{"style_css": "b {}", "deep/app_js": "1"})
    pipes.s3.put_object(Bucket="pipe-source", Key="site.zip", Body=files)
    source = dict(SOURCE, configuration={"S3Bucket": "pipe-source", "S3ObjectKey": "site.zip"})
    more = {"ObjectKey": "web/", "CacheControl": "public, max-age=60", "CannedACL": "bucket-owner-full-control"}
    ship = dict(SHIP, configuration={**SHIP["configuration"], **more})
    named = {"BucketName": "pipe-site", "Extract": "false", "ObjectKey": "all/{datetime}/{uuid}.zip"}
    whole = dict(SHIP, name="Whole", configuration=named)
    run = pipes.create(name, [source], [ship, whole])
    pipes.wait(name, run, "Succeeded")
    types = {"index.html": "text/html", "style.css": "text/css", "deep/app.js": "javascript"}
    for key, kind in types.items():
        head = pipes.s3.head_object(Bucket="pipe-site", Key=f"web/{key}")
        assert kind in head["ContentType"] and head["CacheControl"] == "public, max-age=60"
    (key,) = [each["Key"] for each in pipes.s3.list_objects_v2(Bucket="pipe-site", Prefix="all/")["Contents"]]
    done = next(each for each in pipes.actions(name, run) if each["actionName"] == "Whole")
    when = done["startTime"].astimezone(datetime.UTC).strftime("%Y-%m-%d_%H-%M-%S")
    assert key == f"all/{when}/{done['actionExecutionId']}.zip"
    assert pipes.s3.get_object(Bucket="pipe-site", Key=key)["Body"].read() == files
    refused = dict(ship, configuration={**ship["configuration"], "CannedACL": "public-read"})
    pipes.api.update_pipeline(pipeline=pipes.declare(name, [source], [refused]))
    run = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert "does not allow ACLs" in details["message"]
