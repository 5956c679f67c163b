/*
 * ECS services: what the API says of them. Which tasks run for them is the scheduler's affair.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecs/internal.h"
#include "region/services/elbv2/elbv2.h"

#define MOST_EVENTS 100
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static Value refuse(GError **error, const char *message) {
	wire_error_set(error, "InvalidParameterException", "%s", message);
	return VALUE_NOTHING;
}

/* ---- events ---- */

static Value with_event_take(Region *region, Value service_taken, const char *message) {
	g_auto(Value) service = service_taken;
	g_autofree char *id = g_uuid_string_random();
	Value before = value_get(service, "events");
	g_autoptr(ValueBuilder) events = value_builder_new(VALUE_TUPLE, NULL);
	value_builder_add_take(
		events, value_object_take("id", value_string(id), "createdAt",
				region_timestamp(region), "message",
				value_string_printf("(service %s) %s",
					value_get_text(service, "serviceName"), message),
				NULL));
	for (gsize i = 0; i < value_length(before) && i + 1 < MOST_EVENTS; i++)
		value_builder_add_take(events, value_ref(value_at(before, i)));
	return value_with_take(
		value_ref(service), "events", value_builder_end(g_steal_pointer(&events)));
}

Value ecs_service_event_take(Region *region, Value service_taken, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return with_event_take(region, service_taken, message);
}

void ecs_service_say(
	Region *region, StoreScope scope, const char *service_id, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	Value service = store_get(region_store(region), scope, ECS_SERVICES, service_id);
	if (!value_is_null(service))
		store_put_take(region_store(region), scope, ECS_SERVICES, service_id,
			with_event_take(region, service, message));
}

/* ---- finding and showing ---- */

static Value find(RegionCall *call, Value cluster, const char *name_or_arn) {
	g_autofree char *name = ecs_name(name_or_arn, "service");
	g_autofree char *id =
		g_strdup_printf("%s/%s", value_get_text(cluster, "clusterName"), name);
	return store_get(region_store(call->region), call->scope, ECS_SERVICES, id);
}

typedef struct {
	gint64 running, pending, wanted;
} Counts;

/* Of a service's tasks (NULL: none); of one deployment if that is given. */
static Counts count(GArray *tasks, const char *deployment) {
	Counts counts = {0};
	for (guint i = 0; tasks && i < tasks->len; i++) {
		Value task = g_array_index(tasks, Value, i);
		const char *own =
			value_text(value_get_path(task, ECS_INTERNAL, "deployment", NULL));
		if (deployment && g_strcmp0(own, deployment) != 0)
			continue;
		counts.running += ecs_task_is(task, "RUNNING");
		counts.pending += ecs_task_is(task, "PROVISIONING") ||
				  ecs_task_is(task, "PENDING") || ecs_task_is(task, "ACTIVATING");
		counts.wanted += ecs_task_wanted(task);
	}
	return counts;
}

static Value deployments_view(Value service, GArray *tasks) {
	Value all = value_get(service, "deployments");
	g_autoptr(ValueBuilder) views = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(all); i++) {
		Value view = value_ref(value_at(all, i));
		Counts counts = count(tasks, value_get_text(view, "id"));
		gboolean primary = g_strcmp0(value_get_text(view, "status"), "PRIMARY") == 0;
		view = value_with_take(view, "runningCount", value_int(counts.running));
		view = value_with_take(view, "pendingCount", value_int(counts.pending));
		view = value_with_take(view, "desiredCount",
			value_int(primary ? value_get_int(service, "desiredCount", 0)
					  : counts.wanted));
		value_builder_add_take(views, view);
	}
	return value_builder_end(g_steal_pointer(&views));
}

/* Takes the service. `tasks`: of all services (ecs_tasks_by_service). */
static Value view_take(RegionCall *call, Value service, GHashTable *tasks, gboolean with_tags) {
	g_autofree char *id = ecs_service_store_id(service);
	GArray *own = ecs_tasks_of_service(tasks, call->scope, id);
	Counts counts = count(own, NULL);
	Value view = value_with_take(service, "deployments", deployments_view(service, own));
	view = value_with_take(view, "runningCount", value_int(counts.running));
	view = value_with_take(view, "pendingCount", value_int(counts.pending));
	if (with_tags)
		view = value_with_take(view, "tags",
			ecs_tags(call->region, call->scope, value_get_text(view, "serviceArn")));
	return ecs_view_take(view);
}

static Value answer_take(RegionCall *call, Value service, gboolean with_tags) {
	g_autoptr(GHashTable) tasks = ecs_tasks_by_service(call->region, call->scope);
	return value_object_take("service", view_take(call, service, tasks, with_tags), NULL);
}

static void put(RegionCall *call, Value service) {
	g_autofree char *id = ecs_service_store_id(service);
	store_put(region_store(call->region), call->scope, ECS_SERVICES, id, service);
}

/* ---- checks ---- */

static gboolean check_implemented(Value input, GError **error) {
	static const char *const missing[] = {
		"volumeConfigurations", "vpcLatticeConfigurations", "gatewayConnectors", NULL};
	for (guint i = 0; missing[i]; i++)
		if (value_length(value_get(input, missing[i])) > 0) {
			wire_error_set(error, "InvalidParameterException",
				"Terrarium does not implement %s.", missing[i]);
			return FALSE;
		}
	if (value_get_bool(value_get(input, "serviceConnectConfiguration"), "enabled")) {
		refuse(error, "Terrarium does not implement Service Connect "
			      "(serviceConnectConfiguration).");
		return FALSE;
	}
	const char *controller = value_get_text(value_get(input, "deploymentController"), "type");
	if (controller && !g_str_equal(controller, "ECS")) {
		wire_error_set(error, "InvalidParameterException",
			"Terrarium does not implement the deployment controller %s.", controller);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_configuration(Value configuration, GError **error) {
	gint64 least = value_get_int(configuration, "minimumHealthyPercent", 100);
	gint64 most = value_get_int(configuration, "maximumPercent", 200);
	const char *strategy = value_text_or(value_get(configuration, "strategy"), "ROLLING");
	if (!g_str_equal(strategy, "ROLLING")) {
		wire_error_set(error, "InvalidParameterException",
			"Terrarium does not implement the deployment strategy %s.", strategy);
		return FALSE;
	}
	if (value_get_bool(value_get(configuration, "alarms"), "enable")) {
		refuse(error, "Terrarium does not implement deployment alarms "
			      "(deploymentConfiguration.alarms).");
		return FALSE;
	}
	if (least < 0 || least > 100 || most < 100) {
		refuse(error, least < 0 || least > 100
				      ? "minimumHealthyPercent must be between 0 and 100."
				      : "maximumPercent must not be less than 100.");
		return FALSE;
	}
	if (least == 100 && most == 100) {
		refuse(error,
			"minimumHealthyPercent and maximumPercent cannot both be 100: no task "
			"could be replaced.");
		return FALSE;
	}
	return TRUE;
}

static gboolean has_port(Value container, gint64 port) {
	Value ports = value_get(container, "portMappings");
	for (gsize i = 0; i < value_length(ports); i++)
		if (value_get_int(value_at(ports, i), "containerPort", 0) == port)
			return TRUE;
	return FALSE;
}

static gboolean check_container_port(
	Value definition, const char *name, gint64 port, GError **error) {
	Value container = ecs_container(definition, name);
	if (value_is_null(container)) {
		wire_error_set(error, "InvalidParameterException",
			"The container %s does not exist in the task definition.", name);
		return FALSE;
	}
	if (has_port(container, port))
		return TRUE;
	wire_error_set(error, "InvalidParameterException",
		"The container %s did not have a container port %" G_GINT64_FORMAT " defined.",
		name, port);
	return FALSE;
}

static gboolean check_balancers(
	RegionCall *call, Value balancers, Value definition, GError **error) {
	for (gsize i = 0; i < value_length(balancers); i++) {
		Value each = value_at(balancers, i);
		const char *group = value_get_text(each, "targetGroupArn");
		const char *name = value_get_text(each, "containerName");
		if (!group || value_has(each, "advancedConfiguration")) {
			refuse(error, group ? "Terrarium does not implement advancedConfiguration "
					      "of load balancers."
					    : "targetGroupArn is required: Terrarium does not "
					      "implement Classic Load Balancers.");
			return FALSE;
		}
		if (!name || !value_has(each, "containerPort")) {
			refuse(error, "containerName and containerPort are required for a load "
				      "balancer.");
			return FALSE;
		}
		if (!check_container_port(
			    definition, name, value_get_int(each, "containerPort", 0), error))
			return FALSE;
		if (!elbv2_group_in_use(call->region, call->scope, group)) {
			wire_error_set(error, "InvalidParameterException",
				"The target group with targetGroupArn %s does not have an "
				"associated load balancer.",
				group);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean check_registries(Value registries, Value definition, GError **error) {
	for (gsize i = 0; i < value_length(registries); i++) {
		Value each = value_at(registries, i);
		const char *name = value_get_text(each, "containerName");
		gint64 port = value_get_int(each, "containerPort", 0);
		if (!value_get_text(each, "registryArn")) {
			refuse(error, "registryArn is required for a service registry.");
			return FALSE;
		}
		if ((name != NULL) != (port != 0)) {
			refuse(error, "containerName and containerPort must both be given for a "
				      "service registry, or neither.");
			return FALSE;
		}
		if (name && !check_container_port(definition, name, port, error))
			return FALSE;
	}
	return TRUE;
}

/* The definition that a service is to run, which must be active. */
static Value definition_of(RegionCall *call, const char *name, GError **error) {
	g_auto(Value) definition =
		name ? ecs_task_definition_get(call->region, call->scope, name) : VALUE_NOTHING;
	if (!name || value_is_null(definition)) {
		wire_error_set(error, name ? "ClientException" : "InvalidParameterException",
			name ? "TaskDefinition not found." : "TaskDefinition cannot be null.");
		return VALUE_NOTHING;
	}
	if (g_strcmp0(value_get_text(definition, "status"), "ACTIVE") != 0) {
		wire_error_set(error, "ClientException", "TaskDefinition is inactive");
		return VALUE_NOTHING;
	}
	return value_steal(&definition);
}

/* ---- CreateService ---- */

static gboolean check_new(RegionCall *call, Value cluster, Value input, GError **error) {
	const char *name = value_text_or(value_get(input, "serviceName"), "");
	if (!*name || strlen(name) > 255 || name[strspn(name, NAME_CHARACTERS)]) {
		refuse(error, "Service name must be 1 to 255 letters, numbers, hyphens and "
			      "underscores.");
		return FALSE;
	}
	if (g_strcmp0(value_get_text(input, "schedulingStrategy"), "DAEMON") == 0) {
		refuse(error, "The DAEMON scheduling strategy is not supported on Fargate, and "
			      "Terrarium has no container instances.");
		return FALSE;
	}
	if (value_get_int(input, "desiredCount", 0) < 0) {
		refuse(error, "desiredCount cannot be negative.");
		return FALSE;
	}
	g_auto(Value) before = find(call, cluster, name);
	const char *status = value_text_or(value_get(before, "status"), "INACTIVE");
	if (g_str_equal(status, "ACTIVE"))
		refuse(error, "Creation of service was not idempotent.");
	else if (g_str_equal(status, "DRAINING"))
		refuse(error, "Unable to Start a service that is still Draining.");
	return g_str_equal(status, "INACTIVE");
}

static Value configuration_of(Value given) {
	g_auto(Value) breaker =
		value_object_take("enable", value_bool(FALSE), "rollback", value_bool(FALSE), NULL);
	g_auto(Value) defaults =
		value_object_take("maximumPercent", value_int(200), "minimumHealthyPercent",
			value_int(100), "strategy", value_string("ROLLING"), "bakeTimeInMinutes",
			value_int(0), "deploymentCircuitBreaker", value_ref(breaker), NULL);
	return value_merge(defaults, given);
}

static Value list_of(Value input, const char *member) {
	Value list = value_get(input, member);
	return value_is_null(list) ? value_empty_tuple() : value_ref(list);
}

static Value network_of(Value network_taken) {
	return value_object_take("awsvpcConfiguration", network_taken, NULL);
}

/* Capacity as the service keeps it: a launch type, or a strategy. Takes the service. */
static Value with_capacity_take(
	Value service, Value input, Value cluster, const char *launch_type, const char *provider) {
	if (!provider)
		return value_with_take(
			service, "launchType", value_string(launch_type ? launch_type : "EC2"));
	Value strategy = value_get(input, "capacityProviderStrategy");
	if (value_length(strategy) == 0)
		strategy = value_get(cluster, "defaultCapacityProviderStrategy");
	service = value_without_take(service, "launchType");
	return value_with_take(service, "capacityProviderStrategy", value_ref(strategy));
}

static Value make(
	RegionCall *call, Value cluster, Value input, Value definition, Value network_taken) {
	const char *name = value_get_text(input, "serviceName");
	g_autofree char *arn = region_arn(
		call->scope, "ecs", "service/%s/%s", value_get_text(cluster, "clusterName"), name);
	g_autofree char *role = region_arn(call->global, "iam",
		"role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS");
	Value balancers = value_get(input, "loadBalancers");
	Value service = value_object_take("serviceArn", value_string(arn), "serviceName",
		value_string(name), "clusterArn", value_ref(value_get(cluster, "clusterArn")),
		"status", value_string("ACTIVE"), "desiredCount",
		value_int(value_get_int(input, "desiredCount", 0)), "taskDefinition",
		value_ref(value_get(definition, "taskDefinitionArn")), "loadBalancers",
		list_of(input, "loadBalancers"), "serviceRegistries",
		list_of(input, "serviceRegistries"), "platformVersion",
		value_string(value_text_or(value_get(input, "platformVersion"), "LATEST")),
		"platformFamily", value_string("Linux"), "deploymentConfiguration",
		configuration_of(value_get(input, "deploymentConfiguration")), "deployments",
		value_empty_tuple(), "events", value_empty_tuple(), "createdAt",
		region_timestamp(call->region), "createdBy", value_string(call->principal_arn),
		"placementConstraints", list_of(input, "placementConstraints"), "placementStrategy",
		list_of(input, "placementStrategy"), "networkConfiguration",
		network_of(network_taken), "schedulingStrategy", value_string("REPLICA"),
		"deploymentController", value_object_take("type", value_string("ECS"), NULL),
		"enableECSManagedTags", value_bool(value_get_bool(input, "enableECSManagedTags")),
		"propagateTags",
		value_string(value_text_or(value_get(input, "propagateTags"), "NONE")),
		"enableExecuteCommand", value_bool(value_get_bool(input, "enableExecuteCommand")),
		"availabilityZoneRebalancing",
		value_string(
			value_text_or(value_get(input, "availabilityZoneRebalancing"), "DISABLED")),
		"roleArn", value_string(role), ECS_INTERNAL, value_empty_object(), NULL);
	if (value_length(balancers) > 0 || value_has(input, "healthCheckGracePeriodSeconds"))
		service = value_with_take(service, "healthCheckGracePeriodSeconds",
			value_int(value_get_int(input, "healthCheckGracePeriodSeconds", 0)));
	return service;
}

Value ecs_create_service(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster) || !check_new(call, cluster, input, error) ||
		!check_implemented(input, error) ||
		!check_configuration(value_get(input, "deploymentConfiguration"), error))
		return VALUE_NOTHING;
	g_auto(Value) definition =
		definition_of(call, value_get_text(input, "taskDefinition"), error);
	const char *launch_type, *provider;
	if (value_is_null(definition) ||
		!ecs_capacity(call, input, cluster, definition, &launch_type, &provider, error))
		return VALUE_NOTHING;
	g_auto(Value) network = ecs_network_check(
		call, value_get(input, "networkConfiguration"), definition, error);
	if (value_is_null(network) ||
		!check_balancers(call, value_get(input, "loadBalancers"), definition, error) ||
		!check_registries(value_get(input, "serviceRegistries"), definition, error))
		return VALUE_NOTHING;
	g_auto(Value) service = make(call, cluster, input, definition, value_steal(&network));
	const char *arn = value_get_text(service, "serviceArn");
	region_tags_clear(call->region, call->scope, arn);
	if (!ecs_tags_create(call, arn, value_get(input, "tags"), error))
		return VALUE_NOTHING;
	service = with_capacity_take(value_steal(&service), input, cluster, launch_type, provider);
	service = ecs_deploy_take(call->region, call->scope, value_steal(&service), NULL);
	put(call, service);
	return answer_take(call, value_steal(&service), TRUE);
}

/* ---- UpdateService ---- */

/* Whether an update starts a new deployment: any of what a revision consists of was given. */
static gboolean deploys(Value input) {
	static const char *const members[] = {"taskDefinition", "networkConfiguration",
		"loadBalancers", "serviceRegistries", "platformVersion", "capacityProviderStrategy",
		NULL};
	for (guint i = 0; members[i]; i++)
		if (value_has(input, members[i]))
			return TRUE;
	return value_get_bool(input, "forceNewDeployment");
}

/* Is what the update asks for already so? Then there is nothing to deploy. */
static gboolean same_revision(Value before, Value after) {
	static const char *const members[] = {"taskDefinition", "networkConfiguration",
		"loadBalancers", "serviceRegistries", "platformVersion", "capacityProviderStrategy",
		"launchType", NULL};
	for (guint i = 0; members[i]; i++)
		if (!value_equal(value_get(before, members[i]), value_get(after, members[i])))
			return FALSE;
	return TRUE;
}

/* The service with what an update changes; VALUE_NOTHING and an error. */
static Value updated(RegionCall *call, Value cluster, Value service, Value input, GError **error) {
	static const char *const plain[] = {"desiredCount", "placementConstraints",
		"placementStrategy", "platformVersion", "loadBalancers", "serviceRegistries",
		"healthCheckGracePeriodSeconds", "enableECSManagedTags", "enableExecuteCommand",
		"propagateTags", "availabilityZoneRebalancing", NULL};
	g_auto(Value) definition =
		value_has(input, "taskDefinition")
			? definition_of(call, value_get_text(input, "taskDefinition"), error)
			: ecs_task_definition_get(call->region, call->scope,
				  value_get_text(service, "taskDefinition"));
	if (value_is_null(definition)) {
		if (error && !*error)
			wire_error_set(error, "ClientException", "TaskDefinition not found.");
		return VALUE_NOTHING;
	}
	g_auto(Value) picked = ecs_pick(input, plain);
	g_auto(Value) changed = value_merge(service, picked);
	changed = value_with_take(value_steal(&changed), "taskDefinition",
		value_ref(value_get(definition, "taskDefinitionArn")));
	if (value_has(input, "deploymentConfiguration")) {
		Value whole = value_merge(value_get(service, "deploymentConfiguration"),
			value_get(input, "deploymentConfiguration"));
		changed = value_with_take(value_steal(&changed), "deploymentConfiguration", whole);
	}
	if (value_has(input, "networkConfiguration")) {
		Value network = ecs_network_check(
			call, value_get(input, "networkConfiguration"), definition, error);
		if (value_is_null(network))
			return VALUE_NOTHING;
		changed = value_with_take(
			value_steal(&changed), "networkConfiguration", network_of(network));
	}
	if (value_length(value_get(input, "capacityProviderStrategy")) > 0) {
		const char *launch_type, *provider;
		if (!ecs_capacity(call, input, cluster, definition, &launch_type, &provider, error))
			return VALUE_NOTHING;
		changed = with_capacity_take(
			value_steal(&changed), input, cluster, launch_type, provider);
	}
	if (!check_balancers(call, value_get(changed, "loadBalancers"), definition, error) ||
		!check_registries(value_get(changed, "serviceRegistries"), definition, error))
		return VALUE_NOTHING;
	return value_steal(&changed);
}

Value ecs_update_service(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_auto(Value) service = find(call, cluster, value_get_text(input, "service"));
	if (g_strcmp0(value_get_text(service, "status"), "ACTIVE") != 0) {
		wire_error_set(error,
			value_is_null(service) ? "ServiceNotFoundException"
					       : "ServiceNotActiveException",
			value_is_null(service) ? "Service not found." : "Service was not ACTIVE.");
		return VALUE_NOTHING;
	}
	if (!check_implemented(input, error) ||
		!check_configuration(value_get(input, "deploymentConfiguration"), error))
		return VALUE_NOTHING;
	if (value_get_int(input, "desiredCount", 0) < 0)
		return refuse(error, "desiredCount cannot be negative.");
	g_autoptr(GError) local = NULL;
	g_auto(Value) changed = updated(call, cluster, service, input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	gboolean force = value_get_bool(input, "forceNewDeployment");
	if (deploys(input) && (force || !same_revision(service, changed))) {
		changed = ecs_deploy_take(call->region, call->scope, value_steal(&changed), NULL);
	} else {
		Value internal =
			value_without_take(value_ref(value_get(changed, ECS_INTERNAL)), "steady");
		changed = value_with_take(value_steal(&changed), ECS_INTERNAL, internal);
	}
	put(call, changed);
	return answer_take(call, value_steal(&changed), TRUE);
}

/* ---- DeleteService ---- */

Value ecs_delete_service(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_auto(Value) service = find(call, cluster, value_get_text(input, "service"));
	const char *status = value_text_or(value_get(service, "status"), "INACTIVE");
	if (g_str_equal(status, "INACTIVE")) {
		wire_error_set(error,
			value_is_null(service) ? "ServiceNotFoundException"
					       : "ServiceNotActiveException",
			value_is_null(service) ? "Service not found." : "Service was not ACTIVE.");
		return VALUE_NOTHING;
	}
	if (!value_get_bool(input, "force") && value_get_int(service, "desiredCount", 0) > 0)
		return refuse(error, "The service cannot be stopped while it is scaled above 0.");
	Value primary = ecs_primary_deployment(service);
	if (value_get_text(primary, "id"))
		ecs_deployment_record_end(call->region, call->scope, service,
			value_get_text(primary, "id"), "STOPPED", "The service was deleted.");
	service = value_with_take(value_steal(&service), "status", value_string("DRAINING"));
	service = value_with_take(value_steal(&service), "desiredCount", value_int(0));
	put(call, service);
	return answer_take(call, value_steal(&service), TRUE);
}

/* ---- DescribeServices, ListServices ---- */

Value ecs_describe_services(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	Value names = value_get(input, "services");
	gboolean tags = ecs_has_word(value_get(input, "include"), "TAGS");
	if (value_length(names) == 0 || value_length(names) > 10)
		return refuse(error, value_length(names) == 0
					     ? "Services cannot be empty."
					     : "A maximum of 10 services can be described.");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(GHashTable) tasks = ecs_tasks_by_service(call->region, call->scope);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *given = value_text_or(value_at(names, i), "");
		Value service = find(call, cluster, given);
		if (!value_is_null(service)) {
			value_builder_add_take(found, view_take(call, service, tasks, tags));
			continue;
		}
		g_autofree char *name = ecs_name(given, "service");
		g_autofree char *arn = region_arn(call->scope, "ecs", "service/%s/%s",
			value_get_text(cluster, "clusterName"), name);
		value_builder_add_take(failures, ecs_failure(arn, "MISSING"));
	}
	return value_object_take("services", value_builder_end(g_steal_pointer(&found)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

Value ecs_list_services(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_autofree char *prefix = g_strconcat(value_get_text(cluster, "clusterName"), "/", NULL);
	const char *launch_type = value_get_text(input, "launchType");
	const char *strategy = value_get_text(input, "schedulingStrategy");
	g_autoptr(ValueBuilder) arns = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ECS_SERVICES, prefix);
	const char *id;
	Value service;
	while (store_iter_next(&iter, &id, &service))
		if (g_strcmp0(value_get_text(service, "status"), "INACTIVE") != 0 &&
			(!launch_type || g_strcmp0(value_get_text(service, "launchType"),
						 launch_type) == 0) &&
			(!strategy || g_str_equal(strategy, "REPLICA")))
			value_builder_add_take(arns, value_ref(value_get(service, "serviceArn")));
	g_auto(Value) all = value_builder_end(g_steal_pointer(&arns));
	return ecs_page(call, input, "serviceArns", all, 10, error);
}
