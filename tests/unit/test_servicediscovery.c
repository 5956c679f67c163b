/* Cloud Map as other services use it: instances that come, are ill, and go. */
#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/internal.h"
#include "region/services/servicediscovery/servicediscovery.h"

static const StoreScope here = {"000000000000", "us-east-1"};
static Region *region;

static guint free_port(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
	close(fd);
	return ntohs(address.sin_port);
}

static Value call(const char *operation, Value input_taken) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = input_taken;
	Value output = region_call(region, here, "servicediscovery", operation, input, &error);
	g_assert_no_error(error);
	return output;
}

/* The ARN of a new service that keeps health, in a new namespace. Caller frees. */
static char *create_service(void) {
	g_auto(Value) namespace =
		call("CreateHttpNamespace", value_object_take("Name", value_string("api"), NULL));
	g_auto(Value) operation =
		call("GetOperation", value_object_take("OperationId",
					     value_ref(value_get(namespace, "OperationId")), NULL));
	Value id = value_get_path(operation, "Operation", "Targets", "NAMESPACE", NULL);
	g_auto(Value) service = call("CreateService",
		value_object_take("Name", value_string("web"), "NamespaceId", value_ref(id),
			"HealthCheckCustomConfig", value_empty_object(), NULL));
	return g_strdup(value_text(value_get_path(service, "Service", "Arn", NULL)));
}

static Value discover(void) {
	return call("DiscoverInstances", value_object_take("NamespaceName", value_string("api"),
						 "ServiceName", value_string("web"), NULL));
}

static void check_discovered(gsize expected) {
	g_auto(Value) found = discover();
	g_assert_cmpuint(value_length(value_get(found, "Instances")), ==, expected);
}

static gboolean enter(const char *service, Value attributes_taken, GError **error) {
	g_auto(Value) attributes = attributes_taken;
	Store *store = region_store(region);
	g_assert_true(store_begin(store, NULL));
	gboolean fine = servicediscovery_register(region, here, service, "task", attributes, error);
	g_assert_true(store_commit(store, NULL));
	return fine;
}

static void check_life(const char *service) {
	g_autoptr(GError) error = NULL;
	Store *store = region_store(region);
	check_discovered(0);
	g_assert_true(enter(service,
		value_object_take("AWS_INSTANCE_IPV4", value_string("10.0.0.5"),
			"AWS_INIT_HEALTH_STATUS", value_string("UNHEALTHY"), NULL),
		&error));
	check_discovered(0);
	g_assert_true(store_begin(store, NULL));
	servicediscovery_health(region, here, service, "task", TRUE);
	servicediscovery_health(region, here, service, "no such task", TRUE);
	g_assert_true(store_commit(store, NULL));
	check_discovered(1);
	g_assert_true(store_begin(store, NULL));
	servicediscovery_deregister(region, here, service, "task");
	servicediscovery_deregister(region, here, service, "task");
	g_assert_true(store_commit(store, NULL));
	check_discovered(0);
}

static void check_refusals(const char *service) {
	g_autoptr(GError) error = NULL, missing = NULL;
	g_assert_false(enter(service,
		value_object_take("AWS_INSTANCE_IPV4", value_string("nowhere"), NULL), &error));
	g_assert_cmpstr(wire_error_code(error), ==, "InvalidInput");
	g_assert_false(enter("arn:aws:servicediscovery:us-east-1:000000000000:service/srv-none",
		value_empty_object(), &missing));
	g_assert_cmpstr(wire_error_code(missing), ==, "ServiceNotFound");
}

static void test_instances(void) {
	g_autofree char *home = g_dir_make_tmp("discovery-XXXXXX", NULL);
	RegionOptions options = {.home = home, .port = free_port(), .no_glass = TRUE};
	g_autoptr(GError) error = NULL;
	region = region_new(&options, &error);
	g_assert_no_error(error);
	g_autofree char *service = create_service();
	check_life(service);
	check_refusals(service);
	region_free(region);
	const char *remove[] = {"rm", "-r", home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/servicediscovery/instances", test_instances);
	return g_test_run();
}
