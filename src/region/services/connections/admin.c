/*
 * The admin API of connections: what one does in AWS's console.
 *
 *   GET  /_terrarium/connections           [{account, region, name, arn, …, repositories}]
 *   POST /_terrarium/connections/approve   {connection, repositories: [{repository, location}]}
 *   POST /_terrarium/connections/bind      {connection, repository, location}
 *   POST /_terrarium/connections/unbind    {connection, repository}
 *
 * `connection` is a name or an ARN. `location` is a URL or an absolute path; without one, or if the
 * path is a folder that is no git repository, the region makes a bare repository of its own. The
 * answer is the connection as the list has it, or {error}.
 */
#include <string.h>

#include "region/services/connections/internal.h"
#include "value/json.h"

#define PREFIX "/_terrarium/connections"

static WireResponse *answer(int status, Value object_taken) {
	g_auto(Value) object = object_taken;
	g_autofree char *json = value_to_json(object, VALUE_JSON_COMPACT);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "application/json", json, strlen(json));
	return response;
}

static WireResponse *refuse(int status, const char *words) {
	return answer(status, value_object_take("error", value_string(words), NULL));
}

/* ---- what is told of a connection ---- */

static Value heads(Region *region, StoreScope scope, const char *repository) {
	g_autofree char *prefix = g_strconcat(repository, " ", NULL);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, CONNECTIONS_BRANCHES, prefix);
	const char *id;
	Value branch;
	while (store_iter_next(&iter, &id, &branch))
		value_builder_set_take(
			all, id + strlen(prefix), value_ref(value_get(branch, "CommitId")));
	return value_builder_end(g_steal_pointer(&all));
}

static Value repository_told(Region *region, StoreScope scope, Value binding) {
	const char *name = value_get_text(binding, "Repository");
	Value told = value_object_take("repository", value_string(name), "kind",
		value_ref(value_get(binding, "Kind")), "branches", heads(region, scope, name),
		NULL);
	if (value_has(binding, "Location"))
		told = value_with_take(told, "location", value_ref(value_get(binding, "Location")));
	if (value_has(binding, "Error"))
		told = value_with_take(told, "error", value_ref(value_get(binding, "Error")));
	if (!value_has(binding, "GitDir"))
		return told;
	return value_with_take(told, "url",
		value_string_printf(
			"http://127.0.0.1:%u/git/%s.git", region_api_port(region), name));
}

static Value told(Region *region, StoreScope scope, const char *id, Value connection) {
	g_autoptr(ValueBuilder) repositories = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter = store_iter(region_store(region), scope, BINDINGS);
	Value binding;
	while (store_iter_next(&iter, NULL, &binding))
		if (value_has(value_get(binding, "Connections"), id))
			value_builder_add_take(
				repositories, repository_told(region, scope, binding));
	return value_object_take("account", value_string(scope.account), "region",
		value_string(scope.region), "name",
		value_ref(value_get(connection, "ConnectionName")), "arn",
		value_ref(value_get(connection, "ConnectionArn")), "provider",
		value_ref(value_get(connection, "ProviderType")), "status",
		value_ref(value_get(connection, "ConnectionStatus")), "repositories",
		value_builder_end(g_steal_pointer(&repositories)), NULL);
}

static WireResponse *list(Region *region) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, CONNECTIONS);
	const char *id;
	Value connection;
	while (store_iter_next(&iter, &id, &connection))
		value_builder_add_take(all, told(region, store_iter_scope(&iter), id, connection));
	return answer(200, value_builder_end(g_steal_pointer(&all)));
}

/* ---- requests ---- */

/* A request that changes a connection: first the region's own repositories are made. */
typedef struct {
	Region *region;
	HttpReply *reply;
	StoreScope scope;
	char *id; /* of the connection */
	gboolean approves;
	GPtrArray *bindings; /* of Binding */
	guint next; /* to be made */
} Change;

static void change_free(Change *change) {
	if (!change)
		return;
	http_reply_unref(change->reply);
	g_free(change->id);
	g_ptr_array_unref(change->bindings);
	g_free(change);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

/* The connection of that name or ARN; FALSE and an error in words. */
static gboolean find(Region *region, const char *wanted, Change *change, GError **error) {
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, CONNECTIONS);
	const char *id;
	Value connection;
	while (wanted && store_iter_next(&iter, &id, &connection)) {
		StoreScope scope = store_iter_scope(&iter);
		if (g_strcmp0(value_get_text(connection, "ConnectionName"), wanted) != 0 &&
			g_strcmp0(value_get_text(connection, "ConnectionArn"), wanted) != 0)
			continue;
		if (change->id) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				"several connections are named \"%s\": say the ARN of one.",
				wanted);
			return FALSE;
		}
		change->id = g_strdup(id);
		change->scope =
			(StoreScope){g_intern_string(scope.account), g_intern_string(scope.region)};
	}
	if (!change->id)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no connection \"%s\". See terrarium connection list.",
			wanted ? wanted : "");
	return change->id != NULL;
}

/* All of it in one transaction. */
static gboolean store(Change *change, GError **error) {
	Store *store = region_store(change->region);
	if (!store_begin(store, error))
		return FALSE;
	gboolean fine = TRUE;
	for (guint i = 0; fine && i < change->bindings->len; i++)
		fine = binding_put(change->region, change->scope, change->id,
			change->bindings->pdata[i], error);
	g_auto(Value) connection = store_get(store, change->scope, CONNECTIONS, change->id);
	if (fine && change->approves && !value_is_null(connection))
		store_put_take(store, change->scope, CONNECTIONS, change->id,
			value_with_take(value_ref(connection), "ConnectionStatus",
				value_string("AVAILABLE")));
	if (fine)
		return store_commit(store, error);
	store_rollback(store);
	return FALSE;
}

static void finish(Change *change_taken) {
	g_autoptr(Change) change = change_taken;
	g_autoptr(GError) error = NULL;
	if (!store(change, &error)) {
		http_reply_send(change->reply, refuse(409, error->message));
		return;
	}
	g_auto(Value) connection =
		store_get(region_store(change->region), change->scope, CONNECTIONS, change->id);
	http_reply_send(change->reply,
		answer(200, told(change->region, change->scope, change->id, connection)));
}

static void proceed(Change *change);

static void on_made(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(Change) change = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *said = git_run_finish(result, &error);
	if (said)
		proceed(g_steal_pointer(&change));
	else
		http_reply_send(change->reply, refuse(500, error->message));
}

/* Makes the next repository of the region's own; then stores all. Takes it. */
static void proceed(Change *change) {
	while (change->next < change->bindings->len) {
		const Binding *binding = change->bindings->pdata[change->next++];
		if (g_str_equal(binding->kind, "own")) {
			git_init_async(binding->git_dir, on_made, change);
			return;
		}
	}
	finish(change);
}

static gboolean add_binding(Change *change, Value each, GError **error) {
	Binding *binding = binding_new(change->region, value_get_text(each, "repository"),
		value_get_text(each, "location"), error);
	if (binding)
		g_ptr_array_add(change->bindings, binding);
	return binding != NULL;
}

static WireResponse *unbind(Change *change, const char *repository) {
	Store *store = region_store(change->region);
	g_autoptr(GError) error = NULL;
	gboolean any = FALSE;
	if (repository && store_begin(store, &error)) {
		any = binding_remove(change->region, change->scope, change->id, repository);
		store_commit(store, &error);
	}
	if (error)
		return refuse(500, error->message);
	g_autofree char *words = g_strdup_printf(
		"the connection has no repository %s.", repository ? repository : "");
	if (!any)
		return refuse(404, words);
	g_auto(Value) connection = store_get(store, change->scope, CONNECTIONS, change->id);
	return answer(200, told(change->region, change->scope, change->id, connection));
}

static WireResponse *change(
	Region *region, const char *action, const WireRequest *request, HttpReply *reply) {
	gsize length;
	const char *body = g_bytes_get_data(request->body, &length);
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = value_from_json(body ? body : "", (gssize)length, &error);
	if (error)
		return refuse(400, error->message);
	g_autoptr(Change) change = g_new0(Change, 1);
	change->region = region;
	change->reply = http_reply_ref(reply);
	change->bindings = g_ptr_array_new_with_free_func((GDestroyNotify)binding_free);
	change->approves = g_str_equal(action, "approve");
	if (!find(region, value_get_text(input, "connection"), change, &error))
		return refuse(404, error->message);
	if (g_str_equal(action, "unbind"))
		return unbind(change, value_get_text(input, "repository"));
	Value repositories = value_get(input, "repositories");
	gboolean fine = change->approves || add_binding(change, input, &error);
	for (gsize i = 0; fine && i < value_length(repositories); i++)
		fine = add_binding(change, value_at(repositories, i), &error);
	if (!fine || (change->bindings->len > 0 && !connections_need_git(&error)))
		return refuse(400, error->message);
	proceed(g_steal_pointer(&change));
	return NULL;
}

WireResponse *connections_admin(Region *region, const WireRequest *request, HttpReply *reply) {
	static const char *const actions[] = {"approve", "bind", "unbind", NULL};
	const char *rest = request->path + strlen(PREFIX);
	const char *action = *rest == '/' ? rest + 1 : rest;
	if (request->vpc)
		return refuse(403, "Connections are managed from outside only.");
	if (!*action && g_str_equal(request->method, "GET"))
		return list(region);
	if (!g_str_equal(request->method, "POST") || !g_strv_contains(actions, action))
		return refuse(404, "There is no such request for connections.");
	return change(region, action, request, reply);
}
