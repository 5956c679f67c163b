/* The runtime config of a container: what its definition and its image make together. */
#include "glass/oci.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static char *root;

static json_t *config(const ContainerSpec *spec, const ImageConfig *image, GPtrArray *differences) {
	g_autoptr(GError) error = NULL;
	OciPlace place = {.root = root,
		.network = "/run/netns/eni",
		.hostname = "ip-10-0-0-1",
		.hosts = "/x/hosts",
		.file_limit = 1024};
	g_autofree char *text = oci_config(spec, image, &place, differences, &error);
	g_assert_no_error(error);
	return json_loads(text, 0, NULL);
}

static void refuse(const ContainerSpec *spec, const ImageConfig *image, const char *message) {
	g_autoptr(GError) error = NULL;
	OciPlace place = {.root = root};
	g_assert_null(oci_config(spec, image, &place, NULL, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, message));
}

/* The array's strings joined by blanks. */
static char *joined(json_t *array) {
	GString *text = g_string_new(NULL);
	json_t *item;
	gsize index;
	json_array_foreach(array, index, item)
		g_string_append_printf(text, "%s%s", index ? " " : "", json_string_value(item));
	return g_string_free(text, FALSE);
}

static void assert_joined(json_t *array, const char *expected) {
	g_autofree char *text = joined(array);
	g_assert_cmpstr(text, ==, expected);
}

static void test_process(void) {
	ImageConfig image = {.command = (char *[]){"serve", NULL},
		.entry_point = (char *[]){"/entry", NULL},
		.environment = (char *[]){"A=image", "B=image", NULL},
		.user = (char *)"app",
		.working_directory = (char *)"/srv"};
	g_autoptr(ContainerSpec) spec = container_spec_new("web", "sha256:x");
	spec->environment = g_strsplit("B=task,C=", ",", -1);
	json_t *run = config(spec, &image, NULL);
	json_t *process = json_object_get(run, "process");
	assert_joined(json_object_get(process, "args"), "/entry serve");
	assert_joined(json_object_get(process, "env"),
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
		"HOSTNAME=ip-10-0-0-1 HOME=/home/app A=image B=task C=");
	g_assert_cmpstr(json_string_value(json_object_get(process, "cwd")), ==, "/srv");
	json_t *sets = json_object_get(process, "capabilities");
	g_assert_null(json_object_get(sets, "effective"));
	g_assert_cmpuint(json_array_size(json_object_get(sets, "bounding")), ==, 14);
	json_decref(run);

	spec->command = g_strsplit("migrate --now", " ", -1);
	run = config(spec, &image, NULL);
	process = json_object_get(run, "process");
	assert_joined(json_object_get(process, "args"), "/entry migrate --now");
	json_decref(run);

	spec->entry_point = g_strsplit("/other", " ", -1);
	g_clear_pointer(&spec->command, g_strfreev);
	run = config(spec, &image, NULL);
	process = json_object_get(run, "process");
	assert_joined(json_object_get(process, "args"), "/other");
	json_decref(run);
}

static void test_capabilities(void) {
	ImageConfig image = {.command = (char *[]){"x", NULL}};
	g_autoptr(ContainerSpec) spec = container_spec_new("web", "sha256:x");
	spec->drop_capabilities = g_strsplit("ALL", ",", -1);
	spec->add_capabilities = g_strsplit("SYS_PTRACE", ",", -1);
	json_t *run = config(spec, &image, NULL);
	json_t *sets = json_object_get(json_object_get(run, "process"), "capabilities");
	assert_joined(json_object_get(sets, "effective"), "CAP_SYS_PTRACE");
	json_decref(run);
	spec->add_capabilities[0][0] = 'X';
	refuse(spec, &image, "unknown capability XYS_PTRACE");
}

static void test_limits(void) {
	ImageConfig image = {.command = (char *[]){"x", NULL}};
	g_autoptr(ContainerSpec) spec = container_spec_new("web", "sha256:x");
	g_autoptr(GPtrArray) differences = g_ptr_array_new_with_free_func(g_free);
	spec->memory = 512;
	container_spec_ulimit(spec, "nofile", 100, 1000000);
	json_t *run = config(spec, &image, differences);
	json_t *limits = json_object_get(json_object_get(run, "process"), "rlimits");
	g_assert_cmpuint(json_array_size(limits), ==, 1);
	json_t *files = json_array_get(limits, 0);
	g_assert_cmpstr(json_string_value(json_object_get(files, "type")), ==, "RLIMIT_NOFILE");
	g_assert_cmpint(json_integer_value(json_object_get(files, "soft")), ==, 100);
	g_assert_cmpint(json_integer_value(json_object_get(files, "hard")), ==, 1024);
	g_assert_cmpuint(differences->len, ==, 2);
	g_assert_nonnull(strstr(differences->pdata[1], "memory limit of 512 MiB not enforced"));
	json_t *resources = json_object_get(json_object_get(run, "linux"), "resources");
	g_assert_null(json_object_get(resources, "memory"));
	json_decref(run);
}

static void test_refused(void) {
	ImageConfig empty = {0};
	g_autoptr(ContainerSpec) spec = container_spec_new("web", "sha256:x");
	refuse(spec, &empty, "no command specified");
	spec->command = g_strsplit("x", " ", -1);
	spec->sysctls = g_strsplit("kernel.panic=1", " ", -1);
	refuse(spec, &empty, "kernel.panic");
	g_clear_pointer(&spec->sysctls, g_strfreev);
	spec->user = g_strdup("nobody-such");
	refuse(spec, &empty, "unable to find user nobody-such");
	g_free(spec->user);
	spec->user = NULL;
	spec->init_process = TRUE;
	refuse(spec, &empty, "init process");
}

static void test_users(void) {
	static const struct {
		const char *user;
		guint uid, gid, additional;
		const char *home;
	} cases[] = {
		{NULL, 0, 0, 1, "/root"},
		{"app", 101, 102, 1, "/home/app"},
		{"101", 101, 102, 1, "/home/app"},
		{"app:staff", 101, 50, 0, "/home/app"},
		{"7:8", 7, 8, 0, "/"},
		{"4000", 4000, 0, 0, "/"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		OciUser user;
		g_assert_true(oci_user_resolve(root, cases[i].user, &user, NULL));
		g_assert_cmpuint(user.uid, ==, cases[i].uid);
		g_assert_cmpuint(user.gid, ==, cases[i].gid);
		g_assert_cmpuint(user.additional->len, ==, cases[i].additional);
		g_assert_cmpstr(user.home, ==, cases[i].home);
		oci_user_clear(&user);
	}
}

/* A link to the host's accounts leads to the image's own. */
static void test_users_of_a_link(void) {
	g_autofree char *trap = g_dir_make_tmp("oci-XXXXXX", NULL);
	g_autofree char *etc = g_build_filename(trap, "etc", NULL);
	OciUser user;
	g_assert_cmpint(symlink("/etc", etc), ==, 0);
	g_assert_false(oci_user_resolve(trap, "daemon", &user, NULL));
	oci_user_clear(&user);
	g_unlink(etc);
	g_rmdir(trap);
}

static void test_signals(void) {
	g_assert_cmpint(oci_signal("SIGQUIT"), ==, 3);
	g_assert_cmpint(oci_signal("TERM"), ==, 15);
	g_assert_cmpint(oci_signal("9"), ==, 9);
	g_assert_cmpint(oci_signal("SIGNONE"), ==, 0);
	g_assert_cmpint(oci_signal("SIGRTMIN+3"), >, 30);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("oci-XXXXXX", NULL);
	g_autofree char *etc = g_build_filename(root, "etc", NULL);
	g_autofree char *passwd = g_build_filename(etc, "passwd", NULL);
	g_autofree char *group = g_build_filename(etc, "group", NULL);
	g_mkdir(etc, 0755);
	g_file_set_contents(
		passwd, "root:x:0:0:root:/root:/bin/sh\napp:x:101:102::/home/app:\n", -1, NULL);
	g_file_set_contents(group, "root:x:0:\nstaff:x:50:app,root\napp:x:102:\n", -1, NULL);
	g_test_add_func("/oci/process", test_process);
	g_test_add_func("/oci/capabilities", test_capabilities);
	g_test_add_func("/oci/limits", test_limits);
	g_test_add_func("/oci/refused", test_refused);
	g_test_add_func("/oci/users", test_users);
	g_test_add_func("/oci/users-of-a-link", test_users_of_a_link);
	g_test_add_func("/oci/signals", test_signals);
	int result = g_test_run();
	const char *const made[] = {passwd, group, etc, root};
	for (gsize i = 0; i < G_N_ELEMENTS(made); i++)
		g_remove(made[i]);
	g_free(root);
	return result;
}
