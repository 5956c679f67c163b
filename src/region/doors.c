/* Doors inside VPCs. See doors.h. */
#include "region/doors.h"

#include <string.h>
#include <sys/socket.h>

#include "glass/job.h"
#include "glass/net.h"
#include "region/authorise.h"
#include "region/http.h"
#include "region/services/ec2/ec2.h"
#include "region/services/iam/iam.h"
#include "value/json.h"

extern const RegionService region_doors;

#define NAME "doors" /* the service's data */
#define METADATA "doors/metadata"
#define CREDENTIALS                                                                                \
	"door/credentials" /* by id: RoleArn, Account (of the role), Service, Session, Vpc,        \
			      Address */
#define CREDENTIALS_PATH "/v2/credentials/"
#define METADATA_PATH "/v4/"
#define CREDENTIALS_S (6 * 3600)
#define ECS_TASKS "ecs-tasks.amazonaws.com"

static const guint16 ports[] = {80, 4566};

typedef struct {
	Region *region;
	StoreScope scope; /* interned */
	HttpServer *servers[G_N_ELEMENTS(ports)];
} Door;

/* ---- answers ---- */

static WireResponse *json_answer(int status, Value body_taken) {
	g_auto(Value) body = body_taken;
	g_autofree char *text = value_to_json(body, VALUE_JSON_COMPACT);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "application/json", text, strlen(text));
	return response;
}

static WireResponse *refuse(int status, const char *code, const char *message) {
	return json_answer(
		status, value_object_take("code", value_string(code), "message",
				value_string(message), "HTTPErrorCode", value_int(status), NULL));
}

/* ---- credentials ---- */

char *door_id(void) {
	return g_uuid_string_random();
}

static Value session_of(Region *region, StoreScope scope, const char *role_arn, const char *session,
	const char *service, GError **error) {
	return iam_role_session(region, scope, role_arn, session, service, CREDENTIALS_S, error);
}

gboolean door_service_credentials_add(Region *region, StoreScope scope, const char *id,
	const char *vpc_account, const char *vpc, const char *address, const char *role_arn,
	const char *session, const char *service, GError **error) {
	StoreScope place = {vpc_account, scope.region};
	g_autoptr(GError) local = NULL;
	g_auto(Value) first = session_of(region, scope, role_arn, session, service, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	store_put_take(region_store(region), place, CREDENTIALS, id,
		value_object_take("RoleArn", value_string(role_arn), "Account",
			value_string(scope.account), "Service", value_string(service), "Session",
			value_string(session), "Vpc", value_string(vpc), "Address",
			value_string(address), NULL));
	return TRUE;
}

void door_service_credentials_remove(
	Region *region, StoreScope scope, const char *vpc_account, const char *id) {
	store_delete(
		region_store(region), (StoreScope){vpc_account, scope.region}, CREDENTIALS, id);
}

gboolean door_credentials_add(Region *region, StoreScope scope, const char *id, const char *vpc,
	const char *address, const char *role_arn, const char *session, GError **error) {
	return door_service_credentials_add(region, scope, id, scope.account, vpc, address,
		role_arn, session, ECS_TASKS, error);
}

void door_credentials_remove(Region *region, StoreScope scope, const char *id) {
	door_service_credentials_remove(region, scope, scope.account, id);
}

static Value credentials_view(Value credentials, const char *role_arn) {
	g_autoptr(GDateTime) end =
		g_date_time_new_from_unix_utc(value_get_int(credentials, "Expiration", 0));
	g_autofree char *expiration = g_date_time_format(end, "%Y-%m-%dT%H:%M:%SZ");
	return value_object_take("RoleArn", value_string(role_arn), "AccessKeyId",
		value_ref(value_get(credentials, "AccessKeyId")), "SecretAccessKey",
		value_ref(value_get(credentials, "SecretAccessKey")), "Token",
		value_ref(value_get(credentials, "SessionToken")), "Expiration",
		value_string(expiration), NULL);
}

/* Session keys as they are, or new ones when those come to their end. */
static Value renewed(Region *region, StoreScope scope, Value entry, GError **error) {
	Store *store = region_store(region);
	if (!store_begin(store, error))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	StoreScope owner = {
		value_text_or(value_get(entry, "Account"), scope.account), scope.region};
	g_auto(Value) credentials = session_of(region, owner, value_get_text(entry, "RoleArn"),
		value_get_text(entry, "Session"),
		value_text_or(value_get(entry, "Service"), ECS_TASKS), &local);
	if (local)
		store_rollback(store);
	else
		store_commit(store, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return value_steal(&credentials);
}

static WireResponse *answer_credentials(
	Region *region, StoreScope scope, const WireRequest *request, const char *id) {
	g_auto(Value) entry = store_get(region_store(region), scope, CREDENTIALS, id);
	/* The same words whether it is not there or another's. */
	if (g_strcmp0(value_get_text(entry, "Vpc"), request->vpc) != 0 || !request->vpc ||
		g_strcmp0(value_get_text(entry, "Address"), request->peer) != 0)
		return refuse(
			400, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found");
	g_autoptr(GError) error = NULL;
	g_auto(Value) credentials = renewed(region, scope, entry, &error);
	if (error)
		return refuse(500, "InternalServerError", error->message);
	return json_answer(200, credentials_view(credentials, value_get_text(entry, "RoleArn")));
}

/* ---- metadata ---- */

typedef struct {
	DoorTaskMetadata metadata;
} Provider;

void door_task_metadata_set(Region *region, DoorTaskMetadata metadata) {
	Provider *provider = g_new0(Provider, 1);
	provider->metadata = metadata;
	region_set_data(region, METADATA, provider, g_free);
}

static WireResponse *answer_metadata(
	Region *region, StoreScope scope, const WireRequest *request, const char *path) {
	const Provider *provider = region_data(region, METADATA);
	gsize length = strcspn(path, "/");
	g_autofree char *id = g_strndup(path, length);
	const char *rest = g_str_equal(path + length, "/") ? "" : path + length;
	g_auto(Value) answer =
		provider && request->vpc && request->peer
			? provider->metadata(region, scope, request->vpc, request->peer, id, rest)
			: VALUE_NOTHING;
	if (value_is_null(answer))
		return refuse(404, "NotFound", "There is no such metadata for this task.");
	return json_answer(200, value_steal(&answer));
}

/* ---- requests ---- */

WireResponse *door_answer(Region *region, StoreScope scope, const WireRequest *request) {
	const char *path = request->path;
	gboolean gets = g_str_equal(request->method, "GET");
	if (gets && g_str_has_prefix(path, CREDENTIALS_PATH))
		return answer_credentials(region, scope, request, path + strlen(CREDENTIALS_PATH));
	if (gets && g_str_has_prefix(path, METADATA_PATH))
		return answer_metadata(region, scope, request, path + strlen(METADATA_PATH));
	if (g_str_has_prefix(path, "/_terrarium/"))
		return refuse(404, "NotFound", "The admin API is not served inside VPCs.");
	return region_dispatch(request, region);
}

static WireResponse *on_request(const WireRequest *request, gpointer data) {
	const Door *door = data;
	return door_answer(door->region, door->scope, request);
}

/* Credentials are no registry, though both begin with /v2/. */
static const RegionHttpRoute *find_route(const WireRequest *head, Region *region) {
	return g_str_has_prefix(head->path, CREDENTIALS_PATH) ? NULL
							      : region_find_route(head, region);
}

/* ---- VPCs that come and go ---- */

static void door_free(gpointer data) {
	Door *door = data;
	for (guint i = 0; i < G_N_ELEMENTS(ports); i++)
		http_server_free(door->servers[i]);
	g_free(door);
}

static HttpServer *serve(Door *door, const char *vpc, guint16 port, GError **error) {
	int socket = glass_listen(region_glass(door->region), vpc, SOCK_STREAM,
		NET_ADDRESS_TASK_METADATA, port, error);
	HttpServer *server =
		socket < 0 ? NULL : http_server_new_socket(socket, on_request, door, error);
	if (!server)
		return NULL;
	http_server_set_vpc(server, vpc);
	http_server_serve_routes(server, find_route, door->region);
	return server;
}

static void on_vpc(
	Region *region, StoreScope scope, const char *vpc, gboolean there, gpointer data) {
	GHashTable *doors = data;
	if (!there) {
		g_hash_table_remove(doors, vpc);
		return;
	}
	Door *door = g_new0(Door, 1);
	*door = (Door){.region = region,
		.scope = {g_intern_string(scope.account), g_intern_string(scope.region)}};
	for (guint i = 0; i < G_N_ELEMENTS(ports); i++) {
		g_autoptr(GError) error = NULL;
		door->servers[i] = serve(door, vpc, ports[i], &error);
		if (error)
			g_warning("tasks in %s will not reach port %u of " NET_ADDRESS_TASK_METADATA
				  ": %s",
				vpc, ports[i], error->message);
	}
	g_hash_table_replace(doors, g_strdup(vpc), door);
}

static gboolean start(Region *region, GError **error) {
	if (!region_glass(region))
		return TRUE;
	GHashTable *doors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, door_free);
	region_set_data(region, NAME, doors, NULL);
	ec2_vpc_watch(region, on_vpc, doors);
	return TRUE;
}

static void stop(Region *region) {
	GHashTable *doors = region_data(region, NAME);
	if (doors)
		g_hash_table_unref(doors);
	region_set_data(region, NAME, NULL, NULL);
}

const RegionService region_doors = {.start = start, .stop = stop};
