"""Builds that really run: in a small image of our own, and once in the one that serves aws/codebuild/…"""

import io
import json
import os
import signal
import time
import urllib.request
import zipfile

from builds import ACCOUNT, HOST
from conftest import wait_until


def test_a_build_succeeds(builds):
    builds.project("""
version: 0.2
env:
  variables: {FROM_SPEC: one, BOTH: spec}
  exported-variables: [TAG]
phases:
  install:
    commands: ["PLAIN=kept", "cd /tmp"]
  build:
    commands:
      - echo "$PLAIN $FROM_SPEC $BOTH in $(pwd)"
      - env
      - |
        for i in 1 2; do
          echo "number $i"
        done
      - export TAG=v1
    finally:
      - echo finally
  post_build:
    commands: ['echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"']
""", environment={"environmentVariables": [{"name": "BOTH", "value": "project"}]})
    build = builds.start(environmentVariablesOverride=[{"name": "MORE", "value": "a b"}])
    done = builds.ended(build)
    lines = builds.lines(build)
    assert done["buildStatus"] == "SUCCEEDED", (done["phases"], lines)
    assert list(builds.phases(build)) == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
        "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]
    for line in ("kept one project in /tmp", "number 1", "number 2", "finally", "succeeding 1", "MORE=a b",
                 f"CODEBUILD_BUILD_ID={build}", "CODEBUILD_BUILD_NUMBER=1", "CODEBUILD_INITIATOR=root"):
        assert line in lines
    # What AWS's page "Environment variables in build environments" lists, without those of batches, public builds,
    # webhooks, and of a source that has a version.
    arn = f"arn:aws:codebuild:us-east-1:{ACCOUNT}"
    for line in ("AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1", f"CODEBUILD_BUILD_ARN={arn}:build/{build}",
                 f"CODEBUILD_BUILD_IMAGE={builds.image}", "CODEBUILD_BUILD_SUCCEEDING=1", "HOME=/root", "CI=true",
                 f"CODEBUILD_KMS_KEY_ID=arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/s3",
                 f"CODEBUILD_LOG_PATH={build.split(':')[1]}", f"CODEBUILD_PROJECT_ARN={arn}:project/{builds.name}"):
        assert line in lines, line
    for name in ("CODEBUILD_SRC_DIR=/codebuild/output/src", "CODEBUILD_START_TIME=1"):
        assert any(line.startswith(name) for line in lines), name
    assert not any(line.startswith("CODEBUILD_RESOLVED_SOURCE_VERSION=") for line in lines)
    assert any("Entering phase BUILD" in line for line in lines)
    assert done["exportedEnvironmentVariables"] == [{"name": "TAG", "value": "v1"}]
    groups = builds.region.client("ec2").describe_vpcs()["Vpcs"]
    assert not [vpc for vpc in groups if vpc["CidrBlock"] == "192.168.0.0/16"]


def test_failures(builds):
    builds.project("""
version: 0.2
phases:
  pre_build: {commands: ["echo before"]}
  build:
    commands: ["false || exit 3", "echo not reached"]
    finally: ["echo finally"]
  post_build: {commands: ['echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"']}
""")
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "FAILED"
    phases, lines = builds.phases(build), builds.lines(build)
    assert (phases["BUILD"], phases["POST_BUILD"], phases["UPLOAD_ARTIFACTS"]) == ("FAILED", "SUCCEEDED", "SUCCEEDED")
    assert builds.context(build, "BUILD") == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: false || exit 3. Reason: exit status 3"}
    assert "finally" in lines and "succeeding 0" in lines and "not reached" not in lines
    build = builds.start(buildspecOverride="version: 0.2\nphases: {install: {commands: [nowhere-to-be-found]}}")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert "BUILD" not in builds.phases(build)
    assert "exit status 127" in builds.context(build, "INSTALL")["message"]
    build = builds.start(buildspecOverride="version: 0.2\nphases:\n  build:\n    commands:\n      - a: b\n")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    wrong = builds.context(build, "DOWNLOAD_SOURCE")
    assert wrong["statusCode"] == "YAML_FILE_ERROR" and "line 5" in wrong["message"]
    build = builds.start(imageOverride=f"{HOST}/{builds.name}:none")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert builds.context(build, "PROVISIONING")["statusCode"] == "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"


def test_on_failure(builds):
    builds.project("""
version: 0.2
phases:
  install:
    on-failure: CONTINUE
    commands: ["exit 1"]
  pre_build:
    on-failure: RETRY-2
    commands: ["test -e /tmp/second || { touch=1; echo > /tmp/second; exit 1; }", "echo third"]
  build:
    on-failure: ABORT
    commands: ["false"]
  post_build: {commands: ["echo not reached"]}
""")
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "FAILED"
    phases = builds.phases(build)
    assert (phases["INSTALL"], phases["PRE_BUILD"], phases["BUILD"]) == ("FAILED", "SUCCEEDED", "FAILED")
    assert "POST_BUILD" not in phases and "third" in builds.lines(build)


def test_secrets(builds):
    secrets, ssm = builds.region.client("secretsmanager"), builds.region.client("ssm")
    secrets.create_secret(Name=builds.name, SecretString=json.dumps({"password": "hunter22"}))
    ssm.put_parameter(Name=f"/{builds.name}/p", Value="parameter-value", Type="SecureString")
    spec = f"""
version: 0.2
env:
  secrets-manager: {{PASSWORD: "{builds.name}:password"}}
  parameter-store: {{PARAMETER: /{builds.name}/p}}
phases:
  build:
    commands: ['echo "<$PASSWORD>"', 'test "$PASSWORD" = hunter22', 'test "$PARAMETER" = parameter-value']
"""
    builds.project(spec)
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "SUCCEEDED", builds.lines(build)
    lines = builds.lines(build)
    assert "<***>" in lines and not any("hunter22" in line and "Running command" not in line for line in lines)
    builds.allow("logs:*", "ssm:*")
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert "secretsmanager:GetSecretValue" in builds.context(build, "DOWNLOAD_SOURCE")["message"]
    builds.allow("ec2:*")
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert builds.context(build, "PROVISIONING")["statusCode"] == "ACCESS_DENIED"
    secrets.delete_secret(SecretId=builds.name, ForceDeleteWithoutRecovery=True)


def test_run_as(builds):
    passwd = "root:x:0:0::/root:/bin/sh\nworker:x:1001:1001::/:/bin/sh\nother:x:1002:1002::/:/bin/sh\n"
    builds.region.registry.push(builds.name, "users", {"etc/passwd": (passwd, 0o644)}, User="0")
    builds.project("""
version: 0.2
run-as: worker
env: {exported-variables: [MADE]}
phases:
  install: {run-as: root, commands: ['echo "install $(id -u)"', "mkdir -m 777 out", "cd out", "export FIRST=one"]}
  pre_build: {run-as: other, commands: ['echo "pre_build $(id -u) $FIRST ${PWD##*/}"', "export SECOND=two"]}
  build:
    commands: ['echo "build $(id -u) $FIRST $SECOND"', "echo made >file", "export MADE=yes", "echo no >/etc/passwd && exit 1; true"]
  post_build: {commands: ['echo "post_build $(id -u) $MADE"', "exit 7"]}
artifacts: {files: [file]}
""", image=f"{HOST}/{builds.name}:users")
    build = builds.start()
    done, lines = builds.ended(build), builds.lines(build)
    for line in ("install 0", "pre_build 1002 one out", "build 1001 one two", "post_build 1001 yes"):
        assert line in lines, "\n".join(lines)
    assert builds.phases(build)["BUILD"] == "SUCCEEDED" and builds.phases(build)["POST_BUILD"] == "FAILED"
    assert done["exportedEnvironmentVariables"] == [{"name": "MADE", "value": "yes"}]
    build = builds.start(buildspecOverride="version: 0.2\nrun-as: nobody-here\nphases: {build: {commands: [id]}}")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert any("nobody-here" in line for line in builds.lines(build))


def test_retries(builds):
    """A failed build is tried again as often as the project says; RetryBuild makes the same build by hand."""
    builds.project(
        'version: 0.2\nphases: {build: {commands: [\'echo "$WORD"\', "test -e /codebuild/local-cache/passes"]}}',
        autoRetryLimit=2, environment={"environmentVariables": [{"name": "WORD", "value": "project"}]})
    first = builds.start(environmentVariablesOverride=[{"name": "WORD", "value": "override"}])

    def chain():
        ids = builds.codebuild.list_builds_for_project(projectName=builds.name, sortOrder="ASCENDING")["ids"]
        return len(ids) == 3 and ids

    ids = wait_until(chain, "two more builds", 60)
    done = [builds.ended(each) for each in ids]
    assert ids[0] == first and {each["buildStatus"] for each in done} == {"FAILED"}
    arns = [each["arn"] for each in done]
    assert [each["autoRetryConfig"] for each in done] == [
        {"autoRetryLimit": 2, "autoRetryNumber": 0, "nextAutoRetry": arns[1]},
        {"autoRetryLimit": 2, "autoRetryNumber": 1, "nextAutoRetry": arns[2], "previousAutoRetry": arns[0]},
        {"autoRetryLimit": 2, "autoRetryNumber": 2, "previousAutoRetry": arns[1]}]
    assert all("override" in builds.lines(each) for each in ids)
    again = builds.codebuild.retry_build(id=ids[2])["build"]
    assert again["buildNumber"] == 4 and again["autoRetryConfig"] == {"autoRetryLimit": 2, "autoRetryNumber": 0}
    builds.codebuild.update_project(name=builds.name, autoRetryLimit=0)
    builds.codebuild.stop_build(id=again["id"])
    assert builds.ended(again["id"])["buildStatus"] == "STOPPED"
    assert "nextAutoRetry" not in builds.get(again["id"])["autoRetryConfig"]
    alone = builds.start()
    assert builds.ended(alone)["buildStatus"] == "FAILED" and "autoRetryConfig" not in builds.get(alone)
    assert "project" in builds.lines(alone)


SLEEPS = "version: 0.2\nphases: {build: {commands: ['echo begun', 'sleep 600']}}"


def begun(builds, build):
    wait_until(lambda: builds.get(build)["currentPhase"] == "BUILD", "the build phase begins")


def test_stop_and_timeout(builds):
    builds.project(SLEEPS, timeoutInMinutes=5)
    build = builds.start()
    begun(builds, build)
    builds.codebuild.stop_build(id=build)
    assert builds.ended(build)["buildStatus"] == "STOPPED"
    assert builds.phases(build)["BUILD"] == "STOPPED"
    build = builds.start()
    begun(builds, build)
    step = urllib.request.Request(f"{builds.region.url}/_terrarium/clock?advance=301", method="POST", data=b"")
    urllib.request.urlopen(step, timeout=10).close()
    assert builds.ended(build)["buildStatus"] == "TIMED_OUT"
    assert builds.context(build, "BUILD")["statusCode"] == "BUILD_TIMED_OUT"
    again = builds.codebuild.retry_build(id=build)["build"]
    assert again["buildNumber"] == 3


def test_a_build_outlives_the_region(builds):
    builds.project("version: 0.2\nphases: {build: {commands: ['echo begun', 'sleep 4', 'echo over']}}")
    build = builds.start()
    begun(builds, build)
    os.kill(builds.region.pid(), signal.SIGKILL)
    time.sleep(1)
    up = builds.region.run("up")
    assert up.returncode == 0, up.stderr
    assert builds.ended(build)["buildStatus"] == "SUCCEEDED"
    lines = builds.lines(build)
    assert lines.count("begun") == 1 and lines.count("over") == 1


def test_in_a_vpc(builds):
    ec2 = builds.region.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]["GroupId"]
    builds.project(
        "version: 0.2\nphases: {build: {commands: ['cat /etc/hosts',"
        " 'wget -q -O - http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']}}",
        vpcConfig={"vpcId": vpc, "subnets": [subnet], "securityGroupIds": [group]})
    build = builds.start()
    done = builds.ended(build)
    lines = builds.lines(build)
    assert done["buildStatus"] == "SUCCEEDED", lines
    assert done["networkInterface"]["subnetId"] == subnet
    assert any(line.startswith("10.9.1.") for line in lines)
    assert any(builds.role in line for line in lines)
    wait_until(lambda: not ec2.describe_network_interfaces()["NetworkInterfaces"], "its interface is gone")
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def test_local_cache(builds):
    builds.project("""
version: 0.2
phases: {build: {commands: ["mkdir -p /var/kept", "cat /var/kept/file || echo nothing", "echo before > /var/kept/file"]}}
cache: {paths: ["/var/kept/**/*"]}
""", cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]})
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "SUCCEEDED", builds.lines(build)
    assert "nothing" in builds.lines(build)
    build = builds.start()
    builds.ended(build)
    assert "before" in builds.lines(build)
    builds.codebuild.invalidate_project_cache(projectName=builds.name)
    build = builds.start()
    builds.ended(build)
    assert "nothing" in builds.lines(build)


DOCKER = """
version: 0.2
env: {variables: {REGISTRY: "%s", REPOSITORY: "%s"}}
phases:
  pre_build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY
      - docker pull $REGISTRY/$REPOSITORY:app || true
      - printf 'FROM scratch\\nCOPY file /file\\nCOPY big /big\\n' > Dockerfile
      - echo hello > file
      - test -e /var/lib/containers/big || head -c 30000000 /dev/urandom > /var/lib/containers/big
      - cp -p /var/lib/containers/big big
  build:
    commands:
      - docker build --cache-from $REGISTRY/$REPOSITORY:app -t $REPOSITORY:app .
      - docker tag $REPOSITORY:app $REGISTRY/$REPOSITORY:app
  post_build:
    commands:
      - docker push $REGISTRY/$REPOSITORY:app
      - docker compose up || echo refused
      - git --version && jq --version && curl --version && unzip -v
"""


def test_docker_in_the_image_that_serves_awss(builds):
    builds.project(DOCKER % (HOST, builds.name), image="aws/codebuild/standard:7.0", privileged=True)
    build = builds.start()
    assert builds.ended(build, 600)["buildStatus"] == "SUCCEEDED", builds.lines(build)
    lines = builds.lines(build)
    assert "refused" in lines and any("Login Succeeded" in line for line in lines)
    before = builds.ecr.describe_images(repositoryName=builds.name, imageIds=[{"imageTag": "app"}])["imageDetails"][0]
    start = time.monotonic()
    build = builds.start()
    assert builds.ended(build)["buildStatus"] == "SUCCEEDED", builds.lines(build)
    assert time.monotonic() - start < 30
    assert any("Using cache" in line for line in builds.lines(build)), builds.lines(build)
    after = builds.ecr.describe_images(repositoryName=builds.name, imageIds=[{"imageTag": "app"}])["imageDetails"][0]
    assert after["imageDigest"] == before["imageDigest"]


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def test_from_s3_to_s3(builds):
    s3 = builds.region.client("s3")
    s3.create_bucket(Bucket=builds.name)
    spec = """
version: 0.2
phases: {build: {commands: [cat $CODEBUILD_SRC_DIR/dir/file, "mkdir -p out/deep", "echo made > out/deep/b", "NAME=deep"]}}
artifacts:
  base-directory: out
  files: ["$NAME/*"]
  secondary-artifacts:
    plain: {files: [dir/file]}
"""
    s3.put_object(Bucket=builds.name, Key="source.zip", Body=zipped({"buildspec.yml": spec, "dir/file": "from the zip\n"}))
    builds.codebuild.create_project(
        name=builds.name,
        source={"type": "S3", "location": f"{builds.name}/source.zip"},
        artifacts={"type": "S3", "location": builds.name, "path": "made", "name": "out.zip", "packaging": "ZIP"},
        secondaryArtifacts=[{"type": "S3", "location": builds.name, "path": "files", "name": "/",
                             "artifactIdentifier": "plain"}],
        environment={"type": "LINUX_CONTAINER", "image": builds.image, "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=builds.role,
    )
    builds.made = True
    build = builds.start()
    done = builds.ended(build)
    assert done["buildStatus"] == "SUCCEEDED", (done["phases"], builds.lines(build))
    assert "from the zip" in builds.lines(build)
    assert done["artifacts"]["location"] == f"arn:aws:s3:::{builds.name}/made/out.zip"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=builds.name)["Contents"]] == [
        "files/dir/file", "made/out.zip", "source.zip"]
    made = s3.get_object(Bucket=builds.name, Key="made/out.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(made)).namelist() == ["deep/b"]
    assert s3.get_object(Bucket=builds.name, Key="files/dir/file")["Body"].read() == b"from the zip\n"
    build = builds.start(sourceLocationOverride=f"{builds.name}/none.zip")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert "NoSuchKey" in json.dumps(builds.context(build, "DOWNLOAD_SOURCE")) or "not exist" in json.dumps(
        builds.context(build, "DOWNLOAD_SOURCE"))
    build = builds.start(buildspecOverride="version: 0.2\nphases: {build: {commands: [':']}}\nartifacts: {files: [none]}")
    assert builds.ended(build)["buildStatus"] == "FAILED"
    assert builds.context(build, "UPLOAD_ARTIFACTS")["message"] == "no matching artifact paths found"
