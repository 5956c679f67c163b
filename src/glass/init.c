/*
 * glass-init: process 1 of the glass, and its start. Relies on user namespaces and subordinate ids.
 * It holds the namespaces, reaps, and does nothing else: it never speaks to the outside once it is
 * up, so killing it is always safe and ends everything.
 */
#include "glass/enter.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <grp.h>
#include <linux/close_range.h>

#define READY "ready"

static void report(int fd, const char *what) {
	g_autofree char *text = g_strdup_printf("%s: %s", what, g_strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		_exit(2);
	_exit(1);
}

static void mount_or_report(int fd, const char *source, const char *target, const char *type,
	unsigned long flags, const char *options) {
	if (mount(source, target, type, flags, options) < 0) {
		g_autofree char *what = g_strdup_printf("cannot mount %s", target);
		report(fd, what);
	}
}

/* /etc/resolv.conf names the edge's resolver: the host's may name one that the inside cannot reach.
 */
static void set_resolver(void) {
	const char *own = "/run/resolv.conf";
	if (!g_file_set_contents(own, "nameserver 169.254.1.53\n", -1, NULL))
		return;
	if (g_chmod(own, 0644) < 0)
		return;
	g_autofree char *link = g_file_read_link("/etc/resolv.conf", NULL);
	if (!link) {
		(void)mount(own, "/etc/resolv.conf", NULL, MS_BIND, NULL);
		return;
	}
	g_autofree char *target = g_canonicalize_filename(link, "/etc");
	if (!g_str_has_prefix(target, "/run/") && !g_str_has_prefix(target, "/var/run/"))
		return;
	g_autofree char *folder = g_path_get_dirname(target);
	if (g_mkdir_with_parents(folder, 0755) == 0 && symlink(own, target) < 0 && errno != EEXIST)
		g_debug("cannot name the resolver: %s", g_strerror(errno));
}

static void loopback_up(int fd) {
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &request) < 0)
		report(fd, "cannot set the loopback up");
	close(s);
}

/* The working folder is the home, by a mount of this namespace: parents that root inside may not
 * search need not be walked. */
static void make_mounts(int fd) {
	mount_or_report(fd, "none", "/", NULL, MS_REC | MS_SLAVE, NULL);
	mount_or_report(fd, "tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
	if (mkdir(GLASS_HOME, 0755) < 0 || mkdir("/run/netns", 0755) < 0 ||
		mkdir("/run/lock", 01777) < 0)
		report(fd, "cannot make folders in /run");
	mount_or_report(fd, ".", GLASS_HOME, NULL, MS_BIND | MS_REC, NULL);
	mount_or_report(fd, "tmpfs", "/run/netns", "tmpfs", 0, "mode=755");
	mount_or_report(fd, "none", "/run/netns", NULL, MS_SHARED, NULL);
	mount_or_report(fd, "tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_or_report(fd, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int edge = open("/run/netns/edge", O_CREAT | O_RDONLY | O_CLOEXEC, 0444);
	if (edge >= 0)
		close(edge);
	mount_or_report(fd, "/proc/self/ns/net", "/run/netns/edge", NULL, MS_BIND, NULL);
	/* Neither is vital: containers mount their own, and say so if they cannot. */
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		g_debug("sysfs: %s", g_strerror(errno));
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0)
		g_debug("cgroup2: %s", g_strerror(errno));
	if (access(GLASS_HOME "/tun", F_OK) == 0 &&
		mount(GLASS_HOME "/tun", "/dev/net/tun", NULL, MS_BIND, NULL) < 0)
		g_debug("tun: %s", g_strerror(errno));
	set_resolver();
}

int glass_init_main(int argc, char **argv) {
	int fd = argc == 3 ? atoi(argv[2]) : -1;
	if (fd < 3 || getpid() != 1) {
		fputs("glass-init is started by terrarium itself\n", stderr);
		return 2;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	umask(022);
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_SETMASK, &children, NULL);
	if (sethostname("terrarium", strlen("terrarium")) < 0)
		report(fd, "cannot set the host name");
	make_mounts(fd);
	loopback_up(fd);
	if (chdir("/") < 0 || write(fd, READY, strlen(READY)) < 0)
		return 1;
	close(fd);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sigwaitinfo(&children, NULL);
	}
}

/* The cloned child: waits for its id maps, takes its ids, becomes glass-init by executing this very
 * program (only so may its owner enter it). */
G_NORETURN static void become_init(int go, int ready, int exe) {
	char byte;
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		report(ready, "cannot take the ids of the user namespace");
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	fcntl(ready, F_SETFD, 0);
	char number[16];
	g_snprintf(number, sizeof number, "%d", ready);
	char *argv[] = {"terrarium", "glass-init", number, NULL};
	char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	syscall(SYS_execveat, exe, "", argv, environment, AT_EMPTY_PATH);
	report(ready, "cannot execute glass-init");
	_exit(1);
}

static gboolean write_map(pid_t pid, const char *name, guint base, guint count, GError **error) {
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, name);
	g_autofree char *line = g_strdup_printf("0 %u %u\n", base, count);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	gboolean ok = fd >= 0 && write(fd, line, strlen(line)) == (gssize)strlen(line);
	if (!ok)
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED,
			"cannot map ids %u to %u into a user namespace: %s", base, base + count - 1,
			g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static gboolean call_idmap(
	const char *program, pid_t pid, guint own, guint base, guint count, GError **error) {
	g_autofree char *p = g_strdup_printf("%d", pid), *o = g_strdup_printf("%u", own);
	g_autofree char *b = g_strdup_printf("%u", base), *c = g_strdup_printf("%u", count);
	char *argv[] = {(char *)program, p, "0", o, "1", "1", b, c, NULL};
	g_autofree char *errors = NULL;
	int status = 0;
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &errors, &status,
		    error)) {
		g_prefix_error(error, "%s (Debian's package uidmap): ", program);
		return FALSE;
	}
	if (status == 0)
		return TRUE;
	g_set_error(
		error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED, "%s: %s", program, g_strstrip(errors));
	return FALSE;
}

static gboolean map_ids(pid_t pid, const GlassIds *ids, GError **error) {
	if (ids->as_root)
		return write_map(pid, "uid_map", ids->uid_base, ids->count, error) &&
		       write_map(pid, "gid_map", ids->gid_base, ids->count, error);
	return call_idmap("newuidmap", pid, ids->uid, ids->uid_base, ids->count - 1, error) &&
	       call_idmap("newgidmap", pid, ids->gid, ids->gid_base, ids->count - 1, error);
}

/* Clones the child from a process of its own, so that it is the host's init that reaps it. */
static pid_t clone_init(int home_fd, int exe, int go[2], int ready[2], GError **error) {
	int told[2];
	if (pipe2(told, O_CLOEXEC) < 0)
		return -1;
	pid_t helper = fork();
	if (helper == 0) {
		setsid();
		if (fchdir(home_fd) < 0)
			_exit(1);
		/* setns into the pid namespace follows later; here all at once. */
		pid_t pid = (pid_t)syscall(
			SYS_clone, GLASS_ENTER_ALL | SIGCHLD, NULL, NULL, NULL, NULL);
		if (pid == 0) {
			close(go[1]);
			become_init(go[0], ready[1], exe);
		}
		int answer = pid < 0 ? -errno : pid;
		if (write(told[1], &answer, sizeof answer) < 0)
			_exit(1);
		_exit(0);
	}
	close(told[1]);
	int answer = -EAGAIN;
	if (helper < 0 || read(told[0], &answer, sizeof answer) != sizeof answer)
		answer = -EIO;
	close(told[0]);
	if (helper > 0)
		waitpid(helper, NULL, 0);
	if (answer > 0)
		return answer;
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED,
		"cannot make user namespaces: %s (are they switched off? see "
		"/proc/sys/user/max_user_namespaces and kernel.unprivileged_userns_clone)",
		g_strerror(-answer));
	return -1;
}

static gboolean await_ready(int fd, GError **error) {
	g_autoptr(GString) text = g_string_new(NULL);
	char part[512];
	for (gssize n; (n = read(fd, part, sizeof part)) != 0;) {
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			g_string_append_len(text, part, n);
	}
	if (g_str_equal(text->str, READY))
		return TRUE;
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_UNSUPPORTED, "the glass did not start: %s",
		text->len ? text->str : "it ended at once");
	return FALSE;
}

pid_t glass_init_start(int home_fd, const GlassIds *ids, GError **error) {
	int go[2] = {-1, -1}, ready[2] = {-1, -1};
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0 || pipe2(go, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "cannot start the glass: %s",
			g_strerror(errno));
		return -1;
	}
	pid_t pid = clone_init(home_fd, exe, go, ready, error);
	close(exe);
	close(go[0]);
	close(ready[1]);
	gboolean ok = pid > 0 && map_ids(pid, ids, error);
	if (ok)
		ok = write(go[1], "g", 1) == 1 && await_ready(ready[0], error);
	close(go[1]); /* without its byte the child ends by itself */
	close(ready[0]);
	return ok ? pid : -1;
}
