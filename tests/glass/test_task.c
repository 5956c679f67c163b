/*
 * Tasks for real: busybox containers under conmon and crun, in a network namespace of their owner.
 * After each test nothing may be left: no mount, no process, no folder.
 */
#include "glass/job.h"
#include "glass/task.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"
#define OWNER "task-1"

typedef struct {
	char *home, *image;
	Glass *glass; /* NULL: no glass on this machine, the test is skipped */
	Blobs *blobs;
	Layers *layers;
	Tasks *tasks;
	GString *log; /* "container:text\n" */
	guint64 last_position;
	guint lines;
	gboolean done; /* an exec */
	int exit_code;
	char *problem;
} Fixture;

static void on_changed(Task *task, gpointer data) {
	g_assert_nonnull(task_id(task));
}

static void on_log(Task *task, const TaskLogLine *lines, gsize n, gpointer data) {
	Fixture *fixture = data;
	for (gsize i = 0; i < n; i++) {
		if (fixture->log->len < 65536)
			g_string_append_printf(fixture->log, "%s:%.*s\n", lines[i].container,
				(int)lines[i].length, lines[i].text);
		g_assert_cmpint(
			ABS(lines[i].timestamp - g_get_real_time()), <, 60 * G_TIME_SPAN_SECOND);
		g_assert_cmpuint(lines[i].position, >, 0);
		fixture->last_position = lines[i].position;
		fixture->lines++;
	}
}

static const TaskEvents events = {on_changed, on_log};

static void run_shell(const char *script) {
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	g_autoptr(GError) error = NULL;
	int status = 0;
	g_spawn_sync(
		NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

static char *inside(Fixture *fixture, const char *script) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = NULL;
	const char *const argv[] = {"sh", "-c", script, NULL};
	glass_run_sync(fixture->glass, NULL, argv, NULL, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	gsize length;
	const char *data = g_bytes_get_data(output, &length);
	return g_strchomp(g_strndup(data, length));
}

static char *put_image(Blobs *blobs) {
	g_autofree char *folder = g_dir_make_tmp("layer-XXXXXX", NULL);
	g_autofree char *script = g_strdup_printf(
		"set -e; cd '%s'; chmod 755 .; mkdir bin etc proc sys dev tmp data; cp " BUSYBOX
		" bin; cd bin; for a in sh sleep cat echo ls id hostname test touch true false "
		"seq stty tty ip kill grep; do ln -s busybox $a; done; cd ..; "
		"echo root:x:0:0::/: > etc/passwd; echo filled > data/file; chmod 1777 data; "
		"tar --owner=0 --group=0 --numeric-owner -cf ../layer.tar.$$ .; "
		"mv ../layer.tar.$$ layer.tar",
		folder);
	run_shell(script);
	g_autofree char *tar = g_build_filename(folder, "layer.tar", NULL);
	g_autofree char *bytes = NULL;
	gsize length;
	g_assert_true(g_file_get_contents(tar, &bytes, &length, NULL));
	g_autofree char *layer = blobs_put(blobs, bytes, length, NULL);
	g_autofree char *remove = g_strdup_printf("rm -r '%s'", folder);
	run_shell(remove);
	g_autofree char *config = g_strdup_printf(
		"{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{\"StopSignal\":\"SIGUSR1\","
		"\"Volumes\":{\"/data\":{}},\"Entrypoint\":[\"/bin/sh\",\"-c\"]}}",
		image_host_architecture());
	g_autofree char *config_digest = blobs_put(blobs, config, strlen(config), NULL);
	g_autofree char *manifest =
		g_strdup_printf("{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":1},"
				"\"layers\":[{\"digest\":\"%s\",\"size\":1}]}",
			config_digest, layer);
	return blobs_put(blobs, manifest, strlen(manifest), NULL);
}

static void set_up(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	g_assert_true(g_file_test(BUSYBOX, G_FILE_TEST_EXISTS)); /* package busybox-static */
	fixture->home = g_dir_make_tmp("glass-task-XXXXXX", NULL);
	g_assert_cmpint(chmod(fixture->home, 0755), ==, 0);
	fixture->glass = glass_open(fixture->home, &error);
	if (g_error_matches(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_no_error(error);
	fixture->log = g_string_new(NULL);
	fixture->blobs = blobs_open(fixture->home, &error);
	g_assert_no_error(error);
	fixture->layers = layers_new(fixture->glass, fixture->blobs);
	fixture->image = put_image(fixture->blobs);
	fixture->tasks =
		tasks_new(fixture->glass, fixture->blobs, fixture->layers, &events, fixture);
	g_free(inside(fixture, "ip netns add " OWNER));
}

typedef gboolean (*Condition)(Fixture *fixture, Task *task);

static gboolean wake(gpointer data) {
	return G_SOURCE_CONTINUE;
}

static gboolean await(Fixture *fixture, Task *task, Condition condition, int seconds) {
	gint64 end = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
	guint timer = g_timeout_add(50, wake, NULL);
	while (!condition(fixture, task) && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(timer);
	if (!condition(fixture, task))
		g_test_message("log so far:\n%s", fixture->log->str);
	return condition(fixture, task);
}

static gboolean is_running(Fixture *fixture, Task *task) {
	return task_status(task) == TASK_RUNNING;
}

static gboolean is_stopped(Fixture *fixture, Task *task) {
	return task_status(task) == TASK_STOPPED;
}

static gboolean is_healthy(Fixture *fixture, Task *task) {
	return task_health(task) == TASK_HEALTHY;
}

static gboolean is_unhealthy(Fixture *fixture, Task *task) {
	return task_health(task) == TASK_UNHEALTHY;
}

static gboolean is_done(Fixture *fixture, Task *task) {
	return fixture->done;
}

static gboolean says_ready(Fixture *fixture, Task *task) {
	return strstr(fixture->log->str, "ready") != NULL;
}

static gboolean has_no_tasks(Fixture *fixture, Task *task) {
	g_autofree char *path = g_build_filename(fixture->home, "tasks", NULL);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	return !folder || !g_dir_read_name(folder);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
	if (fixture->tasks) {
		tasks_free(fixture->tasks);
		fixture->tasks = tasks_new(
			fixture->glass, fixture->blobs, fixture->layers, &events, fixture);
		tasks_sweep(fixture->tasks, NULL);
		g_assert_true(await(fixture, NULL, has_no_tasks, 15));
		/* The job's answer comes after its work. */
		g_usleep(50000);
		while (g_main_context_iteration(NULL, FALSE))
			;
		g_autofree char *left = inside(fixture, "grep -c /merged /proc/self/mountinfo; "
							"pgrep -x 'conmon|crun|sleep|seq|cat'; "
							"ls /run/crun; ls /run | grep exec; true");
		g_assert_cmpstr(left, ==, "0");
	}
	tasks_free(fixture->tasks);
	layers_free(fixture->layers);
	blobs_free(fixture->blobs);
	if (fixture->glass) {
		g_autoptr(GError) error = NULL;
		g_free(inside(fixture, "rm -rf " GLASS_HOME "/layers/* " GLASS_HOME "/tasks/*"));
		glass_destroy(fixture->glass, &error);
		g_assert_no_error(error);
	}
	if (fixture->home) {
		g_autofree char *script = g_strdup_printf("rm -rf '%s'", fixture->home);
		run_shell(script);
	}
	if (fixture->log)
		g_string_free(fixture->log, TRUE);
	g_free(fixture->home);
	g_free(fixture->image);
	g_free(fixture->problem);
}

static TaskSpec *make_spec(const char *id) {
	TaskSpec *spec = task_spec_new(id, OWNER);
	spec->hostname = g_strdup("ip-10-0-0-9.ec2.internal");
	spec->address = g_strdup("10.0.0.9");
	spec->dns_servers = g_strsplit("10.0.0.2", ",", -1);
	spec->memory = 512;
	return spec;
}

static ContainerSpec *add(Fixture *fixture, TaskSpec *spec, const char *name, const char *script) {
	ContainerSpec *container =
		task_spec_container(spec, container_spec_new(name, fixture->image));
	const char *const command[] = {script, NULL};
	container->command = g_strdupv((char **)command);
	return container;
}

static Task *run(Fixture *fixture, TaskSpec *spec) {
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();
	Task *task = tasks_run(fixture->tasks, spec, &error);
	g_assert_no_error(error);
	g_test_message("tasks_run: %" G_GINT64_FORMAT " us", g_get_monotonic_time() - began);
	return task;
}

static TaskContainer named(Task *task, const char *name) {
	for (guint i = 0; i < task_container_count(task); i++) {
		TaskContainer container = task_container(task, i);
		if (g_str_equal(container.name, name))
			return container;
	}
	g_assert_not_reached();
}

static void restart(Fixture *fixture) {
	tasks_free(fixture->tasks);
	fixture->tasks =
		tasks_new(fixture->glass, fixture->blobs, fixture->layers, &events, fixture);
}

static void test_exit(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("exit");
	task_spec_volume(spec, "shared", NULL);
	ContainerSpec *web = add(fixture, spec, "web",
		"cat /etc/hosts /etc/resolv.conf /data/file; hostname; echo bad >&2; "
		"touch /shared/from-web; exit 7");
	container_spec_mount(web, "shared", "/shared", FALSE);
	ContainerSpec *side = add(fixture, spec, "side",
		"ls /shared /data; touch /data/x || echo refused; sleep 60 & wait");
	side->essential = FALSE;
	side->stop_timeout = 2;
	container_spec_volumes_from(side, "web", TRUE);
	Task *task = run(fixture, spec);
	g_assert_cmpint(task_status(task), ==, TASK_PENDING);
	gint64 began = g_get_monotonic_time();
	g_assert_true(await(fixture, task, is_stopped, 20));
	g_test_message("%" G_GINT64_FORMAT " ms", (g_get_monotonic_time() - began) / 1000);
	g_assert_cmpstr(task_stop_code(task), ==, "EssentialContainerExited");
	g_assert_cmpstr(task_stopped_reason(task), ==, "Essential container in task exited");
	TaskContainer first = named(task, "web"), second = named(task, "side");
	g_assert_true(first.has_exit_code);
	g_assert_cmpint(first.exit_code, ==, 7);
	g_assert_null(first.reason);
	g_assert_cmpint(first.started_at, >, 0);
	g_assert_cmpint(first.stopped_at, >=, first.started_at);
	g_assert_nonnull(first.image_digest);
	g_assert_true(second.has_exit_code);
	const char *const lines[] = {"web:127.0.0.1 localhost\n",
		"web:10.0.0.9 ip-10-0-0-9.ec2.internal\n", "web:nameserver 10.0.0.2\n",
		"web:filled\n", "web:ip-10-0-0-9.ec2.internal\n", "web:bad\n", "side:refused\n"};
	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_nonnull(strstr(fixture->log->str, lines[i]));
	if (!glass_limits_enforced(fixture->glass, NULL))
		g_assert_nonnull(strstr(task_differences(task)[0], "512 MiB not enforced"));
	task_forget(task);
	g_assert_true(await(fixture, NULL, has_no_tasks, 10));
}

static void test_order(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("order");
	ContainerSpec *app = add(fixture, spec, "app",
		"trap 'echo app-stops; exit 0' USR1; echo ready; while :; do sleep 0.1; done");
	ContainerSpec *db = add(fixture, spec, "db",
		"trap 'echo db-stops; exit 0' USR1; sleep 1; touch /tmp/up; echo db-up; "
		"while :; do sleep 0.1; done");
	ContainerSpec *migrate = add(fixture, spec, "migrate", "echo migrated");
	migrate->essential = FALSE;
	container_spec_depends_on(app, "db", CONTAINER_HEALTHY);
	container_spec_depends_on(app, "migrate", CONTAINER_SUCCESS);
	container_spec_depends_on(migrate, "db", CONTAINER_START);
	const char *const check[] = {"CMD-SHELL", "test -e /tmp/up", NULL};
	container_spec_health_check(db, (char **)check, 1, 5, 3, 0);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, says_ready, 15));
	g_assert_cmpint(task_status(task), ==, TASK_RUNNING);
	g_assert_cmpint(task_health(task), ==, TASK_HEALTHY);
	g_assert_cmpint(named(task, "migrate").status, ==, TASK_STOPPED);
	const char *log = fixture->log->str;
	g_assert_true(strstr(log, "db-up") < strstr(log, "app:ready"));
	g_assert_true(strstr(log, "migrated") < strstr(log, "app:ready"));
	task_stop(task, "UserInitiated", "enough");
	task_stop(task, "Other", "twice");
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_cmpstr(task_stop_code(task), ==, "UserInitiated");
	log = fixture->log->str;
	g_assert_true(strstr(log, "app:app-stops") < strstr(log, "db:db-stops"));
	g_assert_cmpint(named(task, "app").exit_code, ==, 0);
}

static void test_health(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("health");
	ContainerSpec *web = add(fixture, spec, "web",
		"touch /tmp/up; trap 'exit 0' USR1; while :; do sleep 0.1; done");
	const char *const check[] = {
		"CMD-SHELL", "test -e /tmp/hang && sleep 99; test -e /tmp/up", NULL};
	container_spec_health_check(web, (char **)check, 1, 1, 2, 0);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_healthy, 10));
	g_free(inside(fixture, "crun --root /run/crun exec health-0 touch /tmp/hang"));
	g_assert_true(await(fixture, task, is_unhealthy, 10));
	g_assert_cmpint(task_status(task), ==, TASK_RUNNING);
	g_autofree char *sleeping = inside(fixture, "pgrep -fc '^sleep 99' || true");
	g_assert_cmpint(atoi(sleeping), <=, 1);
	/* A restart keeps what was known. */
	restart(fixture);
	spec = make_spec("health");
	web = add(fixture, spec, "web", "");
	container_spec_health_check(web, (char **)check, 1, 1, 2, 0);
	task = run(fixture, spec);
	g_assert_cmpint(task_health(task), ==, TASK_UNHEALTHY);
	g_free(inside(fixture, "crun --root /run/crun exec health-0 busybox rm -f /tmp/hang"));
	g_assert_true(await(fixture, task, is_healthy, 10));
}

static void test_start_timeout(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("overdue");
	ContainerSpec *app = add(fixture, spec, "app", "echo never");
	ContainerSpec *slow = add(fixture, spec, "slow", "sleep 60 & wait");
	slow->essential = FALSE;
	slow->start_timeout = 1;
	slow->stop_timeout = 1;
	container_spec_depends_on(app, "slow", CONTAINER_COMPLETE);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_cmpstr(task_stop_code(task), ==, "TaskFailedToStart");
	g_assert_nonnull(strstr(task_stopped_reason(task), "startTimeout"));
	g_assert_null(strstr(fixture->log->str, "never"));
	g_assert_false(named(task, "app").has_exit_code);
}

static void test_kill(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("kill");
	ContainerSpec *web = add(fixture, spec, "web",
		"trap 'echo asked' USR1; echo ready; while :; do sleep 0.1; done");
	web->stop_timeout = 1;
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, says_ready, 10));
	gint64 began = g_get_monotonic_time();
	task_stop(task, "UserInitiated", "x");
	g_assert_cmpint(task_status(task), ==, TASK_STOPPING);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_cmpint(g_get_monotonic_time() - began, >=, 900000);
	g_assert_cmpint(named(task, "web").exit_code, ==, 137);
	g_assert_nonnull(strstr(fixture->log->str, "web:asked"));
}

static void test_wrong(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("wrong");
	ContainerSpec *web = add(fixture, spec, "web", "");
	const char *const none[] = {"/no/such/program", NULL};
	web->entry_point = g_strdupv((char **)none);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_cmpstr(task_stop_code(task), ==, "TaskFailedToStart");
	g_test_message("%s", task_stopped_reason(task));
	g_assert_true(g_str_has_prefix(task_stopped_reason(task), "CannotStartContainerError: "));
	g_assert_nonnull(strstr(task_stopped_reason(task), "/no/such/program"));
	spec = make_spec("missing");
	g_free(add(fixture, spec, "web", "true")->image);
	((ContainerSpec *)spec->containers->pdata[0])->image =
		g_strdup("sha256:0000000000000000000000000000000000000000000000000000000000000000");
	task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_true(g_str_has_prefix(named(task, "web").reason, "CannotPullContainerError: "));
	spec = make_spec("circle");
	container_spec_depends_on(add(fixture, spec, "a", "true"), "a", CONTAINER_START);
	g_assert_null(tasks_run(fixture->tasks, spec, &error));
	g_assert_nonnull(error);
}

/* Every number once and in order, whoever reads. */
static void test_adopt(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	const char *script = "for i in $(seq 1 40); do echo line-$i-; sleep 0.05; done; "
			     "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done";
	TaskSpec *spec = make_spec("adopt");
	add(fixture, spec, "web", script);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_running, 10));
	gint64 started = task_container(task, 0).started_at;
	for (int i = 0; i < 3; i++) {
		restart(fixture);
		g_usleep(300000); /* nobody reads */
		spec = make_spec("adopt");
		add(fixture, spec, "web", script);
		task = run(fixture, spec);
		g_assert_cmpint(task_status(task), ==, TASK_RUNNING);
		g_usleep(200000);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
	g_assert_true(await(fixture, task, says_ready, 15));
	g_assert_cmpint(task_container(task, 0).started_at, ==, started);
	g_autoptr(GString) expected = g_string_new(NULL);
	for (int i = 1; i <= 40; i++)
		g_string_append_printf(expected, "web:line-%d-\n", i);
	g_string_append(expected, "web:ready\n");
	g_assert_cmpstr(fixture->log->str, ==, expected->str);
	/* It ends while nobody looks; stopping had been asked for. */
	task_stop(task, "UserInitiated", "bye");
	g_usleep(50000);
	while (g_main_context_iteration(NULL, FALSE))
		;
	restart(fixture);
	g_usleep(500000);
	spec = make_spec("adopt");
	add(fixture, spec, "web", script);
	task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_true(task_container(task, 0).has_exit_code);
	g_assert_cmpint(task_container(task, 0).exit_code, ==, 5);
	g_assert_cmpstr(task_stop_code(task), ==, "UserInitiated");
	g_assert_cmpstr(task_stopped_reason(task), ==, "bye");
	restart(fixture);
	spec = make_spec("adopt");
	add(fixture, spec, "web", script);
	task = run(fixture, spec);
	g_assert_cmpint(task_status(task), ==, TASK_STOPPED);
	g_assert_cmpint(task_container(task, 0).exit_code, ==, 5);
}

/* Dropped at whatever instant of its start, it is started once. */
static void test_adopt_starting(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	for (int i = 0; i < 8; i++) {
		g_autofree char *id = g_strdup_printf("starting-%d", i);
		for (int again = 0; again < 2; again++) {
			TaskSpec *spec = make_spec(id);
			add(fixture, spec, "web", "echo begun; sleep 60");
			Task *task = run(fixture, spec);
			if (again) {
				g_assert_true(await(fixture, task, is_running, 10));
				continue;
			}
			gint64 end = g_get_monotonic_time() + i * 12000;
			while (g_get_monotonic_time() < end)
				g_main_context_iteration(NULL, FALSE);
			restart(fixture);
		}
	}
	gint64 end = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_autofree char *running = inside(fixture, "ls /run/crun | wc -l; pgrep -xc conmon");
	g_assert_cmpstr(running, ==, "8\n8");
	g_auto(GStrv) said = g_strsplit(fixture->log->str, "begun", -1);
	g_assert_cmpint(g_strv_length(said), ==, 9);
}

static void test_much(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("much");
	add(fixture, spec, "web", "seq 1 400000; echo -n a-line-without-an-end");
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 60));
	g_assert_cmpuint(fixture->lines, ==, 400001);
	g_autofree char *log = g_build_filename(fixture->home, "tasks", "much", "0", "log", NULL);
	struct stat status;
	g_assert_cmpint(stat(log, &status), ==, 0);
	g_test_message(
		"log of %ld bytes takes %ld", (long)status.st_size, (long)status.st_blocks * 512);
	g_assert_cmpint(status.st_size, >, 10000000);
	g_assert_cmpint(status.st_blocks * 512, <, 2000000);
	/* The line without an end was told behind the end of the file. */
	g_assert_cmpuint(fixture->last_position, ==, status.st_size + 1);
}

static void on_done(TaskExec *exec, int exit_code, const GError *error, gpointer data) {
	Fixture *fixture = data;
	fixture->done = TRUE;
	fixture->exit_code = exit_code;
	g_free(fixture->problem);
	fixture->problem = error ? g_strdup(error->message) : NULL;
}

static TaskExec *begin(
	Fixture *fixture, Task *task, const char *script, gboolean terminal, int fds[3]) {
	g_autoptr(GError) error = NULL;
	const char *const command[] = {"sh", "-c", script, NULL};
	const char *const environment[] = {"WHO=me", NULL};
	fixture->done = FALSE;
	TaskExec *exec = task_exec(task, "web", (char **)command, (char **)environment, terminal,
		25, 81, fds, on_done, fixture, &error);
	g_assert_no_error(error);
	return exec;
}

/* Reads what comes until `word` has come, or the end. */
static char *hear(int fd, const char *word) {
	g_autoptr(GString) text = g_string_new(NULL);
	char part[512];
	struct pollfd slot = {fd, POLLIN};
	while (!word || !strstr(text->str, word)) {
		gssize n = poll(&slot, 1, 10000) == 1 ? read(fd, part, sizeof part) : -1;
		if (n <= 0)
			break;
		g_string_append_len(text, part, n);
	}
	return g_strdup(text->str);
}

static void test_exec(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("exec");
	add(fixture, spec, "web", "trap 'exit 0' USR1; while :; do sleep 0.1; done")->environment =
		g_strsplit("OWN=yes", ",", -1);
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_running, 10));
	int fds[3];
	begin(fixture, task, "cat; echo $WHO $OWN >&2; exit 3", FALSE, fds);
	g_assert_cmpint(write(fds[0], "hello", 5), ==, 5);
	close(fds[0]);
	g_autofree char *said = hear(fds[1], NULL);
	g_autofree char *complained = hear(fds[2], NULL);
	g_assert_cmpstr(said, ==, "hello");
	g_assert_cmpstr(complained, ==, "me yes\n");
	close(fds[1]);
	close(fds[2]);
	g_assert_true(await(fixture, task, is_done, 5));
	g_assert_null(fixture->problem);
	g_assert_cmpint(fixture->exit_code, ==, 3);

	TaskExec *exec = begin(fixture, task,
		"tty; until stty size | grep '25 81'; do sleep 0.05; done; until stty size | grep "
		"'44 99'; do sleep 0.05; done; "
		"trap 'echo int; exit 9' INT; read x; echo wait; while :; do sleep 0.1; done",
		TRUE, fds);
	g_autofree char *size = hear(fds[0], "25 81");
	g_assert_nonnull(strstr(size, "/dev/"));
	g_assert_nonnull(strstr(size, "25 81"));
	task_exec_resize(exec, 44, 99);
	g_assert_cmpint(write(fds[0], "x\n", 2), ==, 2);
	g_autofree char *resized = hear(fds[0], "wait");
	g_assert_nonnull(strstr(resized, "44 99"));
	g_assert_cmpint(write(fds[0], "\x03", 1), ==, 1);
	g_autofree char *interrupted = hear(fds[0], NULL);
	g_assert_nonnull(strstr(interrupted, "int"));
	close(fds[0]);
	g_assert_true(await(fixture, task, is_done, 5));
	g_assert_cmpint(fixture->exit_code, ==, 9);

	exec = begin(fixture, task, "echo up; sleep 98", FALSE, fds);
	g_free(hear(fds[1], "up"));
	task_exec_kill(exec);
	g_assert_true(await(fixture, task, is_done, 5));
	g_assert_cmpint(fixture->exit_code, ==, 137);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	g_autofree char *left = inside(fixture, "pgrep -fc '^sleep 98' || true");
	g_assert_cmpstr(left, ==, "0");

	g_autoptr(GError) error = NULL;
	const char *const none[] = {"nosuch", NULL};
	fixture->done = FALSE;
	g_assert_nonnull(task_exec(
		task, "web", (char **)none, NULL, FALSE, 0, 0, fds, on_done, fixture, &error));
	g_assert_true(await(fixture, task, is_done, 5));
	g_assert_nonnull(fixture->problem);
	g_assert_nonnull(strstr(fixture->problem, "nosuch"));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	g_assert_null(task_exec(
		task, "other", (char **)none, NULL, FALSE, 0, 0, fds, on_done, fixture, &error));
}

/* Where things are mounted, and what a terminal, an open stdin and an init do. */
static void test_places(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	g_autoptr(GError) error = NULL;
	g_autofree char *host = glass_make_folder(fixture->glass, "host", &error);
	g_assert_no_error(error);
	g_free(inside(fixture, "echo from-host > " GLASS_HOME "/host/f"));
	TaskSpec *spec = make_spec("places");
	task_spec_volume(spec, "host", host);
	ContainerSpec *web = add(fixture, spec, "web",
		"cat /mnt/f; touch /mnt/g 2>/dev/null || echo mnt-ro; echo x > /scratch/a && "
		"cat /scratch/a; touch /b 2>/dev/null || echo root-ro; echo y > /data/w && "
		"cat /data/w /data/file; test -t 0 && tty; grep -c init /proc/1/cmdline; "
		"grep 'Max open files' /proc/self/limits; hostname; cat /etc/hosts; read x");
	container_spec_mount(web, "host", "/mnt/", TRUE);
	container_spec_tmpfs(web, "/scratch", 8, NULL);
	container_spec_ulimit(web, "nofile", 100, 200);
	web->read_only_root = web->pseudo_terminal = web->interactive = TRUE;
	web->init_process = g_file_test("/usr/bin/catatonit", G_FILE_TEST_EXISTS);
	web->hostname = g_strdup("own");
	web->extra_hosts = g_strsplit("10.9.8.7 other", ",", -1);
	web->stop_timeout = 1;
	Task *task = run(fixture, spec);
	gint64 began = g_get_monotonic_time();
	g_assert_true(await(fixture, task, is_running, 10));
	g_test_message(
		"runs after %" G_GINT64_FORMAT " ms", (g_get_monotonic_time() - began) / 1000);
	g_autofree char *sought = g_strdup("web:10.9.8.7 other");
	gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
	while (!strstr(fixture->log->str, sought) && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	const char *const lines[] = {"web:from-host", "web:mnt-ro", "web:x", "web:root-ro", "web:y",
		"web:filled", "web:/dev/", "web:own", "web:10.0.0.9 own ip-10-0-0-9",
		"web:10.9.8.7 other"};
	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_nonnull(strstr(fixture->log->str, lines[i]));
	g_test_message("%s", fixture->log->str);
	g_assert_nonnull(strstr(fixture->log->str, "100                  200"));
	g_assert_cmpint(task_status(task), ==, TASK_RUNNING); /* stdin is open */
	/* The layers that it stands on are kept, and given back when it has ended. */
	g_autoptr(GHashTable) nothing = g_hash_table_new(g_str_hash, g_str_equal);
	layers_gc(fixture->layers, nothing);
	end = g_get_monotonic_time() + G_TIME_SPAN_SECOND / 2;
	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_autofree char *kept = inside(fixture, "ls " GLASS_HOME "/layers | wc -l");
	g_assert_cmpstr(kept, ==, "1");
	task_stop(task, "UserInitiated", "x");
	g_assert_true(await(fixture, task, is_stopped, 10));
	layers_gc(fixture->layers, nothing);
	end = g_get_monotonic_time() + G_TIME_SPAN_SECOND / 2;
	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_autofree char *gone = inside(fixture, "ls " GLASS_HOME "/layers | wc -l");
	g_assert_cmpstr(gone, ==, "0");
}

static void open_all(Fixture *fixture) {
	g_autoptr(GError) error = NULL;
	g_random_set_seed((guint32)g_get_monotonic_time()); /* forked, it were the parent's */
	fixture->glass = glass_open(fixture->home, &error);
	g_assert_no_error(error);
	fixture->blobs = blobs_open(fixture->home, &error);
	g_assert_no_error(error);
	fixture->layers = layers_new(fixture->glass, fixture->blobs);
	fixture->tasks =
		tasks_new(fixture->glass, fixture->blobs, fixture->layers, &events, fixture);
}

static void close_all(Fixture *fixture) {
	g_clear_pointer(&fixture->tasks, tasks_free);
	g_clear_pointer(&fixture->layers, layers_free);
	g_clear_pointer(&fixture->blobs, blobs_free);
	g_clear_pointer(&fixture->glass, glass_close);
}

/* The process that runs the tasks is killed at many instants; the next one finds one container. */
static void test_region_killed(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	const char *script = "trap 'exit 4' USR1; echo ready; while :; do sleep 0.1; done";
	close_all(fixture);
	for (int i = 0; i < 12; i++) {
		g_autofree char *id = g_strdup_printf("killed-%d", i);
		pid_t child = fork();
		if (child == 0) {
			open_all(fixture);
			TaskSpec *spec = make_spec(id);
			add(fixture, spec, "web", script);
			Task *task = tasks_run(fixture->tasks, spec, NULL);
			while (i < 8 || !says_ready(fixture, task))
				g_main_context_iteration(NULL, TRUE);
			task_stop(task, "UserInitiated", "x");
			for (;;)
				g_main_context_iteration(NULL, TRUE);
		}
		g_usleep(10000 + (gulong)i * 13000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	open_all(fixture);
	g_assert_true(glass_adopted(fixture->glass));
	for (int i = 0; i < 12; i++) {
		g_autofree char *id = g_strdup_printf("killed-%d", i);
		TaskSpec *spec = make_spec(id);
		add(fixture, spec, "web", script);
		run(fixture, spec);
	}
	tasks_sweep(fixture->tasks, NULL);
	for (int i = 0; i < 12; i++) {
		g_autofree char *id = g_strdup_printf("killed-%d", i);
		Task *task = tasks_get(fixture->tasks, id);
		TaskStatus was = task_status(task);
		const char *reason = task_container(task, 0).reason;
		g_test_message("%s: %d %s", id, was, reason ? reason : "");
		if (was == TASK_PENDING || was == TASK_RUNNING)
			g_assert_true(await(fixture, task, is_running, 10));
	}
	g_usleep(500000); /* the last one's script gets as far as its trap */
	for (int i = 0; i < 12; i++) {
		g_autofree char *id = g_strdup_printf("killed-%d", i);
		Task *task = tasks_get(fixture->tasks, id);
		task_stop(task, "Other", "y");
		g_assert_true(await(fixture, task, is_stopped, 10));
		g_assert_cmpint(task_container(task, 0).exit_code, ==, 4);
	}
}

/* All that ran has ended with the machine. */
static void test_glass_died(Fixture *fixture, gconstpointer data) {
	g_autoptr(GError) error = NULL;
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("rebooted");
	add(fixture, spec, "web", "echo ready; sleep 96");
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, says_ready, 10));
	g_clear_pointer(&fixture->tasks, tasks_free);
	g_clear_pointer(&fixture->layers, layers_free);
	g_clear_pointer(&fixture->blobs, blobs_free);
	g_assert_true(glass_destroy(g_steal_pointer(&fixture->glass), &error));
	open_all(fixture);
	g_assert_false(glass_adopted(fixture->glass));
	g_free(inside(fixture, "ip netns add " OWNER));
	spec = make_spec("rebooted");
	add(fixture, spec, "web", "echo ready; sleep 96");
	task = run(fixture, spec);
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_false(task_container(task, 0).has_exit_code);
	g_assert_nonnull(task_container(task, 0).reason);
	g_assert_cmpuint(fixture->lines, ==, 1);
}

static void test_conmon_killed(Fixture *fixture, gconstpointer data) {
	if (!fixture->glass)
		return;
	TaskSpec *spec = make_spec("orphan");
	add(fixture, spec, "web", "echo ready; sleep 97");
	Task *task = run(fixture, spec);
	g_assert_true(await(fixture, task, says_ready, 10));
	g_free(inside(fixture, "kill -9 $(cat " GLASS_HOME "/tasks/orphan/0/conmon.pid)"));
	g_assert_true(await(fixture, task, is_stopped, 10));
	g_assert_false(task_container(task, 0).has_exit_code);
	g_assert_nonnull(task_container(task, 0).reason);
	g_assert_cmpstr(task_stop_code(task), ==, "EssentialContainerExited");
	g_autofree char *left = inside(fixture, "pgrep -fc '^sleep 97' || true");
	g_assert_cmpstr(left, ==, "0");
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	signal(SIGPIPE, SIG_IGN);
	static const struct {
		const char *name;
		void (*test)(Fixture *fixture, gconstpointer data);
	} tests[] = {{"/task/exit", test_exit}, {"/task/order", test_order},
		{"/task/health", test_health}, {"/task/start-timeout", test_start_timeout},
		{"/task/kill", test_kill}, {"/task/wrong", test_wrong}, {"/task/adopt", test_adopt},
		{"/task/adopt-starting", test_adopt_starting}, {"/task/much", test_much},
		{"/task/exec", test_exec}, {"/task/places", test_places},
		{"/task/region-killed", test_region_killed}, {"/task/glass-died", test_glass_died},
		{"/task/conmon-killed", test_conmon_killed}};
	for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].test, tear_down);
	return g_test_run();
}
