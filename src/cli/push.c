/*
 * terrarium push: commits nothing and hides nothing: it is `git push` of the current branch to the
 * repository that a connection binds, with the address looked up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cli.h"

/* The folder that git says is the working tree's top; NULL: PATH is in none. Caller frees. */
static char *top_of(const char *path) {
	const char *const argv[] = {"git", "-C", path, "rev-parse", "--show-toplevel", NULL};
	g_autofree char *output = NULL;
	int status = 0;
	if (!g_spawn_sync(NULL, (char **)argv, NULL,
		    G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
		    &status, NULL) ||
		!g_spawn_check_wait_status(status, NULL))
		return NULL;
	return g_strdup(g_strchomp(output));
}

static gboolean same_folder(const char *a, const char *b) {
	g_autofree char *one = a ? realpath(a, NULL) : NULL;
	g_autofree char *other = b ? realpath(b, NULL) : NULL;
	return one && other && g_str_equal(one, other);
}

/* All that is bound, once each. */
static Value bound(Value connections) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(connections); i++) {
		Value repositories = value_get(value_at(connections, i), "repositories");
		for (gsize j = 0; j < value_length(repositories); j++)
			value_builder_set_take(all,
				value_get_text(value_at(repositories, j), "repository"),
				value_ref(value_at(repositories, j)));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* The one that is meant, borrowed: by name; else the one of this folder; else the only one. */
static Value choose(Value all, const char *name, const char *top) {
	if (name)
		return value_get(all, name);
	for (gsize i = 0; i < value_length(all); i++)
		if (same_folder(value_get_text(value_at(all, i), "location"), top))
			return value_at(all, i);
	return value_length(all) == 1 ? value_at(all, 0) : VALUE_NOTHING;
}

static int say_which(Value all, const char *name) {
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (gsize i = 0; i < value_length(all); i++)
		g_ptr_array_add(names, (gpointer)value_key_at(all, i));
	g_ptr_array_add(names, NULL);
	g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
	if (!*list)
		return cli_fail("no connection binds a repository. Approve one: terrarium "
				"connection approve NAME --repository OWNER/REPO");
	return name ? cli_fail("no connection binds %s. Bound are: %s.", name, list)
		    : cli_fail("several repositories are bound: say which by --repository. They "
			       "are: %s.",
			      list);
}

/* A strict region wants its key; git gets it where no list of processes shows it. */
static void give_key(const char *url) {
	g_autofree char *id = NULL, *secret = NULL;
	cli_keys(&id, &secret);
	g_autofree char *login = g_strdup_printf("%s:%s", id, secret);
	g_autofree char *encoded = g_base64_encode((const guchar *)login, strlen(login));
	g_autofree char *header = g_strdup_printf("Authorization: Basic %s", encoded);
	g_autofree char *name = g_strdup_printf("http.%s.extraHeader", url);
	g_setenv("GIT_CONFIG_COUNT", "1", TRUE);
	g_setenv("GIT_CONFIG_KEY_0", name, TRUE);
	g_setenv("GIT_CONFIG_VALUE_0", header, TRUE);
}

static int push(Value repository, const char *top, gboolean force) {
	const char *url = value_get_text(repository, "url");
	const char *where = url ? url : value_get_text(repository, "location");
	if (g_strcmp0(value_get_text(repository, "kind"), "local") == 0 &&
		same_folder(value_get_text(repository, "location"), top)) {
		printf("%s is %s itself: its commits are there already.\n",
			value_get_text(repository, "repository"), top);
		return 0;
	}
	if (url)
		give_key(url);
	const char *argv[8] = {"git", "-C", top, "push"};
	guint n = 4;
	if (force)
		argv[n++] = "--force";
	argv[n++] = where;
	argv[n++] = "HEAD";
	printf("git push %s%s HEAD\n", force ? "--force " : "", where);
	fflush(stdout);
	execvp("git", (char **)argv);
	return cli_fail("git could not be started: %s", g_strerror(errno));
}

static int run(int argc, char **argv) {
	g_autofree char *name = NULL;
	g_auto(GStrv) paths = NULL;
	gboolean force = FALSE;
	const GOptionEntry entries[] = {{"repository", 'r', 0, G_OPTION_ARG_STRING, &name,
						"Which of the bound repositories", "OWNER/REPO"},
		{"force", 'f', 0, G_OPTION_ARG_NONE, &force, "As git push --force", NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "[PATH]"},
		{NULL}};
	if (!cli_parse(&argc, &argv, entries,
		    "Pushes the current branch of the git repository at PATH (here) to the "
		    "repository "
		    "that a connection binds: it is git push, no more."))
		return 1;
	if (paths && paths[0] && paths[1])
		return cli_fail("terrarium push takes one PATH at most.");
	const char *path = paths && paths[0] ? paths[0] : ".";
	g_autofree char *program = g_find_program_in_path("git");
	if (!program)
		return cli_fail("git is not installed: apt-get install git");
	g_autofree char *top = top_of(path);
	if (!top)
		return cli_fail("%s is in no git repository. Make it one: git init, git add, git "
				"commit.",
			path);
	g_autoptr(GError) error = NULL;
	g_auto(Value) connections = cli_ask("/_terrarium/connections", VALUE_NOTHING, &error);
	if (error)
		return cli_fail("%s", error->message);
	g_auto(Value) all = bound(connections);
	Value repository = choose(all, name, top);
	return value_is_null(repository) ? say_which(all, name) : push(repository, top, force);
}

const CliCommand cli_command_push = {"push", "Push to the repository that a connection binds", run};
