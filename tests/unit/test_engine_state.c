/* State: the file, the journal of a process that was killed, the lock; addresses; graphs. */
#include <glib/gstdio.h>

#include "engine/address.h"
#include "engine/graph.h"
#include "engine/state.h"

#define PROVIDER "provider[\"terraform.io/builtin/terraform\"]"

static StateObject *object_with(const char *id) {
	StateObject *object = state_object_new();
	object->attributes = value_object_take("id", value_string(id), NULL);
	return object;
}

static void put(State *state, const char *address, const char *id) {
	g_autoptr(GError) error = NULL;
	g_assert_true(
		state_put(state, address, PROVIDER, NULL, id ? object_with(id) : NULL, &error));
	g_assert_no_error(error);
}

static char *temporary(char **folder) {
	*folder = g_dir_make_tmp("terrarium-state-XXXXXX", NULL);
	return g_build_filename(*folder, "terraform.tfstate", NULL);
}

static void clean(const char *folder) {
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
}

/* A process that ends without folding: everything it put is there afterwards. */
static void test_journal(void) {
	g_autofree char *folder = NULL;
	g_autofree char *path = temporary(&folder);
	g_autoptr(GError) error = NULL;
	State *killed = state_open(path, &error);
	put(killed, "module.a[\"x\"].terraform_data.b[1]", "one");
	put(killed, "terraform_data.gone", "two");
	put(killed, "terraform_data.gone", NULL);
	g_assert_nonnull(state_depose(killed, "module.a[\"x\"].terraform_data.b[1]", &error));
	put(killed, "module.a[\"x\"].terraform_data.b[1]", "three");
	g_autofree char *lineage = g_strdup(killed->lineage);
	state_free(killed);
	g_autoptr(State) state = state_open(path, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(state->lineage, ==, lineage);
	g_assert_cmpuint(g_hash_table_size(state->instances), ==, 1);
	StateInstance *instance = state_instance(state, "module.a[\"x\"].terraform_data.b[1]");
	g_assert_cmpstr(value_get_text(instance->current->attributes, "id"), ==, "three");
	g_assert_cmpuint(g_hash_table_size(instance->deposed), ==, 1);
	/* Who only reads leaves the journal to whoever writes it, or folds it. */
	g_assert_cmpuint(state->serial, ==, 0);
	g_assert_true(state_fold(state, &error));
	g_assert_cmpuint(state->serial, ==, 1);
	g_autoptr(State) again = state_open(path, &error);
	g_assert_cmpuint(again->serial, ==, 1);
	clean(folder);
}

static void test_cut_line(void) {
	g_autofree char *folder = NULL;
	g_autofree char *path = temporary(&folder);
	g_autoptr(GError) error = NULL;
	State *killed = state_open(path, &error);
	put(killed, "terraform_data.a", "one");
	state_free(killed);
	g_autofree char *journal = g_strconcat(path, ".journal", NULL);
	FILE *file = fopen(journal, "a");
	fputs("{\"address\":\"terraform_data.b\",\"obj", file);
	fclose(file);
	g_autoptr(State) state = state_open(path, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_hash_table_size(state->instances), ==, 1);
	clean(folder);
}

static void test_encode(void) {
	const TypeAttribute attributes[] = {{"a", type_any(), FALSE}, {"b", type_string(), FALSE}};
	const Type *type = type_object(attributes, 2);
	g_auto(Value) value = value_object_take("a",
		value_tuple_take(2, value_int(1), value_string("x")), "b", value_string("y"), NULL);
	g_autoptr(StateObject) object = state_object_new();
	g_auto(Value) path = value_tuple_take(1, value_tuple_take(1, value_string("b")));
	g_auto(Value) marked = state_mark_paths(value, path);
	state_object_set(object, marked, type);
	g_autofree char *problem = NULL;
	g_auto(Value) back = state_object_value(object, type, &problem);
	g_assert_cmpstr(problem, ==, NULL);
	g_assert_true(value_equal(back, value));
	g_assert_true(value_is_sensitive(value_get(back, "b")));
	g_assert_false(value_is_sensitive(value_get(back, "a")));
}

static void test_lock(void) {
	g_autofree char *folder = NULL;
	g_autofree char *path = temporary(&folder);
	g_autoptr(GError) error = NULL;
	StateLock *lock = state_lock(path, "OperationTypeApply", 0, &error);
	g_assert_nonnull(lock);
	g_assert_null(state_lock(path, "OperationTypePlan", 0, &error));
	g_assert_nonnull(strstr(error->message, "OperationTypeApply"));
	state_unlock(lock);
	g_clear_error(&error);
	lock = state_lock(path, "OperationTypePlan", 0, &error);
	g_assert_nonnull(lock);
	state_unlock(lock);
	clean(folder);
}

static void test_address(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Address) whole = address_parse("module.a", diags);
	g_autoptr(Address) instance = address_parse("module.a[\"x.y\"].data.aws_a.b[3]", diags);
	g_autoptr(Address) resource = address_parse("aws_a.b", diags);
	g_assert_false(diags_has_errors(diags));
	g_assert_false(instance->managed);
	g_assert_cmpstr(instance->module, ==, "module.a[\"x.y\"]");
	g_assert_cmpstr(instance->module_config, ==, "module.a");
	g_assert_true(address_covers(whole, "module.a[\"x.y\"].data.aws_a.b[3]"));
	g_assert_false(address_covers(whole, "module.ab.aws_a.b"));
	g_assert_true(address_covers(resource, "aws_a.b[0]"));
	g_assert_false(address_covers(resource, "aws_a.bc"));
	g_autofree char *bare = address_without_keys("module.a[\"x]\"].data.aws_a.b[3]");
	g_assert_cmpstr(bare, ==, "module.a.data.aws_a.b");
	g_assert_null(address_parse("nonsense[", diags));
	g_assert_true(diags_has_errors(diags));
}

/* ---- graphs ---- */

static gboolean note(GraphNode *node, gpointer data) {
	GString *order = ((gpointer *)data)[0];
	g_string_append(order, ((gpointer *)data)[1]);
	return ((gpointer *)data)[2] == NULL;
}

static void test_graph(void) {
	g_autoptr(Graph) graph = graph_new();
	g_autoptr(GString) order = g_string_new("");
	gpointer data[][3] = {{order, "a"}, {order, "b"}, {order, "c", order}, {order, "d"}};
	GraphNode *nodes[4];
	for (guint i = 0; i < 4; i++)
		nodes[i] = graph_add(graph, data[i][1], note, data[i]);
	graph_depend(nodes[0], nodes[1]);
	graph_depend(nodes[1], nodes[2]);
	g_assert_null(graph_cycle(graph));
	GMutex lock;
	g_mutex_init(&lock);
	g_mutex_lock(&lock);
	g_assert_false(graph_walk(graph, 4, &lock));
	g_mutex_unlock(&lock);
	g_mutex_clear(&lock);
	/* c fails, so b and a do not run; d does. */
	g_assert_cmpuint(order->len, ==, 2);
	g_assert_nonnull(strchr(order->str, 'c'));
	g_assert_nonnull(strchr(order->str, 'd'));
}

static void test_cycle(void) {
	g_autoptr(Graph) graph = graph_new();
	GraphNode *a = graph_add(graph, "a", NULL, NULL), *b = graph_add(graph, "b", NULL, NULL);
	GraphNode *c = graph_add(graph, "c", NULL, NULL);
	graph_depend(c, a);
	graph_depend(a, b);
	graph_depend(b, a);
	g_auto(GStrv) cycle = graph_cycle(graph);
	g_assert_cmpuint(g_strv_length(cycle), ==, 2);
}

/* What is no address of a resource is an error in a file, and is passed over in a journal. */
static void test_bad_address(void) {
	static const char text[] = "{\"version\":4,\"lineage\":\"l\",\"resources\":[{\"mode\":"
				   "\"managed\",\"type\":\"\","
				   "\"name\":\"a\",\"instances\":[{\"attributes\":{}}]}]}";
	g_autoptr(GError) error = NULL;
	g_assert_null(state_from_text(text, -1, &error));
	g_assert_nonnull(strstr(error->message, "no address of a resource"));
	g_autofree char *folder = NULL;
	g_autofree char *path = temporary(&folder);
	g_autofree char *journal = g_strconcat(path, ".journal", NULL);
	static const char lines[] = "{\"lineage\":\"l\",\"serial\":0}\n"
				    "{\"address\":\"module.\",\"object\":{}}\n"
				    "{\"address\":\"terraform_data.a\",\"object\":{}}\n";
	g_assert_true(g_file_set_contents(journal, lines, -1, NULL));
	g_autoptr(GError) problem = NULL;
	g_autoptr(State) state = state_open(path, &problem);
	g_assert_no_error(problem);
	g_assert_cmpuint(g_hash_table_size(state->instances), ==, 1);
	clean(folder);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/state/journal", test_journal);
	g_test_add_func("/engine/state/cut-line", test_cut_line);
	g_test_add_func("/engine/state/bad-address", test_bad_address);
	g_test_add_func("/engine/state/encode", test_encode);
	g_test_add_func("/engine/state/lock", test_lock);
	g_test_add_func("/engine/address", test_address);
	g_test_add_func("/engine/graph", test_graph);
	g_test_add_func("/engine/graph/cycle", test_cycle);
	return g_test_run();
}
