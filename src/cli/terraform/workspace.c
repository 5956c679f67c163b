/* terrarium workspace list, show, new, select, delete: several states beside one configuration. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "cli/terraform/terraform.h"

static gboolean exists(const char *name) {
	g_auto(GStrv) all = command_workspaces();
	return g_strv_contains((const char *const *)all, name);
}

static int missing(const char *name) {
	fprintf(stderr,
		"\nWorkspace \"%s\" doesn't exist.\n\nYou can create this workspace with the "
		"\"new\" subcommand \nor include the \"-or-create\" flag with the \"select\" "
		"subcommand.\n",
		name);
	return 1;
}

static gboolean is_valid(const char *name) {
	return *name && *name != '.' && !strpbrk(name, "/\\ ") && !g_str_equal(name, "environment");
}

static int list(void) {
	g_auto(GStrv) all = command_workspaces();
	g_autofree char *current = command_workspace();
	for (char **name = all; *name; name++)
		printf("%c %s\n", g_str_equal(*name, current) ? '*' : ' ', *name);
	printf("\n");
	return 0;
}

static int show(void) {
	g_autofree char *current = command_workspace();
	printf("%s\n", current);
	return 0;
}

static int switch_to(const char *name) {
	g_autoptr(GError) error = NULL;
	return command_select_workspace(name, &error) ? 0 : cli_fail("%s", error->message);
}

static int create(const char *name) {
	if (!is_valid(name))
		return cli_fail(
			"The workspace name \"%s\" is not allowed. The name must contain only "
			"URL safe characters, and no path separators.",
			name);
	if (exists(name)) {
		fprintf(stderr, "Workspace \"%s\" already exists\n", name);
		return 1;
	}
	if (switch_to(name))
		return 1;
	printf("Created and switched to workspace \"%s\"!\n\nYou're now on a new, empty workspace. "
	       "Workspaces isolate their state,\nso if you run \"terrarium plan\" Terrarium will "
	       "not "
	       "see any existing state\nfor this configuration.\n",
		name);
	return 0;
}

static int choose(const char *name, gboolean or_create) {
	if (!exists(name))
		return or_create ? create(name) : missing(name);
	if (switch_to(name))
		return 1;
	printf("Switched to workspace \"%s\".\n", name);
	return 0;
}

static int refuse_delete(const char *name, const State *state) {
	fprintf(stderr,
		"Error: Workspace is not empty\n\nWorkspace \"%s\" is currently tracking the "
		"following resource instances:\n",
		name);
	g_autoptr(GPtrArray) instances = state_sorted(state);
	for (guint i = 0; i < instances->len; i++)
		fprintf(stderr, "  - %s\n", ((StateInstance *)instances->pdata[i])->address);
	fprintf(stderr, "\nDeleting this workspace would cause Terrarium to lose track of any "
			"associated remote objects. Destroy them first, or use -force.\n");
	return 1;
}

static int delete (const char *name, gboolean force) {
	g_autofree char *current = command_workspace();
	if (!exists(name))
		return missing(name);
	if (g_str_equal(name, current)) {
		fprintf(stderr,
			"Workspace \"%s\" is your active workspace.\n\nYou cannot delete the "
			"currently "
			"active workspace. Please switch\nto another workspace and try again.\n",
			name);
		return 1;
	}
	if (g_str_equal(name, "default"))
		return cli_fail("can't delete default state");
	g_autofree char *folder = command_workspace_folder(name);
	g_autofree char *path = g_build_filename(folder, "terraform.tfstate", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(StateLock) lock = state_lock(path, "state delete", 0, &error);
	g_autoptr(State) state = lock ? state_open(path, &error) : NULL;
	if (!state)
		return cli_fail("%s", error->message);
	if (!force && g_hash_table_size(state->instances) > 0)
		return refuse_delete(name, state);
	static const char *const files[] = {"terraform.tfstate", "terraform.tfstate.backup",
		"terraform.tfstate.journal", "terraform.tfstate.lock",
		"terraform.tfstate.lock.info"};
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *file = g_build_filename(folder, files[i], NULL);
		g_unlink(file);
	}
	if (g_rmdir(folder) < 0)
		return cli_fail("cannot remove the folder %s: %s", folder, g_strerror(errno));
	printf("Deleted workspace \"%s\"!\n", name);
	return 0;
}

static int run(int argc, char **argv) {
	int code;
	gboolean force = FALSE, or_create = FALSE;
	const Flag flags[] = {
		{"force", FLAG_BOOL, &force, "delete: even if it is not empty"},
		{"or-create", FLAG_BOOL, &or_create, "select: make it if there is none"},
		{NULL},
	};
	static const char usage[] = "workspace list | show | new NAME | select NAME | delete NAME";
	if (!flags_parse(&argc, argv, flags, 2, usage, &code))
		return code;
	const char *what = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : NULL;
	if (g_str_equal(what, "list") && !name)
		return list();
	if (g_str_equal(what, "show") && !name)
		return show();
	if (g_str_equal(what, "new") && name)
		return create(name);
	if (g_str_equal(what, "select") && name)
		return choose(name, or_create);
	if (g_str_equal(what, "delete") && name)
		return delete (name, force);
	return cli_fail("Usage: terrarium %s", usage);
}

const CliCommand cli_command_workspace = {"workspace", "Keep several states apart", run};
