/*
 * CodeStar Connections and CodeConnections: one service under two names. A connection is found
 * under either, and its ARN has the name that it was made under. It begins PENDING and becomes
 * AVAILABLE when the user approves it (admin.c), as on AWS where only the console can do that.
 */
#include <string.h>

#include "region/services/connections/internal.h"
#include "region/services/iam/iam.h"

extern const RegionService region_connections, region_connections_star;

/* ---- finding ---- */

char *connections_id(StoreScope scope, const char *arn) {
	g_autofree char *service = NULL, *place = NULL, *account = NULL, *resource = NULL;
	if (!region_arn_parse(arn, &service, &place, &account, &resource) ||
		(!g_str_equal(service, "codestar-connections") &&
			!g_str_equal(service, "codeconnections")) ||
		!g_str_equal(place, scope.region) || !g_str_equal(account, scope.account) ||
		!g_str_has_prefix(resource, "connection/"))
		return NULL;
	return g_strdup(resource + strlen("connection/"));
}

Value connections_get(Region *region, StoreScope scope, const char *arn) {
	g_autofree char *id = connections_id(scope, arn);
	return id ? store_get(region_store(region), scope, CONNECTIONS, id) : VALUE_NOTHING;
}

static Value find(RegionCall *call, const char *arn, GError **error) {
	Value connection = connections_get(call->region, call->scope, arn);
	if (value_is_null(connection))
		wire_error_set(error, "ResourceNotFoundException", "Connection not found: %s", arn);
	return connection;
}

gboolean connections_allow(
	Region *region, StoreScope scope, const char *role, const char *connection_arn) {
	StoreScope global = {scope.account, ""};
	return iam_allows(region, global, role, "codeconnections:UseConnection", connection_arn) ||
	       iam_allows(
		       region, global, role, "codestar-connections:UseConnection", connection_arn);
}

/* ---- operations ---- */

static Value create(RegionCall *call, Value input, GError **error) {
	const char *provider = value_get_text(input, "ProviderType");
	const char *name = value_get_text(input, "ConnectionName");
	if (value_has(input, "HostArn")) {
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement hosts of connections (HostArn of "
			"CreateConnection).");
		return VALUE_NOTHING;
	}
	if (!provider) {
		wire_error_set(error, "InvalidInputException",
			"One of ProviderType and HostArn must be given.");
		return VALUE_NOTHING;
	}
	g_autofree char *id = g_uuid_string_random();
	const char *service = wire_service_name(wire_operation_service(call->operation));
	g_autofree char *arn = region_arn(call->scope, service, "connection/%s", id);
	store_put_take(region_store(call->region), call->scope, CONNECTIONS, id,
		value_object_take("ConnectionName", value_string(name), "ConnectionArn",
			value_string(arn), "ProviderType", value_string(provider), "OwnerAccountId",
			value_string(call->scope.account), "ConnectionStatus",
			value_string("PENDING"), NULL));
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	region_tags_set(call->region, call->scope, id, tags);
	Value output = value_object_take("ConnectionArn", value_string(arn), NULL);
	return value_has(input, "Tags")
		       ? value_with_take(output, "Tags", region_tags_to_list(tags, "Key", "Value"))
		       : output;
}

static Value get(RegionCall *call, Value input, GError **error) {
	Value connection = find(call, value_get_text(input, "ConnectionArn"), error);
	return value_is_null(connection) ? connection
					 : value_object_take("Connection", connection, NULL);
}

static Value list(RegionCall *call, Value input, GError **error) {
	const char *provider = value_get_text(input, "ProviderTypeFilter");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, CONNECTIONS);
	Value connection;
	/* No connection has a host. */
	while (!value_has(input, "HostArnFilter") && store_iter_next(&iter, NULL, &connection))
		if (!provider ||
			g_strcmp0(provider, value_get_text(connection, "ProviderType")) == 0)
			value_builder_add_take(all, value_ref(connection));
	g_auto(Value) items = value_builder_end(g_steal_pointer(&all));
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, MAX(value_get_int(input, "MaxResults", 100), 1),
		value_get_text(input, "NextToken"), "InvalidInputException", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take("Connections", page, NULL);
	return next ? value_with_take(output, "NextToken", value_string(next)) : output;
}

static Value delete (RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ConnectionArn");
	g_auto(Value) connection = find(call, arn, error);
	if (value_is_null(connection))
		return VALUE_NOTHING;
	g_autofree char *id = connections_id(call->scope, arn);
	binding_remove(call->region, call->scope, id, NULL);
	region_tags_clear(call->region, call->scope, id);
	store_delete(region_store(call->region), call->scope, CONNECTIONS, id);
	return VALUE_NOTHING;
}

/* Hosts and links cannot be made (CreateHost and CreateRepositoryLink are refused by name). */
static Value list_hosts(RegionCall *call, Value input, GError **error) {
	return value_object_take("Hosts", value_empty_tuple(), NULL);
}

static Value list_links(RegionCall *call, Value input, GError **error) {
	return value_object_take("RepositoryLinks", value_empty_tuple(), NULL);
}

/* ---- tags ---- */

/* The id that the tags of an ARN are kept under. Caller frees; NULL and an error. */
static char *tagged(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ResourceArn");
	g_auto(Value) connection = find(call, arn, error);
	return value_is_null(connection) ? NULL : connections_id(call->scope, arn);
}

static Value tag(RegionCall *call, Value input, GError **error) {
	g_autofree char *id = tagged(call, input, error);
	g_auto(Value) tags = region_tags_from_list(value_get(input, "Tags"), "Key", "Value");
	if (id)
		region_tags_set(call->region, call->scope, id, tags);
	return VALUE_NOTHING;
}

static Value untag(RegionCall *call, Value input, GError **error) {
	g_autofree char *id = tagged(call, input, error);
	Value keys = value_get(input, "TagKeys");
	for (gsize i = 0; id && i < value_length(keys); i++)
		region_tags_remove(call->region, call->scope, id, value_text(value_at(keys, i)));
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	g_autofree char *id = tagged(call, input, error);
	if (!id)
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, id);
	return value_object_take("Tags", region_tags_to_list(tags, "Key", "Value"), NULL);
}

/* ---- for CodePipeline and CodeBuild ---- */

gboolean connections_available(Region *region, StoreScope scope, const char *connection_arn,
	const char *repository, GError **error) {
	g_auto(Value) connection = connections_get(region, scope, connection_arn);
	const char *name = value_text_or(value_get(connection, "ConnectionName"), "");
	if (value_is_null(connection)) {
		wire_error_set(error, "ResourceNotFoundException", "Connection %s not found.",
			connection_arn);
		return FALSE;
	}
	if (g_strcmp0(value_get_text(connection, "ConnectionStatus"), "AVAILABLE") != 0) {
		wire_error_set(error, "ResourceUnavailableException",
			"Connection %s is not available: it is %s. Approve it: terrarium "
			"connection "
			"approve %s --repository %s=URL_OR_PATH",
			connection_arn, value_get_text(connection, "ConnectionStatus"), name,
			repository);
		return FALSE;
	}
	g_autofree char *id = connections_id(scope, connection_arn);
	g_auto(Value) binding = store_get(region_store(region), scope, BINDINGS, repository);
	if (!value_is_null(value_get_path(binding, "Connections", id, NULL)))
		return TRUE;
	wire_error_set(error, "ResourceNotFoundException",
		"[%s] The connection %s does not reach the repository %s: nothing is bound to that "
		"name. Bind it: terrarium connection bind %s %s URL_OR_PATH",
		value_get_text(connection, "ProviderType"), name, repository, name, repository);
	return FALSE;
}

char *connections_branch_head(
	Region *region, StoreScope scope, const char *repository, const char *branch) {
	g_autofree char *id = g_strdup_printf("%s %s", repository, branch);
	g_auto(Value) head = store_get(region_store(region), scope, CONNECTIONS_BRANCHES, id);
	return g_strdup(value_get_text(head, "CommitId"));
}

/* ---- the services ---- */

static const RegionOperation operations[] = {
	{"CreateConnection", create},
	{"GetConnection", get, .reads_only = TRUE},
	{"ListHosts", list_hosts, .reads_only = TRUE},
	{"ListRepositoryLinks", list_links, .reads_only = TRUE},
	{"ListConnections", list, .reads_only = TRUE},
	{"DeleteConnection", delete},
	{"TagResource", tag},
	{"UntagResource", untag},
	{"ListTagsForResource", list_tags, .reads_only = TRUE},
	{NULL},
};

static const RegionHttpRoute routes[] = {
	{.prefix = "/git/", .handle = connections_serve, .open = connections_serve_open},
	{.prefix = "/_terrarium/connections", .handle = connections_admin},
	{.prefix = NULL},
};

const RegionService region_connections = {.name = "codeconnections",
	.operations = operations,
	.start = connections_watch_start,
	.stop = connections_watch_stop,
	.routes = routes};
const RegionService region_connections_star = {
	.name = "codestar-connections", .operations = operations};
