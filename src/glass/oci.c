/*
 * From an ECS container definition and a Docker image's config to an OCI runtime config. Defaults
 * (capabilities, masked paths, mounts) are those that Docker gives a container, since images are
 * made for them; the network is the task's. Relies on nothing but the image's passwd and group
 * files.
 */
#include "glass/oci.h"
#include "glass/glass.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <jansson.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ACCOUNTS_LIMIT (1024 * 1024)
#define INIT_PATH "/dev/init"
#define MEBIBYTE G_GINT64_CONSTANT(1048576)
#define FARGATE_FILES 65535 /* nofile of a Fargate task, soft and hard */

/* ---- users ---- */

/* The lines of an accounts file of the image, split at ':'. Empty if there is none. */
static GPtrArray *read_accounts(const char *root, const char *path) {
	GPtrArray *lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT};
	int fd = folder < 0 ? -1 : (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return lines;
	g_autofree char *text = g_malloc(ACCOUNTS_LIMIT + 1);
	gsize length = 0;
	ssize_t got;
	while (length < ACCOUNTS_LIMIT &&
		(got = read(fd, text + length, ACCOUNTS_LIMIT - length)) > 0)
		length += (gsize)got;
	close(fd);
	text[length] = '\0';
	g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
	for (char **row = rows; *row; row++) {
		char **fields = g_strsplit(g_strstrip(*row), ":", -1);
		if (g_strv_length(fields) >= 4)
			g_ptr_array_add(lines, fields);
		else
			g_strfreev(fields);
	}
	return lines;
}

static gboolean parse_id(const char *text, guint32 *id) {
	guint64 number;
	if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &number, NULL))
		return FALSE;
	*id = (guint32)number;
	return TRUE;
}

/* The line whose name (or else whose id, the third field) is `text`. */
static char **find_account(GPtrArray *lines, const char *text) {
	guint32 id, other;
	gboolean is_id = parse_id(text, &id);
	for (guint i = 0; i < lines->len; i++) {
		char **fields = lines->pdata[i];
		if (g_str_equal(fields[0], text))
			return fields;
	}
	for (guint i = 0; is_id && i < lines->len; i++) {
		char **fields = lines->pdata[i];
		if (parse_id(fields[2], &other) && other == id)
			return fields;
	}
	return NULL;
}

/* Groups that name the user as a member. */
static void add_groups(GPtrArray *groups, const char *user, OciUser *resolved) {
	for (guint i = 0; i < groups->len; i++) {
		char **fields = groups->pdata[i];
		g_auto(GStrv) members = g_strsplit(fields[3], ",", -1);
		guint32 gid;
		if (g_strv_contains((const char *const *)members, user) &&
			parse_id(fields[2], &gid) && gid != resolved->gid)
			g_array_append_val(resolved->additional, gid);
	}
}

static gboolean resolve_group(
	GPtrArray *groups, const char *name, OciUser *resolved, GError **error) {
	char **group = find_account(groups, name);
	if (group ? parse_id(group[2], &resolved->gid) : parse_id(name, &resolved->gid))
		return TRUE;
	return glass_refuse(
		error, "unable to find group %s: no matching entries in group file", name);
}

gboolean oci_user_resolve(const char *root, const char *user, OciUser *resolved, GError **error) {
	*resolved = (OciUser){.additional = g_array_new(FALSE, FALSE, sizeof(guint32))};
	g_auto(GStrv) parts = g_strsplit(user && *user ? user : "0", ":", 2);
	g_autoptr(GPtrArray) users = read_accounts(root, "etc/passwd");
	g_autoptr(GPtrArray) groups = read_accounts(root, "etc/group");
	const char *name = *parts[0] ? parts[0] : "0";
	char **account = find_account(users, name);
	if (account) {
		if (!parse_id(account[2], &resolved->uid) || !parse_id(account[3], &resolved->gid))
			return glass_refuse(
				error, "the image's passwd entry of user %s is broken", name);
		if (g_strv_length(account) > 5 && *account[5])
			resolved->home = g_strdup(account[5]);
	} else if (!parse_id(name, &resolved->uid)) {
		return glass_refuse(
			error, "unable to find user %s: no matching entries in passwd file", name);
	}
	if (!resolved->home)
		resolved->home = g_strdup("/");
	if (parts[1] && *parts[1])
		return resolve_group(groups, parts[1], resolved, error);
	if (account)
		add_groups(groups, account[0], resolved);
	return TRUE;
}

void oci_user_clear(OciUser *user) {
	g_clear_pointer(&user->additional, g_array_unref);
	g_clear_pointer(&user->home, g_free);
}

int oci_signal(const char *name) {
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ABRT", SIGABRT},
		{"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
		{"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"CONT", SIGCONT}, {"STOP", SIGSTOP},
		{"TSTP", SIGTSTP}, {"WINCH", SIGWINCH}, {"IO", SIGIO}, {"PWR", SIGPWR}};
	guint32 number;
	if (parse_id(name, &number))
		return number < NSIG ? (int)number : 0;
	if (g_str_has_prefix(name, "SIG"))
		name += 3;
	guint64 offset;
	if (g_str_has_prefix(name, "RTMIN+") &&
		g_ascii_string_to_unsigned(name + 6, 10, 0, 30, &offset, NULL))
		return SIGRTMIN + (int)offset;
	for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
		if (g_str_equal(signals[i].name, name))
			return signals[i].number;
	}
	return 0;
}

/* ---- the process ---- */

static json_t *strings(const char *const *texts) {
	json_t *array = json_array();
	for (; texts && *texts; texts++)
		json_array_append_new(array, json_string(*texts));
	return array;
}

static void append_strings(json_t *array, char **texts) {
	for (; texts && *texts; texts++)
		json_array_append_new(array, json_string(*texts));
}

/* Docker's rule: an entry point that the definition gives drops the image's command. */
static json_t *arguments(const ContainerSpec *spec, const ImageConfig *image, GError **error) {
	gboolean own_entry = spec->entry_point && *spec->entry_point;
	json_t *args = json_array();
	if (spec->init_process)
		append_strings(args, (char *[]){INIT_PATH, "--", NULL});
	gsize before = json_array_size(args);
	append_strings(args, own_entry ? spec->entry_point : image->entry_point);
	if (spec->command && *spec->command)
		append_strings(args, spec->command);
	else if (!own_entry)
		append_strings(args, image->command);
	if (json_array_size(args) > before)
		return args;
	json_decref(args);
	glass_refuse(error,
		"no command specified: neither the image nor the container definition has one");
	return NULL;
}

/* Later settings replace earlier ones of the same name, in the earlier one's place. */
static void set_environment(GPtrArray *environment, const char *setting) {
	gsize length = strcspn(setting, "=") + 1;
	for (guint i = 0; i < environment->len; i++) {
		if (strncmp(environment->pdata[i], setting, length) == 0) {
			environment->pdata[i] = (gpointer)setting;
			return;
		}
	}
	g_ptr_array_add(environment, (gpointer)setting);
}

static json_t *environment(const ContainerSpec *spec, const ImageConfig *image,
	const char *hostname, const char *home) {
	g_autofree char *host_setting = g_strconcat("HOSTNAME=", hostname, NULL);
	g_autofree char *home_setting = g_strconcat("HOME=", home, NULL);
	g_autoptr(GPtrArray) settings = g_ptr_array_new();
	set_environment(settings, DEFAULT_PATH);
	set_environment(settings, host_setting);
	set_environment(settings, home_setting);
	if (spec->pseudo_terminal)
		set_environment(settings, "TERM=xterm");
	for (char **at = image->environment; at && *at; at++)
		set_environment(settings, *at);
	for (char **at = spec->environment; at && *at; at++)
		set_environment(settings, *at);
	g_ptr_array_add(settings, NULL);
	return strings((const char *const *)settings->pdata);
}

static const char *const known_capabilities[] = {"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE",
	"BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH",
	"FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
	"MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_BOOT",
	"SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "SYSLOG", "WAKE_ALARM", NULL};
static const char *const docker_capabilities[] = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER",
	"FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP",
	"SETUID", "SYS_CHROOT", NULL};

static gboolean check_capabilities(char **names, GError **error) {
	for (; names && *names; names++) {
		if (!g_str_equal(*names, "ALL") && !g_strv_contains(known_capabilities, *names))
			return glass_refuse(error, "unknown capability %s", *names);
	}
	return TRUE;
}

static gboolean named(char **names, const char *name) {
	return names && g_strv_contains((const char *const *)names, name);
}

/* Docker's rule: dropping is undone by adding by name; ALL is every one. */
static gboolean has_capability(const ContainerSpec *spec, const char *name) {
	char **add = spec->add_capabilities, **drop = spec->drop_capabilities;
	if (named(add, name))
		return TRUE;
	if (named(drop, name) || named(drop, "ALL"))
		return FALSE;
	return named(add, "ALL") || g_strv_contains(docker_capabilities, name);
}

static json_t *capabilities(const ContainerSpec *spec, guint32 uid) {
	json_t *set = json_array();
	for (gsize i = 0; known_capabilities[i]; i++) {
		if (has_capability(spec, known_capabilities[i]))
			json_array_append_new(set, json_sprintf("CAP_%s", known_capabilities[i]));
	}
	json_t *sets = json_pack("{s:O}", "bounding", set);
	if (uid == 0) {
		json_object_set(sets, "effective", set);
		json_object_set(sets, "permitted", set);
	}
	json_decref(set);
	return sets;
}

/* A limit beyond what the glass itself has cannot be given: it is lowered, and said. */
static gint64 bounded(
	gint64 limit, const char *name, const OciPlace *place, GPtrArray *differences) {
	gboolean files = g_str_equal(name, "nofile");
	if (!files || place->file_limit <= 0 || (limit >= 0 && limit <= place->file_limit))
		return limit;
	if (differences)
		g_ptr_array_add(
			differences, g_strdup_printf("ulimit nofile %" G_GINT64_FORMAT
						     " lowered to this machine's %" G_GINT64_FORMAT,
					     limit, place->file_limit));
	return place->file_limit;
}

static void add_limit(json_t *limits, const char *name, gint64 soft, gint64 hard) {
	g_autofree char *upper = g_ascii_strup(name, -1);
	/* Unlimited is written as the greatest number that JSON readers agree on. */
	json_array_append_new(
		limits, json_pack("{s:o, s:I, s:I}", "type", json_sprintf("RLIMIT_%s", upper),
				"soft", (json_int_t)(soft < 0 ? G_MAXINT64 : soft), "hard",
				(json_int_t)(hard < 0 ? G_MAXINT64 : hard)));
}

static json_t *limits(const ContainerSpec *spec, const OciPlace *place, GPtrArray *differences) {
	json_t *array = json_array();
	gboolean files = FALSE;
	for (guint i = 0; i < spec->ulimits->len; i++) {
		const ContainerUlimit *limit = spec->ulimits->pdata[i];
		files = files || g_str_equal(limit->name, "nofile");
		add_limit(array, limit->name, bounded(limit->soft, limit->name, place, NULL),
			bounded(limit->hard, limit->name, place, differences));
	}
	if (!files) {
		gint64 most = bounded(FARGATE_FILES, "nofile", place, NULL);
		add_limit(array, "nofile", most, most);
	}
	return array;
}

static json_t *user_json(const OciUser *user) {
	json_t *groups = json_array();
	for (guint i = 0; i < user->additional->len; i++)
		json_array_append_new(
			groups, json_integer(g_array_index(user->additional, guint32, i)));
	return json_pack("{s:I, s:I, s:o}", "uid", (json_int_t)user->uid, "gid",
		(json_int_t)user->gid, "additionalGids", groups);
}

static json_t *process(const ContainerSpec *spec, const ImageConfig *image, const OciPlace *place,
	const char *hostname, GPtrArray *differences, GError **error) {
	json_t *args = arguments(spec, image, error);
	if (!args)
		return NULL;
	OciUser user;
	const char *who = spec->user && *spec->user ? spec->user : image->user;
	if (!oci_user_resolve(place->root, who, &user, error)) {
		oci_user_clear(&user);
		json_decref(args);
		return NULL;
	}
	const char *folder = spec->working_directory	? spec->working_directory
			     : image->working_directory ? image->working_directory
							: "/";
	json_t *object = json_pack("{s:b, s:o, s:o, s:o, s:s, s:o, s:o, s:b}", "terminal",
		spec->pseudo_terminal, "user", user_json(&user), "args", args, "env",
		environment(spec, image, hostname, user.home), "cwd", folder, "capabilities",
		capabilities(spec, user.uid), "rlimits", limits(spec, place, differences),
		"noNewPrivileges", 0);
	oci_user_clear(&user);
	return object;
}

/* ---- mounts ---- */

static void add_mount(json_t *mounts, const char *type, const char *source, const char *path,
	const char *const *options) {
	json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:o}", "destination", path, "type",
					      type, "source", source, "options", strings(options)));
}

static void add_bind(json_t *mounts, const char *source, const char *path, gboolean read_only) {
	const char *const options[] = {"rbind", "rprivate", read_only ? "ro" : "rw", NULL};
	if (source)
		add_mount(mounts, "bind", source, path, options);
}

static void add_system_mounts(json_t *mounts, const ContainerSpec *spec) {
	int size = spec->shared_memory > 0 ? spec->shared_memory : 64;
	g_autofree char *shm = g_strdup_printf("size=%dm", size);
	add_mount(mounts, "proc", "proc", "/proc",
		(const char *[]){"nosuid", "noexec", "nodev", NULL});
	add_mount(mounts, "tmpfs", "tmpfs", "/dev",
		(const char *[]){"nosuid", "strictatime", "mode=755", "size=65536k", NULL});
	add_mount(mounts, "devpts", "devpts", "/dev/pts",
		(const char *[]){"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
			"gid=5", NULL});
	add_mount(mounts, "sysfs", "sysfs", "/sys",
		(const char *[]){"nosuid", "noexec", "nodev", "ro", NULL});
	add_mount(mounts, "mqueue", "mqueue", "/dev/mqueue",
		(const char *[]){"nosuid", "noexec", "nodev", NULL});
	add_mount(mounts, "tmpfs", "shm", "/dev/shm",
		(const char *[]){"nosuid", "noexec", "nodev", "mode=1777", shm, NULL});
}

static void add_tmpfs(json_t *mounts, const ContainerTmpfs *tmpfs) {
	g_autoptr(GPtrArray) options = g_ptr_array_new();
	g_autofree char *size = g_strdup_printf("size=%dm", tmpfs->size);
	const char *const defaults[] = {"nosuid", "nodev", "noexec"};
	for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++) {
		/* "exec" undoes "noexec", and so on. */
		if (!named(tmpfs->options, defaults[i] + 2))
			g_ptr_array_add(options, (gpointer)defaults[i]);
	}
	for (char **at = tmpfs->options; at && *at; at++)
		g_ptr_array_add(options, *at);
	g_ptr_array_add(options, size);
	g_ptr_array_add(options, NULL);
	add_mount(mounts, "tmpfs", "tmpfs", tmpfs->path, (const char *const *)options->pdata);
}

static json_t *mounts(const ContainerSpec *spec, const OciPlace *place) {
	json_t *array = json_array();
	add_system_mounts(array, spec);
	for (guint i = 0; i < spec->tmpfs->len; i++)
		add_tmpfs(array, spec->tmpfs->pdata[i]);
	for (guint i = 0; place->binds && i < place->binds->len; i++) {
		const ContainerMount *bind = place->binds->pdata[i];
		add_bind(array, bind->source, bind->path, bind->read_only);
	}
	add_bind(array, place->hosts, "/etc/hosts", FALSE);
	add_bind(array, place->resolv_conf, "/etc/resolv.conf", FALSE);
	if (spec->init_process)
		add_bind(array, place->init, INIT_PATH, TRUE);
	return array;
}

/* ---- the rest ---- */

/* Only what a container's own namespaces hold, as Docker and ECS have it. */
static json_t *sysctls(const ContainerSpec *spec, GError **error) {
	static const char *const own[] = {
		"net.", "kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."};
	json_t *object = json_object();
	for (char **at = spec->sysctls; at && *at; at++) {
		g_auto(GStrv) pair = g_strsplit(*at, "=", 2);
		gboolean allowed = FALSE;
		for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
			allowed = allowed || g_str_has_prefix(*at, own[i]);
		if (!allowed || !pair[1]) {
			glass_refuse(
				error, "sysctl %s is not one of a container's own namespaces", *at);
			json_decref(object);
			return NULL;
		}
		json_object_set_new(object, pair[0], json_string(pair[1]));
	}
	return object;
}

static json_t *namespaces(const OciPlace *place) {
	json_t *array = json_pack("[{s:s}, {s:s}, {s:s}, {s:s}]", "type", "pid", "type", "ipc",
		"type", "uts", "type", "mount");
	json_t *network = json_pack("{s:s}", "type", "network");
	if (place->network)
		json_object_set_new(network, "path", json_string(place->network));
	json_array_append_new(array, network);
	return array;
}

static json_t *resources(const ContainerSpec *spec, const OciPlace *place) {
	json_t *object = json_object();
	if (place->limits && spec->memory > 0) {
		json_t *memory =
			json_pack("{s:I, s:I}", "limit", (json_int_t)(spec->memory * MEBIBYTE),
				"swap", (json_int_t)(spec->memory * MEBIBYTE));
		if (spec->memory_reservation > 0)
			json_object_set_new(memory, "reservation",
				json_integer(spec->memory_reservation * MEBIBYTE));
		json_object_set_new(object, "memory", memory);
	}
	/* ECS hands its cpu units to the kernel as shares, 2 at least. */
	if (place->limits)
		json_object_set_new(
			object, "cpu", json_pack("{s:I}", "shares", (json_int_t)MAX(spec->cpu, 2)));
	return object;
}

static json_t *linux_part(const ContainerSpec *spec, const OciPlace *place, GError **error) {
	static const char *const masked[] = {"/proc/asound", "/proc/acpi", "/proc/kcore",
		"/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		"/proc/sched_debug", "/proc/scsi", "/sys/firmware", NULL};
	static const char *const read_only[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
	json_t *settings = sysctls(spec, error);
	if (!settings)
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "namespaces", namespaces(place), "sysctl",
		settings, "resources", resources(spec, place), "maskedPaths", strings(masked),
		"readonlyPaths", strings(read_only));
}

static void say_limits(const ContainerSpec *spec, const OciPlace *place, GPtrArray *differences) {
	if (place->limits || !differences)
		return;
	if (spec->memory > 0)
		g_ptr_array_add(differences,
			g_strdup_printf(
				"container %s: memory limit of %d MiB not enforced (no delegated "
				"cgroup v2)",
				spec->name, spec->memory));
	if (spec->cpu > 0)
		g_ptr_array_add(differences,
			g_strdup_printf(
				"container %s: %d cpu units not enforced (no delegated cgroup v2)",
				spec->name, spec->cpu));
}

char *oci_config(const ContainerSpec *spec, const ImageConfig *image, const OciPlace *place,
	GPtrArray *differences, GError **error) {
	if (!check_capabilities(spec->add_capabilities, error) ||
		!check_capabilities(spec->drop_capabilities, error))
		return NULL;
	if (spec->init_process && !place->init) {
		glass_refuse(error,
			"container %s asks for an init process (initProcessEnabled), and this "
			"machine "
			"has none to give: install catatonit",
			spec->name);
		return NULL;
	}
	const char *hostname = spec->hostname	 ? spec->hostname
			       : place->hostname ? place->hostname
						 : "";
	const char *stop = image->stop_signal && oci_signal(image->stop_signal) ? image->stop_signal
										: "SIGTERM";
	json_t *run = process(spec, image, place, hostname, differences, error);
	json_t *kernel = run ? linux_part(spec, place, error) : NULL;
	if (!kernel) {
		json_decref(run);
		return NULL;
	}
	json_t *config = json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o, s:{s:s}}", "ociVersion",
		"1.0.2", "process", run, "root", "path", place->root, "readonly",
		spec->read_only_root, "hostname", hostname, "mounts", mounts(spec, place), "linux",
		kernel, "annotations", "org.opencontainers.image.stopSignal", stop);
	say_limits(spec, place, differences);
	char *text = config ? json_dumps(config, JSON_INDENT(1)) : NULL;
	json_decref(config);
	if (!text)
		glass_refuse(error, "container %s: a text in its definition is not valid UTF-8",
			spec->name);
	/* jansson's allocator is malloc, as GLib's is. */
	return text;
}
