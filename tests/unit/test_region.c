/* The region's core: ARNs, pages, tags, controllers, calls between services. */
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/internal.h"

static const StoreScope here = {"000000000000", "us-east-1"};

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

static void test_arn(void) {
	g_autofree char *arn = region_arn(here, "ecs", "cluster/%s", "x");
	g_assert_cmpstr(arn, ==, "arn:aws:ecs:us-east-1:000000000000:cluster/x");
	g_autofree char *service = NULL, *resource = NULL;
	g_assert_true(region_arn_parse(
		"arn:aws:logs:us-east-1:1:log-group:a:b", &service, NULL, NULL, &resource));
	g_assert_cmpstr(service, ==, "logs");
	g_assert_cmpstr(resource, ==, "log-group:a:b");
	g_assert_false(region_arn_parse("arn:aws:ecs", NULL, NULL, NULL, NULL));
	g_assert_false(region_arn_parse(NULL, NULL, NULL, NULL, NULL));
}

static void test_pages(void) {
	g_auto(Value) items = value_tuple_take(3, value_int(1), value_int(2), value_int(3));
	g_autofree char *token = NULL, *last = NULL, *none = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(Value) first = region_page(items, 2, NULL, "BadToken", &token, &error);
	g_assert_cmpuint(value_length(first), ==, 2);
	g_auto(Value) second = region_page(items, 2, token, "BadToken", &last, &error);
	g_assert_cmpuint(value_length(second), ==, 1);
	g_assert_cmpint(value_to_int(value_at(second, 0), 0), ==, 3);
	g_assert_null(last);
	g_auto(Value) bad = region_page(items, 2, "made up", "BadToken", &none, &error);
	g_assert_true(value_is_null(bad));
	g_assert_cmpstr(wire_error_code(error), ==, "BadToken");
}

typedef struct {
	Region *region;
	GMainLoop *loop;
	guint runs, wanted;
} Count;

static void count(Region *region, gpointer data) {
	Count *counter = data;
	g_assert_false(store_in_transaction(region_store(region)));
	if (++counter->runs == counter->wanted)
		g_main_loop_quit(counter->loop);
}

static void wait_for(Count *counter, guint runs) {
	counter->wanted = runs;
	if (counter->runs < runs)
		g_main_loop_run(counter->loop);
	g_assert_cmpuint(counter->runs, ==, runs);
}

/* Two commits before the loop turns are one run, and a rolled-back change is none. */
static void check_controllers(Region *region) {
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	Count counter = {region, loop, 0, 0};
	region_controller_add(region, "test", count, &counter);
	region_wake_on(region, "test", "test/");
	wait_for(&counter, 1);
	Store *store = region_store(region);
	for (int i = 0; i < 2; i++) {
		g_assert_true(store_begin(store, NULL));
		store_put_take(store, here, "test/thing", "a", value_int(i));
		g_assert_true(store_commit(store, NULL));
	}
	region_wake_after(region, "test", 3600);
	wait_for(&counter, 2);
	while (g_main_context_iteration(NULL, FALSE))
		continue;
	g_assert_cmpuint(counter.runs, ==, 2);
	g_assert_true(region_clock_advance(region, 3600, NULL));
	wait_for(&counter, 3);
}

static void check_tags(Region *region) {
	Store *store = region_store(region);
	g_auto(Value) list = value_tuple_take(1,
		value_object_take("Key", value_string("Name"), "Value", value_string("x"), NULL));
	g_auto(Value) tags = region_tags_from_list(list, "Key", "Value");
	g_assert_true(store_begin(store, NULL));
	region_tags_set(region, here, "vpc-1", tags);
	g_assert_true(store_commit(store, NULL));
	g_auto(Value) kept = region_tags(region, here, "vpc-1");
	g_assert_true(value_equal(kept, tags));
	g_auto(Value) back = region_tags_to_list(kept, "Key", "Value");
	g_assert_true(value_equal(back, list));
	g_assert_true(store_begin(store, NULL));
	region_tags_remove(region, here, "vpc-1", "Name");
	region_tags_remove(region, here, "vpc-1", "Other");
	g_assert_true(store_commit(store, NULL));
	g_assert_false(store_has(store, here, "tags", "vpc-1"));
}

static void check_call(Region *region) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) who =
		region_call(region, here, "sts", "GetCallerIdentity", VALUE_NOTHING, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(value_get_text(who, "Account"), ==, "000000000000");
	g_auto(Value) input = value_object_take("EncodedMessage", value_string("x"), NULL);
	g_auto(Value) none =
		region_call(region, here, "sts", "DecodeAuthorizationMessage", input, &error);
	g_assert_cmpstr(wire_error_code(error), ==, "NotImplemented");
}

static void test_region(void) {
	g_autofree char *home = g_dir_make_tmp("region-XXXXXX", NULL);
	RegionOptions options = {.home = home, .port = free_port(), .no_glass = TRUE};
	g_autoptr(GError) error = NULL;
	Region *region = region_new(&options, &error);
	g_assert_no_error(error);
	check_controllers(region);
	check_tags(region);
	check_call(region);
	region_free(region);
	const char *remove[] = {"rm", "-r", home, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/region/arn", test_arn);
	g_test_add_func("/region/pages", test_pages);
	g_test_add_func("/region/core", test_region);
	return g_test_run();
}
