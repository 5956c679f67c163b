"""ECR: its API by boto3, its registry by plain HTTP and by skopeo."""

import base64
import configparser
import json
import os
import subprocess
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from registry import CONFIG, INDEX, MANIFEST, Registry, digest, layout


@pytest.fixture
def ecr(region):
    return region.client("ecr")


@pytest.fixture
def registry(region):
    return Registry(region)


@pytest.fixture
def repository(ecr):
    name = f"team/app-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name)
    yield name
    try:
        ecr.delete_repository(repositoryName=name, force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        pass


def code_of(call, *arguments, **keywords):
    with pytest.raises(ClientError) as error:
        call(*arguments, **keywords)
    return error.value.response["Error"]["Code"]


# The control plane.


def test_repository(ecr):
    made = ecr.create_repository(
        repositoryName="life",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "a", "Value": "b"}],
    )["repository"]
    assert made["repositoryArn"] == "arn:aws:ecr:us-east-1:000000000000:repository/life"
    assert made["repositoryUri"] == "000000000000.dkr.ecr.us-east-1.amazonaws.com/life"
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert code_of(ecr.create_repository, repositoryName="life") == "RepositoryAlreadyExistsException"
    assert ecr.describe_repositories(repositoryNames=["life"])["repositories"] == [made]
    ecr.put_image_tag_mutability(repositoryName="life", imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(
        repositoryName="life", imageScanningConfiguration={"scanOnPush": False}
    )
    (now,) = ecr.describe_repositories(repositoryNames=["life"])["repositories"]
    assert now["imageTagMutability"] == "MUTABLE"
    assert now["imageScanningConfiguration"] == {"scanOnPush": False}
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "c", "Value": "d"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "c", "Value": "d"}]
    ecr.delete_repository(repositoryName="life")
    assert code_of(ecr.describe_repositories, repositoryNames=["life"]) == "RepositoryNotFoundException"
    assert ecr.describe_registry()["registryId"] == "000000000000"


def test_repository_pages(ecr):
    names = [f"page/{i}" for i in range(3)]
    for name in names:
        ecr.create_repository(repositoryName=name)
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    found = [each["repositoryName"] for page in pages for each in page["repositories"]]
    assert [name for name in found if name.startswith("page/")] == names
    assert code_of(ecr.describe_repositories, nextToken="made up") == "InvalidParameterException"
    for name in names:
        ecr.delete_repository(repositoryName=name)


def test_repository_policy(ecr, repository):
    assert code_of(ecr.get_repository_policy, repositoryName=repository) == "RepositoryPolicyNotFoundException"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert code_of(ecr.set_repository_policy, repositoryName=repository, policyText="no") == "InvalidParameterException"
    ecr.set_repository_policy(repositoryName=repository, policyText=policy)
    assert ecr.get_repository_policy(repositoryName=repository)["policyText"] == policy
    assert ecr.delete_repository_policy(repositoryName=repository)["policyText"] == policy
    assert code_of(ecr.delete_repository_policy, repositoryName=repository) == "RepositoryPolicyNotFoundException"


def test_settings_of_the_registry(ecr, repository):
    """What may be read of them says that there are none; what would set them is refused by name."""
    ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
    got = ecr.batch_get_repository_scanning_configuration(repositoryNames=[repository, "team/none"])
    (scanning,) = got["scanningConfigurations"]
    assert (scanning["repositoryName"], scanning["scanFrequency"]) == (repository, "SCAN_ON_PUSH")
    assert got["failures"][0]["failureCode"] == "REPOSITORY_NOT_FOUND"
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    assert code_of(ecr.get_registry_policy) == "RegistryPolicyNotFoundException"
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    named = {"ecrRepositoryPrefixes": ["cache"]}
    assert code_of(ecr.describe_pull_through_cache_rules, **named) == "PullThroughCacheRuleNotFoundException"
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    rules = {"replicationConfiguration": {"rules": []}}
    rule = {"ecrRepositoryPrefix": "cache", "upstreamRegistryUrl": "upstream.example"}
    assert code_of(ecr.put_replication_configuration, **rules) == "NotImplemented"
    assert code_of(ecr.create_pull_through_cache_rule, **rule) == "NotImplemented"
    assert code_of(ecr.put_registry_policy, policyText="{}") == "NotImplemented"
    assert code_of(ecr.put_registry_scanning_configuration, scanType="ENHANCED") == "NotImplemented"


def test_scans_say_that_they_are_missing(ecr, repository):
    assert code_of(ecr.start_image_scan, repositoryName=repository, imageId={"imageTag": "x"}) == "NotImplemented"


def test_images(ecr, registry, repository):
    first = registry.push(repository, "one", "1")
    second = registry.push(repository, "two", "2")
    registry.push(repository, "latest", "2")
    ids = ecr.list_images(repositoryName=repository)["imageIds"]
    assert sorted((each["imageTag"], each["imageDigest"]) for each in ids) == [
        ("latest", second),
        ("one", first),
        ("two", second),
    ]
    (image,) = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "one"}])["imageDetails"]
    assert image["imageDigest"] == first
    assert image["imageTags"] == ["one"]
    assert image["imageManifestMediaType"] == MANIFEST
    got = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "one"}, {"imageTag": "none"}])
    manifest = json.loads(got["images"][0]["imageManifest"])
    assert image["imageSizeInBytes"] == manifest["config"]["size"] + manifest["layers"][0]["size"]
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    assert code_of(ecr.describe_images, repositoryName=repository, imageIds=[{"imageTag": "x"}]) == "ImageNotFoundException"
    # Another tag for the same image; the same again is refused.
    text = got["images"][0]["imageManifest"]
    ecr.put_image(repositoryName=repository, imageManifest=text, imageTag="uno")
    assert code_of(ecr.put_image, repositoryName=repository, imageManifest=text, imageTag="uno") == "ImageAlreadyExistsException"
    # A tag that moves leaves its image untagged.
    registry.push(repository, "two", "3")
    registry.push(repository, "latest", "3")
    untagged = ecr.list_images(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert untagged == [{"imageDigest": second}]
    assert code_of(ecr.delete_repository, repositoryName=repository) == "RepositoryNotEmptyException"
    gone = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": first}, {"imageTag": "none"}])
    assert sorted(each["imageTag"] for each in gone["imageIds"]) == ["one", "uno"]
    assert gone["failures"][0]["failureCode"] == "ImageNotFound"
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "two"}, {"imageTag": "latest"}])
    assert ecr.list_images(repositoryName=repository)["imageIds"] == [{"imageDigest": second}]


def test_immutable_tags(ecr, registry, repository):
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    registry.push(repository, "v1", "1")
    registry.push(repository, "v1", "1")
    manifest = registry.manifest(repository, "2")
    assert registry.refused("PUT", f"/v2/{repository}/manifests/v1", manifest, Content_Type=MANIFEST) == (400, "TAG_INVALID")
    call = dict(repositoryName=repository, imageManifest=manifest.decode(), imageTag="v1")
    assert code_of(ecr.put_image, **call) == "ImageTagAlreadyExistsException"


def test_layer_calls(ecr, repository):
    content = b"x" * 1000
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    uuid.UUID(upload)

    def part(first, last):
        return ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=last,
            layerPartBlob=content[first : last + 1],
        )

    part(0, 499)
    assert code_of(part, 0, 499) == "InvalidLayerPartException"
    assert part(500, 999)["lastByteReceived"] == 999
    wrong = dict(repositoryName=repository, uploadId=upload, layerDigests=[digest(b"other")])
    assert code_of(ecr.complete_layer_upload, **wrong) == "InvalidLayerException"
    done = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest(content)])
    assert done["layerDigest"] == digest(content)
    checked = ecr.batch_check_layer_availability(
        repositoryName=repository, layerDigests=[digest(content), digest(b"none"), "sha256:0"]
    )
    assert [each["layerAvailability"] for each in checked["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    assert checked["failures"][0]["failureCode"] == "InvalidLayerDigest"
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest(content))["downloadUrl"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == content


def rule(priority, count, **selection):
    return {
        "rulePriority": priority,
        "selection": {"countType": "imageCountMoreThan", "countNumber": count, **selection},
        "action": {"type": "expire"},
    }


def test_lifecycle(region, ecr, registry, repository):
    assert code_of(ecr.get_lifecycle_policy, repositoryName=repository) == "LifecyclePolicyNotFoundException"
    pushed = {tag: registry.push(repository, tag, tag) for tag in ("v1", "v2", "v3", "prod", "other")}
    # The images of an index stay as long as it does.
    part = registry.manifest(repository, "part")
    path = f"/v2/{repository}/manifests"
    assert registry.ask("PUT", f"{path}/{digest(part)}", part, Content_Type=MANIFEST)[0] == 201
    entry = {"mediaType": MANIFEST, "digest": digest(part), "size": len(part)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    assert registry.ask("PUT", f"{path}/prod-index", index, Content_Type=INDEX)[0] == 201
    registry.push(repository, "moved", "old")
    registry.push(repository, "moved", "new")
    policy = json.dumps(
        {
            "rules": [
                rule(1, 2, tagStatus="tagged", tagPrefixList=["v"]),
                rule(2, 100, tagStatus="tagged", tagPatternList=["pr*d*"]),
                rule(3, 1, tagStatus="any"),
            ]
        }
    )
    bad = policy.replace("expire", "explode")
    assert code_of(ecr.put_lifecycle_policy, repositoryName=repository, lifecyclePolicyText=bad) == "InvalidParameterException"
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy)
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"]) == json.loads(policy)
    ecr.start_lifecycle_policy_preview(repositoryName=repository)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=repository)
    due = {tuple(each["imageTags"]): each["appliedRulePriority"] for each in preview["previewResults"]}
    assert due == {("v1",): 1, ("other",): 3, (): 3}
    # What is due goes when the region looks: each hour, and when it starts.
    assert region.run("down").returncode == 0
    up = region.run("up", "--no-glass")
    assert up.returncode == 0, up.stderr
    left = {each.get("imageTag") for each in ecr.list_images(repositoryName=repository)["imageIds"]}
    assert left == {"v2", "v3", "prod", "prod-index", "moved", None}
    assert registry.ask("GET", f"{path}/{digest(part)}")[0] == 200
    assert registry.refused("GET", f"/v2/{repository}/manifests/{pushed['v1']}") == (404, "MANIFEST_UNKNOWN")
    assert "lastEvaluatedAt" in ecr.get_lifecycle_policy(repositoryName=repository)
    ecr.delete_lifecycle_policy(repositoryName=repository)
    assert code_of(ecr.delete_lifecycle_policy, repositoryName=repository) == "LifecyclePolicyNotFoundException"


# The registry.


def test_base(registry):
    status, headers, _ = registry.ask("GET", "/v2/")
    assert status == 200
    assert headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert registry.refused("GET", "/v2/none/tags/list") == (404, "NAME_UNKNOWN")
    assert registry.refused("GET", "/v2/_catalog") == (405, "UNSUPPORTED")


def test_accounts_by_host(region, registry):
    other = region.client("ecr", key="111122223333", region="eu-west-1")
    other.create_repository(repositoryName="elsewhere")
    host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
    assert registry.ask("GET", "/v2/elsewhere/tags/list", Host=host)[0] == 200
    assert registry.ask("GET", "/v2/elsewhere/tags/list")[0] == 404
    # A token leads to its own account where the host does not say one.
    login = other.get_authorization_token()["authorizationData"][0]
    assert login["proxyEndpoint"] == "https://" + host
    assert base64.b64decode(login["authorizationToken"]).startswith(b"AWS:")
    authorization = "Basic " + login["authorizationToken"]
    assert registry.ask("GET", "/v2/elsewhere/tags/list", Authorization=authorization)[0] == 200
    other.delete_repository(repositoryName="elsewhere")


def test_pull(registry, repository):
    pushed = registry.push(repository, "latest")
    status, headers, body = registry.ask("GET", f"/v2/{repository}/manifests/latest")
    assert (status, digest(body), headers["Content-Type"]) == (200, pushed, MANIFEST)
    status, headers, nothing = registry.ask("HEAD", f"/v2/{repository}/manifests/{pushed}")
    assert (status, nothing, int(headers["Content-Length"])) == (200, b"", len(body))
    layer = json.loads(body)["layers"][0]
    path = f"/v2/{repository}/blobs/{layer['digest']}"
    status, _, whole = registry.ask("GET", path)
    assert (status, digest(whole)) == (200, layer["digest"])
    status, headers, _ = registry.ask("HEAD", path)
    assert (status, int(headers["Content-Length"])) == (200, len(whole))
    for text, status, part in (
        ("bytes=2-3", 206, whole[2:4]),
        ("bytes=2-", 206, whole[2:]),
        ("bytes=-2", 206, whole[-2:]),
        ("bytes=0-9999", 206, whole),
        ("bytes=9999-", 416, b""),
    ):
        got = registry.ask("GET", path, Range=text)
        assert (got[0], got[2]) == (status, part)
    assert registry.refused("GET", f"/v2/{repository}/manifests/none") == (404, "MANIFEST_UNKNOWN")
    assert registry.refused("GET", f"/v2/{repository}/blobs/{digest(b'none')}") == (404, "BLOB_UNKNOWN")
    assert registry.refused("GET", f"/v2/{repository}/blobs/sha256:0") == (400, "DIGEST_INVALID")


def test_chunked_push(registry, repository):
    content = b"0123456789" * 10
    _, headers, _ = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    upload = headers["Location"]
    status, headers, _ = registry.ask("PATCH", upload, content[:40], Content_Range="0-39")
    assert (status, headers["Range"]) == (202, "0-39")
    status, headers, _ = registry.ask("PATCH", upload, content[50:], Content_Range="50-99")
    assert (status, headers["Range"]) == (416, "0-39")
    assert registry.ask("GET", upload)[1]["Range"] == "0-39"
    assert registry.ask("PATCH", upload, content[40:90])[0] == 202
    assert registry.refused("PUT", f"{upload}?digest={digest(b'other')}", content[90:]) == (400, "DIGEST_INVALID")
    assert registry.ask("PUT", f"{upload}?digest={digest(content)}")[0] == 201
    assert registry.refused("PUT", f"{upload}?digest={digest(content)}") == (404, "BLOB_UPLOAD_UNKNOWN")
    assert registry.ask("GET", f"/v2/{repository}/blobs/{digest(content)}")[2] == content
    _, headers, _ = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    assert registry.ask("DELETE", headers["Location"])[0] == 204
    assert registry.refused("GET", headers["Location"]) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_single_post_and_mount(ecr, registry, repository):
    content = uuid.uuid4().bytes
    path = f"/v2/{repository}/blobs/uploads/?digest={digest(content)}"
    assert registry.refused("POST", path, content + b"!") == (400, "DIGEST_INVALID")
    assert registry.ask("POST", path, content)[0] == 201
    status, headers, _ = registry.ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest(content)}&from=other/one")
    assert (status, headers["Location"]) == (201, f"/v2/{repository}/blobs/{digest(content)}")
    assert registry.ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest(b'none')}&from=other/one")[0] == 202


def test_manifests_need_their_blobs(registry, repository):
    config = {"mediaType": CONFIG, "digest": digest(b"none"), "size": 4}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).encode()
    path = f"/v2/{repository}/manifests/latest"
    assert registry.refused("PUT", path, manifest, Content_Type=MANIFEST) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert registry.refused("PUT", path, b"{}", Content_Type=MANIFEST) == (400, "MANIFEST_INVALID")
    wrong = f"/v2/{repository}/manifests/{digest(b'other')}"
    assert registry.refused("PUT", wrong, manifest, Content_Type=MANIFEST) == (400, "DIGEST_INVALID")
    assert registry.refused("PUT", path + "!", manifest, Content_Type=MANIFEST) == (400, "MANIFEST_INVALID")


def test_index(ecr, registry, repository):
    manifest = registry.manifest(repository, "indexed")
    entry = {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    path = f"/v2/{repository}/manifests"
    assert registry.refused("PUT", f"{path}/multi", index, Content_Type=INDEX) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert registry.ask("PUT", f"{path}/{digest(manifest)}", manifest, Content_Type=MANIFEST)[0] == 201
    assert registry.ask("PUT", f"{path}/multi", index, Content_Type=INDEX)[0] == 201
    assert registry.ask("GET", f"{path}/multi")[1]["Content-Type"] == INDEX
    gone = ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest(manifest)}])
    assert gone["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    assert registry.refused("DELETE", f"{path}/{digest(manifest)}") == (405, "DENIED")
    assert registry.ask("DELETE", f"{path}/multi")[0] == 202
    assert registry.ask("DELETE", f"{path}/{digest(manifest)}")[0] == 202


def test_tags_and_referrers(ecr, registry, repository):
    pushed = registry.push(repository, "b")
    for tag in ("a", "c"):
        registry.push(repository, tag)
    path = f"/v2/{repository}/tags/list"
    assert json.loads(registry.ask("GET", path)[2]) == {"name": repository, "tags": ["a", "b", "c"]}
    _, headers, body = registry.ask("GET", path + "?n=2")
    assert json.loads(body)["tags"] == ["a", "b"]
    following = headers["Link"].split(">")[0].lstrip("<")
    _, headers, body = registry.ask("GET", following)
    assert json.loads(body)["tags"] == ["c"]
    assert "Link" not in headers
    path = f"/v2/{repository}/referrers/{pushed}"
    assert json.loads(registry.ask("GET", path)[2])["manifests"] == []
    subject = {"mediaType": MANIFEST, "digest": pushed, "size": 1}
    signature = registry.manifest(repository, "signature", artifactType="application/x-sig", subject=subject)
    status, headers, _ = registry.ask("PUT", f"/v2/{repository}/manifests/{digest(signature)}", signature, Content_Type=MANIFEST)
    assert (status, headers["OCI-Subject"]) == (201, pushed)
    status, headers, body = registry.ask("GET", path)
    assert headers["Content-Type"] == INDEX
    (referrer,) = json.loads(body)["manifests"]
    assert (referrer["digest"], referrer["artifactType"]) == (digest(signature), "application/x-sig")
    assert json.loads(registry.ask("GET", path + "?artifactType=other")[2])["manifests"] == []
    subject = {"repositoryName": repository, "subjectId": {"imageDigest": pushed}}
    assert ecr.list_image_referrers(**subject)["referrers"] == [dict(referrer, artifactStatus="ACTIVE")]
    for kinds in [{"artifactTypes": ["other"]}, {"artifactStatus": "ARCHIVED"}]:
        assert ecr.list_image_referrers(**subject, filter=kinds)["referrers"] == []


def test_skopeo(region, ecr, repository, tmp_path):
    source = tmp_path / "source"
    pushed = layout(source)
    name = f"docker://127.0.0.1:{region.port}/{repository}"
    login = base64.b64decode(ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]).decode()

    # Not the one in /run/containers, which another user's podman may have closed.
    auth = tmp_path / "auth.json"
    auth.write_text("{}")

    def skopeo(*arguments):
        env = dict(os.environ, REGISTRY_AUTH_FILE=str(auth), XDG_DATA_HOME=str(tmp_path))
        done = subprocess.run(["skopeo", *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    skopeo("--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds", login, f"oci:{source}:latest", f"{name}:v1")
    (image,) = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"{name}:v1"))
    assert seen["Digest"] == image["imageDigest"]
    assert seen["RepoTags"] == ["v1"]
    back = tmp_path / "back"
    skopeo("--insecure-policy", "copy", "--src-tls-verify=false", f"{name}:v1", f"oci:{back}:v1")
    assert json.loads((back / "index.json").read_text())["manifests"][0]["digest"] == image["imageDigest"]
    assert pushed.startswith("sha256:")
    # The same image under another tag, in Docker's format, and away again.
    skopeo("--insecure-policy", "copy", "--format", "v2s2", "--dest-tls-verify=false", f"oci:{source}:latest", f"{name}:docker")
    (image,) = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "docker"}])["imageDetails"]
    assert image["imageManifestMediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    skopeo("delete", "--tls-verify=false", f"{name}:docker")
    assert {each.get("imageTag") for each in ecr.list_images(repositoryName=repository)["imageIds"]} == {"v1"}


# From .tf files.

STACK = """
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Owner = "tests" } }
}
resource "aws_ecr_repository" "app" {
  name                 = "shop/app"
  image_tag_mutability = "IMMUTABLE_WITH_EXCLUSION"
  force_delete         = true
  image_tag_mutability_exclusion_filter {
    filter      = "FILTER"
    filter_type = "WILDCARD"
  }
  image_scanning_configuration { scan_on_push = SCAN }
  tags = { Name = "app" }
}
resource "aws_ecr_repository" "plain" { name = "shop/plain" }
data "aws_ecr_lifecycle_policy_document" "keep" {
  rule {
    priority    = 1
    description = "keep some"
    selection {
      tag_status   = "untagged"
      count_type   = "imageCountMoreThan"
      count_number = COUNT
    }
  }
}
resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy     = data.aws_ecr_lifecycle_policy_document.keep.json
}
resource "aws_ecr_repository_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = ["ACTION"] }]
  })
}
data "aws_ecr_repository" "app" { name = aws_ecr_repository.app.id }
data "aws_ecr_repositories" "all" { depends_on = [aws_ecr_repository.plain] }
data "aws_ecr_authorization_token" "login" {}
output "repository" { value = data.aws_ecr_repository.app }
output "names" { value = data.aws_ecr_repositories.all.names }
output "password" {
  value     = data.aws_ecr_authorization_token.login.password
  sensitive = true
}
"""

IMAGES = """
data "aws_ecr_image" "last" {
  repository_name = aws_ecr_repository.app.id
  most_recent     = true
}
data "aws_ecr_image" "first" {
  repository_name = aws_ecr_repository.app.id
  image_tag       = "v1"
}
output "uris" { value = [data.aws_ecr_image.first.image_uri, data.aws_ecr_image.last.image_uri] }
"""


def stack(**values):
    text = STACK
    for name, value in dict(dict(FILTER="dev*", SCAN="true", COUNT="2", ACTION="ecr:PutImage"), **values).items():
        text = text.replace(name, value)
    return text


def test_apply(region, ecr, registry, terrarium, tmp_path):
    main = tmp_path / "main.tf"
    main.write_text(stack())
    assert "4 added" in terrarium("apply", "-auto-approve")
    (app,) = ecr.describe_repositories(repositoryNames=["shop/app"])["repositories"]
    assert app["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert app["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "dev*"}]
    assert app["imageScanningConfiguration"] == {"scanOnPush": True}
    tags = ecr.list_tags_for_resource(resourceArn=app["repositoryArn"])["tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {"Name": "app", "Owner": "tests"}
    seen = json.loads(terrarium("output", "-json", "repository"))
    assert seen["repository_url"] == app["repositoryUri"]
    assert seen["encryption_configuration"] == [{"encryption_type": "AES256", "kms_key": ""}]
    assert {"shop/app", "shop/plain"} <= set(json.loads(terrarium("output", "-json", "names")))
    login = base64.b64encode(b"AWS:" + terrarium("output", "-raw", "password").encode()).decode()
    assert registry.ask("GET", "/v2/", Authorization="Basic " + login)[0] == 200
    assert "Plan:" not in terrarium("plan")  # the password is another one each time
    main.write_text(stack(FILTER="next*", SCAN="false", COUNT="3", ACTION="ecr:BatchGetImage"))
    assert "0 added, 3 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    (app,) = ecr.describe_repositories(repositoryNames=["shop/app"])["repositories"]
    assert app["imageTagMutabilityExclusionFilters"][0]["filter"] == "next*"
    assert app["imageScanningConfiguration"] == {"scanOnPush": False}
    assert '"countNumber":3' in ecr.get_lifecycle_policy(repositoryName="shop/app")["lifecyclePolicyText"]
    assert "ecr:BatchGetImage" in ecr.get_repository_policy(repositoryName="shop/app")["policyText"]
    # Tags that the filter excludes may move, others not.
    first = registry.push("shop/app", "v1", "1")
    registry.push("shop/app", "next1", "2")
    last = registry.push("shop/app", "next1", "3")
    manifest = registry.manifest("shop/app", "4")
    assert registry.refused("PUT", "/v2/shop/app/manifests/v1", manifest, Content_Type=MANIFEST)[1] == "TAG_INVALID"
    main.write_text(main.read_text() + IMAGES)
    terrarium("apply", "-auto-approve")
    uris = json.loads(terrarium("output", "-json", "uris"))
    assert uris == [f"{app['repositoryUri']}@{first}", f"{app['repositoryUri']}@{last}"]
    terrarium("destroy", "-auto-approve")
    assert code_of(ecr.describe_repositories, repositoryNames=["shop/app"]) == "RepositoryNotFoundException"


# Who may do what.


def token(client):
    return "Basic " + client.get_authorization_token()["authorizationData"][0]["authorizationToken"]


def client_of(region, key, secret):
    return boto3.client(
        "ecr",
        endpoint_url=region.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


def allow(iam, user, *actions):
    statements = [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}]
    if actions:
        resource = "arn:aws:ecr:us-east-1:000000000000:repository/team/*"
        statements.append({"Effect": "Allow", "Action": list(actions), "Resource": resource})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)


def test_tokens_may_what_their_owner_may(region, registry, repository):
    pushed = registry.push(repository, "latest")
    iam = region.client("iam")
    user = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs = client_of(region, key["AccessKeyId"], key["SecretAccessKey"])
    assert code_of(theirs.get_authorization_token) == "AccessDeniedException"
    allow(iam, user)
    login = token(theirs)
    path = f"/v2/{repository}/manifests/latest"
    assert registry.ask("GET", "/v2/", Authorization=login)[0] == 200
    assert registry.refused("GET", path, Authorization=login) == (403, "DENIED")
    allow(iam, user, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    status, _, body = registry.ask("GET", path, Authorization=login)
    assert (status, digest(body)) == (200, pushed)
    layer = json.loads(body)["layers"][0]["digest"]
    assert registry.ask("GET", f"/v2/{repository}/blobs/{layer}", Authorization=login)[0] == 200
    uploads = f"/v2/{repository}/blobs/uploads/"
    assert registry.refused("POST", uploads, Authorization=login) == (403, "DENIED")
    assert registry.refused("PUT", path, body, Authorization=login, Content_Type=MANIFEST) == (403, "DENIED")
    assert registry.refused("DELETE", path, Authorization=login) == (403, "DENIED")
    other = {"Authorization": login, "Host": "111122223333.dkr.ecr.us-east-1.amazonaws.com"}
    assert registry.refused("GET", path, **other) == (403, "DENIED")


def test_strict(tmp_path, region):
    strict = type(region)(tmp_path)
    up = strict.run("up", "--no-glass", "--strict")
    assert up.returncode == 0, up.stderr
    registry = Registry(strict)
    try:
        status, headers, body = registry.ask("GET", "/v2/")
        assert (status, json.loads(body)["errors"][0]["code"]) == (401, "UNAUTHORIZED")
        assert headers["WWW-Authenticate"].startswith("Basic ")
        forged = base64.b64encode(b"AWS:" + base64.b64encode(b'{"expires":9e15}') + b".00").decode()
        assert registry.ask("GET", "/v2/", Authorization="Basic " + forged)[0] == 401
        root = configparser.ConfigParser()
        root.read(tmp_path / "root-credentials")
        root = root["default"]
        client = client_of(strict, root["aws_access_key_id"], root["aws_secret_access_key"])
        client.create_repository(repositoryName="app")
        assert registry.ask("GET", "/v2/app/tags/list", Authorization=token(client))[0] == 200
        assert registry.ask("GET", "/v2/app/tags/list")[0] == 401
    finally:
        strict.end()
