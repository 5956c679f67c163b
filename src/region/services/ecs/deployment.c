/*
 * Deployments of services. Each is three things: an entry of the service's "deployments" (PRIMARY,
 * and the former ones while tasks of theirs run), a service revision (what was deployed, kept so
 * that it can be deployed again), and a service deployment (the record of how it went).
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecs/internal.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* What a revision consists of: members of the service. */
static const char *const revision_members[] = {"serviceArn", "clusterArn", "taskDefinition",
	"launchType", "capacityProviderStrategy", "platformVersion", "platformFamily",
	"loadBalancers", "serviceRegistries", "networkConfiguration", NULL};

char *ecs_service_store_id(Value service) {
	const char *arn = value_text_or(value_get(service, "serviceArn"), ":service/");
	return g_strdup(strstr(arn, ":service/") + strlen(":service/"));
}

/* ---- entries of a service ---- */

Value ecs_primary_deployment(Value service) {
	Value all = value_get(service, "deployments");
	for (gsize i = 0; i < value_length(all); i++)
		if (g_strcmp0(value_get_text(value_at(all, i), "status"), "PRIMARY") == 0)
			return value_at(all, i);
	return VALUE_NOTHING;
}

Value ecs_with_deployment_take(Value service_taken, Value deployment_taken) {
	g_auto(Value) service = service_taken;
	g_auto(Value) deployment = deployment_taken;
	Value all = value_get(service, "deployments");
	g_autoptr(ValueBuilder) changed = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(all); i++)
		value_builder_add_take(changed, g_strcmp0(value_get_text(value_at(all, i), "id"),
							value_get_text(deployment, "id")) == 0
							? value_ref(deployment)
							: value_ref(value_at(all, i)));
	return value_with_take(
		value_ref(service), "deployments", value_builder_end(g_steal_pointer(&changed)));
}

static Value new_entry(Region *region, Value service, const char *id) {
	static const char *const members[] = {"taskDefinition", "desiredCount", "launchType",
		"capacityProviderStrategy", "platformVersion", "platformFamily",
		"networkConfiguration", NULL};
	g_auto(Value) picked = ecs_pick(service, members);
	g_auto(Value) own = value_object_take("id", value_string(id), "status",
		value_string("PRIMARY"), "failedTasks", value_int(0), "createdAt",
		region_timestamp(region), "updatedAt", region_timestamp(region), "rolloutState",
		value_string("IN_PROGRESS"), "rolloutStateReason",
		value_string_printf("ECS deployment %s in progress.", id), NULL);
	return value_merge(picked, own);
}

/* The deployments with `entry` before them; none of them is PRIMARY any more. */
static Value pushed(Region *region, Value former, Value entry_taken) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	value_builder_add_take(all, entry_taken);
	for (gsize i = 0; i < value_length(former); i++) {
		Value each = value_with_take(
			value_ref(value_at(former, i)), "status", value_string("ACTIVE"));
		value_builder_add_take(
			all, value_with_take(each, "updatedAt", region_timestamp(region)));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* ---- records ---- */

static char *revision_arn(StoreScope scope, const char *service_id, const char *number) {
	return region_arn(scope, "ecs", "service-revision/%s/%s", service_id, number);
}

static void put_revision(Region *region, StoreScope scope, Value service, const char *service_id,
	const char *number) {
	g_autofree char *arn = revision_arn(scope, service_id, number);
	g_autofree char *id = g_strdup_printf("%s/%s", service_id, number);
	g_auto(Value) picked = ecs_pick(service, revision_members);
	g_auto(Value) own = value_object_take("serviceRevisionArn", value_string(arn), "createdAt",
		region_timestamp(region), "guardDutyEnabled", value_bool(FALSE), NULL);
	store_put_take(
		region_store(region), scope, ECS_SERVICE_REVISIONS, id, value_merge(picked, own));
}

static Value breaker(Value service) {
	gboolean on = value_to_bool(value_get_path(
		service, "deploymentConfiguration", "deploymentCircuitBreaker", "enable", NULL));
	return value_object_take("status", value_string(on ? "MONITORING" : "DISABLED"),
		"failureCount", value_int(0), "threshold",
		value_int(CLAMP((value_get_int(service, "desiredCount", 0) + 1) / 2, 3, 200)),
		NULL);
}

static Value summary(StoreScope scope, const char *service_id, const char *deployment) {
	g_autofree char *arn = revision_arn(scope, service_id, deployment + strlen("ecs-svc/"));
	return value_object_take("arn", value_string(arn), "requestedTaskCount", value_int(0),
		"runningTaskCount", value_int(0), "pendingTaskCount", value_int(0), NULL);
}

static void put_record(Region *region, StoreScope scope, Value service, const char *service_id,
	const char *deployment, Value sources_taken) {
	g_autofree char *id = text_random(21, LETTERS);
	g_autofree char *arn = region_arn(scope, "ecs", "service-deployment/%s/%s", service_id, id);
	g_autofree char *store_id = g_strdup_printf("%s/%s", service_id, id);
	store_put_take(region_store(region), scope, ECS_SERVICE_DEPLOYMENTS, store_id,
		value_object_take("serviceDeploymentArn", value_string(arn), "serviceArn",
			value_ref(value_get(service, "serviceArn")), "clusterArn",
			value_ref(value_get(service, "clusterArn")), "createdAt",
			region_timestamp(region), "startedAt", region_timestamp(region),
			"updatedAt", region_timestamp(region), "status",
			value_string("IN_PROGRESS"), "deploymentConfiguration",
			value_ref(value_get(service, "deploymentConfiguration")),
			"deploymentCircuitBreaker", breaker(service), "sourceServiceRevisions",
			sources_taken, "targetServiceRevision",
			summary(scope, service_id, deployment), ECS_INTERNAL,
			value_object_take("deployment", value_string(deployment), NULL), NULL));
}

/* Calls `change` (which takes the record and returns it changed) on a deployment's record. */
typedef Value (*ChangeRecord)(Region *region, StoreScope scope, Value record_taken, gpointer data);

static void change_record(Region *region, StoreScope scope, const char *service_id,
	const char *deployment, ChangeRecord change, gpointer data) {
	g_autofree char *prefix = g_strconcat(service_id, "/", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ECS_SERVICE_DEPLOYMENTS, prefix);
	const char *id;
	Value record;
	while (store_iter_next(&iter, &id, &record)) {
		if (g_strcmp0(value_text(value_get_path(record, ECS_INTERNAL, "deployment", NULL)),
			    deployment) != 0)
			continue;
		Value changed = change(region, scope, value_ref(record), data);
		store_put_take(region_store(region), scope, ECS_SERVICE_DEPLOYMENTS, id,
			value_with_take(changed, "updatedAt", region_timestamp(region)));
	}
}

typedef struct {
	const char *status, *reason;
} End;

static Value end_take(Region *region, StoreScope scope, Value record, gpointer data) {
	const End *end = data;
	const char *before = value_text_or(value_get(record, "status"), "");
	gboolean rolling_back = g_str_equal(before, "ROLLBACK_IN_PROGRESS");
	if (!rolling_back && !g_str_equal(before, "IN_PROGRESS"))
		return record;
	const char *status = !rolling_back			      ? end->status
			     : g_str_equal(end->status, "SUCCESSFUL") ? "ROLLBACK_SUCCESSFUL"
								      : "ROLLBACK_FAILED";
	record = value_with_take(record, "status", value_string(status));
	record = value_with_take(record,
		g_str_equal(end->status, "STOPPED") ? "stoppedAt" : "finishedAt",
		region_timestamp(region));
	if (end->reason)
		record = value_with_take(record, "statusReason", value_string(end->reason));
	return record;
}

void ecs_deployment_record_end(Region *region, StoreScope scope, Value service,
	const char *deployment, const char *status, const char *reason) {
	g_autofree char *service_id = ecs_service_store_id(service);
	End end = {status, reason};
	change_record(region, scope, service_id, deployment, end_take, &end);
}

/* The record goes on with the deployment that undoes it. */
static Value roll_back_take(Region *region, StoreScope scope, Value record, gpointer data) {
	const char *deployment = data;
	g_autofree char *service_id = NULL;
	const char *arn = value_text_or(value_get(record, "serviceArn"), ":service/");
	service_id = g_strdup(strstr(arn, ":service/") + strlen(":service/"));
	g_autofree char *revision =
		revision_arn(scope, service_id, deployment + strlen("ecs-svc/"));
	record = value_with_take(record, "status", value_string("ROLLBACK_IN_PROGRESS"));
	record = value_with_take(record, "rollback",
		value_object_take("startedAt", region_timestamp(region), "serviceRevisionArn",
			value_string(revision), "reason",
			value_string("Service deployment rolled back because the circuit breaker "
				     "threshold was exceeded."),
			NULL));
	return value_with_take(record, ECS_INTERNAL,
		value_object_take("deployment", value_string(deployment), NULL));
}

/* ---- deploying ---- */

/* What a new deployment does not inherit is gone. */
static Value without_failures(Value internal) {
	static const char *const forgotten[] = {"retryAt", "delay", "failures", "steady"};
	Value rest = value_ref(internal);
	for (guint i = 0; i < G_N_ELEMENTS(forgotten); i++)
		rest = value_without_take(rest, forgotten[i]);
	return rest;
}

Value ecs_deploy_take(
	Region *region, StoreScope scope, Value service_taken, const char *rollback_of) {
	g_auto(Value) service = service_taken;
	g_autofree char *service_id = ecs_service_store_id(service);
	g_autofree char *number = text_random(19, DIGITS);
	number[0] = number[0] == '0' ? '1' : number[0];
	g_autofree char *id = g_strconcat("ecs-svc/", number, NULL);
	Value former = ecs_primary_deployment(service);
	const char *former_id = value_get_text(former, "id");
	put_revision(region, scope, service, service_id, number);
	if (rollback_of) {
		change_record(region, scope, service_id, rollback_of, roll_back_take, id);
	} else {
		if (former_id)
			ecs_deployment_record_end(region, scope, service, former_id, "STOPPED",
				"Service deployment was stopped because a newer one was started.");
		put_record(region, scope, service, service_id, id,
			former_id ? value_tuple_take(1, summary(scope, service_id, former_id))
				  : value_empty_tuple());
	}
	Value entries =
		pushed(region, value_get(service, "deployments"), new_entry(region, service, id));
	Value internal = without_failures(value_get(service, ECS_INTERNAL));
	Value changed = value_with_take(value_steal(&service), "deployments", entries);
	return value_with_take(changed, ECS_INTERNAL, internal);
}

/* ---- undoing ---- */

/* The service with the deployment `id`, whose tasks still run, as PRIMARY again. */
static Value resumed(
	Region *region, StoreScope scope, Value service, const char *id, const char *undone) {
	g_autofree char *service_id = ecs_service_store_id(service);
	Value all = value_get(service, "deployments");
	Value former = VALUE_NOTHING;
	for (gsize i = 0; i < value_length(all); i++)
		if (g_strcmp0(value_get_text(value_at(all, i), "id"), id) == 0)
			former = value_at(all, i);
	if (value_is_null(former))
		return VALUE_NOTHING;
	g_autoptr(ValueBuilder) others = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(all); i++)
		if (g_strcmp0(value_get_text(value_at(all, i), "id"), id) != 0)
			value_builder_add_take(others, value_ref(value_at(all, i)));
	g_auto(Value) rest = value_builder_end(g_steal_pointer(&others));
	g_auto(Value) changes = value_object_take("status", value_string("PRIMARY"), "updatedAt",
		region_timestamp(region), "rolloutState", value_string("IN_PROGRESS"),
		"rolloutStateReason", value_string_printf("ECS deployment %s in progress.", id),
		NULL);
	Value entries = pushed(region, rest, value_merge(former, changes));
	change_record(region, scope, service_id, undone, roll_back_take, (gpointer)id);
	return value_with_take(value_ref(service), "deployments", entries);
}

Value ecs_roll_back_take(
	Region *region, StoreScope scope, Value service_taken, const char *deployment) {
	g_auto(Value) service = service_taken;
	const char *good = value_text(value_get_path(service, ECS_INTERNAL, "good", NULL));
	g_autofree char *service_id = ecs_service_store_id(service);
	g_autofree char *revision_id = g_strdup_printf("%s/%s", service_id, good);
	g_autofree char *id = g_strconcat("ecs-svc/", good, NULL);
	g_auto(Value) revision =
		store_get(region_store(region), scope, ECS_SERVICE_REVISIONS, revision_id);
	g_auto(Value) restored = ecs_pick(revision, revision_members);
	g_auto(Value) back = value_merge(service, restored);
	g_auto(Value) again = resumed(region, scope, back, id, deployment);
	if (value_is_null(again))
		return ecs_deploy_take(region, scope, value_steal(&back), deployment);
	return value_with_take(value_steal(&again), ECS_INTERNAL,
		without_failures(value_get(service, ECS_INTERNAL)));
}

/* ---- the API ---- */

static Value service_of(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_autofree char *name = ecs_name(value_get_text(input, "service"), "service");
	g_autofree char *id =
		g_strdup_printf("%s/%s", value_get_text(cluster, "clusterName"), name);
	Value service = store_get(region_store(call->region), call->scope, ECS_SERVICES, id);
	if (value_is_null(service))
		wire_error_set(error, "ServiceNotFoundException", "Service not found.");
	return service;
}

static gboolean is_wanted(Value record, Value input) {
	Value statuses = value_get(input, "status");
	double created = value_to_double(value_get(record, "createdAt"), 0);
	return (value_length(statuses) == 0 ||
		       ecs_has_word(statuses, value_get_text(record, "status"))) &&
	       created >= value_to_double(value_get_path(input, "createdAt", "after", NULL), 0) &&
	       created <= value_to_double(
				  value_get_path(input, "createdAt", "before", NULL), G_MAXDOUBLE);
}

static Value brief(Value record) {
	static const char *const members[] = {"serviceDeploymentArn", "serviceArn", "clusterArn",
		"startedAt", "createdAt", "finishedAt", "status", "statusReason", NULL};
	return value_with_take(ecs_pick(record, members), "targetServiceRevisionArn",
		value_ref(value_get_path(record, "targetServiceRevision", "arn", NULL)));
}

static int newest_first(gconstpointer a, gconstpointer b) {
	double first = value_to_double(value_get(*(const Value *)a, "createdAt"), 0);
	double second = value_to_double(value_get(*(const Value *)b, "createdAt"), 0);
	return first < second ? 1 : first > second ? -1 : 0;
}

Value ecs_list_service_deployments(RegionCall *call, Value input, GError **error) {
	g_auto(Value) service = service_of(call, input, error);
	if (value_is_null(service))
		return VALUE_NOTHING;
	g_autofree char *service_id = ecs_service_store_id(service);
	g_autofree char *prefix = g_strconcat(service_id, "/", NULL);
	g_autoptr(GArray) briefs = g_array_new(FALSE, FALSE, sizeof(Value));
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(call->region), call->scope, ECS_SERVICE_DEPLOYMENTS, prefix);
	const char *id;
	Value record;
	while (store_iter_next(&iter, &id, &record))
		if (is_wanted(record, input)) {
			Value made = brief(record);
			g_array_append_val(briefs, made);
		}
	g_array_sort(briefs, newest_first);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < briefs->len; i++)
		value_builder_add_take(all, g_array_index(briefs, Value, i));
	g_auto(Value) list = value_builder_end(g_steal_pointer(&all));
	return ecs_page(call, input, "serviceDeployments", list, 20, error);
}

/* {<member>: objects, failures} of the ARNs that `arns` of the call lists. */
static Value by_arn(RegionCall *call, Value arns, const char *resource_type, const char *kind,
	const char *member) {
	g_autofree char *prefix = g_strconcat(resource_type, "/", NULL);
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(arns); i++) {
		const char *arn = value_text_or(value_at(arns, i), "");
		g_autofree char *resource = NULL;
		Value object = VALUE_NOTHING;
		if (region_arn_parse(arn, NULL, NULL, NULL, &resource) &&
			g_str_has_prefix(resource, prefix))
			object = store_get(region_store(call->region), call->scope, kind,
				resource + strlen(prefix));
		if (value_is_null(object))
			value_builder_add_take(failures, ecs_failure(arn, "MISSING"));
		else
			value_builder_add_take(found, ecs_view_take(object));
	}
	return value_object_take(member, value_builder_end(g_steal_pointer(&found)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

Value ecs_describe_service_deployments(RegionCall *call, Value input, GError **error) {
	return by_arn(call, value_get(input, "serviceDeploymentArns"), "service-deployment",
		ECS_SERVICE_DEPLOYMENTS, "serviceDeployments");
}

Value ecs_describe_service_revisions(RegionCall *call, Value input, GError **error) {
	return by_arn(call, value_get(input, "serviceRevisionArns"), "service-revision",
		ECS_SERVICE_REVISIONS, "serviceRevisions");
}

Value ecs_stop_service_deployment(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "serviceDeploymentArn");
	const char *type = value_text_or(value_get(input, "stopType"), "ROLLBACK");
	g_autofree char *resource = NULL;
	g_auto(Value) record = VALUE_NOTHING;
	Store *store = region_store(call->region);
	if (region_arn_parse(arn, NULL, NULL, NULL, &resource) &&
		g_str_has_prefix(resource, "service-deployment/"))
		record = store_get(store, call->scope, ECS_SERVICE_DEPLOYMENTS,
			resource + strlen("service-deployment/"));
	if (value_is_null(record)) {
		wire_error_set(error, "ServiceDeploymentNotFoundException",
			"The service deployment was not found.");
		return VALUE_NOTHING;
	}
	if (g_strcmp0(value_get_text(record, "status"), "IN_PROGRESS") != 0) {
		wire_error_set(error, "ConflictException",
			"The service deployment cannot be stopped in the status %s.",
			value_get_text(record, "status"));
		return VALUE_NOTHING;
	}
	g_autofree char *service_id = g_strdup(
		strstr(value_get_text(record, "serviceArn"), ":service/") + strlen(":service/"));
	g_auto(Value) service = store_get(store, call->scope, ECS_SERVICES, service_id);
	const char *good = value_text(value_get_path(service, ECS_INTERNAL, "good", NULL));
	if (!g_str_equal(type, "ROLLBACK") || !good) {
		wire_error_set(error, "InvalidParameterException",
			good ? "Terrarium implements the stop type ROLLBACK only."
			     : "There is no completed deployment of this service to roll back to.");
		return VALUE_NOTHING;
	}
	const char *undone = value_text(value_get_path(record, ECS_INTERNAL, "deployment", NULL));
	Value back = ecs_roll_back_take(call->region, call->scope, value_steal(&service), undone);
	store_put_take(store, call->scope, ECS_SERVICES, service_id, back);
	return value_object_take("serviceDeploymentArn", value_string(arn), NULL);
}
