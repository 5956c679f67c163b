/*
 * Running git: in a session of its own, without what its environment must not know (AWS keys, the
 * region's settings, another repository's variables), never asking anybody anything. In a user's
 * repository a region that is root becomes that user, so that files keep their owner and git trusts
 * the folder; a region that is not is told to trust just that folder.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/services/connections/internal.h"

/* ---- environment ---- */

/* What git may know of ours when it stays on this machine. */
static const char *const plain_names[] = {
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", NULL};

/* What it must not know when it speaks for the user with other machines. */
static gboolean is_private(const char *name) {
	return g_str_has_prefix(name, "AWS_") || g_str_has_prefix(name, "TERRARIUM_") ||
	       (g_str_has_prefix(name, "GIT_") && !g_str_has_prefix(name, "GIT_SSH") &&
		       !g_str_has_prefix(name, "GIT_SSL") && !g_str_has_prefix(name, "GIT_PROXY") &&
		       !g_str_has_prefix(name, "GIT_CONFIG_GLOBAL") &&
		       !g_str_has_prefix(name, "GIT_ASKPASS"));
}

static void set(char ***environment, const char *name, const char *value) {
	*environment = g_environ_setenv(*environment, name, value, TRUE);
}

static char **environment_of(const GitRun *run) {
	char **environment = NULL;
	g_auto(GStrv) names = g_listenv();
	for (char **name = names; *name; name++) {
		gboolean known =
			g_strv_contains(plain_names, *name) || g_str_has_prefix(*name, "LC_");
		if (run->remote ? !is_private(*name) : known)
			set(&environment, *name, g_getenv(*name));
	}
	set(&environment, "GIT_TERMINAL_PROMPT", "0");
	set(&environment, "LC_ALL", "C.UTF-8");
	set(&environment, "TZ", "UTC");
	if (run->remote && !g_getenv("GIT_SSH_COMMAND") && !g_getenv("GIT_SSH"))
		set(&environment, "GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=20");
	return environment;
}

/* ---- the owner ---- */

typedef struct {
	gboolean other; /* become them */
	uid_t uid;
	gid_t gid;
	char *name;
} Owner;

static void owner_free(gpointer data) {
	g_free(((Owner *)data)->name);
	g_free(data);
}

/* Whose repository it is, and what their git must be told. */
static Owner *owner_of(const GitRun *run, char ***environment) {
	Owner *owner = g_new0(Owner, 1);
	struct stat status;
	if (!run->git_dir || stat(run->git_dir, &status) != 0 || status.st_uid == geteuid())
		return owner;
	if (geteuid() != 0) {
		g_autofree char *parent = g_path_get_dirname(run->git_dir);
		set(environment, "GIT_CONFIG_COUNT", "2");
		set(environment, "GIT_CONFIG_KEY_0", "safe.directory");
		set(environment, "GIT_CONFIG_VALUE_0", run->git_dir);
		set(environment, "GIT_CONFIG_KEY_1", "safe.directory");
		set(environment, "GIT_CONFIG_VALUE_1", parent);
		return owner;
	}
	const struct passwd *entry = getpwuid(status.st_uid);
	*owner = (Owner){TRUE, status.st_uid, entry ? entry->pw_gid : status.st_gid,
		entry ? g_strdup(entry->pw_name) : NULL};
	*environment = g_environ_unsetenv(*environment, "XDG_CONFIG_HOME");
	set(environment, "HOME", entry ? entry->pw_dir : "/nonexistent");
	set(environment, "USER", entry ? entry->pw_name : "");
	set(environment, "LOGNAME", entry ? entry->pw_name : "");
	return owner;
}

/* In the child. */
static void prepare(gpointer data) {
	const Owner *owner = data;
	setsid();
	if (!owner->other)
		return;
	int groups = owner->name ? initgroups(owner->name, owner->gid) : setgroups(0, NULL);
	if (groups < 0 || setgid(owner->gid) < 0 || setuid(owner->uid) < 0)
		_exit(126);
}

/* ---- starting ---- */

gboolean connections_need_git(GError **error) {
	g_autofree char *path = g_find_program_in_path("git");
	if (!path)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"git is not installed: apt-get install git");
	return path != NULL;
}

GSubprocess *git_spawn(const GitRun *run, const char *const *argv, const char *const *add,
	int input, GSubprocessFlags flags, GError **error) {
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(flags);
	g_auto(GStrv) environment = environment_of(run);
	Owner *owner = owner_of(run, &environment);
	for (; add && *add; add++) {
		g_auto(GStrv) pair = g_strsplit(*add, "=", 2);
		set(&environment, pair[0], pair[1]);
	}
	g_subprocess_launcher_set_environ(launcher, environment);
	g_subprocess_launcher_set_cwd(launcher, run->folder ? run->folder : "/");
	g_subprocess_launcher_set_child_setup(launcher, prepare, owner, owner_free);
	if (input >= 0)
		g_subprocess_launcher_take_stdin_fd(launcher, input);
	if (run->output >= 0)
		g_subprocess_launcher_take_stdout_fd(launcher, run->output);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_ptr_array_add(words, (gpointer) "git");
	for (; *argv; argv++)
		g_ptr_array_add(words, (gpointer)*argv);
	g_ptr_array_add(words, NULL);
	return connections_need_git(error) ? g_subprocess_launcher_spawnv(launcher,
						     (const char *const *)words->pdata, error)
					   : NULL;
}

/* ---- to the end ---- */

typedef struct {
	GSubprocess *process;
	guint timer;
	gboolean late;
	char *name; /* "git fetch" */
} Run;

static void run_free(gpointer data) {
	Run *run = data;
	g_clear_handle_id(&run->timer, g_source_remove);
	g_clear_object(&run->process);
	g_free(run->name);
	g_free(run);
}

/* Ends it with all that it has started. */
static void end(GSubprocess *process) {
	const char *pid = g_subprocess_get_identifier(process);
	if (pid)
		kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
}

static gboolean on_late(gpointer data) {
	Run *run = data;
	run->timer = 0;
	run->late = TRUE;
	end(run->process);
	return G_SOURCE_REMOVE;
}

static void on_cancelled(GCancellable *cancellable, gpointer data) {
	end(data);
}

/* The last lines of what it complained of, in one. */
static char *complaint(GBytes *errors) {
	gsize length = 0;
	const char *bytes = errors ? g_bytes_get_data(errors, &length) : "";
	g_autofree char *text = g_utf8_make_valid(bytes ? bytes : "", (gssize)length);
	g_strstrip(text);
	g_strdelimit(text, "\n\r", ' ');
	gsize size = strlen(text);
	return g_strdup(size > 600 ? g_utf8_find_next_char(text + size - 600, NULL) : text);
}

static void on_ended(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GTask) task = data;
	Run *run = g_task_get_task_data(task);
	g_autoptr(GBytes) output = NULL, errors = NULL;
	g_autoptr(GError) error = NULL;
	gboolean told = g_subprocess_communicate_finish(
		G_SUBPROCESS(source), result, &output, &errors, &error);
	g_clear_handle_id(&run->timer, g_source_remove);
	if (run->late) {
		g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
			"%s took too long and was ended", run->name);
		return;
	}
	if (!told) {
		end(run->process);
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}
	if (!g_subprocess_get_successful(run->process)) {
		g_autofree char *words = complaint(errors);
		g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", run->name,
			*words ? words : "it was killed");
		return;
	}
	gsize length = 0;
	const char *bytes = output ? g_bytes_get_data(output, &length) : "";
	g_task_return_pointer(task, g_utf8_make_valid(bytes ? bytes : "", (gssize)length), g_free);
}

void git_run_async(const GitRun *options, const char *const *argv, GAsyncReadyCallback callback,
	gpointer user_data) {
	GTask *task = g_task_new(NULL, options->cancellable, callback, user_data);
	g_autoptr(GError) error = NULL;
	GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDERR_PIPE;
	if (options->output < 0)
		flags |= G_SUBPROCESS_FLAGS_STDOUT_PIPE;
	Run *run = g_new0(Run, 1);
	g_autofree char *git_dir = g_strdup_printf("GIT_DIR=%s", options->git_dir);
	const char *const add[] = {options->git_dir ? git_dir : NULL, NULL};
	run->name = g_strconcat("git ", argv[0], NULL);
	run->process = git_spawn(options, argv, add, -1, flags, &error);
	g_task_set_task_data(task, run, run_free);
	if (!run->process) {
		g_task_return_error(task, g_steal_pointer(&error));
		g_object_unref(task);
		return;
	}
	if (options->timeout_s)
		run->timer = g_timeout_add_seconds(options->timeout_s, on_late, run);
	if (options->cancellable)
		g_cancellable_connect(options->cancellable, G_CALLBACK(on_cancelled),
			g_object_ref(run->process), g_object_unref);
	g_subprocess_communicate_async(run->process, NULL, options->cancellable, on_ended, task);
}

char *git_run_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_pointer(G_TASK(result), error);
}

void git_init_async(const char *git_dir, GAsyncReadyCallback callback, gpointer user_data) {
	g_autofree char *parent = g_path_get_dirname(git_dir);
	g_mkdir_with_parents(parent, 0700);
	const char *const argv[] = {
		"init", "--quiet", "--bare", "--initial-branch=main", git_dir, NULL};
	const GitRun run = GIT_RUN_INIT;
	git_run_async(&run, argv, callback, user_data);
}
