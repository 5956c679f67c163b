/*
 * A task's places in target groups and in Cloud Map: it is registered when it runs, drains when it
 * was told to stop, and its checks' health is told. What it is registered with is in its
 * "internal", so that whoever goes on after a kill takes it out again.
 */
#include <string.h>

#include "region/services/ecs/task_run.h"
#include "region/services/elbv2/elbv2.h"
#include "region/services/servicediscovery/servicediscovery.h"

static char *address_of(const TaskLook *look) {
	g_auto(Value) interface = ecs_task_interface(look->region, look->scope, look->task);
	return g_strdup(value_text_or(value_get(interface, "PrivateIpAddress"), ""));
}

static Value service_of(const TaskLook *look) {
	const char *id = value_get_text(task_look_internal(look), "service");
	return id ? store_get(region_store(look->region), look->scope, ECS_SERVICES, id)
		  : VALUE_NOTHING;
}

static void register_targets(TaskLook *look, Value service, const char *address) {
	Value balancers = value_get(service, "loadBalancers");
	g_autoptr(ValueBuilder) targets = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(balancers); i++) {
		const char *group = value_get_text(value_at(balancers, i), "targetGroupArn");
		int port = (int)value_get_int(value_at(balancers, i), "containerPort", 0);
		g_autoptr(GError) error = NULL;
		if (!elbv2_register(look->region, look->scope, group, address, port, &error)) {
			ecs_service_say(look->region, look->scope,
				value_get_text(task_look_internal(look), "service"),
				"failed to register targets in (target-group %s) with (error %s)",
				group, error->message);
			continue;
		}
		ecs_service_say(look->region, look->scope,
			value_get_text(task_look_internal(look), "service"),
			"registered 1 targets in (target-group %s)", group);
		value_builder_add_take(targets, value_object_take("group", value_string(group),
							"port", value_int(port), NULL));
	}
	task_look_set_internal_take(look, "targets", value_builder_end(g_steal_pointer(&targets)));
}

/* Is it as healthy as its own checks can tell? */
static gboolean seems_healthy(const TaskLook *look) {
	const char *health = value_text_or(value_get(look->task, "healthStatus"), "UNKNOWN");
	if (!g_str_equal(health, "UNKNOWN"))
		return g_str_equal(health, "HEALTHY");
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	return !ecs_is_checked(definition);
}

static Value instance_attributes(
	const TaskLook *look, Value service, Value registry, const char *address) {
	g_auto(Value) definition = ecs_task_definition_of(look->region, look->scope, look->task);
	gint64 port = value_get_int(registry, "containerPort", value_get_int(registry, "port", 0));
	g_autofree char *cluster = g_strndup(look->id, strcspn(look->id, "/"));
	Value attributes = value_object_take("AWS_INSTANCE_IPV4", value_string(address),
		"AWS_INIT_HEALTH_STATUS",
		value_string(seems_healthy(look) ? "HEALTHY" : "UNHEALTHY"), "AVAILABILITY_ZONE",
		value_ref(value_get(look->task, "availabilityZone")), "REGION",
		value_string(look->scope.region), "ECS_CLUSTER_NAME", value_string(cluster),
		"ECS_SERVICE_NAME", value_ref(value_get(service, "serviceName")),
		"ECS_TASK_DEFINITION_FAMILY", value_ref(value_get(definition, "family")), NULL);
	if (port > 0)
		attributes = value_with_take(attributes, "AWS_INSTANCE_PORT",
			value_string_printf("%" G_GINT64_FORMAT, port));
	return attributes;
}

static void register_instances(TaskLook *look, Value service, const char *address) {
	Value registries = value_get(service, "serviceRegistries");
	g_autoptr(ValueBuilder) registered = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(registries); i++) {
		const char *arn = value_get_text(value_at(registries, i), "registryArn");
		g_auto(Value) attributes =
			instance_attributes(look, service, value_at(registries, i), address);
		g_autoptr(GError) error = NULL;
		if (servicediscovery_register(look->region, look->scope, arn,
			    ecs_task_id(look->task), attributes, &error))
			value_builder_add_take(
				registered, value_object_take("arn", value_string(arn), NULL));
		else
			ecs_service_say(look->region, look->scope,
				value_get_text(task_look_internal(look), "service"),
				"failed to register (task %s) in (service-discovery %s) with "
				"(error "
				"%s)",
				ecs_task_id(look->task), arn, error->message);
	}
	task_look_set_internal_take(
		look, "registries", value_builder_end(g_steal_pointer(&registered)));
}

void task_targets_register(TaskLook *look) {
	g_auto(Value) service = service_of(look);
	if (value_is_null(service))
		return;
	g_autofree char *address = address_of(look);
	register_targets(look, service, address);
	register_instances(look, service, address);
}

void task_targets_deregister(TaskLook *look) {
	if (value_get_bool(task_look_internal(look), "deregistered"))
		return;
	Value targets = value_get(task_look_internal(look), "targets");
	Value registries = value_get(task_look_internal(look), "registries");
	const char *service = value_get_text(task_look_internal(look), "service");
	g_autofree char *address = address_of(look);
	for (gsize i = 0; i < value_length(targets); i++) {
		const char *group = value_get_text(value_at(targets, i), "group");
		elbv2_deregister(look->region, look->scope, group, address,
			(int)value_get_int(value_at(targets, i), "port", 0));
		ecs_service_say(look->region, look->scope, service,
			"deregistered 1 targets in (target-group %s)", group);
	}
	if (value_length(targets) > 0)
		ecs_service_say(look->region, look->scope, service,
			"has begun draining connections on 1 tasks.");
	for (gsize i = 0; i < value_length(registries); i++)
		servicediscovery_deregister(look->region, look->scope,
			value_get_text(value_at(registries, i), "arn"), ecs_task_id(look->task));
	task_look_set_internal_take(look, "registries", value_empty_tuple());
	task_look_set_internal_take(look, "deregistered", value_bool(TRUE));
}

gboolean task_targets_drained(const TaskLook *look) {
	Value targets = value_get(task_look_internal(look), "targets");
	g_autofree char *address = address_of(look);
	for (gsize i = 0; i < value_length(targets); i++)
		if (g_str_equal(elbv2_target_state(look->region, look->scope,
					value_get_text(value_at(targets, i), "group"), address,
					(int)value_get_int(value_at(targets, i), "port", 0)),
			    "draining"))
			return FALSE;
	return TRUE;
}

void task_targets_tell_health(const TaskLook *look) {
	Value registries = value_get(task_look_internal(look), "registries");
	for (gsize i = 0; i < value_length(registries); i++)
		servicediscovery_health(look->region, look->scope,
			value_get_text(value_at(registries, i), "arn"), ecs_task_id(look->task),
			seems_healthy(look));
}
