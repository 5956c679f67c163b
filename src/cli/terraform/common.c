/* See terraform.h. */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/text.h"
#include "cli/terraform/terraform.h"
#include "provider/aws/aws.h"

#define STATE_FOLDER ".terrarium"

/* ---- options ---- */

static const Flag *find_flag(const Flag *flags, const char *name) {
	for (; flags->name; flags++)
		if (g_str_equal(flags->name, name))
			return flags;
	return NULL;
}

static gboolean unknown_flag(const Flag *flags, const char *name) {
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (; flags->name; flags++)
		g_ptr_array_add(names, (gpointer)flags->name);
	const char *near = text_nearest(name, (const char *const *)names->pdata, names->len);
	cli_fail("Unknown option: -%s.%s%s%s", name, near ? " Did you mean -" : "",
		near ? near : "", near ? "?" : "");
	return FALSE;
}

static gboolean set_bool(const Flag *flag, const char *value) {
	gboolean yes = !value || g_str_equal(value, "true") || g_str_equal(value, "1");
	gboolean no = value && (g_str_equal(value, "false") || g_str_equal(value, "0"));
	if (!yes && !no) {
		cli_fail("-%s is true or false, not \"%s\".", flag->name, value);
		return FALSE;
	}
	*(gboolean *)flag->out = yes;
	return TRUE;
}

static gboolean set_flag(const Flag *flag, const char *value) {
	gint64 number;
	switch (flag->kind) {
	case FLAG_BOOL:
		return set_bool(flag, value);
	case FLAG_TEXT:
		*(const char **)flag->out = value;
		return TRUE;
	case FLAG_LIST:
		g_ptr_array_add(flag->out, g_strdup(value));
		return TRUE;
	case FLAG_NUMBER:
		break;
	}
	g_autofree char *plain = g_strndup(value, strspn(value, "0123456789"));
	const char *unit = value + strlen(plain);
	if (!g_ascii_string_to_signed(plain, 10, 0, G_MAXINT, &number, NULL) ||
		(*unit && !g_str_equal(unit, "s") && !g_str_equal(unit, "m"))) {
		cli_fail("-%s needs a number, not \"%s\".", flag->name, value);
		return FALSE;
	}
	*(int *)flag->out = (int)number * (*unit == 'm' ? 60 : 1);
	return TRUE;
}

static void print_help(const char *usage, const Flag *flags) {
	printf("Usage: terrarium [-chdir=DIR] %s\n\nOptions:\n", usage);
	for (; flags->name; flags++)
		printf("  -%-22s %s\n", flags->name, flags->help);
}

/* -var and -var-file share one list, as their order counts: each text is told which it is. */
static void note_kind(const Flag *flag) {
	if (flag->kind != FLAG_LIST ||
		(!g_str_equal(flag->name, "var") && !g_str_equal(flag->name, "var-file")))
		return;
	GPtrArray *list = flag->out;
	char *plain = list->pdata[list->len - 1];
	list->pdata[list->len - 1] =
		g_strconcat(g_str_equal(flag->name, "var") ? "var:" : "file:", plain, NULL);
	g_free(plain);
}

gboolean flags_parse(
	int *argc, char **argv, const Flag *flags, int max, const char *usage, int *code) {
	int left = 1;
	gboolean options = TRUE;
	*code = 1;
	for (int i = 1; i < *argc; i++) {
		const char *word = argv[i];
		if (!options || *word != '-' || !word[1]) {
			argv[left++] = argv[i];
			continue;
		}
		if (g_str_equal(word, "--")) {
			options = FALSE;
			continue;
		}
		word += word[1] == '-' ? 2 : 1;
		if (g_str_equal(word, "help") || g_str_equal(word, "h")) {
			print_help(usage, flags);
			*code = 0;
			return FALSE;
		}
		g_autofree char *name = g_strndup(word, strcspn(word, "="));
		const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : NULL;
		const Flag *flag = find_flag(flags, name);
		if (!flag)
			return unknown_flag(flags, name);
		if (flag->kind != FLAG_BOOL && !value) {
			if (i + 1 == *argc) {
				cli_fail("The option -%s needs a value: -%s=…", name, name);
				return FALSE;
			}
			value = argv[++i];
		}
		if (!set_flag(flag, value))
			return FALSE;
		note_kind(flag);
	}
	*argc = left;
	argv[left] = NULL;
	if (left - 1 <= max)
		return TRUE;
	cli_fail("Too many command line arguments: \"%s\". Usage: terrarium %s", argv[max + 1],
		usage);
	return FALSE;
}

guint command_plan_flags(Command *command, Flag *flags) {
	const Flag own[] = {
		{"var", FLAG_LIST, command->variables, "NAME=VALUE: sets a variable"},
		{"var-file", FLAG_LIST, command->variables, "FILE: sets variables from a file"},
		{"target", FLAG_LIST, command->targets,
			"ADDRESS: only this, and what it depends on"},
		{"replace", FLAG_LIST, command->replace, "ADDRESS: replace this object"},
		{"refresh", FLAG_BOOL, &command->refresh, "false: trust the state, read nothing"},
		{"refresh-only", FLAG_BOOL, &command->refresh_only,
			"only bring the state up to date"},
		{"destroy", FLAG_BOOL, &command->destroy, "plan to destroy everything"},
		{"parallelism", FLAG_NUMBER, &command->parallelism, "N: objects at a time (10)"},
		{"no-color", FLAG_BOOL, &command->no_color, "no colours"},
		{"input", FLAG_BOOL, &command->input, "false: never ask"},
		{"lock", FLAG_BOOL, &command->locks, "false: do not lock the state"},
		{"lock-timeout", FLAG_NUMBER, &command->lock_timeout, "SECONDS: wait for the lock"},
		{"state", FLAG_TEXT, &command->state_path,
			"FILE: a state other than the workspace's"},
	};
	memcpy(flags, own, sizeof own);
	return G_N_ELEMENTS(own);
}

/* ---- life ---- */

void command_init(Command *command) {
	*command = (Command){.sources = sources_new(),
		.diags = diags_new(),
		.locks = TRUE,
		.input = TRUE,
		.refresh = TRUE,
		.variables = g_ptr_array_new_with_free_func(g_free),
		.targets = g_ptr_array_new_with_free_func(g_free),
		.replace = g_ptr_array_new_with_free_func(g_free)};
}

void command_clear(Command *command) {
	engine_free(command->engine);
	module_store_free(command->modules);
	state_unlock(command->lock);
	g_clear_pointer(&command->sources, sources_free);
	g_clear_pointer(&command->diags, diags_free);
	g_clear_pointer(&command->variables, g_ptr_array_unref);
	g_clear_pointer(&command->targets, g_ptr_array_unref);
	g_clear_pointer(&command->replace, g_ptr_array_unref);
}

char *command_workspace(void) {
	const char *named = g_getenv("TF_WORKSPACE");
	g_autofree char *path = g_build_filename(STATE_FOLDER, "environment", NULL);
	g_autofree char *selected = NULL;
	if (named && *named)
		return g_strdup(named);
	if (g_file_get_contents(path, &selected, NULL, NULL) && *g_strstrip(selected))
		return g_steal_pointer(&selected);
	return g_strdup("default");
}

char *command_state_path(void) {
	g_autofree char *workspace = command_workspace();
	return g_build_filename(STATE_FOLDER, workspace, "terraform.tfstate", NULL);
}

char *command_workspace_folder(const char *workspace) {
	return g_build_filename(STATE_FOLDER, workspace, NULL);
}

static int compare_texts(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **command_workspaces(void) {
	g_autofree char *current = command_workspace();
	GPtrArray *names = g_ptr_array_new();
	g_ptr_array_add(names, g_strdup("default"));
	if (!g_str_equal(current, "default"))
		g_ptr_array_add(names, g_strdup(current));
	g_autoptr(GDir) dir = g_dir_open(STATE_FOLDER, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = command_workspace_folder(name);
		if (!g_str_equal(name, "default") && !g_str_equal(name, current) &&
			g_file_test(path, G_FILE_TEST_IS_DIR))
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, compare_texts);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

gboolean command_select_workspace(const char *workspace, GError **error) {
	g_autofree char *folder = command_workspace_folder(workspace);
	g_autofree char *path = g_build_filename(STATE_FOLDER, "environment", NULL);
	if (g_mkdir_with_parents(folder, 0777) < 0) {
		g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
			"cannot make the folder %s: %s", folder, g_strerror(errno));
		return FALSE;
	}
	return g_file_set_contents(path, workspace, -1, error);
}

/* ---- what is printed ---- */

static guint terminal_width(void) {
	struct winsize size;
	if (isatty(STDERR_FILENO) && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 &&
		size.ws_col > 20)
		return size.ws_col;
	return 78;
}

static void print_diags(const Command *command, const Diags *diags, FILE *out) {
	if (diags_count(diags) == 0)
		return;
	g_autofree char *text = diags_render(
		diags, command->sources, command->color && isatty(fileno(out)), terminal_width());
	fputs(text, out);
	fflush(out);
}

static void print_warnings(const Command *command, Diags *warnings) {
	diags_gather_warnings(warnings);
	print_diags(command, warnings, stdout);
}

gboolean command_report(Command *command) {
	gboolean failed = diags_has_errors(command->diags);
	fflush(stdout);
	/* The engine goes on with the same list. */
	g_autoptr(Diags) errors = diags_new();
	g_autoptr(Diags) warnings = diags_split_warnings(command->diags);
	diags_move(errors, command->diags);
	print_warnings(command, warnings);
	print_diags(command, errors, stderr);
	return failed;
}

static gboolean shows_changes(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (((const Change *)plan->changes->pdata[i])->action != CHANGE_NONE)
			return TRUE;
	return FALSE;
}

gboolean command_print_plan(Command *command, const Plan *plan, gboolean approved) {
	if (plan->errored && !shows_changes(plan))
		return FALSE;
	g_autofree char *text = plan_render(plan, command->color);
	fputs(text, stdout);
	if (command->targets->len > 1)
		diags_warning(command->diags, SOURCE_NOWHERE, "Resource targeting is in effect",
			"You are creating a plan with the -target option, which means that the "
			"result of this plan may not represent all of the changes requested by the "
			"current configuration.\n\nThe -target option is not for routine use, and "
			"is "
			"provided only for exceptional situations such as recovering from errors "
			"or "
			"mistakes, or when Terrarium specifically suggests to use it as part of an "
			"error message.");
	if (approved)
		return TRUE;
	g_autoptr(Diags) warnings = diags_split_warnings(command->diags);
	diags_move(warnings, plan->warnings);
	print_warnings(command, warnings);
	return TRUE;
}

/* Where the type begins in the address of a managed resource. */
static const char *type_in(const char *address) {
	while (g_str_has_prefix(address, "module.")) {
		const char *dot = strchr(address + strlen("module."), '.');
		if (!dot)
			break;
		address = dot + 1;
	}
	return address;
}

/* A line that a provisioner printed, behind its type ("local-exec") and a line break. */
static void print_output(const Command *command, const char *address, const char *detail) {
	const char *bold = command->color ? "\033[1m" : "",
		   *reset = command->color ? "\033[0m" : "";
	int length = (int)strcspn(detail, "\n");
	const char *line = detail + length + 1;
	if (*line)
		printf("%s%s (%.*s):%s %s\n", bold, address, length, detail, reset, line);
	else
		printf("\n");
}

static void print_progress(EngineEventKind kind, const char *address, const char *detail,
	gint64 elapsed_s, gpointer data) {
	const Command *command = data;
	static const char *const texts[] = {
		[EVENT_READING] = "Reading...",
		[EVENT_READ] = "Read complete after",
		[EVENT_REFRESHING] = "Refreshing state...",
		[EVENT_PREPARING_IMPORT] = "Preparing import...",
		[EVENT_IMPORTING] = "Importing...",
		[EVENT_IMPORTED] = "Import complete",
		[EVENT_CREATING] = "Creating...",
		[EVENT_CREATED] = "Creation complete after",
		[EVENT_UPDATING] = "Modifying...",
		[EVENT_UPDATED] = "Modifications complete after",
		[EVENT_DESTROYING] = "Destroying...",
		[EVENT_DESTROYED] = "Destruction complete after",
	};
	const char *bold = command->color ? "\033[1m" : "",
		   *reset = command->color ? "\033[0m" : "";
	if (kind == EVENT_PROVISIONING)
		printf("%s%s: Provisioning with '%s'...%s\n", bold, address, detail, reset);
	else if (kind == EVENT_PROVISIONER_OUTPUT)
		print_output(command, address, detail);
	else if (kind == EVENT_PREPARING_IMPORT && command->importing)
		printf("%s%s: Importing from ID \"%.*s\"...\n%s: Import prepared!\n  Prepared %.*s "
		       "for import%s\n",
			bold, address, (int)strcspn(detail + strlen("[id="), "]"),
			detail + strlen("[id="), address, (int)strcspn(type_in(address), "."),
			type_in(address), reset);
	else if (kind == EVENT_STILL)
		printf("%s%s: Still %s... [%" G_GINT64_FORMAT "s elapsed]%s\n", bold, address,
			detail, elapsed_s, reset);
	else if (g_str_has_suffix(texts[kind], "after"))
		printf("%s%s: %s %" G_GINT64_FORMAT "s%s%s%s\n", bold, address, texts[kind],
			elapsed_s, detail ? " " : "", detail ? detail : "", reset);
	else
		printf("%s%s: %s%s%s%s\n", bold, address, texts[kind], detail ? " " : "",
			detail ? detail : "", reset);
	fflush(stdout);
}

/* A line that the user types; NULL at the end of input, or when interrupted. Caller frees. */
static char *read_answer(Command *command) {
	GCancellable *cancellable = command->engine ? engine_cancellable(command->engine) : NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	for (;;) {
		GPollFD fds[2] = {{.fd = STDIN_FILENO, .events = G_IO_IN}};
		guint n = cancellable && g_cancellable_make_pollfd(cancellable, &fds[1]) ? 2 : 1;
		g_poll(fds, n, -1);
		if (n == 2)
			g_cancellable_release_fd(cancellable);
		char c;
		if (g_cancellable_is_cancelled(cancellable) || read(STDIN_FILENO, &c, 1) != 1)
			return NULL;
		if (c == '\n')
			return g_strdup(g_strstrip(line->str));
		g_string_append_c(line, c);
	}
}

Answer command_confirm(Command *command, const char *question, const char *detail) {
	printf("\n%s\n  %s\n\n  Enter a value: ", question, detail);
	fflush(stdout);
	g_autofree char *answer = read_answer(command);
	printf("\n");
	if (answer)
		return g_str_equal(answer, "yes") ? ANSWER_YES : ANSWER_NO;
	gboolean interrupted = g_cancellable_is_cancelled(engine_cancellable(command->engine));
	diags_error(command->diags, SOURCE_NOWHERE,
		interrupted ? "error asking for approval: interrupted"
			    : "error asking for approval: EOF",
		NULL);
	return ANSWER_NONE;
}

static char *ask_variable(const char *name, const char *description, gpointer data) {
	printf("var.%s\n", name);
	if (description)
		printf("  %s\n\n", description);
	printf("  Enter a value: ");
	fflush(stdout);
	char *answer = read_answer(data);
	printf("\n");
	return answer;
}

/* ---- the target ---- */

/* `-target aws` is not an address but the other end of the road. */
static gboolean check_target(Command *command) {
	const char *named = g_getenv("TERRARIUM_TARGET");
	for (guint i = 0; i < command->targets->len; i++) {
		const char *target = command->targets->pdata[i];
		if (!g_str_equal(target, "aws") && !g_str_equal(target, "local"))
			continue;
		named = g_intern_string(target);
		g_ptr_array_remove_index(command->targets, i--);
	}
	if (!named || !*named || g_str_equal(named, "local"))
		return TRUE;
	if (g_str_equal(named, "aws"))
		cli_fail("The target aws is not implemented yet: only this machine (local) is. Use "
			 "terraform itself with the same files to go to AWS.");
	else
		cli_fail("\"%s\" is no target: there are local and aws.", named);
	return FALSE;
}

/* ---- opening ---- */

static gboolean lock_state(Command *command, const char *path, const char *operation) {
	g_autoptr(GError) error = NULL;
	if (!operation || !command->locks)
		return TRUE;
	command->lock = state_lock(path, operation, (guint)command->lock_timeout, &error);
	if (!command->lock)
		diags_gerror(
			command->diags, SOURCE_NOWHERE, "Error acquiring the state lock", error);
	return command->lock != NULL;
}

State *command_open_state(Command *command, const char *operation) {
	g_autofree char *own = command_state_path();
	const char *path = command->state_path ? command->state_path : own;
	g_autoptr(GError) error = NULL;
	State *state = NULL;
	if (lock_state(command, path, operation)) {
		state = state_open(path, &error);
		if (!state)
			diags_gerror(
				command->diags, SOURCE_NOWHERE, "Failed to read the state", error);
	}
	command_report(command);
	return state;
}

int command_save_state(Command *command, State *state) {
	g_autoptr(GError) error = NULL;
	if (!state_fold(state, &error))
		diags_gerror(command->diags, SOURCE_NOWHERE, "Failed to write the state", error);
	return command_report(command);
}

static void end_list(GPtrArray *list) {
	if (list->len == 0 || list->pdata[list->len - 1])
		g_ptr_array_add(list, NULL);
}

/* ---- interruption ---- */

static void G_GNUC_NORETURN exit_at_once(Engine *engine) {
	fprintf(stderr,
		"\nTwo interrupts received. Exiting immediately. What was known of objects "
		"until now is in\nthe state; what was being done may go on where it is done.\n");
	engine_freeze(engine);
	_exit(1);
}

/* Signals are taken by a thread that waits for them: what cancelling does is not for a handler. */
static gpointer wait_for_interrupt(gpointer data) {
	Command *command = data;
	sigset_t set;
	int signal_number;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	while (sigwait(&set, &signal_number) == 0) {
		Engine *engine = g_atomic_pointer_get(&command->engine);
		if (!engine)
			_exit(1);
		if (g_cancellable_is_cancelled(engine_cancellable(engine)))
			exit_at_once(engine);
		printf("\nInterrupt received.\nPlease wait for Terrarium to exit or data loss may "
		       "occur.\nGracefully shutting down...\n\nStopping operation...\n");
		fflush(stdout);
		g_cancellable_cancel(engine_cancellable(engine));
	}
	return NULL;
}

/* Before any other thread is: all inherit that the signals are not theirs. */
static void catch_interrupt(Command *command) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	g_thread_unref(g_thread_new("interrupt", wait_for_interrupt, command));
}

/* ---- the engine ---- */

/* Fills in command->engine, or leaves NULL and errors. */
static void open_engine(Command *command, const char *state_path) {
	g_autofree char *workspace = command_workspace();
	end_list(command->variables);
	end_list(command->targets);
	end_list(command->replace);
	EngineOptions options = {.dir = ".",
		.modules = command->modules,
		.may_be_empty = command->may_be_empty,
		.state_path = state_path,
		.workspace = g_intern_string(workspace),
		.mode = command->destroy	? PLAN_DESTROY
			: command->refresh_only ? PLAN_REFRESH_ONLY
						: PLAN_NORMAL,
		.no_refresh = !command->refresh,
		.parallelism = (guint)command->parallelism,
		.targets = (const char *const *)command->targets->pdata,
		.replace = (const char *const *)command->replace->pdata,
		.variables = (const char *const *)command->variables->pdata,
		.ask = command->input ? ask_variable : NULL,
		.ask_data = command,
		.progress = print_progress,
		.progress_data = command,
		.cancellable = g_cancellable_new()};
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u", cli_port());
	provider_aws_set_endpoint(url);
	g_autofree char *key = NULL, *secret = NULL;
	cli_keys(&key, &secret);
	provider_aws_set_keys(key, secret);
	g_auto(GStrv) settings = cli_environment();
	child_set_environment((const char *const *)settings);
	g_atomic_pointer_set(
		&command->engine, engine_new(&options, command->sources, command->diags));
	g_object_unref(options.cancellable);
}

gboolean command_open(Command *command, const char *operation) {
	if (operation)
		catch_interrupt(command);
	command->color = !command->no_color && isatty(STDOUT_FILENO) && !g_getenv("NO_COLOR");
	if (!check_target(command))
		return FALSE;
	g_autofree char *own_path = command_state_path();
	const char *path = g_intern_string(command->state_path ? command->state_path : own_path);
	g_autofree char *folder = g_path_get_dirname(path);
	if (operation && g_mkdir_with_parents(folder, 0777) < 0) {
		cli_fail("cannot make the folder %s: %s", folder, g_strerror(errno));
		return FALSE;
	}
	if (!lock_state(command, path, operation)) {
		command_report(command);
		return FALSE;
	}
	open_engine(command, path);
	if (!command->engine) {
		if (!command->quiet)
			command_report(command);
		return FALSE;
	}
	if (!operation || !engine_uses_provider(command->engine, "aws"))
		return TRUE;
	/* A region is not started for a configuration that is wrong. */
	if (!engine_validate(command->engine)) {
		command_report(command);
		return FALSE;
	}
	return cli_ensure_region();
}
