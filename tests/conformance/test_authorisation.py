"""Keys that the region issued: verified by their signatures, authorised by their policies."""

import datetime
import json
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


def policy(action, resource="*", effect="Allow", **more):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}],
        }
    )


def trust(principal, **more):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}],
        }
    )


class Issued:
    """Clients with keys that the region issued."""

    def __init__(self, region, key, secret, token=None):
        self.region, self.key, self.secret, self.token = region, key, secret, token

    def __call__(self, service, region="us-east-1"):
        return boto3.client(
            service,
            endpoint_url=self.region.url,
            region_name=region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
            config=Config(retries={"max_attempts": 0}),
        )


@pytest.fixture
def user(region):
    """A user without any right, and clients with its key."""
    iam = region.client("iam")
    name = f"user-{time.monotonic_ns()}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    clients = Issued(region, key["AccessKeyId"], key["SecretAccessKey"])
    clients.name, clients.arn = name, f"arn:aws:iam::{ACCOUNT}:user/{name}"
    clients.allow = lambda *a, **k: iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=policy(*a, **k)
    )
    return clients


def refused(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    error = failure.value.response["Error"]
    return error["Code"], error["Message"]


def test_identity(user):
    identity = user("sts").get_caller_identity()
    assert identity["Arn"] == user.arn
    assert identity["UserId"].startswith("AIDA")


def test_nothing_is_allowed_at_first(user):
    action = "ecs:ListClusters"
    assert refused(user("ecs").list_clusters) == (
        "AccessDeniedException",
        f"User: {user.arn} is not authorized to perform: {action} on resource: * because no identity-based "
        f"policy allows the {action} action",
    )
    assert refused(user("iam").list_roles)[0] == "AccessDenied"
    code, message = refused(user("ec2").create_vpc, CidrBlock="10.9.0.0/16")
    assert code == "UnauthorizedOperation"
    assert f"ec2:CreateVpc on resource: arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/*" in message


def test_resources_and_explicit_deny(region, user):
    ecs = user("ecs")
    cluster = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/{user.name}"
    user.allow("ecs:*", cluster)
    ecs.create_cluster(clusterName=user.name)
    assert ecs.describe_clusters(clusters=[user.name])["clusters"][0]["clusterArn"] == cluster
    assert refused(ecs.describe_clusters, clusters=[user.name, "other"])[0] == "AccessDeniedException"
    region.client("iam").put_user_policy(
        UserName=user.name, PolicyName="no", PolicyDocument=policy("ecs:Delete*", effect="Deny")
    )
    code, message = refused(ecs.delete_cluster, cluster=user.name)
    assert code == "AccessDeniedException"
    assert message.endswith(f"on resource: {cluster} with an explicit deny in an identity-based policy")


def test_secret_by_name(region, user):
    arn = region.client("secretsmanager").create_secret(Name=user.name, SecretString="x")["ARN"]
    assert refused(user("secretsmanager").get_secret_value, SecretId=user.name)[0] == "AccessDeniedException"
    user.allow("secretsmanager:GetSecretValue", arn)
    assert user("secretsmanager").get_secret_value(SecretId=user.name)["SecretString"] == "x"
    assert refused(user("secretsmanager").get_secret_value, SecretId="none")[0] == "AccessDeniedException"


def test_conditions_and_variables(user):
    user.allow("logs:CreateLogGroup", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
    user("logs", "eu-west-1").create_log_group(logGroupName=user.name)
    assert refused(user("logs").create_log_group, logGroupName=user.name)[0] == "AccessDeniedException"
    user.allow("logs:CreateLogGroup", "arn:aws:logs:*:*:log-group:/${aws:username}/*")
    user("logs").create_log_group(logGroupName=f"/{user.name}/a")
    assert refused(user("logs").create_log_group, logGroupName="/other/a")[0] == "AccessDeniedException"
    user.allow("logs:*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})
    assert refused(user("logs").describe_log_groups)[0] == "AccessDeniedException"


def test_own_keys(user):
    user.allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}")
    keys = user("iam").list_access_keys()["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [user.key]
    assert refused(user("iam").list_access_keys, UserName="other")[0] == "AccessDenied"


def test_pass_role(region, user):
    iam = region.client("iam")
    iam.create_role(RoleName=user.name, AssumeRolePolicyDocument=trust({"Service": "ecs-tasks.amazonaws.com"}))
    task = {
        "family": user.name,
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{user.name}",
        "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}],
    }
    user.allow("ecs:*")
    code, message = refused(user("ecs").register_task_definition, **task)
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/{user.name}" in message
    user.allow(["ecs:*", "iam:PassRole"], Condition={"StringEqualsIfExists": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})
    user("ecs").register_task_definition(**task)


def test_managed_policies_groups_and_boundary(region, user):
    iam = region.client("iam")
    iam.create_group(GroupName=user.name)
    iam.add_user_to_group(GroupName=user.name, UserName=user.name)
    iam.attach_group_policy(GroupName=user.name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    user("ecs").list_clusters()
    assert refused(user("ecs").create_cluster, clusterName="x")[0] == "AccessDeniedException"
    iam.put_user_permissions_boundary(
        UserName=user.name, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3FullAccess"
    )
    code, message = refused(user("ecs").list_clusters)
    assert code == "AccessDeniedException"
    assert "because no permissions boundary allows the ecs:ListClusters action" in message
    iam.delete_user_permissions_boundary(UserName=user.name)
    user("ecs").list_clusters()
    iam.detach_group_policy(GroupName=user.name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.attach_user_policy(UserName=user.name, PolicyArn="arn:aws:iam::aws:policy/AmazonVPCFullAccess")
    assert "not held by Terrarium: arn:aws:iam::aws:policy/AmazonVPCFullAccess" in refused(user("ec2").describe_vpcs)[1]


def test_wrong_secret_and_gone_keys(region, user):
    wrong = Issued(region, user.key, "wrong")
    assert refused(wrong("sts").get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert refused(wrong("ecs").list_clusters)[0] == "InvalidSignatureException"
    assert refused(wrong("ec2").describe_vpcs)[0] == "AuthFailure"
    iam = region.client("iam")
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key, Status="Inactive")
    assert refused(user("sts").get_caller_identity)[0] == "InvalidClientTokenId"
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key, Status="Active")
    user("sts").get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=user.key)
    assert used["UserName"] == user.name and used["AccessKeyLastUsed"]["ServiceName"] == "sts"
    iam.delete_access_key(UserName=user.name, AccessKeyId=user.key)
    assert refused(user("sts").get_caller_identity)[0] == "InvalidClientTokenId"
    assert iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"] == []


def send(request):
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def identity_request(user):
    url = user.region.url + "/?Action=GetCallerIdentity&Version=2011-06-15"
    return AWSRequest(method="GET", url=url)


def test_presigned(user):
    credentials = Credentials(user.key, user.secret)
    request = identity_request(user)
    SigV4QueryAuth(credentials, "sts", "us-east-1", expires=2).add_auth(request)
    status, body = send(request.url)
    assert status == 200 and user.arn in body
    status, body = send(request.url.replace("GetCallerIdentity", "GetSessionToken"))
    assert status == 403 and "SignatureDoesNotMatch" in body
    time.sleep(3.1)
    status, body = send(request.url)
    assert status == 403 and "SignatureDoesNotMatch" in body and "Signature expired" in body


@pytest.mark.parametrize("minutes, allowed", [(0, True), (-14, True), (-16, False), (16, False)])
def test_clock_skew(user, monkeypatch, minutes, allowed):
    import botocore.auth

    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    for name in ("get_current_datetime",):
        if hasattr(botocore.auth, name):
            monkeypatch.setattr(botocore.auth, name, lambda **_: then.replace(tzinfo=None))
    request = identity_request(user)
    auth = SigV4Auth(Credentials(user.key, user.secret), "sts", "us-east-1")
    if not hasattr(botocore.auth, "get_current_datetime"):

        class Clock(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return then.replace(tzinfo=None)

            @classmethod
            def now(cls, tz=None):
                return then

        monkeypatch.setattr(botocore.auth.datetime, "datetime", Clock, raising=False)
    auth.add_auth(request)
    prepared = request.prepare()
    status, body = send(urllib.request.Request(prepared.url, headers=dict(prepared.headers)))
    assert (status == 200) == allowed, body
    if not allowed:
        assert "SignatureDoesNotMatch" in body


def test_changed_body(user):
    user.allow("ecs:*")
    headers = {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest(method="POST", url=user.region.url + "/", data=b"{}", headers=headers)
    SigV4Auth(Credentials(user.key, user.secret), "ecs", "us-east-1").add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(prepared.url, data=b'{"maxResults":1}', headers=dict(prepared.headers), method="POST")
    status, body = send(sent)
    assert status == 400 and "InvalidSignatureException" in body
    assert send(urllib.request.Request(prepared.url, data=b"{}", headers=dict(prepared.headers), method="POST"))[0] == 200


def test_assume_role(region, user):
    iam = region.client("iam")
    role = iam.create_role(RoleName=user.name, AssumeRolePolicyDocument=trust({"AWS": user.arn}))["Role"]
    iam.put_role_policy(RoleName=user.name, PolicyName="p", PolicyDocument=policy("ecs:List*"))
    sts = user("sts")
    assert refused(sts.assume_role, RoleArn=role["Arn"], RoleSessionName="one")[0] == "AccessDenied"
    user.allow("sts:AssumeRole", role["Arn"])
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="one")
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    session = Issued(region, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    identity = session("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{user.name}/one" == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == role["RoleId"] + ":one"
    session("ecs").list_clusters()
    assert refused(session("ecs").create_cluster)[0] == "AccessDeniedException"
    without = Issued(region, keys["AccessKeyId"], keys["SecretAccessKey"])
    assert refused(without("sts").get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(session("sts").get_session_token)[0] == "AccessDenied"
    assert refused(sts.assume_role, RoleArn=role["Arn"], RoleSessionName="one", DurationSeconds=7200)[0] == "ValidationError"
    narrowed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="two", Policy=policy("ecs:DescribeClusters"))["Credentials"]
    narrowed = Issued(region, narrowed["AccessKeyId"], narrowed["SecretAccessKey"], narrowed["SessionToken"])
    assert "because no session policy allows" in refused(narrowed("ecs").list_clusters)[1]
    # Not trusted: not even with the right to assume it.
    iam.update_assume_role_policy(RoleName=user.name, PolicyDocument=trust({"Service": "ecs-tasks.amazonaws.com"}))
    assert refused(sts.assume_role, RoleArn=role["Arn"], RoleSessionName="one")[0] == "AccessDenied"
    # A role made anew under the name is another one.
    iam.delete_role_policy(RoleName=user.name, PolicyName="p")
    iam.delete_role(RoleName=user.name)
    assert refused(session("sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_external_id(region, user):
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    role = region.client("iam").create_role(
        RoleName=user.name, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Condition=condition)
    )["Role"]["Arn"]
    user.allow("sts:AssumeRole")
    assert refused(user("sts").assume_role, RoleArn=role, RoleSessionName="one")[0] == "AccessDenied"
    user("sts").assume_role(RoleArn=role, RoleSessionName="one", ExternalId="42")


def test_session_token(region, user):
    user.allow("ecs:List*")
    keys = user("sts").get_session_token(DurationSeconds=900)["Credentials"]
    session = Issued(region, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert session("sts").get_caller_identity()["Arn"] == user.arn
    session("ecs").list_clusters()
    assert region.client("sts").get_access_key_info(AccessKeyId=keys["AccessKeyId"])["Account"] == ACCOUNT


def test_registry(region, user):
    region.client("ecr").create_repository(repositoryName=user.name)
    user.allow("ecr:GetAuthorizationToken")
    login = user("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]

    def tags():
        url = f"{region.url}/v2/{user.name}/tags/list"
        return send(urllib.request.Request(url, headers={"Authorization": "Basic " + login}))

    status, body = tags()
    assert status == 403 and "DENIED" in body
    assert f"ecr:ListImages on resource: arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{user.name}" in body
    user.allow("ecr:*", f"arn:aws:ecr:*:*:repository/{user.name}")
    assert tags()[0] == 200


def test_unserved_by_name(region):
    sts = region.client("sts")
    code, message = refused(
        sts.assume_role_with_web_identity,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/some-role",
        RoleSessionName="session",
        WebIdentityToken="token",
    )
    assert code == "NotImplemented" and "AssumeRoleWithWebIdentity" in message
    assert refused(sts.decode_authorization_message, EncodedMessage="x")[0] == "NotImplemented"


def test_simulation(region, user):
    user.allow(["ecs:List*", "ecs:Describe*"])
    results = region.client("iam").simulate_principal_policy(
        PolicySourceArn=user.arn, ActionNames=["ecs:ListTasks", "ecs:StopTask"]
    )["EvaluationResults"]
    assert [each["EvalDecision"] for each in results] == ["allowed", "implicitDeny"]


def test_strict(tmp_path_factory):
    from conftest import Region

    region = Region(tmp_path_factory.mktemp("strict"))
    up = region.run("up", "--no-glass", "--strict")
    assert up.returncode == 0, up.stderr
    try:
        assert refused(region.client("sts").get_caller_identity)[0] == "InvalidClientTokenId"
        status, body = send(region.url + "/?Action=GetCallerIdentity&Version=2011-06-15")
        assert status == 403 and "MissingAuthenticationToken" in body
        lines = region.run("env").stdout.splitlines()
        env = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        root = Issued(region, env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        assert root("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
        root("ecs").list_clusters()
        # The command's own engine uses them as well.
        folder = tmp_path_factory.mktemp("strict-files")
        (folder / "main.tf").write_text('resource "aws_ecs_cluster" "c" {\n  name = "strict"\n}\n')
        applied = region.run(f"-chdir={folder}", "apply", "-auto-approve")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        assert len(root("ecs").list_clusters()["clusterArns"]) == 1
    finally:
        region.end()
