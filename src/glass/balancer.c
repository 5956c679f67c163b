/*
 * Balancers: their HAProxies' lives. Each has a folder <home>/balancers/<id> with its
 * configuration, its sockets and a record of its process (balancer_record.c), by which the next
 * process adopts it. What its servers are is balancer_target.c's business; here they are asked for
 * at regular times.
 */
#include "glass/balancer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONFIG "haproxy.cfg"
#define SOCKET "haproxy.sock"
#define FIRST_FD 3
#define TAKEOVER_MS 8000
#define ASK_MS 25
#define RESTART_MS 1000

typedef enum {
	WAITING, /* for HAProxy to take over the configuration */
	RUNNING,
	STOPPED, /* it ended, and will be started again */
} State;

struct Balancers {
	Glass *glass;
	BalancerEvents events;
	gpointer data;
	GHashTable *all; /* id -> Balancer */
};

struct Balancer {
	Balancers *owner;
	BalancerSpec *spec;
	BalancerTargets *targets;
	char *id, *inside; /* its folder, as the glass sees it */
	int folder;
	State state;
	GlassProcess *process;
	int generation; /* of the configuration; HAProxy tells which it runs */
	char *signature; /* of the configuration without generation and servers */
	GArray *published; /* of BalancerPublished: those that the process has */
	BalancerRequest *request;
	GCancellable *checking; /* of a configuration */
	gboolean changed; /* the specification, since that check began */
	guint timer;
	gint64 deadline; /* monotonic: of WAITING */
	gboolean adopted; /* and nothing heard from it yet */
};

static void ask(Balancer *balancer);
static gboolean start(Balancer *balancer, GError **error);
static void change(Balancer *balancer);

static char *path_of(const Balancer *balancer, const char *name) {
	return balancer_path(balancer->owner->glass, balancer->id, name);
}

static void write_record(Balancer *balancer) {
	g_autoptr(GError) error = NULL;
	if (!balancer_record_write(balancer->owner->glass, balancer->id, balancer->process,
		    balancer->published, balancer->generation, balancer->signature, &error))
		g_warning("balancer %s: %s", balancer->id, error->message);
}

/* ---- configuration ---- */

static char *base_configuration(const Balancer *balancer, const BalancerSpec *spec,
	const GArray *published, GError **error) {
	g_autofree int *fds = g_new(int, spec->listeners->len + 1);
	for (guint i = 0; i < spec->listeners->len; i++) {
		const BalancerListener *listener = spec->listeners->pdata[i];
		int at = listener->published_fd < 0
				 ? -1
				 : balancer_published_find(
					   published, balancer_socket_port(listener->published_fd));
		fds[i] = at < 0 ? -1 : FIRST_FD + at;
	}
	return balancer_configuration(spec, fds, balancer->inside, error);
}

static char *sign(const char *configuration) {
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, configuration, -1);
}

/* With the generation and the servers of each group, which stand first in its section. */
static char *whole_configuration(
	const Balancer *balancer, const BalancerSpec *spec, const char *base, int generation) {
	g_autoptr(GString) whole = g_string_new(NULL);
	g_string_append_printf(whole, "global\n\tdescription generation-%d\n%s", generation, base);
	for (guint i = 0; i < spec->groups->len; i++) {
		const BalancerGroup *group = spec->groups->pdata[i];
		g_autofree char *header = g_strdup_printf("\nbackend group-%s\n", group->id);
		g_autoptr(GString) servers = g_string_new(NULL);
		balancer_targets_write(balancer->targets, group, servers);
		const char *at = strstr(whole->str, header);
		if (at)
			g_string_insert(
				whole, at - whole->str + (gssize)strlen(header), servers->str);
	}
	return g_strdup(whole->str);
}

static gboolean write_configuration(Balancer *balancer, const char *base, GError **error) {
	g_autofree char *text =
		whole_configuration(balancer, balancer->spec, base, balancer->generation);
	g_autofree char *path = path_of(balancer, CONFIG);
	return g_file_set_contents_full(
		path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

/* ---- asking ---- */

static void announce(Balancer *balancer, const GError *error) {
	balancer->owner->events.ready(balancer, error, balancer->owner->data);
}

static gboolean on_timer(gpointer data) {
	Balancer *balancer = data;
	balancer->timer = 0;
	if (balancer->state == STOPPED) {
		g_autoptr(GError) error = NULL;
		if (!start(balancer, &error))
			announce(balancer, error);
		return G_SOURCE_REMOVE;
	}
	ask(balancer);
	return G_SOURCE_REMOVE;
}

static void ask_after(Balancer *balancer, guint milliseconds) {
	g_clear_handle_id(&balancer->timer, g_source_remove);
	balancer->timer = g_timeout_add(milliseconds, on_timer, balancer);
}

static void on_target(const char *group, const char *address, int port,
	const BalancerTargetHealth *health, gpointer data) {
	Balancer *balancer = data;
	balancer->owner->events.health(
		balancer, group, address, port, health, balancer->owner->data);
}

static void on_done(const char *text, gpointer data) {
	Balancer *balancer = data;
	balancer->request = NULL;
	ask_after(balancer, ASK_MS);
}

static void on_workers(const char *text, gpointer data) {
	Balancer *balancer = data;
	balancer->request = NULL;
	const char *old = text ? strstr(text, "# old workers") : NULL;
	const char *programs = old ? strstr(old, "# programs") : NULL;
	if (old) {
		g_autofree char *section =
			programs ? g_strndup(old, programs - old) : g_strdup(old);
		if (!strstr(section, "worker "))
			balancer_targets_alone(balancer->targets);
	}
	ask_after(balancer, balancer_targets_pause(balancer->targets));
}

static void on_statistics(const char *text, gpointer data) {
	Balancer *balancer = data;
	balancer->request = NULL;
	g_autofree char *commands = balancer_targets_reconcile(
		balancer->targets, balancer->spec, text, on_target, balancer);
	if (balancer->request || balancer->state != RUNNING)
		return;
	if (*commands)
		balancer->request =
			balancer_request(balancer->folder, SOCKET, commands, on_done, balancer);
	else if (balancer_targets_in_old(balancer->targets))
		balancer->request = balancer_request(
			balancer->folder, "master.sock", "show proc", on_workers, balancer);
	else
		ask_after(balancer, balancer_targets_pause(balancer->targets));
}

/* The generation that HAProxy says it runs; 0: none. */
static int generation_in(const char *text) {
	const char *at = text ? strstr(text, "description: generation-") : NULL;
	return at ? atoi(at + strlen("description: generation-")) : 0;
}

static void on_information(const char *text, gpointer data) {
	Balancer *balancer = data;
	balancer->request = NULL;
	int generation = generation_in(text);
	/* The one of before died between writing a configuration and having it taken over. */
	gboolean behind = balancer->adopted && generation > 0 && generation != balancer->generation;
	if (generation == balancer->generation || behind) {
		balancer->adopted = FALSE;
		g_autofree char *commands = balancer_targets_after(balancer->targets);
		balancer->state = RUNNING;
		if (*commands)
			balancer->request = balancer_request(
				balancer->folder, SOCKET, commands, on_done, balancer);
		else
			ask_after(balancer, 0);
		if (behind)
			g_clear_pointer(&balancer->signature, g_free);
		if (behind)
			change(balancer);
		else
			announce(balancer, NULL);
		return;
	}
	if (g_get_monotonic_time() < balancer->deadline) {
		ask_after(balancer, ASK_MS);
		return;
	}
	g_autoptr(GError) error = g_error_new(GLASS_ERROR, GLASS_ERROR_FAILED,
		"HAProxy did not take over the configuration of balancer %s", balancer->id);
	/* It is told to be what it is not: begin anew. */
	glass_process_signal(balancer->process, SIGKILL, NULL);
	announce(balancer, error);
}

static void ask(Balancer *balancer) {
	if (balancer->request || balancer->state == STOPPED)
		return;
	gboolean waits = balancer->state == WAITING;
	balancer->request = balancer_request(balancer->folder, SOCKET,
		waits ? "show info" : "show stat -1 4 -1", waits ? on_information : on_statistics,
		balancer);
}

static void wait_for_takeover(Balancer *balancer) {
	balancer->state = WAITING;
	balancer->deadline = g_get_monotonic_time() + TAKEOVER_MS * 1000;
	g_clear_pointer(&balancer->request, balancer_request_cancel);
	ask_after(balancer, ASK_MS);
}

/* ---- the process ---- */

static void on_ended(GlassProcess *process, gpointer data) {
	Balancer *balancer = data;
	g_warning("HAProxy of balancer %s ended", balancer->id);
	g_clear_pointer(&balancer->process, glass_process_free);
	g_clear_pointer(&balancer->request, balancer_request_cancel);
	balancer->state = STOPPED;
	ask_after(balancer, RESTART_MS);
}

/* Spawns HAProxy with all published sockets; `old` (0: none) is the process that it takes over
 * from. */
static gboolean spawn(Balancer *balancer, pid_t old, GError **error) {
	g_autofree char *config = g_build_filename(balancer->inside, CONFIG, NULL);
	g_autofree char *master = g_strdup_printf("%s/master.sock,mode,600", balancer->inside);
	g_autofree char *former = g_build_filename(balancer->inside, SOCKET, NULL);
	g_autofree char *pid = g_strdup_printf("%d", old);
	const char *argv[] = {"haproxy", "-W", "-S", master, "-f", config, old ? "-x" : NULL,
		former, "-sf", pid, NULL};
	g_autofree int *fds = g_new(int, balancer->published->len + 1);
	for (guint i = 0; i < balancer->published->len; i++)
		fds[i] = g_array_index(balancer->published, BalancerPublished, i).fd;
	int log = openat(balancer->folder, "haproxy.log",
		O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	GlassSpawn how = GLASS_SPAWN_INIT;
	how.netns = balancer->spec->owner;
	how.argv = argv;
	how.fds = fds;
	how.n_fds = balancer->published->len;
	how.output = how.errors = log;
	balancer->process = glass_spawn(balancer->owner->glass, &how, on_ended, balancer, error);
	if (log >= 0)
		close(log);
	return balancer->process != NULL;
}

/* Starts it with a configuration written anew. */
static gboolean start(Balancer *balancer, GError **error) {
	g_autoptr(GlassProcess) former = g_steal_pointer(&balancer->process);
	GArray *published = balancer_published_of(balancer->spec);
	g_autofree char *base = base_configuration(balancer, balancer->spec, published, error);
	if (!base) {
		g_array_unref(published);
		balancer->process = g_steal_pointer(&former);
		return FALSE;
	}
	g_array_unref(balancer->published);
	balancer->published = published;
	balancer->generation++;
	g_free(balancer->signature);
	balancer->signature = sign(base);
	if (!write_configuration(balancer, base, error) ||
		!spawn(balancer, former ? glass_process_pid(former) : 0, error)) {
		balancer->state = STOPPED;
		ask_after(balancer, RESTART_MS);
		return FALSE;
	}
	write_record(balancer);
	wait_for_takeover(balancer);
	return TRUE;
}

/* ---- changes ---- */

static void on_reload_sent(const char *text, gpointer data) {
	Balancer *balancer = data;
	balancer->request = NULL;
	ask_after(balancer, ASK_MS);
}

static void reload(Balancer *balancer, const char *base, GError **error) {
	balancer->generation++;
	g_free(balancer->signature);
	balancer->signature = sign(base);
	if (!write_configuration(balancer, base, error))
		return;
	write_record(balancer);
	wait_for_takeover(balancer);
	g_clear_handle_id(&balancer->timer, g_source_remove);
	balancer->request = balancer_request(
		balancer->folder, "master.sock", "reload", on_reload_sent, balancer);
}

static void on_checked(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GError) error = NULL;
	gboolean fine = glass_run_finish(result, NULL, NULL, &error);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	Balancer *balancer = data;
	g_clear_object(&balancer->checking);
	if (balancer->changed) {
		change(balancer);
		return;
	}
	if (balancer->state == STOPPED)
		return;
	if (fine) {
		g_autoptr(GArray) published = balancer_published_of(balancer->spec);
		if (!balancer_published_equal(published, balancer->published))
			start(balancer, &error);
		else {
			g_autofree char *base = base_configuration(
				balancer, balancer->spec, balancer->published, &error);
			if (base)
				reload(balancer, base, &error);
		}
	}
	if (error)
		announce(balancer, error);
}

/* Takes over the specification: HAProxy is asked first whether it likes it. */
static void change(Balancer *balancer) {
	g_autoptr(GError) error = NULL;
	balancer->changed = balancer->checking != NULL;
	if (balancer->checking || balancer->state == STOPPED)
		return;
	g_autoptr(GArray) published = balancer_published_of(balancer->spec);
	g_autofree char *base = base_configuration(balancer, balancer->spec,
		balancer_published_equal(published, balancer->published) ? balancer->published
									 : published,
		&error);
	g_autofree char *signature = base ? sign(base) : NULL;
	if (g_strcmp0(signature, balancer->signature) == 0 &&
		balancer_published_equal(published, balancer->published)) {
		if (balancer->state == RUNNING)
			announce(balancer, NULL);
		return;
	}
	/* The check has no sockets of the host. */
	g_autofree char *bare =
		base ? balancer_configuration(balancer->spec, NULL, balancer->inside, &error)
		     : NULL;
	g_autofree char *text =
		bare ? whole_configuration(balancer, balancer->spec, bare, balancer->generation + 1)
		     : NULL;
	g_autofree char *path = path_of(balancer, CONFIG ".new");
	g_autofree char *inside = g_build_filename(balancer->inside, CONFIG ".new", NULL);
	if (!text || !g_file_set_contents_full(
			     path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error)) {
		announce(balancer, error);
		return;
	}
	const char *const argv[] = {"haproxy", "-c", "-f", inside, NULL};
	balancer->checking = g_cancellable_new();
	glass_run_async(balancer->owner->glass, NULL, argv, NULL, NULL, balancer->checking,
		on_checked, balancer);
}

/* Takes the process of before; FALSE if there is none. */
static gboolean adopt(Balancer *balancer) {
	g_autoptr(GKeyFile) record = NULL;
	balancer->process = balancer_record_adopt(
		balancer->owner->glass, balancer->id, &record, on_ended, balancer);
	balancer->generation = g_key_file_get_integer(record, "configuration", "generation", NULL);
	if (!balancer->process)
		return FALSE;
	gsize n = 0;
	g_autofree int *ports = g_key_file_get_integer_list(record, "process", "ports", &n, NULL);
	for (gsize i = 0; i < n; i++) {
		BalancerPublished each = {ports[i], -1};
		for (guint j = 0; j < balancer->spec->listeners->len; j++) {
			const BalancerListener *listener = balancer->spec->listeners->pdata[j];
			if (each.fd < 0 && listener->published_fd >= 0 &&
				balancer_socket_port(listener->published_fd) == ports[i])
				each.fd = fcntl(listener->published_fd, F_DUPFD_CLOEXEC, 0);
		}
		g_array_append_val(balancer->published, each);
	}
	balancer->signature = g_key_file_get_string(record, "configuration", "signature", NULL);
	balancer->adopted = TRUE;
	wait_for_takeover(balancer);
	ask_after(balancer, 0);
	return TRUE;
}

/* ---- the API ---- */

static void balancer_free(gpointer data) {
	Balancer *balancer = data;
	if (balancer->checking)
		g_cancellable_cancel(balancer->checking);
	g_clear_object(&balancer->checking);
	balancer_request_cancel(balancer->request);
	g_clear_handle_id(&balancer->timer, g_source_remove);
	glass_process_free(balancer->process);
	balancer_targets_free(balancer->targets);
	balancer_spec_free(balancer->spec);
	g_array_unref(balancer->published);
	if (balancer->folder >= 0)
		close(balancer->folder);
	g_free(balancer->signature);
	g_free(balancer->inside);
	g_free(balancer->id);
	g_free(balancer);
}

Balancers *balancers_new(Glass *glass, const BalancerEvents *events, gpointer data) {
	Balancers *balancers = g_new0(Balancers, 1);
	balancers->glass = glass;
	balancers->events = *events;
	balancers->data = data;
	balancers->all = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, balancer_free);
	return balancers;
}

void balancers_free(Balancers *balancers) {
	if (!balancers)
		return;
	g_hash_table_unref(balancers->all);
	g_free(balancers);
}

static Balancer *make(Balancers *balancers, BalancerSpec *spec, GError **error) {
	g_autofree char *name = g_build_filename(BALANCER_FOLDER, spec->id, NULL);
	g_autofree char *inside = glass_make_folder(balancers->glass, name, error);
	if (!inside)
		return NULL;
	Balancer *balancer = g_new0(Balancer, 1);
	balancer->owner = balancers;
	balancer->spec = spec;
	balancer->id = g_strdup(spec->id);
	balancer->inside = g_steal_pointer(&inside);
	balancer->targets = balancer_targets_new();
	balancer->published = balancer_published_new();
	g_autofree char *path = path_of(balancer, "");
	balancer->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_hash_table_insert(balancers->all, balancer->id, balancer);
	return balancer;
}

static gboolean is_supported(const BalancerSpec *spec, GError **error) {
	if (!spec->access_log)
		return TRUE;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		"access logs of balancers are not supported");
	return FALSE;
}

Balancer *balancers_run(Balancers *balancers, BalancerSpec *taken, GError **error) {
	g_autoptr(BalancerSpec) spec = taken;
	if (!is_supported(spec, error))
		return NULL;
	Balancer *balancer = balancers_get(balancers, spec->id);
	if (balancer && g_str_equal(balancer->spec->owner, spec->owner)) {
		balancer_spec_free(balancer->spec);
		balancer->spec = g_steal_pointer(&spec);
		change(balancer);
		return balancer;
	}
	if (balancer)
		balancer_stop(balancer);
	balancer = make(balancers, spec, error);
	if (!balancer)
		return NULL;
	g_steal_pointer(&spec);
	if (adopt(balancer)) {
		change(balancer);
		return balancer;
	}
	if (start(balancer, error))
		return balancer;
	g_hash_table_remove(balancers->all, balancer->id);
	return NULL;
}

Balancer *balancers_get(Balancers *balancers, const char *id) {
	return g_hash_table_lookup(balancers->all, id);
}

void balancers_sweep(Balancers *balancers) {
	g_autofree char *path =
		g_build_filename(glass_home(balancers->glass), BALANCER_FOLDER, NULL);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	for (const char *id; folder && (id = g_dir_read_name(folder));) {
		g_autoptr(GKeyFile) record = NULL;
		if (balancers_get(balancers, id))
			continue;
		g_autoptr(GlassProcess) process =
			balancer_record_adopt(balancers->glass, id, &record, NULL, NULL);
		if (process)
			glass_process_signal(process, SIGTERM, NULL);
		balancer_folder_remove(balancers->glass, id);
	}
}

int balancers_recover_socket(Balancers *balancers, const char *id, guint16 port) {
	g_autoptr(GKeyFile) record = NULL;
	g_autoptr(GlassProcess) process =
		balancer_record_adopt(balancers->glass, id, &record, NULL, NULL);
	gsize n = 0;
	g_autofree int *ports = g_key_file_get_integer_list(record, "process", "ports", &n, NULL);
	for (gsize i = 0; process && i < n; i++) {
		if (ports[i] != port)
			continue;
		int fd = (int)syscall(
			SYS_pidfd_getfd, glass_process_pidfd(process), FIRST_FD + (int)i, 0);
		if (fd >= 0 && balancer_socket_port(fd) == port)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

void balancer_stop(Balancer *balancer) {
	Balancers *balancers = balancer->owner;
	g_autofree char *id = g_strdup(balancer->id);
	if (balancer->process)
		glass_process_signal(balancer->process, SIGTERM, NULL);
	g_hash_table_remove(balancers->all, id);
	balancer_folder_remove(balancers->glass, id);
}

const char *balancer_id(const Balancer *balancer) {
	return balancer->id;
}

static void hurry(Balancer *balancer) {
	if (balancer->state == RUNNING && !balancer->request)
		ask_after(balancer, 0);
}

void balancer_register(Balancer *balancer, const char *group, const char *address, int port) {
	if (balancer_targets_register(balancer->targets, group, address, port))
		hurry(balancer);
}

void balancer_deregister(Balancer *balancer, const char *group, const char *address, int port) {
	if (balancer_targets_deregister(balancer->targets, group, address, port))
		hurry(balancer);
}

BalancerTargetHealth balancer_target_health(
	Balancer *balancer, const char *group, const char *address, int port) {
	return balancer_targets_health(balancer->targets, group, address, port);
}
