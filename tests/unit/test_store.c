/* The store: transactions, what a reopened store holds, walking, watchers, counters. */
#include "region/store.h"

#include <glib/gstdio.h>

static const StoreScope here = {"000000000000", "us-east-1"};
static const StoreScope there = {"000000000000", "eu-west-1"};

typedef struct {
	char *folder, *path;
	Store *store;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	fixture->folder = g_dir_make_tmp("terrarium-store-XXXXXX", &error);
	fixture->path = g_build_filename(fixture->folder, "store.sqlite", NULL);
	fixture->store = store_open(fixture->path, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	store_close(fixture->store);
	g_autoptr(GDir) dir = g_dir_open(fixture->folder, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(fixture->folder);
	g_free(fixture->folder);
	g_free(fixture->path);
}

static void put(Store *store, StoreScope scope, const char *kind, const char *id, int n) {
	store_put_take(store, scope, kind, id, value_object_take("n", value_int(n), NULL));
}

static void assert_n(
	Store *store, StoreScope scope, const char *kind, const char *id, gint64 expected) {
	g_auto(Value) object = store_get(store, scope, kind, id);
	g_assert_cmpint(value_get_int(object, "n", -1), ==, expected);
}

static void test_transactions(Fixture *fixture, gconstpointer data) {
	Store *store = fixture->store;
	g_assert_true(store_begin(store, NULL));
	put(store, here, "ec2/vpc", "a", 1);
	g_assert_true(store_commit(store, NULL));
	g_assert_true(store_begin(store, NULL));
	put(store, here, "ec2/vpc", "a", 2);
	put(store, here, "ec2/vpc", "b", 3);
	g_assert_true(store_delete(store, here, "ec2/vpc", "a"));
	g_assert_false(store_has(store, here, "ec2/vpc", "a"));
	store_rollback(store);
	assert_n(store, here, "ec2/vpc", "a", 1);
	g_assert_false(store_has(store, here, "ec2/vpc", "b"));
	g_assert_false(store_has(store, there, "ec2/vpc", "a"));
}

static void test_reopen(Fixture *fixture, gconstpointer data) {
	g_assert_true(store_begin(fixture->store, NULL));
	put(fixture->store, here, "ec2/vpc", "a", 1);
	g_assert_cmpint(store_next(fixture->store, here, "revision"), ==, 1);
	g_assert_true(store_commit(fixture->store, NULL));
	g_assert_true(store_begin(fixture->store, NULL));
	put(fixture->store, here, "ec2/vpc", "lost", 1);
	store_close(fixture->store);
	fixture->store = store_open(fixture->path, NULL);
	assert_n(fixture->store, here, "ec2/vpc", "a", 1);
	g_assert_false(store_has(fixture->store, here, "ec2/vpc", "lost"));
	g_assert_true(store_begin(fixture->store, NULL));
	g_assert_cmpint(store_next(fixture->store, here, "revision"), ==, 2);
	store_rollback(fixture->store);
}

static void test_walk(Fixture *fixture, gconstpointer data) {
	Store *store = fixture->store;
	g_assert_true(store_begin(store, NULL));
	put(store, here, "ec2/vpc", "b", 2);
	put(store, here, "ec2/vpc", "a", 1);
	put(store, there, "ec2/vpc", "c", 3);
	put(store, here, "ec2/vpc-endpoint", "x", 9);
	g_assert_true(store_commit(store, NULL));
	const char *id;
	g_auto(StoreIter) own = store_iter(store, here, "ec2/vpc");
	g_assert_true(store_iter_next(&own, &id, NULL));
	g_assert_cmpstr(id, ==, "a");
	g_assert_true(store_iter_next(&own, &id, NULL));
	g_assert_cmpstr(id, ==, "b");
	g_assert_false(store_iter_next(&own, &id, NULL));
	g_auto(StoreIter) all = store_iter(store, (StoreScope){NULL, NULL}, "ec2/vpc");
	guint n = 0;
	while (store_iter_next(&all, &id, NULL)) {
		g_assert_nonnull(store_iter_scope(&all).region);
		n++;
	}
	g_assert_cmpuint(n, ==, 3);
}

static void count(Store *store, StoreScope scope, const char *kind, const char *id, Value object,
	gpointer data) {
	g_assert_cmpint(value_get_int(object, "n", -1), ==, 2);
	(*(guint *)data)++;
}

static void test_watch(Fixture *fixture, gconstpointer data) {
	guint calls = 0;
	store_watch(fixture->store, "ec2/", count, &calls);
	g_assert_true(store_begin(fixture->store, NULL));
	put(fixture->store, here, "ec2/vpc", "a", 1);
	put(fixture->store, here, "ec2/vpc", "a", 2);
	put(fixture->store, here, "ecs/task", "a", 2);
	g_assert_cmpuint(calls, ==, 0);
	g_assert_true(store_commit(fixture->store, NULL));
	g_assert_cmpuint(calls, ==, 1);
}

#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	ADD("/store/transactions", test_transactions);
	ADD("/store/reopen", test_reopen);
	ADD("/store/walk", test_walk);
	ADD("/store/watch", test_watch);
	return g_test_run();
}
