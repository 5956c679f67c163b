/*
 * Makes tasks: chooses the zone with the fewest of their group, makes an interface there, and the
 * object as the API shows it. Must start nothing: its controller sees it in the store.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ec2/ec2.h"
#include "region/services/ecs/internal.h"

/* ---- where it goes ---- */

static gsize tasks_in_zone(
	Region *region, StoreScope scope, const EcsTaskRequest *request, const char *zone) {
	g_autofree char *prefix = g_strconcat(request->cluster, "/", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECS_TASKS, prefix);
	const char *id;
	Value task;
	gsize count = 0;
	while (store_iter_next(&iter, &id, &task))
		count += ecs_task_wanted(task) &&
			 g_strcmp0(value_get_text(task, "group"), request->group) == 0 &&
			 g_strcmp0(value_get_text(task, "availabilityZone"), zone) == 0;
	return count;
}

/* The subnet whose zone has the fewest tasks of the group: they are spread over zones. */
static const char *choose_subnet(Region *region, StoreScope scope, const EcsTaskRequest *request) {
	Value subnets = value_get(request->network, "subnets");
	const char *best = NULL;
	gsize fewest = G_MAXSIZE;
	for (gsize i = 0; i < value_length(subnets); i++) {
		const char *id = value_text(value_at(subnets, i));
		g_auto(Value) subnet = ec2_subnet_get(region, scope, id);
		gsize count = tasks_in_zone(
			region, scope, request, value_get_text(subnet, "AvailabilityZone"));
		if (count < fewest) {
			fewest = count;
			best = id;
		}
	}
	return best;
}

static Value make_interface(Region *region, StoreScope scope, const EcsTaskRequest *request,
	const char *arn, GError **error) {
	Value groups = value_get(request->network, "securityGroups");
	Ec2InterfaceRequest wanted = {.subnet = choose_subnet(region, scope, request),
		.groups = value_length(groups) > 0 ? groups : VALUE_NOTHING,
		.description = arn,
		.requester = "amazon-ecs",
		.public_address = g_strcmp0(value_get_text(request->network, "assignPublicIp"),
					  "ENABLED") == 0};
	return ec2_interface_create(region, scope, &wanted, error);
}

/* ---- making ---- */

static Value detail(const char *name, Value value) {
	return value_object_take("name", value_string(name), "value", value_ref(value), NULL);
}

static Value attachment(const char *id, const char *subnet, Value interface) {
	return value_object_take("id", value_string(id), "type",
		value_string("ElasticNetworkInterface"), "status", value_string("ATTACHED"),
		"details",
		value_tuple_take(5,
			value_object_take("name", value_string("subnetId"), "value",
				value_string(subnet), NULL),
			detail("networkInterfaceId", value_get(interface, "NetworkInterfaceId")),
			detail("macAddress", value_get(interface, "MacAddress")),
			detail("privateDnsName", value_get(interface, "PrivateDnsName")),
			detail("privateIPv4Address", value_get(interface, "PrivateIpAddress"))),
		NULL);
}

static Value container(StoreScope scope, const char *cluster, const char *task_arn,
	const char *attachment_id, Value definition, Value interface) {
	g_autofree char *id = g_uuid_string_random();
	g_autofree char *arn = region_arn(
		scope, "ecs", "container/%s/%s/%s", cluster, strrchr(task_arn, '/') + 1, id);
	gint64 memory = value_get_int(definition, "memory", 0);
	gint64 reservation = value_get_int(definition, "memoryReservation", 0);
	Value made = value_object_take("containerArn", value_string(arn), "taskArn",
		value_string(task_arn), "name", value_ref(value_get(definition, "name")), "image",
		value_ref(value_get(definition, "image")), "lastStatus", value_string("PENDING"),
		"networkBindings", value_empty_tuple(), "networkInterfaces",
		value_tuple_take(
			1, value_object_take("attachmentId", value_string(attachment_id),
				   "privateIpv4Address",
				   value_ref(value_get(interface, "PrivateIpAddress")), NULL)),
		"healthStatus", value_string("UNKNOWN"), "cpu",
		value_string_printf("%" G_GINT64_FORMAT, value_get_int(definition, "cpu", 0)),
		NULL);
	if (memory > 0)
		made = value_with_take(
			made, "memory", value_string_printf("%" G_GINT64_FORMAT, memory));
	if (reservation > 0)
		made = value_with_take(made, "memoryReservation",
			value_string_printf("%" G_GINT64_FORMAT, reservation));
	return made;
}

static Value containers(const EcsTaskRequest *request, StoreScope scope, const char *task_arn,
	const char *attachment_id, Value interface) {
	Value definitions = value_get(request->definition, "containerDefinitions");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(definitions); i++)
		value_builder_add_take(
			all, container(scope, request->cluster, task_arn, attachment_id,
				     value_at(definitions, i), interface));
	return value_builder_end(g_steal_pointer(&all));
}

static Value internal(const EcsTaskRequest *request, Value interface) {
	Value made = value_object_take(
		"interface", value_ref(value_get(interface, "NetworkInterfaceId")), NULL);
	if (request->service)
		made = value_with_take(made, "service", value_string(request->service));
	if (request->deployment)
		made = value_with_take(made, "deployment", value_string(request->deployment));
	return made;
}

/* A size of the overrides, else of the definition. */
static Value size(const EcsTaskRequest *request, const char *member) {
	Value own = value_get(request->overrides, member);
	return value_ref(value_is_null(own) ? value_get(request->definition, member) : own);
}

static Value make(Region *region, StoreScope scope, const EcsTaskRequest *request, const char *arn,
	Value interface) {
	g_autofree char *attachment_id = g_uuid_string_random();
	g_autofree char *cluster = region_arn(scope, "ecs", "cluster/%s", request->cluster);
	const char *platform = request->platform_version;
	gboolean latest = !platform || g_str_equal(platform, "LATEST");
	Value overrides =
		value_is_null(request->overrides)
			? value_object_take("containerOverrides", value_empty_tuple(),
				  "inferenceAcceleratorOverrides", value_empty_tuple(), NULL)
			: value_ref(request->overrides);
	Value task = value_object_take("taskArn", value_string(arn), "clusterArn",
		value_string(cluster), "taskDefinitionArn",
		value_ref(value_get(request->definition, "taskDefinitionArn")), "group",
		value_string(request->group), "lastStatus", value_string("PROVISIONING"),
		"desiredStatus", value_string("RUNNING"), "createdAt", region_timestamp(region),
		"availabilityZone", value_ref(value_get(interface, "AvailabilityZone")),
		"attachments",
		value_tuple_take(1, attachment(attachment_id, value_get_text(interface, "SubnetId"),
					    interface)),
		"attributes",
		value_tuple_take(1, value_object_take("name", value_string("ecs.cpu-architecture"),
					    "value", value_string("x86_64"), NULL)),
		"containers", containers(request, scope, arn, attachment_id, interface), "cpu",
		size(request, "cpu"), "memory", size(request, "memory"), "healthStatus",
		value_string("UNKNOWN"), "enableExecuteCommand",
		value_bool(request->execute_command), "overrides", overrides, "platformFamily",
		value_string("Linux"), "platformVersion", value_string(latest ? "1.4.0" : platform),
		"ephemeralStorage",
		value_object_take("sizeInGiB",
			value_int(value_get_int(value_get(request->definition, "ephemeralStorage"),
				"sizeInGiB", 20)),
			NULL),
		"version", value_int(1), ECS_INTERNAL, internal(request, interface), NULL);
	if (request->launch_type)
		task = value_with_take(task, "launchType", value_string(request->launch_type));
	if (request->capacity_provider)
		task = value_with_take(
			task, "capacityProviderName", value_string(request->capacity_provider));
	if (request->started_by)
		task = value_with_take(task, "startedBy", value_string(request->started_by));
	return task;
}

Value ecs_task_create(
	Region *region, StoreScope scope, const EcsTaskRequest *request, GError **error) {
	g_autofree char *id = text_random_hex(32);
	g_autofree char *arn = region_arn(scope, "ecs", "task/%s/%s", request->cluster, id);
	g_auto(Value) interface = make_interface(region, scope, request, arn, error);
	if (value_is_null(interface))
		return VALUE_NOTHING;
	g_auto(Value) task = make(region, scope, request, arn, interface);
	g_autofree char *store_id = ecs_task_store_id(task);
	store_put(region_store(region), scope, ECS_TASKS, store_id, task);
	g_auto(Value) tags = region_tags_from_list(request->tags, "key", "value");
	if (value_length(tags) > 0)
		region_tags_set(region, scope, arn, tags);
	return value_steal(&task);
}
