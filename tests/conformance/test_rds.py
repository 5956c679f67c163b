"""RDS without its servers: the API by boto3, and the resource types by our own engine."""

import json
import re
import subprocess

import pytest
from botocore.exceptions import ClientError


def code(failure):
    return failure.value.response["Error"]["Code"]


@pytest.fixture
def rds(region):
    return region.client("rds")


@pytest.fixture(scope="module")
def network(region):
    ec2 = region.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/24")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.60.0.{32 * i}/27", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for i, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    yield {"vpc": vpc, "subnets": subnets, "group": group}
    ec2.delete_security_group(GroupId=group)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.fixture
def subnet_group(region, network):
    rds = region.client("rds")
    rds.create_db_subnet_group(
        DBSubnetGroupName="Main", DBSubnetGroupDescription="two zones", SubnetIds=network["subnets"]
    )
    yield "main"
    rds.delete_db_subnet_group(DBSubnetGroupName="main")


def create(rds, name, group, **more):
    wanted = {
        "DBInstanceIdentifier": name,
        "DBInstanceClass": "db.t3.micro",
        "Engine": "postgres",
        "MasterUsername": "app",
        "MasterUserPassword": "correct-horse",
        "AllocatedStorage": 20,
        "DBSubnetGroupName": group,
    }
    return rds.create_db_instance(**{**wanted, **more})["DBInstance"]


def delete(rds, name):
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def wait(rds, name):
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def test_life_of_an_instance(region, rds, network, subnet_group):
    made = create(
        rds,
        "App-DB",
        subnet_group,
        EngineVersion="13.4",
        DBName="app",
        VpcSecurityGroupIds=[network["group"]],
        Tags=[{"Key": "a", "Value": "b"}],
        StorageType="gp3",
    )
    assert made["DBInstanceStatus"] == "creating" and "Endpoint" not in made
    assert made["DBInstanceIdentifier"] == "app-db"
    assert made["DBInstanceArn"] == "arn:aws:rds:us-east-1:000000000000:db:app-db"
    assert re.fullmatch("db-[A-Z0-9]{26}", made["DbiResourceId"])
    db = wait(rds, "app-db")
    assert re.fullmatch(r"app-db\.[a-z]{12}\.us-east-1\.rds\.amazonaws\.com", db["Endpoint"]["Address"])
    assert (db["Endpoint"]["Port"], db["EngineVersion"], db["DBName"]) == (5432, "13.4", "app")
    assert (db["Iops"], db["StorageThroughput"], db["StorageType"]) == (3000, 125, "gp3")
    assert db["DBParameterGroups"][0] == {
        "DBParameterGroupName": "default.postgres13",
        "ParameterApplyStatus": "in-sync",
    }
    assert db["OptionGroupMemberships"][0]["OptionGroupName"] == "default:postgres-13"
    assert db["VpcSecurityGroups"] == [{"VpcSecurityGroupId": network["group"], "Status": "active"}]
    assert db["DBSubnetGroup"]["VpcId"] == network["vpc"] and len(db["DBSubnetGroup"]["Subnets"]) == 2
    assert db["TagList"] == [{"Key": "a", "Value": "b"}]
    ec2 = region.client("ec2")
    (interface,) = ec2.describe_network_interfaces(
        Filters=[{"Name": "requester-id", "Values": ["amazon-rds"]}, {"Name": "vpc-id", "Values": [network["vpc"]]}]
    )["NetworkInterfaces"]
    assert interface["Description"] == "RDSNetworkInterface"
    assert [each["GroupId"] for each in interface["Groups"]] == [network["group"]]
    with pytest.raises(ClientError) as failure:
        create(rds, "app-db", subnet_group)
    assert code(failure) == "DBInstanceAlreadyExists"
    with pytest.raises(ClientError) as failure:
        rds.delete_db_subnet_group(DBSubnetGroupName=subnet_group)
    assert code(failure) == "InvalidDBSubnetGroupStateFault"
    delete(rds, "app-db")
    assert not ec2.describe_network_interfaces(Filters=[{"Name": "requester-id", "Values": ["amazon-rds"]}])[
        "NetworkInterfaces"
    ]
    with pytest.raises(ClientError) as failure:
        rds.describe_db_instances(DBInstanceIdentifier="app-db")
    assert code(failure) == "DBInstanceNotFound"


def test_filters_pages_and_tags(rds, subnet_group):
    made = [create(rds, f"page-{i:02}", subnet_group, Engine="postgres")["DbiResourceId"] for i in range(22)]
    pages = list(rds.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20}))
    assert [len(page["DBInstances"]) for page in pages] == [20, 2]

    def ids(name, *values):
        found = rds.describe_db_instances(Filters=[{"Name": name, "Values": list(values)}])["DBInstances"]
        return [each["DBInstanceIdentifier"] for each in found]

    assert ids("dbi-resource-id", made[3]) == ["page-03"]
    assert ids("dbi-resource-id", "db-NONE") == []
    assert ids("db-instance-id", "page-01", "arn:aws:rds:us-east-1:000000000000:db:page-02") == ["page-01", "page-02"]
    assert len(ids("engine", "postgres")) == 22 and ids("engine", "mysql") == [] and ids("db-cluster-id", "x") == []
    with pytest.raises(ClientError) as failure:
        ids("colour", "blue")
    assert code(failure) == "InvalidParameterValue"
    arn = "arn:aws:rds:us-east-1:000000000000:db:page-00"
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "x", "Value": "1"}, {"Key": "y", "Value": "2"}])
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["x"])
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "y", "Value": "2"}]
    for i in range(22):
        rds.delete_db_instance(DBInstanceIdentifier=f"page-{i:02}", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier="page-21", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def test_modify_stop_and_start(rds, subnet_group):
    create(rds, "change", subnet_group, EngineVersion="15.3", DeletionProtection=True)
    wait(rds, "change")
    later = rds.modify_db_instance(DBInstanceIdentifier="change", AllocatedStorage=40, BackupRetentionPeriod=3)
    assert later["DBInstance"]["PendingModifiedValues"] == {"AllocatedStorage": 40}
    assert later["DBInstance"]["BackupRetentionPeriod"] == 3
    rds.modify_db_instance(DBInstanceIdentifier="change", DBInstanceClass="db.t3.small", ApplyImmediately=True)
    db = wait(rds, "change")
    assert (db["AllocatedStorage"], db["DBInstanceClass"]) == (40, "db.t3.small")
    assert db["PendingModifiedValues"] == {}
    with pytest.raises(ClientError) as failure:
        rds.modify_db_instance(DBInstanceIdentifier="change", EngineVersion="16", ApplyImmediately=True)
    assert code(failure) == "InvalidParameterCombination"
    rds.modify_db_instance(
        DBInstanceIdentifier="change", EngineVersion="16", AllowMajorVersionUpgrade=True, ApplyImmediately=True
    )
    db = wait(rds, "change")
    assert db["EngineVersion"].startswith("16.")
    assert db["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres16"
    changing = rds.modify_db_instance(DBInstanceIdentifier="change", MasterUserPassword="another-horse")
    assert changing["DBInstance"]["DBInstanceStatus"] == "resetting-master-credentials"
    wait(rds, "change")
    assert rds.reboot_db_instance(DBInstanceIdentifier="change")["DBInstance"]["DBInstanceStatus"] == "rebooting"
    wait(rds, "change")
    rds.stop_db_instance(DBInstanceIdentifier="change")
    with pytest.raises(ClientError) as failure:
        rds.stop_db_instance(DBInstanceIdentifier="change")
    assert code(failure) == "InvalidDBInstanceState"
    assert rds.start_db_instance(DBInstanceIdentifier="change")["DBInstance"]["DBInstanceStatus"] == "starting"
    wait(rds, "change")
    with pytest.raises(ClientError) as failure:
        rds.delete_db_instance(DBInstanceIdentifier="change", SkipFinalSnapshot=True)
    assert code(failure) == "InvalidParameterCombination"
    rds.modify_db_instance(
        DBInstanceIdentifier="change",
        NewDBInstanceIdentifier="renamed",
        DeletionProtection=False,
        ApplyImmediately=True,
    )
    db = wait(rds, "renamed")
    assert db["Endpoint"]["Address"].startswith("renamed.") and db["DBInstanceArn"].endswith(":db:renamed")
    with pytest.raises(ClientError) as failure:
        rds.delete_db_instance(DBInstanceIdentifier="renamed")
    assert "FinalDBSnapshotIdentifier is required" in str(failure.value)
    with pytest.raises(ClientError) as failure:
        rds.delete_db_instance(DBInstanceIdentifier="renamed", FinalDBSnapshotIdentifier="last")
    assert code(failure) == "NotImplemented"
    delete(rds, "renamed")


def test_what_is_refused(rds, network, subnet_group):
    def refused(**more):
        with pytest.raises(ClientError) as failure:
            create(rds, "no", subnet_group, **more)
        return code(failure)

    assert refused(Engine="oracle-ee") == "NotImplemented"
    assert refused(Domain="d-1") == "NotImplemented"
    assert refused(EngineVersion="13.99") == "InvalidParameterCombination"
    assert refused(MasterUserPassword="short") == "InvalidParameterValue"
    assert refused(MasterUserPassword="with/slash") == "InvalidParameterValue"
    assert refused(MasterUsername="rdsadmin") == "InvalidParameterValue"
    assert refused(DBName="1st") == "InvalidParameterValue"
    assert refused(DBInstanceClass="t3.micro") == "InvalidParameterValue"
    assert refused(DBSubnetGroupName="nowhere") == "DBSubnetGroupNotFoundFault"
    assert refused(VpcSecurityGroupIds=["sg-00000000000000000"]) == "InvalidParameterValue"
    assert refused(AvailabilityZone="us-east-1c") == "InvalidVPCNetworkStateFault"
    assert refused(DBParameterGroupName="default.postgres12", EngineVersion="15") == "InvalidParameterCombination"
    with pytest.raises(ClientError) as failure:
        rds.create_db_cluster(DBClusterIdentifier="c", Engine="aurora-postgresql")
    assert code(failure) == "NotImplemented"
    with pytest.raises(ClientError) as failure:
        rds.create_db_subnet_group(
            DBSubnetGroupName="one", DBSubnetGroupDescription="x", SubnetIds=network["subnets"][:1]
        )
    assert code(failure) == "DBSubnetGroupDoesNotCoverEnoughAZs"
    assert rds.describe_db_instances()["DBInstances"] == []


def test_managed_password(region, rds, subnet_group):
    made = rds.create_db_instance(
        DBInstanceIdentifier="managed",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        MasterUsername="app",
        ManageMasterUserPassword=True,
        AllocatedStorage=20,
        DBSubnetGroupName=subnet_group,
    )["DBInstance"]
    secret = made["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    secrets = region.client("secretsmanager")
    value = json.loads(secrets.get_secret_value(SecretId=secret["SecretArn"])["SecretString"])
    assert value["username"] == "app" and len(value["password"]) >= 16
    wait(rds, "managed")
    delete(rds, "managed")
    with pytest.raises(ClientError) as failure:
        secrets.describe_secret(SecretId=secret["SecretArn"])
    assert code(failure) == "ResourceNotFoundException"


def test_parameter_groups(rds, subnet_group):
    rds.create_db_parameter_group(
        DBParameterGroupName="Tuned", DBParameterGroupFamily="postgres15", Description="tuned"
    )
    create(rds, "tuned", subnet_group, EngineVersion="15", DBParameterGroupName="tuned")
    wait(rds, "tuned")

    def status():
        db = rds.describe_db_instances(DBInstanceIdentifier="tuned")["DBInstances"][0]
        return db["DBParameterGroups"][0]["ParameterApplyStatus"]

    def modify(name, value, method):
        rds.modify_db_parameter_group(
            DBParameterGroupName="tuned",
            Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}],
        )

    modify("log_min_duration_statement", "250", "immediate")
    assert status() == "in-sync"
    with pytest.raises(ClientError) as failure:
        modify("max_connections", "50", "immediate")
    assert code(failure) == "InvalidParameterCombination"
    with pytest.raises(ClientError) as failure:
        modify("max_connections", "many", "pending-reboot")
    assert code(failure) == "InvalidParameterValue"
    with pytest.raises(ClientError) as failure:
        modify("listen_addresses", "*", "immediate")
    assert code(failure) == "InvalidParameterValue"
    modify("max_connections", "50", "pending-reboot")
    assert status() == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="tuned")
    wait(rds, "tuned")
    assert status() == "in-sync"
    set_by_user = rds.describe_db_parameters(DBParameterGroupName="tuned", Source="user")["Parameters"]
    assert {each["ParameterName"]: each["ParameterValue"] for each in set_by_user} == {
        "log_min_duration_statement": "250",
        "max_connections": "50",
    }
    with pytest.raises(ClientError) as failure:
        rds.delete_db_parameter_group(DBParameterGroupName="tuned")
    assert code(failure) == "InvalidDBParameterGroupState"
    rds.reset_db_parameter_group(DBParameterGroupName="tuned", ResetAllParameters=True)
    assert rds.describe_db_parameters(DBParameterGroupName="tuned", Source="user")["Parameters"] == []
    delete(rds, "tuned")
    rds.delete_db_parameter_group(DBParameterGroupName="tuned")
    standard = rds.describe_db_parameter_groups(DBParameterGroupName="default.postgres15")["DBParameterGroups"]
    assert standard[0]["DBParameterGroupFamily"] == "postgres15"


def test_catalogue(rds):
    versions = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
    assert {each["MajorEngineVersion"] for each in versions} >= {"13", "15", "17"}
    (exact,) = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="15.4")["DBEngineVersions"]
    assert (exact["EngineVersion"], exact["DBParameterGroupFamily"]) == ("15.4", "postgres15")
    assert any(not target["IsMajorVersionUpgrade"] for target in exact["ValidUpgradeTarget"])
    options = rds.describe_orderable_db_instance_options(Engine="mysql", DBInstanceClass="db.t3.micro")
    assert {each["EngineVersion"] for each in options["OrderableDBInstanceOptions"]} >= {"8.0.43"}
    (group,) = rds.describe_option_groups(OptionGroupName="default:postgres-15")["OptionGroupsList"]
    assert group["EngineName"] == "postgres"
    with pytest.raises(ClientError) as failure:
        rds.describe_db_log_files(DBInstanceIdentifier="none")
    assert code(failure) == "DBInstanceNotFound"
    assert rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []


CONFIGURATION = """
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Owner = "tests" } }
}
data "aws_rds_engine_version" "new" {
  engine  = "postgres"
  version = "15"
  latest  = true
}
resource "aws_vpc" "main" { cidr_block = "10.61.0.0/24" }
resource "aws_subnet" "db" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 3, count.index)
  availability_zone = "us-east-1${["a", "b"][count.index]}"
}
resource "aws_security_group" "db" {
  name   = "db"
  vpc_id = aws_vpc.main.id
}
resource "aws_db_subnet_group" "main" {
  name       = "tf"
  subnet_ids = aws_subnet.db[*].id
}
resource "aws_db_parameter_group" "main" {
  name   = "tf"
  family = data.aws_rds_engine_version.new.parameter_group_family
  parameter {
    name  = "log_min_duration_statement"
    value = DURATION
  }
  parameter {
    name         = "max_connections"
    value        = 60
    apply_method = "pending-reboot"
  }
}
resource "aws_db_instance" "main" {
  identifier              = "tf"
  engine                  = "postgres"
  engine_version          = 15
  instance_class          = "CLASS"
  allocated_storage       = 20
  storage_type            = "gp3"
  storage_encrypted       = true
  NAME                    = "app"
  username                = "app"
  password                = "PASSWORD"
  port                    = 5432
  parameter_group_name    = aws_db_parameter_group.main.name
  db_subnet_group_name    = aws_db_subnet_group.main.name
  vpc_security_group_ids  = [aws_security_group.db.id]
  multi_az                = true
  backup_retention_period = 0
  skip_final_snapshot     = true
  apply_immediately       = true
  tags                    = { Name = "tf" }
}
data "aws_db_instance" "main" { db_instance_identifier = split(".", aws_db_instance.main.address)[0] }
data "aws_db_subnet_group" "main" { name = aws_db_subnet_group.main.id }
data "aws_db_parameter_group" "main" { name = aws_db_parameter_group.main.id }
output "family" { value = data.aws_db_parameter_group.main.family }
output "endpoint" { value = data.aws_db_instance.main.endpoint }
output "subnets" { value = length(data.aws_db_subnet_group.main.subnet_ids) }
"""


@pytest.mark.parametrize("name", ["db_name", "name"])
def test_types(region, rds, tmp_path, name):
    def write(**values):
        text = CONFIGURATION.replace("NAME  ", name.ljust(6))
        for key, value in {"DURATION": "100", "CLASS": "db.t3.micro", "PASSWORD": "correct-horse", **values}.items():
            text = text.replace(key, value)
        (tmp_path / "main.tf").write_text(text)

    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    write()
    assert "correct-horse" not in run("apply", "-auto-approve")
    (db,) = rds.describe_db_instances(DBInstanceIdentifier="tf")["DBInstances"]
    assert db["EngineVersion"].startswith("15.") and db["MultiAZ"] and db["DBName"] == "app"
    assert {each["Key"]: each["Value"] for each in db["TagList"]} == {"Name": "tf", "Owner": "tests"}
    assert run("output", "-raw", "endpoint") == f"{db['Endpoint']['Address']}:5432"
    assert run("output", "-raw", "subnets") == "2"
    assert run("output", "-raw", "family") == "postgres15"
    assert "No changes." in run("plan", "-detailed-exitcode")
    write(DURATION="200", CLASS="db.t3.small", PASSWORD="another-horse")
    assert "0 added, 2 changed, 0 destroyed" in run("apply", "-auto-approve")
    (db,) = rds.describe_db_instances(DBInstanceIdentifier="tf")["DBInstances"]
    assert db["DBInstanceClass"] == "db.t3.small"
    assert "No changes." in run("plan", "-detailed-exitcode")
    run("destroy", "-auto-approve")
    assert rds.describe_db_instances()["DBInstances"] == []
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"] == []


def test_import_and_a_write_only_password(region, rds, subnet_group, tmp_path):
    create(rds, "found", subnet_group, EngineVersion="16", BackupRetentionPeriod=0)
    before = wait(rds, "found")
    (tmp_path / "main.tf").write_text("""
import {
  to = aws_db_instance.main
  id = "found"
}
resource "aws_db_instance" "main" {
  identifier           = "found"
  engine               = "postgres"
  engine_version       = "16"
  instance_class       = "db.t3.micro"
  allocated_storage    = 20
  username             = "app"
  password_wo          = "secret-horse"
  password_wo_version  = 1
  db_subnet_group_name = "main"
  skip_final_snapshot  = true
}
""")

    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "1 imported, 0 added, 1 changed, 0 destroyed" in run("apply", "-auto-approve")
    assert "No changes." in run("plan", "-detailed-exitcode")
    after = rds.describe_db_instances(DBInstanceIdentifier="found")["DBInstances"][0]
    assert after["DbiResourceId"] == before["DbiResourceId"]
    (state,) = (tmp_path / ".terrarium").rglob("terraform.tfstate")
    assert before["DbiResourceId"] in state.read_text() and "secret-horse" not in state.read_text()
    run("destroy", "-auto-approve")
    assert rds.describe_db_instances()["DBInstances"] == []
