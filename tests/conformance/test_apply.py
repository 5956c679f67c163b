"""From .tf files through our own engine to the region, looked at by boto3."""

import json
import subprocess
from datetime import timezone


NETWORK = """
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Owner = "tests" } }
}
data "aws_availability_zones" "all" { state = "available" }
resource "aws_vpc" "main" {
  cidr_block           = "10.30.0.0/24"
  enable_dns_hostnames = true
  tags                 = { Name = "main" }
}
resource "aws_subnet" "public" {
  count                   = 2
  vpc_id                  = aws_vpc.main.id
  cidr_block              = cidrsubnet(aws_vpc.main.cidr_block, 3, count.index)
  availability_zone       = data.aws_availability_zones.all.names[count.index]
  map_public_ip_on_launch = true
}
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "main" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public[0].id
  depends_on    = [aws_internet_gateway.main]
}
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}
resource "aws_route_table" "private" { vpc_id = aws_vpc.main.id }
resource "aws_route" "private" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main.id
}
resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}
resource "aws_security_group" "alb" {
  name   = "alb"
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = PORT
    to_port     = PORT
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = -1
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_security_group" "app" {
  name   = "app"
  vpc_id = aws_vpc.main.id
}
resource "aws_vpc_security_group_ingress_rule" "app" {
  security_group_id            = aws_security_group.app.id
  referenced_security_group_id = aws_security_group.alb.id
  ip_protocol                  = "tcp"
  from_port                    = 3000
  to_port                      = 3000
}
output "vpc" { value = aws_vpc.main.id }
"""


def test_network(region, terrarium, tmp_path):
    ec2 = region.client("ec2")
    (tmp_path / "main.tf").write_text(NETWORK.replace("PORT", "80"))
    terrarium("apply", "-auto-approve")
    vpc = terrarium("output", "-raw", "vpc")
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert {tag["Key"]: tag["Value"] for tag in found["Tags"]} == {"Name": "main", "Owner": "tests"}
    subnets = ec2.describe_subnets(Filters=here)["Subnets"]
    assert sorted((each["CidrBlock"], each["AvailabilityZone"]) for each in subnets) == [
        ("10.30.0.0/27", "us-east-1a"),
        ("10.30.0.32/27", "us-east-1b"),
    ]
    assert all(each["MapPublicIpOnLaunch"] for each in subnets)
    groups = {each["GroupName"]: each for each in ec2.describe_security_groups(Filters=here)["SecurityGroups"]}
    assert groups["app"]["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == groups["alb"]["GroupId"]
    assert groups["app"]["IpPermissionsEgress"] == []
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(NETWORK.replace("PORT", "8080").replace('Name = "main"', 'Name = "other"'))
    assert "0 added, 2 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    groups = {each["GroupName"]: each for each in ec2.describe_security_groups(Filters=here)["SecurityGroups"]}
    assert [each["FromPort"] for each in groups["alb"]["IpPermissions"]] == [8080]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("destroy", "-auto-approve")
    assert not [each for each in ec2.describe_vpcs()["Vpcs"] if each["VpcId"] == vpc]


def test_what_was_deleted_outside_comes_back(region, terrarium, tmp_path):
    ec2 = region.client("ec2")
    (tmp_path / "main.tf").write_text('resource "aws_vpc" "main" { cidr_block = "10.31.0.0/16" }\n')
    terrarium("apply", "-auto-approve")
    (before,) = [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.31.0.0/16"]
    ec2.delete_vpc(VpcId=before["VpcId"])
    shown = terrarium("plan", "-detailed-exitcode", code=2)
    assert "Note: Objects have changed outside of Terrarium" in shown
    assert "# aws_vpc.main has been deleted" in shown
    assert "1 to add" in shown
    terrarium("apply", "-auto-approve")
    (after,) = [each for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.31.0.0/16"]
    assert after["VpcId"] != before["VpcId"]


def test_a_refused_call_leaves_the_rest(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text("""
resource "aws_vpc" "main" { cidr_block = "10.32.0.0/16" }
resource "aws_subnet" "outside" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.33.0.0/24"
}
""")
    done = subprocess.run(
        [region.terrarium, "apply", "-auto-approve"],
        cwd=tmp_path,
        env=region.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "InvalidSubnet.Range" in done.stderr
    assert terrarium("state", "list").split() == ["aws_vpc.main"]


RULES = """
resource "aws_vpc" "main" { cidr_block = "10.34.0.0/16" }
resource "aws_security_group" "a" {
  name   = "rules-a"
  vpc_id = aws_vpc.main.id
}
resource "aws_security_group" "b" {
  name   = "rules-b"
  vpc_id = aws_vpc.main.id
}
resource "aws_security_group_rule" "web" {
  type              = "ingress"
  security_group_id = aws_security_group.a.id
  protocol          = "6"
  from_port         = 80
  to_port           = 80
  cidr_blocks       = ["10.0.0.0/8", "192.168.0.0/16"]
  description       = "DESCRIPTION"
}
resource "aws_security_group_rule" "self" {
  type              = "ingress"
  security_group_id = aws_security_group.a.id
  protocol          = "tcp"
  from_port         = 0
  to_port           = 65535
  self              = true
}
resource "aws_security_group_rule" "out" {
  type                     = "egress"
  security_group_id        = aws_security_group.a.id
  protocol                 = "all"
  from_port                = 0
  to_port                  = 0
  source_security_group_id = aws_security_group.b.id
}
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.b.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
"""


def test_security_group_rules(region, terrarium, tmp_path):
    ec2 = region.client("ec2")

    def groups():
        found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["rules-a", "rules-b"]}])
        return {each["GroupName"]: each for each in found["SecurityGroups"]}

    (tmp_path / "main.tf").write_text(RULES.replace("DESCRIPTION", "one"))
    terrarium("apply", "-auto-approve")
    a, b = groups()["rules-a"], groups()["rules-b"]
    (web,) = [each for each in a["IpPermissions"] if each["FromPort"] == 80]
    assert sorted(each["CidrIp"] for each in web["IpRanges"]) == ["10.0.0.0/8", "192.168.0.0/16"]
    (own,) = [each for each in a["IpPermissions"] if each["FromPort"] == 0]
    assert own["UserIdGroupPairs"][0]["GroupId"] == a["GroupId"]
    (out,) = a["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["UserIdGroupPairs"][0]["GroupId"]) == ("-1", b["GroupId"])
    assert b["IpPermissionsEgress"][0]["FromPort"] == 443
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(RULES.replace("DESCRIPTION", "two"))
    assert "0 added, 1 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    (web,) = [each for each in groups()["rules-a"]["IpPermissions"] if each["FromPort"] == 80]
    assert {each["Description"] for each in web["IpRanges"]} == {"two"}
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    ec2.revoke_security_group_egress(GroupId=a["GroupId"], IpPermissions=a["IpPermissionsEgress"])
    assert "1 to add" in terrarium("plan", "-detailed-exitcode", code=2)


def test_a_role_with_its_policies(region, terrarium, tmp_path):
    iam = region.client("iam")
    config = """
resource "aws_iam_policy" "p" {
  name   = "inline-p"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}
resource "aws_iam_role" "r" {
  name                 = "inline-r"
  permissions_boundary = aws_iam_policy.p.arn
  managed_policy_arns  = [aws_iam_policy.p.arn]
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }] })
  inline_policy {
    name   = "NAME"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }] })
  }
}
"""
    (tmp_path / "main.tf").write_text(config.replace("NAME", "one"))
    terrarium("apply", "-auto-approve")
    role = iam.get_role(RoleName="inline-r")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/inline-p")
    assert iam.list_role_policies(RoleName="inline-r")["PolicyNames"] == ["one"]
    attached = iam.list_attached_role_policies(RoleName="inline-r")["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == ["inline-p"]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(config.replace("NAME", "two"))
    assert "0 added, 1 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    assert iam.list_role_policies(RoleName="inline-r")["PolicyNames"] == ["two"]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("destroy", "-auto-approve")
    assert not [each for each in iam.list_roles()["Roles"] if each["RoleName"] == "inline-r"]


BALANCER = """
provider "aws" {
  region = "us-east-1"
}
data "aws_availability_zones" "all" { state = "available" }
resource "aws_vpc" "main" { cidr_block = "10.61.0.0/16" }
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}
resource "aws_security_group" "alb" {
  name   = "alb"
  vpc_id = aws_vpc.main.id
}
resource "aws_lb" "main" {
  name               = "main"
  load_balancer_type = "application"
  internal           = false
  security_groups    = [aws_security_group.alb.id]
  subnets            = aws_subnet.public[*].id
  idle_timeout       = IDLE
  tags               = { Name = "other" }
  depends_on         = [aws_internet_gateway.main]
}
resource "aws_lb_target_group" "web" {
  name                 = "web"
  port                 = 3000
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.main.id
  deregistration_delay = 20
  health_check {
    path     = "/health"
    interval = 15
    matcher  = "200-299"
  }
}
resource "aws_alb_target_group" "api" {
  name_prefix = "api"
  port        = 8000
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = aws_vpc.main.id
}
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  port              = "80"
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}
resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.http.arn
  priority     = PRIORITY
  action {
    type             = "forward"
    order            = 7
    target_group_arn = aws_alb_target_group.api.arn
  }
  condition {
    path_pattern { values = ["/api/*", "/v3/*"] }
  }
}
resource "aws_lb_listener_rule" "weighted" {
  listener_arn = aws_lb_listener.http.arn
  action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.web.arn
        weight = 80
      }
      target_group {
        arn    = aws_alb_target_group.api.arn
        weight = 20
      }
    }
  }
  condition {
    host_header { values = ["*.example.com"] }
  }
  condition {
    query_string {
      key   = "v"
      value = "1"
    }
  }
  depends_on = [aws_lb_listener_rule.api]
}
resource "aws_lb_listener" "old" {
  load_balancer_arn = aws_lb.main.arn
  port              = 8081
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
resource "aws_lb_listener_rule" "fixed" {
  listener_arn = aws_lb_listener.old.arn
  priority     = 1
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "gone"
      status_code = "404"
    }
  }
  condition {
    http_header {
      http_header_name = "X-Old"
      values           = ["yes"]
    }
  }
  condition {
    source_ip { values = ["10.0.0.0/8"] }
  }
}
resource "aws_lb_target_group_attachment" "one" {
  target_group_arn = aws_lb_target_group.web.arn
  target_id        = "10.61.0.50"
  port             = 3000
}
data "aws_lb" "main" { arn = aws_lb.main.arn }
data "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  port              = 80
  depends_on        = [aws_lb_listener.http]
}
data "aws_lb_target_group" "web" { arn = aws_lb_target_group.web.arn }
data "aws_lb_listener_rule" "fixed" { arn = aws_lb_listener_rule.fixed.arn }
data "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.http.arn
  priority     = PRIORITY
  depends_on   = [aws_lb_listener_rule.api]
}
output "status" { value = data.aws_lb_listener_rule.fixed.action[0].fixed_response[0].status_code }
output "sources" { value = flatten(data.aws_lb_listener_rule.fixed.condition[*].source_ip[*].values) }
output "paths" { value = join(" ", sort(flatten(data.aws_lb_listener_rule.api.condition[*].path_pattern[*].values[*]))) }
output "rule" { value = data.aws_lb_listener_rule.api.arn == aws_lb_listener_rule.api.arn }
output "dns" { value = data.aws_lb.main.dns_name }
output "listener" { value = data.aws_lb_listener.http.arn == aws_lb_listener.http.arn }
output "path" { value = data.aws_lb_target_group.web.health_check[0].path }
"""


def test_balancer(region, terrarium, tmp_path):
    elb = region.client("elbv2")

    def write(idle, priority):
        (tmp_path / "main.tf").write_text(BALANCER.replace("IDLE", idle).replace("PRIORITY", priority))

    write("120", "10")
    terrarium("apply", "-auto-approve")
    assert terrarium("output", "-raw", "listener") == "true"
    assert terrarium("output", "-raw", "path") == "/health"
    assert terrarium("output", "-raw", "status") == "404"
    assert "10.0.0.0/8" in terrarium("output", "sources")
    assert terrarium("output", "-raw", "paths") == "/api/* /v3/*"
    assert terrarium("output", "-raw", "rule") == "true"
    (balancer,) = elb.describe_load_balancers(Names=["main"])["LoadBalancers"]
    assert terrarium("output", "-raw", "dns") == balancer["DNSName"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    (http,) = [each for each in listeners if each["Port"] == 80]
    rules = elb.describe_rules(ListenerArn=http["ListenerArn"])["Rules"]
    assert [each["Priority"] for each in rules] == ["10", "11", "default"]
    assert [each["Actions"][0]["Order"] for each in rules] == [7, 1, 1]
    assert sorted(rules[0]["Conditions"][0]["Values"]) == ["/api/*", "/v3/*"]
    assert sorted(each["Weight"] for each in rules[1]["Actions"][0]["ForwardConfig"]["TargetGroups"]) == [20, 80]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    write("90", "30")
    assert "0 added, 2 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    rules = elb.describe_rules(ListenerArn=http["ListenerArn"])["Rules"]
    assert [each["Priority"] for each in rules] == ["11", "30", "default"]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("destroy", "-auto-approve")
    assert not [each for each in elb.describe_load_balancers()["LoadBalancers"] if each["LoadBalancerName"] == "main"]


SERVICE = """
provider "aws" { region = "us-east-1" }
resource "aws_vpc" "main" { cidr_block = "10.36.0.0/24" }
resource "aws_subnet" "main" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.36.0.0/25"
}
resource "aws_ecs_cluster" "main" { name = "looked-at" }
resource "aws_ecs_task_definition" "web" {
  family                   = "looked-at"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions    = jsonencode([{ name = "web", image = "web:1" }])
  ephemeral_storage { size_in_gib = 30 }
  volume { name = "scratch" }
}
resource "aws_ecs_service" "web" {
  name                               = "web"
  cluster                            = aws_ecs_cluster.main.id
  task_definition                    = aws_ecs_task_definition.web.arn
  launch_type                        = "FARGATE"
  desired_count                      = 0
  deployment_maximum_percent         = 150
  deployment_minimum_healthy_percent = 50
  network_configuration { subnets = [aws_subnet.main.id] }
}
data "aws_ecs_service" "web" {
  cluster_arn  = aws_ecs_cluster.main.arn
  service_name = aws_ecs_service.web.name
}
data "aws_ecs_task_definition" "web" { task_definition = aws_ecs_task_definition.web.arn }
output "seen" {
  value = jsonencode({
    created  = data.aws_ecs_service.web.created_at
    started  = data.aws_ecs_service.web.deployments[0].created_at
    limits   = data.aws_ecs_service.web.deployment_configuration[*].maximum_percent
    subnets  = data.aws_ecs_service.web.network_configuration[0].subnets == toset([aws_subnet.main.id])
    family   = data.aws_ecs_service.web.deployments[0].task_definition == aws_ecs_task_definition.web.arn
    status   = data.aws_ecs_service.web.status
    storage  = data.aws_ecs_task_definition.web.ephemeral_storage[0].size_in_gib
    volumes  = data.aws_ecs_task_definition.web.volume[*].name
    sets     = length(data.aws_ecs_service.web.task_sets)
  })
}
"""


def test_looking_at_a_service(region, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text(SERVICE)
    terrarium("apply", "-auto-approve")
    seen = json.loads(terrarium("output", "-raw", "seen"))
    (service,) = region.client("ecs").describe_services(cluster="looked-at", services=["web"])["services"]
    assert seen.pop("created") == service["createdAt"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert seen.pop("started").endswith("Z")
    assert seen == {
        "limits": [150],
        "subnets": True,
        "family": True,
        "status": "ACTIVE",
        "storage": 30,
        "volumes": ["scratch"],
        "sets": 0,
    }
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("destroy", "-auto-approve")


def test_import(region, terrarium, tmp_path):
    ec2 = region.client("ec2")
    made = ec2.create_vpc(CidrBlock="10.35.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=made, CidrBlock="10.35.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="imported", Description="d", VpcId=made)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
    )
    (tmp_path / "main.tf").write_text(f"""
resource "aws_vpc" "main" {{ cidr_block = "10.35.0.0/16" }}
resource "aws_subnet" "a" {{
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.35.1.0/24"
}}
resource "aws_security_group" "g" {{
  name        = "imported"
  description = "d"
  vpc_id      = aws_vpc.main.id
}}
resource "aws_security_group_rule" "r" {{
  type              = "ingress"
  security_group_id = aws_security_group.g.id
  protocol          = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_blocks       = ["10.0.0.0/8"]
}}
import {{
  to = aws_vpc.main
  id = "{made}"
}}
import {{
  to = aws_subnet.a
  id = "{subnet}"
}}
import {{
  to = aws_security_group_rule.r
  id = "{group}_ingress_tcp_80_80_10.0.0.0/8"
}}
""")
    assert "Import successful!" in terrarium("import", "aws_security_group.g", group)
    shown = terrarium("apply", "-auto-approve")
    assert "# aws_vpc.main will be imported" in shown
    assert "3 imported, 0 added" in shown and "0 destroyed" in shown
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    assert [each["VpcId"] for each in ec2.describe_vpcs(VpcIds=[made])["Vpcs"]] == [made]
    terrarium("state", "rm", "aws_security_group_rule.r")
    terrarium("import", "aws_security_group_rule.r", f"{group}_ingress_tcp_80_80_10.0.0.0/8")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    done = subprocess.run(
        [region.terrarium, "import", "aws_vpc.main[1]", "vpc-00000000000000000"],
        cwd=tmp_path,
        env=region.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Cannot import non-existent remote object" in done.stderr
