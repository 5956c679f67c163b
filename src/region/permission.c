/*
 * What a call needs permission for: its IAM action, the resources that its input names, the roles
 * that it passes on, and what it tells to conditions. By tables; what no table knows of is asked
 * for on all resources ("*"). The names are those of AWS's Service Authorization Reference.
 */
#include <string.h>

#include "base/text.h"
#include "region/authorise.h"
#include "region/services/ssm/ssm.h"

/* ---- actions ---- */

/* Services whose actions have another prefix than their signing name. */
static const char *const prefixes[][2] = {
	{"monitoring", "cloudwatch"},
	{"email", "ses"},
};

/* Operations whose action has another name. */
static const char *const actions[][3] = {
	{"s3", "CompleteMultipartUpload", "s3:PutObject"},
	{"s3", "CopyObject", "s3:PutObject"},
	{"s3", "CreateMultipartUpload", "s3:PutObject"},
	{"s3", "DeleteBucketCors", "s3:PutBucketCORS"},
	{"s3", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"s3", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"},
	{"s3", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"},
	{"s3", "DeleteBucketTagging", "s3:PutBucketTagging"},
	{"s3", "DeleteObjects", "s3:DeleteObject"},
	{"s3", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"s3", "GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration"},
	{"s3", "GetBucketCors", "s3:GetBucketCORS"},
	{"s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"},
	{"s3", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"},
	{"s3", "GetBucketNotificationConfiguration", "s3:GetBucketNotification"},
	{"s3", "GetBucketReplication", "s3:GetReplicationConfiguration"},
	{"s3", "GetObjectAttributes", "s3:GetObject"},
	{"s3", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"},
	{"s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"},
	{"s3", "HeadBucket", "s3:ListBucket"},
	{"s3", "HeadObject", "s3:GetObject"},
	{"s3", "ListBuckets", "s3:ListAllMyBuckets"},
	{"s3", "ListMultipartUploads", "s3:ListBucketMultipartUploads"},
	{"s3", "ListObjectVersions", "s3:ListBucketVersions"},
	{"s3", "ListObjects", "s3:ListBucket"},
	{"s3", "ListObjectsV2", "s3:ListBucket"},
	{"s3", "ListParts", "s3:ListMultipartUploadParts"},
	{"s3", "PutBucketCors", "s3:PutBucketCORS"},
	{"s3", "PutBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"s3", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"},
	{"s3", "PutBucketNotificationConfiguration", "s3:PutBucketNotification"},
	{"s3", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"s3", "UploadPart", "s3:PutObject"},
	{"s3", "UploadPartCopy", "s3:PutObject"},
};

static const char *prefix_of(const WireOperation *operation) {
	const char *name = wire_service_signing_name(wire_operation_service(operation));
	for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_equal(prefixes[i][0], name))
			return prefixes[i][1];
	return name;
}

char *region_action(const WireOperation *operation) {
	const char *prefix = prefix_of(operation), *name = wire_operation_name(operation);
	for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
		if (g_str_equal(actions[i][0], prefix) && g_str_equal(actions[i][1], name))
			return g_strdup(actions[i][2]);
	return g_strdup_printf("%s:%s", prefix, name);
}

/* ---- resources ---- */

/* Of an action prefix and operations (a pattern): the resource part of an ARN, with {Member} for
 * the input's member, {Member|otherwise} where it may be missing; "=Member": the member is the ARN.
 * A list gives one resource an element. Several templates are parted by a blank. The first row
 * whose members the input has counts. */
static const struct {
	const char *prefix, *operation, *templates;
} resources[] = {
	{"acm", "*", "=CertificateArn"},
	{"cloudwatch", "PutMetricAlarm", "alarm:{AlarmName}"},
	{"cloudwatch", "DeleteAlarms", "alarm:{AlarmNames}"},
	{"codebuild", "CreateProject", "project/{name}"},
	{"codebuild", "*Project", "project/{name}"},
	{"codebuild", "BatchGetProjects", "project/{names}"},
	{"codebuild", "*", "project/{projectName}"},
	{"codeconnections", "*", "=ConnectionArn"},
	{"codestar-connections", "*", "=ConnectionArn"},
	{"codepipeline", "ListPipelines", "*"},
	{"codepipeline", "PutApprovalResult", "{pipelineName}/{stageName}/{actionName}"},
	{"codepipeline", "PutActionRevision", "{pipelineName}/{stageName}/{actionName}"},
	{"codepipeline", "*StageTransition", "{pipelineName}/{stageName}"},
	{"codepipeline", "OverrideStageCondition", "{pipelineName}/{stageName}"},
	{"codepipeline", "RetryStageExecution", "{pipelineName}/{stageName}"},
	{"codepipeline", "RollbackStage", "{pipelineName}/{stageName}"},
	{"codepipeline", "*Resource", "=resourceArn"},
	{"codepipeline", "*", "{name}"},
	{"codepipeline", "*", "{pipelineName}"},
	{"ecr", "*", "=resourceArn"},
	{"ecr", "*", "repository/{repositoryName}"},
	{"ecr", "*", "repository/{repositoryNames}"},
	{"ecs", "*TagResource", "=resourceArn"},
	{"ecs", "UntagResource", "=resourceArn"},
	{"ecs", "ListTagsForResource", "=resourceArn"},
	{"ecs", "CreateCluster", "cluster/{clusterName|default}"},
	{"ecs", "DescribeClusters", "cluster/{clusters|default}"},
	{"ecs", "DeleteCluster", "cluster/{cluster}"},
	{"ecs", "UpdateCluster*", "cluster/{cluster}"},
	{"ecs", "PutCluster*", "cluster/{cluster}"},
	{"ecs", "CreateService", "service/{cluster|default}/{serviceName}"},
	{"ecs", "DescribeServices", "service/{cluster|default}/{services}"},
	{"ecs", "*Service", "service/{cluster|default}/{service}"},
	{"ecs", "*TaskSet*", "service/{cluster|default}/{service}"},
	{"ecs", "RunTask", "task-definition/{taskDefinition}"},
	{"ecs", "StartTask", "task-definition/{taskDefinition}"},
	{"ecs", "DescribeTasks", "task/{cluster|default}/{tasks}"},
	{"ecs", "ExecuteCommand", "cluster/{cluster|default} task/{cluster|default}/{task}"},
	{"ecs", "*TaskProtection", "task/{cluster|default}/{tasks}"},
	{"ecs", "StopTask", "task/{cluster|default}/{task}"},
	{"elasticloadbalancing", "Describe*", "*"},
	{"elasticloadbalancing", "CreateLoadBalancer", "loadbalancer/app/{Name}/*"},
	{"elasticloadbalancing", "CreateTargetGroup", "targetgroup/{Name}/*"},
	{"elasticloadbalancing", "*", "=LoadBalancerArn"},
	{"elasticloadbalancing", "*", "=TargetGroupArn"},
	{"elasticloadbalancing", "*", "=ListenerArn"},
	{"elasticloadbalancing", "*", "=RuleArn"},
	{"elasticloadbalancing", "*", "=ResourceArns"},
	{"events", "*", "rule/{Rule}"},
	{"events", "*Rule", "rule/{Name}"},
	{"events", "*", "=ResourceARN"},
	{"logs", "*", "=resourceArn"},
	{"logs", "*", "=logGroupIdentifier"},
	{"logs", "*", "log-group:{logGroupName}:log-stream:{logStreamName|}"},
	{"logs", "DescribeLogGroups", "log-group::log-stream:"},
	{"rds", "*", "=ResourceName"},
	{"rds", "*", "db:{DBInstanceIdentifier}"},
	{"rds", "*", "cluster:{DBClusterIdentifier}"},
	{"rds", "*", "subgrp:{DBSubnetGroupName}"},
	{"rds", "*", "pg:{DBParameterGroupName}"},
	{"rds", "*", "cluster-pg:{DBClusterParameterGroupName}"},
	{"rds", "*", "snapshot:{DBSnapshotIdentifier}"},
	{"scheduler", "*", "schedule/{GroupName|default}/{Name}"},
	{"servicediscovery", "*", "=ResourceARN"},
	{"servicediscovery", "*Service", "service/{Id}"},
	{"servicediscovery", "*Namespace", "namespace/{Id}"},
	{"servicediscovery", "*", "service/{ServiceId}"},
	{"servicediscovery", "CreateService", "namespace/{NamespaceId}"},
	{"sns", "*", "=TopicArn"},
	{"sns", "*", "=ResourceArn"},
	{"sns", "CreateTopic", "{Name}"},
	{"sqs", "*", "{QueueUrl}"},
	{"sqs", "*", "{QueueName}"},
	{"sts", "AssumeRole*", "=RoleArn"},
};

/* EC2's resources are named by ids; a call that makes one is about all of its kind. */
static const char *const ec2_members[][2] = {
	{"VpcId", "vpc"},
	{"SubnetId", "subnet"},
	{"GroupId", "security-group"},
	{"InternetGatewayId", "internet-gateway"},
	{"NatGatewayId", "natgateway"},
	{"RouteTableId", "route-table"},
	{"AllocationId", "elastic-ip"},
	{"NetworkInterfaceId", "network-interface"},
	{"NetworkAclId", "network-acl"},
	{"InstanceId", "instance"},
	{"VpcEndpointId", "vpc-endpoint"},
	{"DhcpOptionsId", "dhcp-options"},
	{"VpcPeeringConnectionId", "vpc-peering-connection"},
};
static const char *const ec2_made[][2] = {
	{"CreateVpc", "vpc"},
	{"CreateSubnet", "subnet"},
	{"CreateSecurityGroup", "security-group"},
	{"CreateInternetGateway", "internet-gateway"},
	{"CreateNatGateway", "natgateway"},
	{"CreateRouteTable", "route-table"},
	{"AllocateAddress", "elastic-ip"},
	{"CreateNetworkInterface", "network-interface"},
	{"CreateNetworkAcl", "network-acl"},
};
/* Of ids by their prefix, for tags. */
static const char *const ec2_ids[][2] = {
	{"vpc-", "vpc"},
	{"subnet-", "subnet"},
	{"sg-", "security-group"},
	{"sgr-", "security-group-rule"},
	{"igw-", "internet-gateway"},
	{"nat-", "natgateway"},
	{"rtb-", "route-table"},
	{"eipalloc-", "elastic-ip"},
	{"eni-", "network-interface"},
	{"acl-", "network-acl"},
	{"i-", "instance"},
};

static void add_arn(
	GPtrArray *out, const RegionCall *call, const char *prefix, const char *resource) {
	g_ptr_array_add(out, region_arn(call->scope, prefix, "%s", resource));
}

static void add_ec2(GPtrArray *out, const RegionCall *call, Value input) {
	const char *name = wire_operation_name(call->operation);
	if (g_str_has_prefix(name, "Describe"))
		return;
	for (guint i = 0; i < G_N_ELEMENTS(ec2_made); i++)
		if (g_str_equal(ec2_made[i][0], name)) {
			g_autofree char *all = g_strconcat(ec2_made[i][1], "/*", NULL);
			add_arn(out, call, "ec2", all);
		}
	for (guint i = 0; i < G_N_ELEMENTS(ec2_members); i++) {
		const char *id = value_get_text(input, ec2_members[i][0]);
		g_autofree char *one = id ? g_strconcat(ec2_members[i][1], "/", id, NULL) : NULL;
		if (one)
			add_arn(out, call, "ec2", one);
	}
	Value tagged = value_get(input, "Resources");
	for (gsize i = 0; i < value_length(tagged); i++)
		for (guint j = 0; j < G_N_ELEMENTS(ec2_ids); j++) {
			const char *id = value_text_or(value_at(tagged, i), "");
			if (!g_str_has_prefix(id, ec2_ids[j][0]))
				continue;
			g_autofree char *one = g_strconcat(ec2_ids[j][1], "/", id, NULL);
			add_arn(out, call, "ec2", one);
		}
}

/* IAM's ARNs have a path, which the input does not tell: the object does. */
static void add_iam(GPtrArray *out, const RegionCall *call, Value input) {
	static const char *const kinds[][3] = {
		{"RoleName", "iam/role", "role"},
		{"GroupName", "iam/group", "group"},
		{"InstanceProfileName", "iam/instance-profile", "instance-profile"},
		{"UserName", "iam/user", "user"},
	};
	const char *name = wire_operation_name(call->operation);
	gboolean of_role = strstr(name, "InstanceProfile") != NULL;
	gboolean of_group = strstr(name, "Group") != NULL;
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		const char *id = value_get_text(input, kinds[i][0]);
		/* A profile's calls name a role too, a group's a user: they are about the first. */
		if (!id || (of_role && i == 0) || (of_group && i == 3))
			continue;
		g_auto(Value) object =
			store_get(region_store(call->region), call->global, kinds[i][1], id);
		const char *path = value_text_or(value_get(input, "Path"), "/");
		g_autofree char *made =
			region_arn(call->global, "iam", "%s%s%s", kinds[i][2], path, id);
		g_ptr_array_add(out, g_strdup(value_text_or(value_get(object, "Arn"), made)));
		return;
	}
	const char *arn = value_get_text(input, "PolicyArn");
	const char *policy = value_get_text(input, "PolicyName");
	if (arn)
		g_ptr_array_add(out, g_strdup(arn));
	else if (policy)
		g_ptr_array_add(out, region_arn(call->global, "iam", "policy%s%s",
					     value_text_or(value_get(input, "Path"), "/"), policy));
	/* What has no name given is about the caller. */
	if (!arn && !policy && strstr(call->principal_arn, ":user/") &&
		(strstr(name, "AccessKey") || g_str_equal(name, "GetUser")))
		g_ptr_array_add(out, g_strdup(call->principal_arn));
}

/* Secrets are named by their ARN, or by name: then the ARN is the secret's own. */
static void add_secret(GPtrArray *out, const RegionCall *call, Value input) {
	const char *id = value_get_text(input, "SecretId");
	const char *name = value_get_text(input, "Name");
	if (id && g_str_has_prefix(id, "arn:")) {
		g_ptr_array_add(out, g_strdup(id));
		return;
	}
	if (!id && name && g_str_equal(wire_operation_name(call->operation), "CreateSecret"))
		g_ptr_array_add(out, region_arn(call->scope, "secretsmanager", "secret:%s", name));
	if (!id)
		return;
	g_auto(Value) secret =
		store_get(region_store(call->region), call->scope, "secretsmanager/secret", id);
	g_autofree char *made = region_arn(call->scope, "secretsmanager", "secret:%s", id);
	g_ptr_array_add(out, g_strdup(value_text_or(value_get(secret, "ARN"), made)));
}

static void add_s3(GPtrArray *out, const RegionCall *call, Value input) {
	const char *bucket = value_get_text(input, "Bucket"), *key = value_get_text(input, "Key");
	Value objects = value_get_path(input, "Delete", "Objects", NULL);
	for (gsize i = 0; bucket && i < value_length(objects); i++)
		g_ptr_array_add(
			out, g_strdup_printf("arn:aws:s3:::%s/%s", bucket,
				     value_text_or(value_get(value_at(objects, i), "Key"), "")));
	if (bucket && out->len == 0)
		g_ptr_array_add(out, g_strdup_printf("arn:aws:s3:::%s%s%s", bucket, key ? "/" : "",
					     key ? key : ""));
}

static void add_zone(GPtrArray *out, const RegionCall *call, Value input) {
	const char *id = value_get_text(input, "HostedZoneId");
	id = id ? id : value_get_text(input, "Id");
	if (id)
		g_ptr_array_add(out, g_strdup_printf("arn:aws:route53:::hostedzone/%s",
					     strrchr(id, '/') ? strrchr(id, '/') + 1 : id));
}

/* Parameters, without the version or label that may be behind the name. */
static void add_parameter(GPtrArray *out, const RegionCall *call, Value input) {
	static const char *const members[] = {"Name", "Path", "ResourceId"};
	Value names = value_get(input, "Names");
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_has(input, members[i]))
			g_ptr_array_add(out,
				ssm_parameter_arn(call->scope, value_get_text(input, members[i])));
	for (gsize i = 0; i < value_length(names); i++)
		g_ptr_array_add(
			out, ssm_parameter_arn(call->scope, value_text(value_at(names, i))));
}

/* Services that no template fits. */
static const struct {
	const char *prefix;
	void (*add)(GPtrArray *out, const RegionCall *call, Value input);
} own_rules[] = {
	{"ec2", add_ec2},
	{"iam", add_iam},
	{"route53", add_zone},
	{"s3", add_s3},
	{"secretsmanager", add_secret},
	{"ssm", add_parameter},
};

/* ---- templates ---- */

/* What stands for a member's value: of ARNs and URLs their last part; a task definition without a
 * revision means any. */
static void append_value(GString *out, const char *member, const char *text) {
	gboolean long_form = g_str_has_prefix(text, "arn:") || g_str_has_prefix(text, "http");
	const char *slash = long_form ? strrchr(text, '/') : NULL;
	const char *name = slash ? slash + 1 : text;
	if (out->len > 0 && out->str[out->len - 1] == '/' && *name == '/')
		name++;
	g_string_append(out, name);
	if (g_str_equal(member, "taskDefinition") && !strchr(name, ':'))
		g_string_append(out, ":*");
}

/* One resource of a template, with element `index` of its list. FALSE: a member is missing. *count
 * is made the length of the list. */
static gboolean expand(GString *out, const char *template, Value input, gsize index, gsize *count) {
	for (const char *at = template; *at; at++) {
		const char *end = *at == '{' ? strchr(at, '}') : NULL;
		if (!end) {
			g_string_append_c(out, *at);
			continue;
		}
		g_autofree char *inside = g_strndup(at + 1, (gsize)(end - at - 1));
		char *otherwise = strchr(inside, '|');
		if (otherwise)
			*otherwise++ = '\0';
		Value value = value_get(input, inside);
		if (value_is_sequence(value)) {
			*count = MAX(*count, value_length(value));
			value = value_at(value, index);
		}
		const char *text = value_text(value) ? value_text(value) : otherwise;
		if (!text)
			return FALSE;
		append_value(out, inside, text);
		at = end;
	}
	return TRUE;
}

static gboolean add_verbatim(GPtrArray *out, Value member) {
	gsize n = value_is_sequence(member) ? value_length(member) : 1;
	for (gsize i = 0; i < n; i++) {
		const char *arn =
			value_text(value_is_sequence(member) ? value_at(member, i) : member);
		if (arn && g_str_has_prefix(arn, "arn:"))
			g_ptr_array_add(out, g_strdup(arn));
	}
	return out->len > 0;
}

static gboolean add_template(GPtrArray *out, const RegionCall *call, const char *prefix,
	const char *template, Value input) {
	gsize count = 1;
	if (g_str_equal(template, "*"))
		return TRUE;
	if (*template == '=')
		return add_verbatim(out, value_get(input, template + 1));
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GString) resource = g_string_new(NULL);
		if (!expand(resource, template, input, i, &count))
			return FALSE;
		add_arn(out, call, prefix, resource->str);
	}
	return TRUE;
}

static void add_by_table(GPtrArray *out, const RegionCall *call, const char *prefix, Value input) {
	const char *name = wire_operation_name(call->operation);
	for (guint i = 0; i < G_N_ELEMENTS(resources); i++) {
		if (!g_str_equal(resources[i].prefix, prefix) ||
			!text_wildcard_match(resources[i].operation, name))
			continue;
		g_auto(GStrv) templates = g_strsplit(resources[i].templates, " ", -1);
		gboolean fits = TRUE;
		for (char **each = templates; *each && fits; each++)
			fits = add_template(out, call, prefix, *each, input);
		if (fits)
			return;
		g_ptr_array_set_size(out, 0);
	}
}

GPtrArray *region_resources(const RegionCall *call, Value input) {
	const char *prefix = prefix_of(call->operation);
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	gboolean own = FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(own_rules); i++)
		if (g_str_equal(own_rules[i].prefix, prefix)) {
			own_rules[i].add(out, call, input);
			own = TRUE;
		}
	if (!own)
		add_by_table(out, call, prefix, input);
	if (out->len == 0)
		g_ptr_array_add(out, g_strdup("*"));
	return out;
}

/* ---- passed roles ---- */

static const struct {
	const char *prefix, *operation, *path, *service;
} passed[] = {
	{"ecs", "RegisterTaskDefinition", "taskRoleArn", "ecs-tasks.amazonaws.com"},
	{"ecs", "RegisterTaskDefinition", "executionRoleArn", "ecs-tasks.amazonaws.com"},
	{"ecs", "*Task", "overrides/taskRoleArn", "ecs-tasks.amazonaws.com"},
	{"ecs", "*Task", "overrides/executionRoleArn", "ecs-tasks.amazonaws.com"},
	{"ecs", "CreateService", "role", "ecs.amazonaws.com"},
	{"codebuild", "*", "serviceRole", "codebuild.amazonaws.com"},
	{"codebuild", "*", "serviceRoleOverride", "codebuild.amazonaws.com"},
	{"codepipeline", "*", "pipeline/roleArn", "codepipeline.amazonaws.com"},
	{"events", "PutRule", "RoleArn", "events.amazonaws.com"},
	{"scheduler", "*", "Target/RoleArn", "scheduler.amazonaws.com"},
	{"rds", "*", "MonitoringRoleArn", "monitoring.rds.amazonaws.com"},
	{"iam", "AddRoleToInstanceProfile", "RoleName", "ec2.amazonaws.com"},
};

gboolean region_passed_roles(
	const RegionCall *call, Value input, RegionPassedRole each, gpointer data, GError **error) {
	const char *prefix = prefix_of(call->operation);
	for (guint i = 0; i < G_N_ELEMENTS(passed); i++) {
		if (!g_str_equal(passed[i].prefix, prefix) ||
			!text_wildcard_match(
				passed[i].operation, wire_operation_name(call->operation)))
			continue;
		g_auto(GStrv) steps = g_strsplit(passed[i].path, "/", -1);
		Value at = input;
		for (char **step = steps; *step; step++)
			at = value_get(at, *step);
		const char *role = value_text(at);
		if (!role || !*role)
			continue;
		g_auto(Value) object =
			store_get(region_store(call->region), call->global, "iam/role", role);
		g_autofree char *made = region_arn(call->global, "iam", "role/%s", role);
		const char *arn = g_str_has_prefix(role, "arn:")
					  ? role
					  : value_text_or(value_get(object, "Arn"), made);
		if (!each(arn, passed[i].service, data, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- conditions ---- */

static void add_request_tags(ValueBuilder *context, Value list) {
	static const char *const spellings[][2] = {{"Key", "Value"}, {"key", "value"}};
	g_autoptr(ValueBuilder) keys = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
		g_auto(Value) tags =
			value_is_mapping(list)
				? (i ? value_empty_object() : value_ref(list))
				: region_tags_from_list(list, spellings[i][0], spellings[i][1]);
		for (gsize j = 0; j < value_length(tags); j++) {
			g_autofree char *name =
				g_strdup_printf("aws:requesttag/%s", value_key_at(tags, j));
			g_autofree char *lower = g_ascii_strdown(name, -1);
			value_builder_set_take(context, lower, value_ref(value_at(tags, j)));
			value_builder_add_take(keys, value_string(value_key_at(tags, j)));
		}
	}
	if (value_builder_length(keys) > 0)
		value_builder_set_take(
			context, "aws:tagkeys", value_builder_end(g_steal_pointer(&keys)));
}

Value region_input_context(const RegionCall *call, Value input) {
	static const char *const lists[] = {"Tags", "tags", "TagList"};
	g_autoptr(ValueBuilder) context = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		add_request_tags(context, value_get(input, lists[i]));
	Value specifications = value_get(input, "TagSpecifications");
	for (gsize i = 0; i < value_length(specifications); i++)
		add_request_tags(context, value_get(value_at(specifications, i), "Tags"));
	const char *cluster = value_get_text(input, "cluster");
	if (cluster && g_str_equal(prefix_of(call->operation), "ecs")) {
		g_autoptr(GString) name = g_string_new("cluster/");
		append_value(name, "cluster", cluster);
		g_autofree char *arn = region_arn(call->scope, "ecs", "%s", name->str);
		value_builder_set_take(context, "ecs:cluster", value_string(arn));
	}
	return value_builder_end(g_steal_pointer(&context));
}
