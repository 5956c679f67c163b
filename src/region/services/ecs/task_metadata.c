/*
 * The task metadata endpoint, version 4: what a container can ask of itself and its task. Its id is
 * the task's with the number of the container behind it ("…-0").
 */
#include <string.h>

#include "region/doors.h"
#include "region/services/ec2/ec2.h"
#include "region/services/ecs/internal.h"

/* ISO 8601 in UTC, as the endpoint has times; null for 0. */
static Value time_of(Value seconds) {
	double number = value_to_double(seconds, 0);
	g_autoptr(GDateTime) when =
		number > 0 ? g_date_time_new_from_unix_utc((gint64)number) : NULL;
	g_autofree char *text = when ? g_date_time_format(when, "%Y-%m-%dT%H:%M:%SZ") : NULL;
	return value_string(text);
}

static Value network_of(Region *region, StoreScope scope, Value interface) {
	const char *subnet_id = value_get_text(interface, "SubnetId");
	g_auto(Value) subnet = subnet_id ? ec2_subnet_get(region, scope, subnet_id) : VALUE_NOTHING;
	return value_tuple_take(
		1, value_object_take("NetworkMode", value_string("awsvpc"), "IPv4Addresses",
			   value_tuple_take(1, value_ref(value_get(interface, "PrivateIpAddress"))),
			   "AttachmentIndex", value_int(0), "MACAddress",
			   value_ref(value_get(interface, "MacAddress")), "IPv4SubnetCIDRBlock",
			   value_ref(value_get(subnet, "CidrBlock")), "PrivateDNSName",
			   value_ref(value_get(interface, "PrivateDnsName")), NULL));
}

static Value log_options(Value definition, const char *stream_task, const char *name) {
	Value options = value_get_path(definition, "logConfiguration", "options", NULL);
	return value_object_take("awslogs-group", value_ref(value_get(options, "awslogs-group")),
		"awslogs-region", value_ref(value_get(options, "awslogs-region")), "awslogs-stream",
		value_string_printf("%s/%s/%s",
			value_text_or(value_get(options, "awslogs-stream-prefix"), "ecs"), name,
			stream_task),
		NULL);
}

static Value container_of(Region *region, StoreScope scope, Value task, gsize index) {
	Value container = value_at(value_get(task, "containers"), index);
	const char *name = value_text_or(value_get(container, "name"), "");
	g_auto(Value) definition = ecs_task_definition_of(region, scope, task);
	g_auto(Value) interface = ecs_task_interface(region, scope, task);
	Value own = ecs_container(definition, name);
	Value made = value_object_take("DockerId", value_ref(value_get(container, "runtimeId")),
		"Name", value_string(name), "DockerName", value_string(name), "Image",
		value_ref(value_get(container, "image")), "ImageID",
		value_ref(value_get(container, "imageDigest")), "Labels",
		value_object_take("com.amazonaws.ecs.cluster",
			value_ref(value_get(task, "clusterArn")),
			"com.amazonaws.ecs.container-name", value_string(name),
			"com.amazonaws.ecs.task-arn", value_ref(value_get(task, "taskArn")),
			"com.amazonaws.ecs.task-definition-family",
			value_ref(value_get(definition, "family")),
			"com.amazonaws.ecs.task-definition-version",
			value_string_printf(
				"%" G_GINT64_FORMAT, value_get_int(definition, "revision", 0)),
			NULL),
		"DesiredStatus", value_ref(value_get(task, "desiredStatus")), "KnownStatus",
		value_ref(value_get(container, "lastStatus")), "Limits",
		value_object_take("CPU", value_int(value_get_int(own, "cpu", 0)), NULL),
		"CreatedAt", time_of(value_get(task, "createdAt")), "StartedAt",
		time_of(value_get(task, "startedAt")), "Type", value_string("NORMAL"),
		"ContainerARN", value_ref(value_get(container, "containerArn")), "Networks",
		network_of(region, scope, interface), NULL);
	if (value_has(own, "logConfiguration")) {
		made = value_with_take(made, "LogDriver", value_string("awslogs"));
		made = value_with_take(
			made, "LogOptions", log_options(own, ecs_task_id(task), name));
	}
	return made;
}

static Value task_of(Region *region, StoreScope scope, Value task, gboolean with_tags) {
	g_auto(Value) definition = ecs_task_definition_of(region, scope, task);
	g_autoptr(ValueBuilder) containers = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(value_get(task, "containers")); i++)
		value_builder_add_take(containers, container_of(region, scope, task, i));
	const char *group = value_text_or(value_get(task, "group"), "");
	double cpu = g_ascii_strtod(value_text_or(value_get(task, "cpu"), "0"), NULL);
	gint64 memory = g_ascii_strtoll(value_text_or(value_get(task, "memory"), "0"), NULL, 10);
	Value made = value_object_take("Cluster", value_ref(value_get(task, "clusterArn")),
		"TaskARN", value_ref(value_get(task, "taskArn")), "Family",
		value_ref(value_get(definition, "family")), "Revision",
		value_string_printf("%" G_GINT64_FORMAT, value_get_int(definition, "revision", 0)),
		"DesiredStatus", value_ref(value_get(task, "desiredStatus")), "KnownStatus",
		value_ref(value_get(task, "lastStatus")), "Limits",
		value_object_take(
			"CPU", value_double(cpu / 1024), "Memory", value_int(memory), NULL),
		"PullStartedAt", time_of(value_get(task, "pullStartedAt")), "PullStoppedAt",
		time_of(value_get(task, "pullStoppedAt")), "AvailabilityZone",
		value_ref(value_get(task, "availabilityZone")), "LaunchType",
		value_ref(value_get(task, "launchType")), "Containers",
		value_builder_end(g_steal_pointer(&containers)), NULL);
	if (g_str_has_prefix(group, "service:"))
		made = value_with_take(
			made, "ServiceName", value_string(group + strlen("service:")));
	if (with_tags)
		made = value_with_take(made, "TaskTags",
			region_tags(region, scope, value_get_text(task, "taskArn")));
	return made;
}

/* The task behind "id-number", if it is the peer's. */
static Value find(Region *region, StoreScope scope, const char *id, const char *peer) {
	g_autofree char *suffix = g_strdup_printf("/%.*s", (int)strcspn(id, "-"), id);
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, ECS_TASKS);
	const char *store_id;
	Value task;
	while (store_iter_next(&iter, &store_id, &task)) {
		if (!g_str_has_suffix(store_id, suffix))
			continue;
		g_auto(Value) interface = ecs_task_interface(region, scope, task);
		return g_strcmp0(value_get_text(interface, "PrivateIpAddress"), peer) == 0
			       ? value_ref(task)
			       : VALUE_NOTHING;
	}
	return VALUE_NOTHING;
}

Value ecs_task_metadata(Region *region, StoreScope scope, const char *vpc, const char *peer,
	const char *id, const char *rest) {
	g_auto(Value) task = find(region, scope, id, peer);
	const char *number = strchr(id, '-');
	gsize index = number ? (gsize)g_ascii_strtoull(number + 1, NULL, 10) : 0;
	if (value_is_null(task) || index >= value_length(value_get(task, "containers")))
		return VALUE_NOTHING;
	if (!*rest)
		return container_of(region, scope, task, index);
	gboolean with_tags = g_str_equal(rest, "/taskWithTags");
	return with_tags || g_str_equal(rest, "/task") ? task_of(region, scope, task, with_tags)
						       : VALUE_NOTHING;
}
