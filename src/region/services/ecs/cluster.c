/*
 * ECS clusters. A cluster is a name to keep services and tasks under; what runs is not its affair.
 * A deleted one stays describable as INACTIVE, as on AWS.
 */
#include <string.h>

#include "region/services/ecs/internal.h"

/* ---- finding ---- */

Value ecs_cluster_find(RegionCall *call, const char *cluster, GError **error) {
	g_autofree char *name = ecs_name(cluster ? cluster : "default", "cluster");
	g_auto(Value) found =
		store_get(region_store(call->region), call->scope, ECS_CLUSTERS, name);
	if (g_strcmp0(value_get_text(found, "status"), "ACTIVE") != 0) {
		wire_error_set(error, "ClusterNotFoundException", "Cluster not found.");
		return VALUE_NOTHING;
	}
	return value_steal(&found);
}

/* ---- checks ---- */

static gboolean is_name(const char *name) {
	gsize length = strlen(name);
	return length > 0 && length <= 255 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       length;
}

static gboolean check_settings(Value settings, GError **error) {
	for (gsize i = 0; i < value_length(settings); i++) {
		const char *setting = value_get_text(value_at(settings, i), "value");
		if (setting && !g_str_equal(setting, "enabled") &&
			!g_str_equal(setting, "disabled") && !g_str_equal(setting, "enhanced")) {
			wire_error_set(error, "InvalidParameterException",
				"The setting value '%s' is not valid. Valid values are 'enabled', "
				"'enhanced' and 'disabled'.",
				setting);
			return FALSE;
		}
	}
	return TRUE;
}

/* Fargate's own two are all that there are: others need instances of EC2. */
static gboolean check_providers(Value providers, Value strategy, GError **error) {
	for (gsize i = 0; i < value_length(providers); i++) {
		const char *provider = value_text_or(value_at(providers, i), "");
		if (!g_str_equal(provider, "FARGATE") && !g_str_equal(provider, "FARGATE_SPOT")) {
			wire_error_set(error, "InvalidParameterException",
				"The specified capacity provider '%s' was not found. Specify a "
				"valid name or ARN and try again.",
				provider);
			return FALSE;
		}
	}
	for (gsize i = 0; i < value_length(strategy); i++) {
		const char *provider = value_get_text(value_at(strategy, i), "capacityProvider");
		if (!ecs_has_word(providers, provider)) {
			wire_error_set(error, "InvalidParameterException",
				"The specified capacity provider '%s' is not associated with the "
				"cluster. Associate the capacity provider with the cluster and try "
				"again.",
				provider);
			return FALSE;
		}
	}
	return TRUE;
}

/* ---- answers ---- */

static gint64 count_services(Region *region, StoreScope scope, const char *prefix) {
	gint64 count = 0;
	const char *id;
	Value service;
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ECS_SERVICES, prefix);
	while (store_iter_next(&iter, &id, &service))
		count += g_strcmp0(value_get_text(service, "status"), "ACTIVE") == 0;
	return count;
}

static gint64 count_tasks(
	Region *region, StoreScope scope, const char *prefix, const char *const *statuses) {
	gint64 count = 0;
	const char *id;
	Value task;
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECS_TASKS, prefix);
	while (store_iter_next(&iter, &id, &task)) {
		const char *status = value_get_text(task, "lastStatus");
		count += status && g_strv_contains(statuses, status);
	}
	return count;
}

/* The cluster as Describe gives it; `include` (null: all) tells which of its parts. Takes it. */
static Value view_take(RegionCall *call, Value cluster, Value include) {
	static const char *const running[] = {"RUNNING", NULL};
	static const char *const pending[] = {"PROVISIONING", "PENDING", "ACTIVATING", NULL};
	gboolean all = value_is_null(include);
	g_autofree char *prefix =
		g_strconcat(value_text_or(value_get(cluster, "clusterName"), ""), "/", NULL);
	Value counts = value_object_take("activeServicesCount",
		value_int(count_services(call->region, call->scope, prefix)), "runningTasksCount",
		value_int(count_tasks(call->region, call->scope, prefix, running)),
		"pendingTasksCount",
		value_int(count_tasks(call->region, call->scope, prefix, pending)),
		"registeredContainerInstancesCount", value_int(0), "statistics",
		value_empty_tuple(), NULL);
	g_auto(Value) counts_owned = counts;
	g_auto(Value) whole = value_merge(cluster, counts_owned);
	value_unref(cluster);
	Value tags =
		all || ecs_has_word(include, "TAGS")
			? ecs_tags(call->region, call->scope, value_get_text(whole, "clusterArn"))
			: value_empty_tuple();
	whole = value_with_take(value_steal(&whole), "tags", tags);
	if (!all && !ecs_has_word(include, "SETTINGS"))
		whole = value_with_take(value_steal(&whole), "settings", value_empty_tuple());
	if (!all && !ecs_has_word(include, "CONFIGURATIONS"))
		whole = value_without_take(value_steal(&whole), "configuration");
	return ecs_view_take(value_steal(&whole));
}

static Value answer_take(RegionCall *call, Value cluster) {
	return value_object_take("cluster", view_take(call, cluster, VALUE_NOTHING), NULL);
}

static void put(RegionCall *call, Value cluster) {
	store_put(region_store(call->region), call->scope, ECS_CLUSTERS,
		value_get_text(cluster, "clusterName"), cluster);
}

/* ---- operations ---- */

/* A cluster's settings: those given over the account's default for Container Insights. */
static Value settings_or_default(RegionCall *call, Value given) {
	if (value_length(given) > 0)
		return value_ref(given);
	return value_tuple_take(
		1, value_object_take("name", value_string("containerInsights"), "value",
			   value_string(ecs_account_setting(call, "containerInsights")), NULL));
}

static Value make(RegionCall *call, const char *name, Value input) {
	static const char *const optional[] = {"configuration", "serviceConnectDefaults", NULL};
	g_autofree char *arn = region_arn(call->scope, "ecs", "cluster/%s", name);
	Value providers = value_get(input, "capacityProviders");
	Value strategy = value_get(input, "defaultCapacityProviderStrategy");
	g_auto(Value) base = value_object_take("clusterArn", value_string(arn), "clusterName",
		value_string(name), "status", value_string("ACTIVE"), "settings",
		settings_or_default(call, value_get(input, "settings")), "capacityProviders",
		value_is_null(providers) ? value_empty_tuple() : value_ref(providers),
		"defaultCapacityProviderStrategy",
		value_is_null(strategy) ? value_empty_tuple() : value_ref(strategy), NULL);
	g_auto(Value) more = ecs_pick(input, optional);
	return value_merge(base, more);
}

Value ecs_create_cluster(RegionCall *call, Value input, GError **error) {
	const char *name = value_text_or(value_get(input, "clusterName"), "default");
	if (!is_name(name)) {
		wire_error_set(error, "InvalidParameterException",
			"Cluster name should match the pattern ^[a-zA-Z0-9\\-_]{1,255}$.");
		return VALUE_NOTHING;
	}
	if (!check_settings(value_get(input, "settings"), error) ||
		!check_providers(value_get(input, "capacityProviders"),
			value_get(input, "defaultCapacityProviderStrategy"), error))
		return VALUE_NOTHING;
	g_auto(Value) before =
		store_get(region_store(call->region), call->scope, ECS_CLUSTERS, name);
	if (g_strcmp0(value_get_text(before, "status"), "ACTIVE") == 0)
		return answer_take(call, value_steal(&before));
	g_auto(Value) cluster = make(call, name, input);
	const char *arn = value_get_text(cluster, "clusterArn");
	region_tags_clear(call->region, call->scope, arn);
	if (!ecs_tags_create(call, arn, value_get(input, "tags"), error))
		return VALUE_NOTHING;
	put(call, cluster);
	return answer_take(call, value_steal(&cluster));
}

Value ecs_describe_clusters(RegionCall *call, Value input, GError **error) {
	g_auto(Value) names = value_length(value_get(input, "clusters")) > 0
				      ? value_ref(value_get(input, "clusters"))
				      : value_tuple_take(1, value_string("default"));
	g_auto(Value) include = value_has(input, "include") ? value_ref(value_get(input, "include"))
							    : value_empty_tuple();
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		g_autofree char *name = ecs_name(value_text_or(value_at(names, i), ""), "cluster");
		Value cluster =
			store_get(region_store(call->region), call->scope, ECS_CLUSTERS, name);
		g_autofree char *arn = region_arn(call->scope, "ecs", "cluster/%s", name);
		if (value_is_null(cluster))
			value_builder_add_take(failures, ecs_failure(arn, "MISSING"));
		else
			value_builder_add_take(found, view_take(call, cluster, include));
	}
	return value_object_take("clusters", value_builder_end(g_steal_pointer(&found)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

Value ecs_list_clusters(RegionCall *call, Value input, GError **error) {
	g_autoptr(ValueBuilder) arns = value_builder_new(VALUE_TUPLE, NULL);
	const char *name;
	Value cluster;
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, ECS_CLUSTERS);
	while (store_iter_next(&iter, &name, &cluster))
		if (g_strcmp0(value_get_text(cluster, "status"), "ACTIVE") == 0)
			value_builder_add_take(arns, value_ref(value_get(cluster, "clusterArn")));
	g_auto(Value) all = value_builder_end(g_steal_pointer(&arns));
	return ecs_page(call, input, "clusterArns", all, 100, error);
}

Value ecs_update_cluster(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {
		"settings", "configuration", "serviceConnectDefaults", NULL};
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster) || !check_settings(value_get(input, "settings"), error))
		return VALUE_NOTHING;
	g_auto(Value) changes = ecs_pick(input, members);
	g_auto(Value) changed = value_merge(cluster, changes);
	put(call, changed);
	return answer_take(call, value_steal(&changed));
}

Value ecs_put_cluster_capacity_providers(RegionCall *call, Value input, GError **error) {
	static const char *const members[] = {
		"capacityProviders", "defaultCapacityProviderStrategy", NULL};
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster) ||
		!check_providers(value_get(input, "capacityProviders"),
			value_get(input, "defaultCapacityProviderStrategy"), error))
		return VALUE_NOTHING;
	g_auto(Value) changes = ecs_pick(input, members);
	g_auto(Value) changed = value_merge(cluster, changes);
	put(call, changed);
	return answer_take(call, value_steal(&changed));
}

static gboolean check_empty(RegionCall *call, Value cluster, GError **error) {
	static const char *const living[] = {"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING",
		"DEACTIVATING", "STOPPING", "DEPROVISIONING", NULL};
	g_autofree char *prefix =
		g_strconcat(value_text_or(value_get(cluster, "clusterName"), ""), "/", NULL);
	if (count_services(call->region, call->scope, prefix) > 0) {
		wire_error_set(error, "ClusterContainsServicesException",
			"The Cluster cannot be deleted while Services are active.");
		return FALSE;
	}
	if (count_tasks(call->region, call->scope, prefix, living) > 0) {
		wire_error_set(error, "ClusterContainsTasksException",
			"The Cluster cannot be deleted while Tasks are active.");
		return FALSE;
	}
	return TRUE;
}

Value ecs_delete_cluster(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster) || !check_empty(call, cluster, error))
		return VALUE_NOTHING;
	cluster = value_with_take(value_steal(&cluster), "status", value_string("INACTIVE"));
	put(call, cluster);
	g_auto(Value) answer = answer_take(call, value_ref(cluster));
	region_tags_clear(call->region, call->scope, value_get_text(cluster, "clusterArn"));
	return value_steal(&answer);
}

/* ---- capacity providers: Fargate's own ---- */

static Value capacity_provider(RegionCall *call, const char *name) {
	g_autofree char *arn = region_arn(call->scope, "ecs", "capacity-provider/%s", name);
	return value_object_take("capacityProviderArn", value_string(arn), "name",
		value_string(name), "status", value_string("ACTIVE"), "type", value_string(name),
		"tags", value_empty_tuple(), NULL);
}

Value ecs_describe_capacity_providers(RegionCall *call, Value input, GError **error) {
	static const char *const own[] = {"FARGATE", "FARGATE_SPOT", NULL};
	Value names = value_get(input, "capacityProviders");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; value_is_null(names) && own[i]; i++)
		value_builder_add_take(found, capacity_provider(call, own[i]));
	for (gsize i = 0; i < value_length(names); i++) {
		g_autofree char *name =
			ecs_name(value_text_or(value_at(names, i), ""), "capacity-provider");
		if (g_strv_contains(own, name))
			value_builder_add_take(found, capacity_provider(call, name));
		else
			value_builder_add_take(failures, ecs_failure(name, "MISSING"));
	}
	return value_object_take("capacityProviders", value_builder_end(g_steal_pointer(&found)),
		"failures", value_builder_end(g_steal_pointer(&failures)), NULL);
}
