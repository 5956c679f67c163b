"""Parameter Store, by boto3 and by our own engine."""

import json
import subprocess

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ssm(region):
    return region.client("ssm")


def code(failure):
    return failure.value.response["Error"]["Code"]


def refused(expected, call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    assert code(failure) == expected
    return failure.value.response["Error"]["Message"]


def test_life_of_a_parameter(ssm):
    made = ssm.put_parameter(Name="/life/a", Value="one", Type="String", Tags=[{"Key": "k", "Value": "v"}])
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    refused("ParameterAlreadyExists", ssm.put_parameter, Name="/life/a", Value="x", Type="String")
    assert ssm.put_parameter(Name="/life/a", Value="two", Overwrite=True)["Version"] == 2
    got = ssm.get_parameter(Name="/life/a")["Parameter"]
    assert (got["Value"], got["Version"], got["Type"], got["DataType"]) == ("two", 2, "String", "text")
    assert got["ARN"] == "arn:aws:ssm:us-east-1:000000000000:parameter/life/a"
    first = ssm.get_parameter(Name="/life/a:1")["Parameter"]
    assert (first["Value"], first["Selector"], first["Name"]) == ("one", ":1", "/life/a")
    assert ssm.get_parameter(Name=got["ARN"])["Parameter"]["Value"] == "two"
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/life/a")["TagList"] == [
        {"Key": "k", "Value": "v"}
    ]
    history = ssm.get_parameter_history(Name="/life/a")["Parameters"]
    assert [(h["Version"], h["Value"]) for h in history] == [(1, "one"), (2, "two")]
    refused("ParameterVersionNotFound", ssm.get_parameter, Name="/life/a:7")
    ssm.delete_parameter(Name="/life/a")
    refused("ParameterNotFound", ssm.get_parameter, Name="/life/a")
    refused("ParameterNotFound", ssm.delete_parameter, Name="/life/a")
    refused("InvalidResourceId", ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="/life/a")


def test_secure_strings_are_hidden(ssm):
    ssm.put_parameter(Name="secure", Value="hunter2", Type="SecureString")
    hidden = ssm.get_parameter(Name="secure")["Parameter"]["Value"]
    assert "hunter2" not in hidden and len(hidden) > 40
    assert ssm.get_parameter(Name="secure")["Parameter"]["Value"] == hidden
    assert ssm.get_parameter(Name="secure", WithDecryption=True)["Parameter"]["Value"] == "hunter2"
    assert ssm.get_parameter_history(Name="secure")["Parameters"][0]["Value"] == hidden
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}])["Parameters"]
    assert [(d["Name"], d["KeyId"]) for d in described] == [("secure", "alias/aws/ssm")]
    ssm.delete_parameters(Names=["secure"])


def test_labels(ssm):
    for value in ["one", "two", "three"]:
        ssm.put_parameter(Name="labelled", Value=value, Type="String", Overwrite=True)
    answer = ssm.label_parameter_version(Name="labelled", ParameterVersion=1, Labels=["prod", "9x", "awsome", "b"])
    assert (answer["InvalidLabels"], answer["ParameterVersion"]) == (["9x", "awsome"], 1)
    assert ssm.get_parameter(Name="labelled:prod")["Parameter"]["Value"] == "one"
    assert ssm.label_parameter_version(Name="labelled", Labels=["prod"])["ParameterVersion"] == 3
    assert ssm.get_parameter(Name="labelled:prod")["Parameter"]["Value"] == "three"
    assert [h["Labels"] for h in ssm.get_parameter_history(Name="labelled")["Parameters"]] == [["b"], [], ["prod"]]
    gone = ssm.unlabel_parameter_version(Name="labelled", ParameterVersion=3, Labels=["prod", "b"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["prod"], ["b"])
    refused("ParameterVersionNotFound", ssm.get_parameter, Name="labelled:prod")
    many = [f"l{i}" for i in range(10)]
    ssm.label_parameter_version(Name="labelled", ParameterVersion=2, Labels=many)
    refused(
        "ParameterVersionLabelLimitExceeded",
        ssm.label_parameter_version,
        Name="labelled",
        ParameterVersion=2,
        Labels=["more"],
    )
    ssm.delete_parameter(Name="labelled")


def test_lists(ssm):
    for name in ["/p/a", "/p/b", "/p/c/d", "/q/a", "plain"]:
        ssm.put_parameter(Name=name, Value="v", Type="StringList" if name == "/p/b" else "String")
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/p/a", Tags=[{"Key": "env", "Value": "x"}])

    def described(**filters):
        return [p["Name"] for p in ssm.describe_parameters(ParameterFilters=[filters])["Parameters"]]

    def by_path(**arguments):
        return [p["Name"] for p in ssm.get_parameters_by_path(**arguments)["Parameters"]]

    assert by_path(Path="/p") == ["/p/a", "/p/b"]
    assert by_path(Path="/p/", Recursive=True) == ["/p/a", "/p/b", "/p/c/d"]
    assert by_path(Path="/p", ParameterFilters=[{"Key": "Type", "Values": ["StringList"]}]) == ["/p/b"]
    assert by_path(Path="/") == ["plain"]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/", Recursive=True, PaginationConfig={"PageSize": 2}
    )
    assert [p["Name"] for page in pages for p in page["Parameters"]] == ["/p/a", "/p/b", "/p/c/d", "/q/a", "plain"]
    assert described(Key="Name", Option="BeginsWith", Values=["/p/"]) == ["/p/a", "/p/b", "/p/c/d"]
    assert described(Key="Name", Option="Contains", Values=["la"]) == ["plain"]
    assert described(Key="Path", Option="Recursive", Values=["/p"]) == ["/p/a", "/p/b", "/p/c/d"]
    assert described(Key="tag:env", Values=["x"]) == ["/p/a"]
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId="/p/a", TagKeys=["env"])
    assert described(Key="tag:env") == []
    refused("InvalidFilterKey", ssm.describe_parameters, ParameterFilters=[{"Key": "Label", "Values": ["x"]}])
    refused(
        "InvalidFilterOption",
        ssm.describe_parameters,
        ParameterFilters=[{"Key": "Type", "Option": "Contains", "Values": ["x"]}],
    )
    several = ssm.get_parameters(Names=["/p/a", "/no", "/p/b:1"])
    assert [p["Name"] for p in several["Parameters"]] == ["/p/a", "/p/b"]
    assert several["InvalidParameters"] == ["/no"]
    gone = ssm.delete_parameters(Names=["/p/a", "/p/b", "/p/c/d", "/q/a", "plain", "/no"])
    assert (len(gone["DeletedParameters"]), gone["InvalidParameters"]) == (5, ["/no"])


def test_what_is_refused(ssm):
    put = ssm.put_parameter
    assert "fully qualified" in refused("ValidationException", put, Name="a/b", Value="x", Type="String")
    refused("ValidationException", put, Name="ssm-thing", Value="x", Type="String")
    refused("AccessDeniedException", put, Name="/aws/x", Value="x", Type="String")
    refused("ValidationException", put, Name="no type", Value="x", Type="String")
    assert "type is required" in refused("ValidationException", put, Name="typeless", Value="x")
    refused("HierarchyLevelLimitExceededException", put, Name="/a" * 16, Value="x", Type="String")
    refused(
        "ParameterPatternMismatchException", put, Name="p", Value="abc", Type="String", AllowedPattern=r"^\d+$"
    )
    put(Name="digits", Value="1", Type="String", AllowedPattern=r"^\d+$")
    refused("ParameterPatternMismatchException", put, Name="digits", Value="abc", Overwrite=True)
    ssm.delete_parameter(Name="digits")
    refused("InvalidAllowedPatternException", put, Name="p", Value="abc", Type="String", AllowedPattern="(")
    refused("ValidationException", put, Name="p", Value="x" * 4097, Type="String")
    message = refused(
        "NotImplemented", put, Name="p", Value="x", Type="String", Tier="Advanced", Policies='[{"Type":"Expiration"}]'
    )
    assert "Policies" in message
    refused("NotImplemented", put, Name="p", Value="ami-1", Type="String", DataType="aws:ec2:image")
    assert put(Name="big", Value="x" * 4097, Type="String", Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    refused("ValidationException", put, Name="big", Value="x", Overwrite=True, Tier="Standard")
    ssm.delete_parameter(Name="big")
    refused("NotImplemented", ssm.describe_instance_information)


CONFIGURATION = """
variable "password" {{ sensitive = true }}
resource "aws_ssm_parameter" "url" {{
  name        = "/tf/url"
  type        = "String"
  value       = "{url}"
  description = "where"
  tags        = {{ Name = "url" }}
}}
resource "aws_ssm_parameter" "plain" {{
  name           = "/tf/plain"
  type           = "StringList"
  insecure_value = "a,b"
}}
resource "aws_ssm_parameter" "password" {{
  name  = "/tf/password"
  type  = "SecureString"
  value = var.password
}}
data "aws_ssm_parameter" "url" {{
  name = aws_ssm_parameter.url.id
}}
data "aws_ssm_parameters_by_path" "all" {{
  path       = "/tf"
  depends_on = [aws_ssm_parameter.url, aws_ssm_parameter.plain, aws_ssm_parameter.password]
}}
output "url" {{ value = data.aws_ssm_parameter.url.insecure_value }}
output "names" {{ value = data.aws_ssm_parameters_by_path.all.names }}
output "version" {{ value = aws_ssm_parameter.url.version }}
"""


def test_types(region, ssm, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    (tmp_path / "main.tf").write_text(CONFIGURATION.format(url="http://one"))
    assert "hunter2" not in run("apply", "-auto-approve", "-var=password=hunter2")
    outputs = json.loads(run("output", "-json"))
    assert outputs["url"]["value"] == "http://one"
    assert outputs["names"]["value"] == ["/tf/password", "/tf/plain", "/tf/url"]
    assert outputs["version"]["value"] == 1
    assert ssm.get_parameter(Name="/tf/password", WithDecryption=True)["Parameter"]["Value"] == "hunter2"
    assert "No changes." in run("plan", "-detailed-exitcode", "-var=password=hunter2")
    (tmp_path / "main.tf").write_text(CONFIGURATION.format(url="http://two"))
    assert "0 added, 1 changed, 0 destroyed" in run("apply", "-auto-approve", "-var=password=hunter2")
    assert json.loads(run("output", "-json"))["version"]["value"] == 2
    run("destroy", "-auto-approve", "-var=password=hunter2")
    assert ssm.get_parameters_by_path(Path="/tf")["Parameters"] == []
