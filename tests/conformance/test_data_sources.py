"""Data sources and small resource types of the provider, over our own engine and the region."""

import json
import subprocess
import textwrap

NETWORK = """
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Owner = "data" } }
}
resource "aws_vpc" "main" {
  cidr_block           = "10.77.0.0/24"
  enable_dns_hostnames = true
  tags                 = { Name = "data-sources" }
}
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 2, count.index)
  availability_zone = "us-east-1${["a", "b"][count.index]}"
  tags              = { Tier = "private-${count.index}" }
}
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "main" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.s[0].id
  depends_on    = [aws_internet_gateway.main]
}
resource "aws_route_table" "main" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}
resource "aws_route_table_association" "s" {
  subnet_id      = aws_subnet.s[0].id
  route_table_id = aws_route_table.main.id
}
resource "aws_security_group" "g" {
  name        = "data-sources"
  description = "for data"
  vpc_id      = aws_vpc.main.id
}
"""

NETWORK_DATA = """
data "aws_vpc" "by_tag" {
  tags       = { Name = "data-sources" }
  depends_on = [aws_vpc.main]
}
data "aws_vpc" "by_id" { id = aws_vpc.main.id }
data "aws_vpcs" "all" {
  filter {
    name   = "cidr"
    values = ["10.77.0.0/24"]
  }
  depends_on = [aws_vpc.main]
}
data "aws_subnet" "one" {
  vpc_id            = aws_vpc.main.id
  availability_zone = aws_subnet.s[1].availability_zone
}
data "aws_subnets" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.main.id]
  }
  depends_on = [aws_subnet.s]
}
data "aws_subnet_ids" "all" {
  vpc_id     = aws_vpc.main.id
  tags       = { Tier = "private-0" }
  depends_on = [aws_subnet.s]
}
data "aws_security_group" "g" {
  name   = aws_security_group.g.name
  vpc_id = aws_vpc.main.id
}
data "aws_security_groups" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.main.id]
  }
  depends_on = [aws_security_group.g]
}
data "aws_route_table" "main" { subnet_id = aws_route_table_association.s.subnet_id }
data "aws_route_tables" "all" {
  vpc_id     = aws_vpc.main.id
  depends_on = [aws_route_table.main]
}
data "aws_internet_gateway" "main" {
  filter {
    name   = "attachment.vpc-id"
    values = [aws_internet_gateway.main.vpc_id]
  }
}
data "aws_nat_gateway" "main" { subnet_id = aws_nat_gateway.main.subnet_id }
data "aws_nat_gateways" "all" { vpc_id = aws_nat_gateway.main.id == "" ? "" : aws_vpc.main.id }
data "aws_eip" "nat" { public_ip = aws_eip.nat.public_ip }
data "aws_eips" "all" { depends_on = [aws_eip.nat] }
output "d" {
  value = {
    vpc_by_tag = data.aws_vpc.by_tag
    vpc_by_id  = data.aws_vpc.by_id
    vpcs       = data.aws_vpcs.all.ids
    subnet     = data.aws_subnet.one
    subnets    = data.aws_subnets.all.ids
    subnet_ids = data.aws_subnet_ids.all.ids
    group      = data.aws_security_group.g
    groups     = data.aws_security_groups.all
    table      = data.aws_route_table.main
    tables     = data.aws_route_tables.all.ids
    gateway    = data.aws_internet_gateway.main
    nat        = data.aws_nat_gateway.main
    nats       = data.aws_nat_gateways.all.ids
    eip        = data.aws_eip.nat
    eips       = data.aws_eips.all
  }
}
output "r" {
  value = {
    vpc     = aws_vpc.main
    subnets = aws_subnet.s
    table   = aws_route_table.main
    gateway = aws_internet_gateway.main
    nat     = aws_nat_gateway.main
    group   = aws_security_group.g
    eip     = aws_eip.nat
  }
}
"""


def outputs(terrarium):
    return {name: each["value"] for name, each in json.loads(terrarium("output", "-json")).items()}


def same(data, resource, *names):
    assert {name: data[name] for name in names} == {name: resource[name] for name in names}


def test_network(region, terrarium, tmp_path):
    main = tmp_path / "main.tf"
    main.write_text(NETWORK + NETWORK_DATA)
    terrarium("apply", "-auto-approve")
    shown = outputs(terrarium)
    data, made = shown["d"], shown["r"]
    for vpc in (data["vpc_by_tag"], data["vpc_by_id"]):
        same(vpc, made["vpc"], "id", "arn", "cidr_block", "main_route_table_id", "owner_id", "enable_dns_hostnames")
        assert vpc["tags"] == {"Name": "data-sources", "Owner": "data"} and vpc["default"] is False
        assert [each["cidr_block"] for each in vpc["cidr_block_associations"]] == ["10.77.0.0/24"]
    assert data["vpcs"] == [made["vpc"]["id"]]
    same(data["subnet"], made["subnets"][1], "id", "arn", "cidr_block", "availability_zone_id", "owner_id")
    assert data["subnet"]["available_ip_address_count"] == 59
    assert sorted(data["subnets"]) == sorted(each["id"] for each in made["subnets"])
    assert data["subnet_ids"] == [made["subnets"][0]["id"]]
    same(data["group"], made["group"], "id", "arn", "description", "name", "vpc_id")
    assert made["group"]["id"] in data["groups"]["ids"] and made["group"]["arn"] in data["groups"]["arns"]
    same(data["table"], made["table"], "id", "arn", "owner_id", "vpc_id")
    (route,) = data["table"]["routes"]
    assert (route["cidr_block"], route["gateway_id"]) == ("0.0.0.0/0", made["gateway"]["id"])
    assert data["table"]["associations"][0]["subnet_id"] == made["subnets"][0]["id"]
    assert made["table"]["id"] in data["tables"]
    same(data["gateway"], made["gateway"], "id", "arn", "owner_id")
    assert data["gateway"]["attachments"] == [{"state": "available", "vpc_id": made["vpc"]["id"]}]
    same(data["nat"], made["nat"], "id", "public_ip", "private_ip", "allocation_id", "subnet_id")
    assert data["nats"] == [made["nat"]["id"]]
    same(data["eip"], made["eip"], "id", "arn", "public_ip", "public_dns", "domain")
    assert made["eip"]["public_ip"] in data["eips"]["public_ips"]
    # The address was associated only after it was read.
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")


def test_ec2_tag(region, terrarium, tmp_path):
    config = """
        resource "aws_vpc" "v" {
          cidr_block = "10.78.0.0/24"
          lifecycle { ignore_changes = [tags, tags_all] }
        }
        resource "aws_ec2_tag" "t" {
          resource_id = aws_vpc.v.id
          key         = "Team"
          value       = "VALUE"
        }
        output "vpc" { value = aws_vpc.v.id }
        """
    ec2 = region.client("ec2")

    def tags():
        (vpc,) = ec2.describe_vpcs(VpcIds=[terrarium("output", "-raw", "vpc")])["Vpcs"]
        return {tag["Key"]: tag["Value"] for tag in vpc.get("Tags", [])}

    (tmp_path / "main.tf").write_text(config.replace("VALUE", "a"))
    terrarium("apply", "-auto-approve")
    assert tags() == {"Team": "a"}
    (tmp_path / "main.tf").write_text(config.replace("VALUE", "b"))
    assert "0 added, 1 changed" in terrarium("apply", "-auto-approve")
    assert tags() == {"Team": "b"}
    assert "No changes." in terrarium("plan", "-detailed-exitcode")


def terrarium_error(region, folder, *arguments):
    done = subprocess.run(
        [region.terrarium, *arguments],
        cwd=folder,
        env=region.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_one_is_wanted(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text('data "aws_subnet" "none" { cidr_block = "10.255.255.0/24" }\n')
    run = terrarium_error(region, tmp_path, "plan")
    assert "Your query returned no results" in run
    (tmp_path / "main.tf").write_text("""
resource "aws_vpc" "v" {
  count      = 2
  cidr_block = "10.79.0.0/24"
}
data "aws_vpc" "v" {
  cidr_block = "10.79.0.0/24"
  depends_on = [aws_vpc.v]
}
""")
    assert "more than one result" in terrarium_error(region, tmp_path, "apply", "-auto-approve")


def test_iam_and_secrets_and_logs(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text("""
        resource "aws_iam_role" "r" {
          name                 = "data-role"
          path                 = "/data/"
          description          = "a role"
          max_session_duration = 7200
          tags                 = { A = "b" }
          assume_role_policy = jsonencode({
            Version   = "2012-10-17"
            Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }]
          })
        }
        resource "aws_iam_policy" "p" {
          name = "data-policy"
          path = "/data/"
          policy = jsonencode({
            Version   = "2012-10-17"
            Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
          })
        }
        resource "aws_iam_user" "u" {
          name = "data-user"
          path = "/data/"
        }
        resource "aws_iam_group" "g" { name = "data-group" }
        resource "aws_iam_user_group_membership" "m" {
          user   = aws_iam_user.u.name
          groups = [aws_iam_group.g.name]
        }
        data "aws_iam_role" "r" { name = aws_iam_role.r.id }
        data "aws_iam_roles" "r" {
          path_prefix = "/data/"
          name_regex  = "^data-r"
          depends_on  = [aws_iam_role.r]
        }
        data "aws_iam_policy" "by_name" {
          name       = "data-policy"
          depends_on = [aws_iam_policy.p]
        }
        data "aws_iam_policy" "by_arn" { arn = aws_iam_policy.p.arn }
        data "aws_iam_user" "u" { user_name = aws_iam_user.u.id }
        data "aws_iam_group" "g" {
          group_name = aws_iam_group.g.name
          depends_on = [aws_iam_user_group_membership.m]
        }
        resource "aws_secretsmanager_secret" "s" {
          name                    = "data/secret"
          recovery_window_in_days = 0
          tags                    = { A = "b" }
        }
        resource "aws_secretsmanager_secret_version" "v" {
          secret_id     = aws_secretsmanager_secret.s.id
          secret_string = jsonencode({ user = "me" })
        }
        resource "aws_secretsmanager_secret_policy" "p" {
          secret_arn = aws_secretsmanager_secret.s.arn
          policy = jsonencode({
            Version   = "2012-10-17"
            Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Principal = { AWS = aws_iam_role.r.arn }, Resource = "*" }]
          })
        }
        data "aws_secretsmanager_secret" "s" {
          name       = aws_secretsmanager_secret.s.name
          depends_on = [aws_secretsmanager_secret_policy.p]
        }
        data "aws_secretsmanager_secret_version" "v" {
          secret_id  = aws_secretsmanager_secret.s.id
          depends_on = [aws_secretsmanager_secret_version.v]
        }
        data "aws_secretsmanager_random_password" "r" {
          password_length     = 20
          exclude_punctuation = true
        }
        resource "aws_cloudwatch_log_group" "g" {
          name              = "/data/group"
          retention_in_days = 7
          tags              = { A = "b" }
        }
        resource "aws_cloudwatch_log_stream" "s" {
          name           = "stream"
          log_group_name = aws_cloudwatch_log_group.g.name
        }
        data "aws_cloudwatch_log_group" "g" { name = aws_cloudwatch_log_group.g.id }
        data "aws_cloudwatch_log_groups" "g" {
          log_group_name_prefix = "/data/"
          depends_on            = [aws_cloudwatch_log_group.g]
        }
        output "all" {
          sensitive = true
          value = {
            role       = data.aws_iam_role.r
            roles      = data.aws_iam_roles.r
            by_name    = data.aws_iam_policy.by_name
            by_arn     = data.aws_iam_policy.by_arn
            user       = data.aws_iam_user.u
            group      = data.aws_iam_group.g
            secret     = data.aws_secretsmanager_secret.s
            version    = data.aws_secretsmanager_secret_version.v
            random     = data.aws_secretsmanager_random_password.r.random_password
            log        = data.aws_cloudwatch_log_group.g
            logs       = data.aws_cloudwatch_log_groups.g.log_group_names
            stream     = aws_cloudwatch_log_stream.s.arn
            made_role  = aws_iam_role.r
            made_group = aws_cloudwatch_log_group.g
          }
        }
        """)
    terrarium("apply", "-auto-approve")
    all = outputs(terrarium)["all"]
    names = ("arn", "path", "description", "max_session_duration", "unique_id", "create_date", "tags")
    same(all["role"], all["made_role"], *names)
    assert json.loads(all["role"]["assume_role_policy"]) == json.loads(all["made_role"]["assume_role_policy"])
    assert all["roles"]["names"] == ["data-role"] and all["roles"]["arns"] == [all["made_role"]["arn"]]
    assert all["by_name"]["arn"] == all["by_arn"]["arn"] and all["by_name"]["policy"] == all["by_arn"]["policy"]
    assert all["user"]["arn"].endswith(":user/data/data-user")
    assert [user["user_name"] for user in all["group"]["users"]] == ["data-user"]
    assert all["secret"]["tags"] == {"A": "b"} and "GetSecretValue" in all["secret"]["policy"]
    assert json.loads(all["version"]["secret_string"]) == {"user": "me"}
    assert all["version"]["version_stages"] == ["AWSCURRENT"]
    assert all["random"].isalnum() and len(all["random"]) == 20
    same(all["log"], all["made_group"], "arn", "retention_in_days", "log_group_class", "tags")
    assert all["logs"] == ["/data/group"]
    assert all["stream"].endswith(":log-group:/data/group:log-stream:stream")


def test_names_and_tables(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text("""
        provider "aws" {
          region = "eu-central-1"
          default_tags { tags = { Owner = "me" } }
        }
        data "aws_default_tags" "t" {}
        data "aws_arn" "a" { arn = "arn:aws:rds:eu-west-1:123456789012:db:mysql-db" }
        data "aws_service" "s" { service_id = "s3" }
        data "aws_service" "d" { dns_name = "ec2.us-west-2.amazonaws.com" }
        data "aws_service_principal" "s" { service_name = "logs" }
        data "aws_lb_hosted_zone_id" "z" {}
        data "aws_lb_hosted_zone_id" "n" {
          region             = "us-west-2"
          load_balancer_type = "network"
        }
        data "aws_elb_service_account" "e" {}
        data "aws_billing_service_account" "b" {}
        data "aws_region" "r" {}
        data "aws_availability_zone" "z" { name = "eu-central-1b" }
        output "all" {
          value = [
            data.aws_default_tags.t.tags, data.aws_arn.a, data.aws_service.s, data.aws_service.d,
            data.aws_service_principal.s, data.aws_lb_hosted_zone_id.z.id, data.aws_lb_hosted_zone_id.n.id,
            data.aws_elb_service_account.e.arn, data.aws_billing_service_account.b.arn, data.aws_region.r,
            data.aws_availability_zone.z,
          ]
        }
        """)
    terrarium("apply", "-auto-approve")
    tags, arn, s3, ec2, principal, alb, nlb, elb, billing, here, zone = outputs(terrarium)["all"]
    assert tags == {"Owner": "me"}
    assert [arn[name] for name in ("partition", "service", "region", "account", "resource")] == [
        "aws",
        "rds",
        "eu-west-1",
        "123456789012",
        "db:mysql-db",
    ]
    assert s3["reverse_dns_name"] == "com.amazonaws.eu-central-1.s3"
    assert s3["dns_name"] == "s3.eu-central-1.amazonaws.com"
    assert (ec2["service_id"], ec2["region"]) == ("ec2", "us-west-2")
    assert principal["name"] == "logs.amazonaws.com"
    assert (alb, nlb) == ("Z215JYRZR1TBD5", "Z18D5FSROUN65G")
    assert elb == "arn:aws:iam::054676820928:root"
    assert billing == "arn:aws:iam::386209384616:root"
    assert (here["name"], here["endpoint"]) == ("eu-central-1", "ec2.eu-central-1.amazonaws.com")
    assert here["description"] == "Europe (Frankfurt)"
    assert (zone["name_suffix"], zone["zone_type"]) == ("b", "availability-zone")


def test_ecs_tag_and_settings(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text(textwrap.dedent("""
        resource "aws_ecs_cluster" "c" {
          name = "data-cluster"
          lifecycle { ignore_changes = [tags, tags_all] }
        }
        resource "aws_ecs_tag" "t" {
          resource_arn = aws_ecs_cluster.c.arn
          key          = "Team"
          value        = "a"
        }
        resource "aws_ecs_account_setting_default" "s" {
          name  = "containerInsights"
          value = "enabled"
        }
        """))
    terrarium("apply", "-auto-approve")
    ecs = region.client("ecs")
    (cluster,) = ecs.describe_clusters(clusters=["data-cluster"], include=["TAGS"])["clusters"]
    assert cluster["tags"] == [{"key": "Team", "value": "a"}]

    def setting():
        found = ecs.list_account_settings(name="containerInsights", effectiveSettings=True)
        return found["settings"][0]["value"]

    assert setting() == "enabled"
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("destroy", "-auto-approve")
    assert setting() == "disabled"


def test_what_is_not_read_yet_is_unknown(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text("""
        resource "aws_vpc" "v" { cidr_block = "10.80.0.0/24" }
        data "aws_route_table" "main" {
          vpc_id = aws_vpc.v.id
          filter {
            name   = "association.main"
            values = ["true"]
          }
        }
        output "routes" { value = length(data.aws_route_table.main.routes) }
        output "main" { value = one(data.aws_route_table.main.associations).main }
        """)
    shown = terrarium("plan")
    assert "+ routes = (known after apply)" in shown and "+ main   = (known after apply)" in shown
    terrarium("apply", "-auto-approve")
    assert outputs(terrarium) == {"routes": 0, "main": True}


def test_capacity_providers_of_old_majors(region, terrarium, tmp_path):
    config = """
        resource "aws_ecs_cluster" "c" {
          name               = "old-majors"
          capacity_providers = PROVIDERS
          default_capacity_provider_strategy {
            capacity_provider = "FARGATE"
            weight            = 1
          }
        }
        """
    (tmp_path / "main.tf").write_text(config.replace("PROVIDERS", '["FARGATE"]'))
    terrarium("apply", "-auto-approve")
    ecs = region.client("ecs")

    def providers():
        (cluster,) = ecs.describe_clusters(clusters=["old-majors"])["clusters"]
        (strategy,) = cluster["defaultCapacityProviderStrategy"]
        return sorted(cluster["capacityProviders"]), strategy["capacityProvider"], strategy["weight"]

    assert providers() == (["FARGATE"], "FARGATE", 1)
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(config.replace("PROVIDERS", '["FARGATE", "FARGATE_SPOT"]'))
    assert "0 added, 1 changed" in terrarium("apply", "-auto-approve")
    assert providers() == (["FARGATE", "FARGATE_SPOT"], "FARGATE", 1)
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
