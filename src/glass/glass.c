/*
 * The glass as an object: opening (starting or adopting), ids, folders, ending. Relies on init.c
 * for the start and on the record <home>/glass.ini: pid and start time of the init, and the ids
 * that its files have on disk. Must never signal a process that the record does not identify beyond
 * doubt.
 */
#include "glass/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/magic.h>

G_DEFINE_QUARK(glass - error - quark, glass_error)

gboolean glass_refuse(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
	return FALSE;
}

#define ID_COUNT 65536u
#define FIRST_ROOT_BASE 200000u
#define END_WAIT_MS 20000
#define LOCK_TRIES 25
#define LOCK_WAIT_US 20000

struct Glass {
	char *home;
	int home_fd, lock_fd, pidfd;
	pid_t pid;
	gboolean adopted, egress;
	char *egress_reason, *limits_reason;
	GlassIds ids;
	GQueue net_queue, build_queue;
};

void glass_close(Glass *glass) {
	if (!glass)
		return;
	int fds[] = {glass->home_fd, glass->lock_fd, glass->pidfd};
	for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	g_free(glass->home);
	g_free(glass->egress_reason);
	g_free(glass->limits_reason);
	g_free(glass);
}

static gboolean failed(GError **error, const char *what, const char *path) {
	g_set_error(
		error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s %s: %s", what, path, g_strerror(errno));
	return FALSE;
}

static char *record_path(const char *home) {
	return g_build_filename(home, "glass.ini", NULL);
}

static char *boot_id(void) {
	char *text = NULL;
	if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
		return g_strdup("unknown");
	return g_strstrip(text);
}

/* A pidfd of the init that the record tells of, or -1. The pidfd is opened first and the start time
 * read after it, so a pid that changed hands in between cannot be mistaken. */
static int find_running(GKeyFile *record, pid_t *pid) {
	g_autofree char *boot = boot_id();
	g_autofree char *noted = g_key_file_get_string(record, "init", "boot", NULL);
	*pid = g_key_file_get_integer(record, "init", "pid", NULL);
	if (*pid <= 1 || g_strcmp0(boot, noted) != 0)
		return -1;
	int fd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (fd < 0)
		return -1;
	struct pollfd ended = {fd, POLLIN};
	if (glass_start_of(*pid) == g_key_file_get_uint64(record, "init", "start", NULL) &&
		poll(&ended, 1, 0) == 0)
		return fd;
	close(fd);
	return -1;
}

static gboolean write_record(Glass *glass, GKeyFile *record, GError **error) {
	g_autofree char *path = record_path(glass->home), *boot = boot_id();
	g_key_file_set_integer(record, "init", "pid", glass->pid);
	g_key_file_set_uint64(record, "init", "start", glass_start_of(glass->pid));
	g_key_file_set_string(record, "init", "boot", boot);
	g_key_file_set_string(
		record, "egress", "reason", glass->egress_reason ? glass->egress_reason : "");
	g_key_file_set_integer(record, "ids", "uid", glass->ids.uid_base);
	g_key_file_set_integer(record, "ids", "gid", glass->ids.gid_base);
	g_key_file_set_integer(record, "ids", "count", glass->ids.count);
	return g_key_file_save_to_file(record, path, error);
}

/* The range of `name` (or its number) in /etc/subuid or /etc/subgid; *above gets the first number
 * above all ranges. */
static gboolean read_range(
	const char *path, const char *name, guint id, guint *base, guint *count, guint *above) {
	g_autofree char *text = NULL, *number = g_strdup_printf("%u", id);
	gboolean found = FALSE;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (gsize i = 0; lines[i]; i++) {
		g_auto(GStrv) field = g_strsplit(g_strstrip(lines[i]), ":", 3);
		if (g_strv_length(field) != 3)
			continue;
		guint64 from = g_ascii_strtoull(field[1], NULL, 10);
		guint64 n = g_ascii_strtoull(field[2], NULL, 10);
		*above = MAX(*above, (guint)MIN(from + n, G_MAXINT));
		if (found || n < ID_COUNT - 1 ||
			(!g_str_equal(field[0], name) && !g_str_equal(field[0], number)))
			continue;
		*base = (guint)from;
		*count = (guint)MIN(n, ID_COUNT);
		found = TRUE;
	}
	return found;
}

/* The ids of the glass: those that the home's files have already, else a range of the user's. */
static gboolean choose_ids(Glass *glass, GKeyFile *record, GError **error) {
	GlassIds *ids = &glass->ids;
	guint above = FIRST_ROOT_BASE, count = 0, group_count = 0;
	const struct passwd *user = getpwuid(getuid());
	const char *name = user ? user->pw_name : "";
	ids->uid = getuid();
	ids->gid = getgid();
	ids->as_root = ids->uid == 0;
	ids->count = ID_COUNT;
	if (g_key_file_has_group(record, "ids")) {
		ids->uid_base = g_key_file_get_integer(record, "ids", "uid", NULL);
		ids->gid_base = g_key_file_get_integer(record, "ids", "gid", NULL);
		ids->count = g_key_file_get_integer(record, "ids", "count", NULL);
		return TRUE;
	}
	gboolean found = read_range("/etc/subuid", name, ids->uid, &ids->uid_base, &count, &above);
	gboolean groups =
		read_range("/etc/subgid", name, ids->uid, &ids->gid_base, &group_count, &above);
	if (found && groups) {
		guint usable = MIN(count, group_count);
		ids->count = ids->as_root ? usable : MIN(usable + 1, ID_COUNT);
		return TRUE;
	}
	if (ids->as_root) {
		ids->uid_base = ids->gid_base = above;
		return TRUE;
	}
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED,
		"user %s has no 65536 subordinate ids in /etc/subuid and /etc/subgid; an "
		"administrator "
		"gives them with: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
		"%s",
		name, name);
	return FALSE;
}

static void judge_limits(Glass *glass) {
	struct statfs fs;
	if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		glass->limits_reason = g_strdup(
			"this machine's control groups are not version 2, so cpu and memory limits "
			"are not enforced");
	else
		glass->limits_reason = g_strdup(
			"no delegated control group is used, so cpu and memory limits are not "
			"enforced");
}

/* Where only the real root may use /dev/net/tun, the glass of the real root gets a node of its own,
 * for egress. Elsewhere the host's serves, or there is no egress, which is then said. */
static void make_tun(Glass *glass) {
	struct stat host;
	if (!glass->ids.as_root || stat("/dev/net/tun", &host) < 0 || (host.st_mode & 0006) == 0006)
		return;
	if (mknodat(glass->home_fd, "tun", S_IFCHR | 0666, host.st_rdev) < 0 && errno != EEXIST)
		return;
	if (fchmodat(glass->home_fd, "tun", 0666, 0) < 0)
		g_debug("tun: %s", g_strerror(errno));
}

static gboolean start(Glass *glass, GKeyFile *record, GError **error) {
	make_tun(glass);
	glass->pid = glass_init_start(glass->home_fd, &glass->ids, error);
	if (glass->pid < 0)
		return FALSE;
	glass->pidfd = (int)syscall(SYS_pidfd_open, glass->pid, 0);
	if (glass->pidfd < 0)
		return failed(error, "cannot watch", "the glass's init");
	if (!write_record(glass, record, error)) {
		syscall(SYS_pidfd_send_signal, glass->pidfd, SIGKILL, NULL, 0);
		return FALSE;
	}
	g_autoptr(GError) problem = NULL;
	if (!glass_egress_start(glass, &problem))
		glass->egress_reason = g_strdup(problem->message);
	return write_record(glass, record, error);
}

static gboolean open_home(Glass *glass, const char *home, GError **error) {
	glass->home = g_canonicalize_filename(home, NULL);
	if (g_mkdir_with_parents(glass->home, 0755) < 0)
		return failed(error, "cannot make", glass->home);
	glass->home_fd = open(glass->home, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (glass->home_fd < 0 || fchmod(glass->home_fd, 0755) < 0)
		return failed(error, "cannot open", glass->home);
	glass->lock_fd = openat(glass->home_fd, "glass.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (glass->lock_fd < 0)
		return failed(error, "cannot open the lock of", glass->home);
	/* A process just killed may have left a child that has the lock for another moment. */
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(glass->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return TRUE;
		g_usleep(LOCK_WAIT_US);
	}
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s is in use by another process",
		glass->home);
	return FALSE;
}

Glass *glass_open(const char *home, GError **error) {
	g_autoptr(Glass) glass = g_new0(Glass, 1);
	glass->home_fd = glass->lock_fd = glass->pidfd = -1;
	if (!open_home(glass, home, error))
		return NULL;
	g_autoptr(GKeyFile) record = g_key_file_new();
	g_autofree char *path = record_path(glass->home);
	g_key_file_load_from_file(record, path, G_KEY_FILE_NONE, NULL);
	if (!choose_ids(glass, record, error))
		return NULL;
	judge_limits(glass);
	glass->pidfd = find_running(record, &glass->pid);
	if (glass->pidfd < 0)
		return start(glass, record, error) ? g_steal_pointer(&glass) : NULL;
	glass->adopted = TRUE;
	g_autofree char *reason = g_key_file_get_string(record, "egress", "reason", NULL);
	if (reason && *reason)
		glass->egress_reason = g_steal_pointer(&reason);
	return g_steal_pointer(&glass);
}

/* Ends the init and waits until the kernel has ended all that was inside. */
static gboolean end_init(int pidfd, GError **error) {
	struct pollfd ended = {pidfd, POLLIN};
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return failed(error, "cannot end", "the glass");
	if (poll(&ended, 1, END_WAIT_MS) == 1)
		return TRUE;
	g_set_error_literal(error, GLASS_ERROR, GLASS_ERROR_FAILED,
		"the glass did not end: is there a child of this process that nobody reaps?");
	return FALSE;
}

/* The ids stay in the record: the files of the home still have them. */
static void forget_init(const char *home) {
	g_autofree char *path = record_path(home);
	g_autoptr(GKeyFile) record = g_key_file_new();
	if (!g_key_file_load_from_file(record, path, G_KEY_FILE_NONE, NULL))
		return;
	g_key_file_remove_group(record, "init", NULL);
	g_key_file_remove_group(record, "egress", NULL);
	g_key_file_save_to_file(record, path, NULL);
}

gboolean glass_destroy(Glass *glass, GError **error) {
	gboolean ok = end_init(glass->pidfd, error);
	if (ok)
		forget_init(glass->home);
	glass_close(glass);
	return ok;
}

gboolean glass_destroy_home(const char *home, GError **error) {
	g_autofree char *path = record_path(home);
	g_autoptr(GKeyFile) record = g_key_file_new();
	pid_t pid;
	if (!g_key_file_load_from_file(record, path, G_KEY_FILE_NONE, NULL))
		return TRUE;
	int pidfd = find_running(record, &pid);
	gboolean ok = pidfd < 0 || end_init(pidfd, error);
	if (pidfd >= 0)
		close(pidfd);
	if (ok)
		forget_init(home);
	return ok;
}

GQueue *glass_net_queue(Glass *glass) {
	return &glass->net_queue;
}

GQueue *glass_build_queue(Glass *glass) {
	return &glass->build_queue;
}

const char *glass_home(const Glass *glass) {
	return glass->home;
}

gboolean glass_adopted(const Glass *glass) {
	return glass->adopted;
}

gboolean glass_alive(const Glass *glass) {
	struct pollfd ended = {glass->pidfd, POLLIN};
	return poll(&ended, 1, 0) == 0;
}

pid_t glass_pid(const Glass *glass) {
	return glass->pid;
}

int glass_pidfd(const Glass *glass) {
	return glass->pidfd;
}

void glass_leave_parent(Glass *glass) {
	close(glass->lock_fd);
}

/* A folder that a process killed in glass_make_folder has made, but not given away. */
static gboolean half_made(const char *path) {
	struct stat status;
	if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode) || status.st_uid != 0)
		return FALSE;
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	return folder && !g_dir_read_name(folder);
}

/* Makes each part of the path below the home that is missing, and gives it to root inside. */
char *glass_make_folder(Glass *glass, const char *name, GError **error) {
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);
	g_autofree char *path = g_strdup(glass->home);
	for (gsize i = 0; parts[i]; i++) {
		g_autofree char *parent = g_steal_pointer(&path);
		if (!*parts[i] || g_str_equal(parts[i], "..") || g_str_equal(parts[i], ".")) {
			g_set_error(
				error, GLASS_ERROR, GLASS_ERROR_FAILED, "bad folder name %s", name);
			return NULL;
		}
		path = g_build_filename(parent, parts[i], NULL);
		gboolean made = mkdir(path, 0755) == 0;
		if (!made && errno != EEXIST) {
			failed(error, "cannot make", path);
			return NULL;
		}
		if (glass->ids.as_root && (made || half_made(path)) &&
			lchown(path, glass->ids.uid_base, glass->ids.gid_base) < 0) {
			failed(error, "cannot give away", path);
			return NULL;
		}
	}
	return g_build_filename(GLASS_HOME, name, NULL);
}

static guint outer(const GlassIds *ids, guint base, guint own, guint inner) {
	if (inner >= ids->count)
		return G_MAXUINT;
	if (ids->as_root)
		return base + inner;
	return inner == 0 ? own : base + inner - 1;
}

guint glass_outer_uid(const Glass *glass, guint inner) {
	return outer(&glass->ids, glass->ids.uid_base, glass->ids.uid, inner);
}

guint glass_outer_gid(const Glass *glass, guint inner) {
	return outer(&glass->ids, glass->ids.gid_base, glass->ids.gid, inner);
}

gboolean glass_limits_enforced(const Glass *glass, const char **reason) {
	if (reason)
		*reason = glass->limits_reason;
	return glass->limits_reason == NULL;
}

gboolean glass_has_egress(const Glass *glass, const char **reason) {
	if (reason)
		*reason = glass->egress_reason;
	return glass->egress_reason == NULL;
}
