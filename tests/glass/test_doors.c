/* The doors of a VPC for real: a region with a glass, asked over HTTP from inside. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glass/job.h"
#include "glass/net.h"
#include "region/doors.h"
#include "region/internal.h"
#include "region/services/iam/iam.h"
#include "value/json.h"
#include "wire/sigv4.h"

#define WAIT_MS 20000

static const StoreScope here = {"000000000000", "us-east-1"};
static Region *region;

static Value call(const char *service, const char *operation, Value input_taken) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = input_taken;
	Value output = region_call(region, here, service, operation, input, &error);
	g_assert_no_error(error);
	return output;
}

/* Turns the loop until the socket can be read. */
static gboolean wait_readable(int fd) {
	gint64 until = g_get_monotonic_time() + 2000 * 1000;
	struct pollfd ready = {fd, POLLIN};
	while (g_get_monotonic_time() < until) {
		if (poll(&ready, 1, 2) == 1)
			return (ready.revents & POLLIN) && !(ready.revents & POLLERR);
		g_main_context_iteration(NULL, FALSE);
	}
	return FALSE;
}

/* What a request from `netns` gets: the whole answer; NULL if nobody listens. */
static char *send_text(const char *netns, guint16 port, const char *text) {
	g_autoptr(GString) answer = g_string_new(NULL);
	int fd = glass_connect(
		region_glass(region), netns, SOCK_STREAM, NET_ADDRESS_TASK_METADATA, port, NULL);
	if (fd < 0)
		return NULL;
	struct pollfd ready = {fd, POLLOUT};
	gssize n = poll(&ready, 1, 1000) == 1 ? send(fd, text, strlen(text), MSG_NOSIGNAL) : -1;
	char bytes[4096];
	while (n > 0 && wait_readable(fd)) {
		n = recv(fd, bytes, sizeof bytes, 0);
		if (n > 0)
			g_string_append_len(answer, bytes, n);
	}
	close(fd);
	return answer->len > 0 ? g_strdup(answer->str) : NULL;
}

static char *get(const char *netns, const char *path) {
	g_autofree char *text = g_strdup_printf(
		"GET %s HTTP/1.1\r\nHost: 169.254.170.2\r\nConnection: close\r\n\r\n", path);
	return send_text(netns, 80, text);
}

static void wait_for_door(const char *netns, gboolean open) {
	gint64 until = g_get_monotonic_time() + WAIT_MS * 1000;
	while (g_get_monotonic_time() < until) {
		g_autofree char *answer = get(netns, "/");
		if ((answer != NULL) == open)
			return;
		for (int i = 0; i < 20; i++, g_usleep(1000))
			g_main_context_iteration(NULL, FALSE);
	}
	g_assert_not_reached();
}

static Value body_of(const char *answer, int status) {
	g_autofree char *line = g_strdup_printf("HTTP/1.1 %d ", status);
	g_assert_nonnull(answer);
	if (!g_str_has_prefix(answer, line))
		g_error("not %d: %s", status, answer);
	g_autoptr(GError) error = NULL;
	Value body = value_from_json(strstr(answer, "\r\n\r\n") + 4, -1, &error);
	g_assert_no_error(error);
	return body;
}

/* ---- signed calls ---- */

static char *call_from(const char *netns, guint16 port, const WireCredentials *keys,
	const char *target, const char *body) {
	g_autoptr(WireRequest) request = wire_request_new("POST", "/", "");
	wire_request_set_header(request, "host", "ecs.us-east-1.amazonaws.com");
	wire_request_set_header(request, "x-amz-target", target);
	wire_request_set_header(request, "content-type", "application/x-amz-json-1.1");
	g_bytes_unref(request->body);
	request->body = g_bytes_new(body, strlen(body));
	if (keys)
		sigv4_sign(request, keys, "us-east-1", "ecs", region_now(region) / G_USEC_PER_SEC);
	g_autoptr(GString) text = g_string_new("POST / HTTP/1.1\r\n");
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, request->headers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_string_append_printf(text, "%s: %s\r\n", (const char *)name, (const char *)value);
	g_string_append_printf(
		text, "Connection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	return send_text(netns, port, text->str);
}

#define ECS "AmazonEC2ContainerServiceV20141113."

static void check_api(const char *netns, Value credentials) {
	const WireCredentials task = {value_get_text(credentials, "AccessKeyId"),
		value_get_text(credentials, "SecretAccessKey"),
		value_get_text(credentials, "Token")};
	const WireCredentials stranger = {"terrarium", "terrarium", NULL};
	static const guint16 ports[] = {80, 4566};
	for (guint i = 0; i < G_N_ELEMENTS(ports); i++) {
		g_autofree char *allowed =
			call_from(netns, ports[i], &task, ECS "ListClusters", "{}");
		g_auto(Value) list = body_of(allowed, 200);
		g_assert_true(value_has(list, "clusterArns"));
		g_autofree char *denied =
			call_from(netns, ports[i], &task, ECS "CreateCluster", "{}");
		g_auto(Value) refusal = body_of(denied, 400);
		g_assert_cmpstr(value_get_text(refusal, "__type"), ==, "AccessDeniedException");
		/* Nobody here is the developer. */
		g_autofree char *unknown =
			call_from(netns, ports[i], &stranger, ECS "ListClusters", "{}");
		g_auto(Value) unknown_body = body_of(unknown, 400);
		g_assert_cmpstr(
			value_get_text(unknown_body, "__type"), ==, "UnrecognizedClientException");
		g_autofree char *bare = call_from(netns, ports[i], NULL, ECS "ListClusters", "{}");
		g_auto(Value) bare_body = body_of(bare, 400);
		g_assert_cmpstr(value_get_text(bare_body, "__type"), ==,
			"MissingAuthenticationTokenException");
	}
}

/* ---- the test ---- */

static Value metadata(Region *the_region, StoreScope scope, const char *vpc, const char *peer,
	const char *id, const char *rest) {
	if (!g_str_equal(id, "m-1"))
		return VALUE_NOTHING;
	return value_object_take("Rest", value_string(rest), "Peer", value_string(peer), NULL);
}

static void create_role(void) {
	static const char trust[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
		"{\"Service\":\"ecs-tasks.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
				     "\"Allow\",\"Action\":\"ecs:List*\",\"Resource\":\"*\"}]}";
	value_unref(call("iam", "CreateRole",
		value_object_take("RoleName", value_string("task"), "AssumeRolePolicyDocument",
			value_string(trust), NULL)));
	value_unref(call("iam", "PutRolePolicy",
		value_object_take("RoleName", value_string("task"), "PolicyName", value_string("p"),
			"PolicyDocument", value_string(policy), NULL)));
}

static char *create_vpc(void) {
	g_auto(Value) vpc = call("ec2", "CreateVpc",
		value_object_take("CidrBlock", value_string("10.9.0.0/24"), NULL));
	return g_strdup(value_text(value_get_path(vpc, "Vpc", "VpcId", NULL)));
}

/* Requests of the VPC's own namespace come from its loopback address. */
static void check_credentials(const char *vpc) {
	g_autofree char *id = door_id(), *other = door_id();
	g_autoptr(GError) error = NULL;
	static const char role[] = "arn:aws:iam::000000000000:role/task";
	g_assert_true(store_begin(region_store(region), &error));
	g_assert_true(door_credentials_add(region, here, id, vpc, NET_ADDRESS_TASK_METADATA, role,
		"0123456789abcdef", &error));
	g_assert_true(door_credentials_add(
		region, here, other, vpc, "10.9.0.44", role, "another", &error));
	g_assert_false(door_credentials_add(region, here, "x", vpc, "10.9.0.44",
		"arn:aws:iam::000000000000:role/none", "s", &error));
	g_assert_cmpstr(wire_error_code(error), ==, "NoSuchEntity");
	g_clear_error(&error);
	g_assert_true(store_commit(region_store(region), &error));

	g_autofree char *path = g_strconcat("/v2/credentials/", id, NULL);
	g_autofree char *first = get(vpc, path);
	g_auto(Value) credentials = body_of(first, 200);
	g_assert_cmpstr(value_get_text(credentials, "RoleArn"), ==, role);
	g_assert_true(g_str_has_prefix(value_get_text(credentials, "AccessKeyId"), "ASIA"));
	check_api(vpc, credentials);
	g_autofree char *second = get(vpc, path);
	g_auto(Value) again = body_of(second, 200);
	g_assert_true(value_equal(credentials, again));
	/* Another task's. */
	g_autofree char *other_path = g_strconcat("/v2/credentials/", other, NULL);
	g_autofree char *refused = get(vpc, other_path);
	g_auto(Value) refusal = body_of(refused, 400);
	g_assert_cmpstr(value_get_text(refusal, "code"), ==, "InvalidIdInRequest");
	g_assert_true(store_begin(region_store(region), &error));
	door_credentials_remove(region, here, id);
	g_assert_true(store_commit(region_store(region), &error));
	g_autofree char *gone = get(vpc, path);
	g_auto(Value) gone_body = body_of(gone, 400);
}

static void check_metadata(const char *vpc) {
	door_task_metadata_set(region, metadata);
	g_autofree char *task = get(vpc, "/v4/m-1/task");
	g_auto(Value) body = body_of(task, 200);
	g_assert_cmpstr(value_get_text(body, "Rest"), ==, "/task");
	g_assert_cmpstr(value_get_text(body, "Peer"), ==, NET_ADDRESS_TASK_METADATA);
	g_autofree char *container = get(vpc, "/v4/m-1");
	g_auto(Value) container_body = body_of(container, 200);
	g_assert_cmpstr(value_get_text(container_body, "Rest"), ==, "");
	g_autofree char *none = get(vpc, "/v4/m-2/task");
	g_auto(Value) none_body = body_of(none, 404);
	g_autofree char *admin = get(vpc, "/_terrarium/health");
	g_auto(Value) admin_body = body_of(admin, 404);
}

static void test_doors(void) {
	g_autoptr(GError) error = NULL;
	g_autofree char *home = g_strdup_printf("/tmp/test-doors-%d", getpid());
	RegionOptions options = {.home = home, .port = 20000 + (guint)getpid() % 10000};
	region = region_new(&options, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	create_role();
	g_autofree char *vpc = create_vpc();
	wait_for_door(vpc, TRUE);
	check_credentials(vpc);
	check_metadata(vpc);
	/* A new process takes over. */
	region_free(region);
	region = region_new(&options, &error);
	g_assert_no_error(error);
	wait_for_door(vpc, TRUE);
	value_unref(call("ec2", "DeleteVpc", value_object_take("VpcId", value_string(vpc), NULL)));
	wait_for_door(vpc, FALSE);
	region_free(region);
	g_assert_true(glass_destroy_home(home, &error));
	g_assert_no_error(error);
	const char *remove[] = {"rm", "-rf", home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/doors/all", test_doors);
	return g_test_run();
}
