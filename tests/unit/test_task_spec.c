/* Tasks that can be run, in which order, and those that cannot. */
#include "glass/task.h"

#include <string.h>

static TaskSpec *sample(const char *const *names) {
	TaskSpec *spec = task_spec_new("t", "t");
	for (; *names; names++)
		task_spec_container(spec, container_spec_new(*names, "sha256:x"));
	return spec;
}

static ContainerSpec *at(TaskSpec *spec, guint index) {
	return spec->containers->pdata[index];
}

static void refuse(TaskSpec *spec, const char *message) {
	g_autoptr(GError) error = NULL;
	g_assert_null(task_spec_order(spec, &error));
	g_assert_nonnull(error);
	if (!strstr(error->message, message))
		g_error("'%s' says nothing of '%s'", error->message, message);
	task_spec_free(spec);
}

static void test_order(void) {
	g_autoptr(TaskSpec) spec = sample((const char *const[]){"web", "proxy", "migrate", NULL});
	at(spec, 2)->essential = FALSE;
	container_spec_depends_on(at(spec, 0), "migrate", CONTAINER_SUCCESS);
	container_spec_depends_on(at(spec, 1), "web", CONTAINER_START);
	g_autoptr(GPtrArray) order = task_spec_order(spec, NULL);
	g_assert_cmpuint(order->len, ==, 3);
	g_assert_true(order->pdata[0] == at(spec, 2));
	g_assert_true(order->pdata[1] == at(spec, 0));
	g_assert_true(order->pdata[2] == at(spec, 1));
}

static void test_refused(void) {
	const char *const *two = (const char *const[]){"a", "b", NULL};
	refuse(sample((const char *const[]){NULL}), "at least one");
	refuse(sample((const char *const[]){"a", "a", NULL}), "two containers are named 'a'");
	TaskSpec *spec = sample(two);
	container_spec_depends_on(at(spec, 0), "c", CONTAINER_START);
	refuse(spec, "unknown container 'c'");
	spec = sample(two);
	container_spec_depends_on(at(spec, 0), "b", CONTAINER_START);
	container_spec_depends_on(at(spec, 1), "a", CONTAINER_START);
	refuse(spec, "circle");
	spec = sample(two);
	container_spec_depends_on(at(spec, 0), "a", CONTAINER_START);
	refuse(spec, "circle");
	spec = sample(two);
	container_spec_depends_on(at(spec, 0), "b", CONTAINER_COMPLETE);
	refuse(spec, "essential");
	spec = sample(two);
	container_spec_depends_on(at(spec, 0), "b", CONTAINER_HEALTHY);
	refuse(spec, "no health check");
	spec = sample(two);
	container_spec_mount(at(spec, 0), "data", "/data", FALSE);
	refuse(spec, "unknown volume 'data'");
	spec = sample(two);
	container_spec_volumes_from(at(spec, 0), "c", TRUE);
	refuse(spec, "takes volumes from the unknown container 'c'");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/task-spec/order", test_order);
	g_test_add_func("/task-spec/refused", test_refused);
	return g_test_run();
}
