/*
 * terrarium connection: what one does with connections in AWS's console: approves them, and says
 * which repository OWNER/REPO is. Speaks to the region's admin API.
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/cli.h"

#define PATH "/_terrarium/connections"

/* Parses a subcommand's options; operands stay in argv. FALSE after saying why not. */
static gboolean parse(int *argc, char ***argv, const GOptionEntry *entries, const char *words,
	const char *summary, int least, int most) {
	g_autoptr(GOptionContext) context = g_option_context_new(words);
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_strdup_printf("terrarium connection %s", (*argv)[0]);
	(*argv)[0] = name;
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error))
		cli_fail("%s. See %s --help.", error->message, name);
	else if (*argc < least + 1 || *argc > most + 1)
		cli_fail("%s takes %s. See %s --help.", name, *words ? words : "no operand", name);
	else
		return TRUE;
	return FALSE;
}

/* ---- places ---- */

/* What the region is to be told: a URL as it is, a path in full. */
static Value location_of(const char *text) {
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/');
	gboolean remote = strstr(text, "://") || (colon && (!slash || colon < slash));
	if (remote && !g_file_test(text, G_FILE_TEST_EXISTS))
		return value_string(text);
	return value_string_take(g_canonicalize_filename(text, NULL));
}

static Value repository_of(const char *name, const char *location) {
	Value repository = value_object_take("repository", value_string(name), NULL);
	return location ? value_with_take(repository, "location", location_of(location))
			: repository;
}

/* ---- showing ---- */

static void show_repository(Value repository) {
	const char *name = value_get_text(repository, "repository");
	const char *kind = value_get_text(repository, "kind");
	const char *location = value_get_text(repository, "location");
	gboolean own = g_strcmp0(kind, "own") == 0;
	printf("  %s -> %s\n", name, own ? "a repository of the region's own" : location);
	if (value_has(repository, "error"))
		printf("    Error: %s\n", value_get_text(repository, "error"));
	Value branches = value_get(repository, "branches");
	for (gsize i = 0; i < value_length(branches); i++)
		printf("    %-12.12s %s\n", value_text_or(value_at(branches, i), ""),
			value_key_at(branches, i));
	if (own && value_length(branches) == 0)
		printf("    It is empty. Push to it from your repository: terrarium push, or\n"
		       "    git push %s HEAD\n",
			value_get_text(repository, "url"));
	else if (value_has(repository, "url"))
		printf("    %s\n", value_get_text(repository, "url"));
}

static void show(Value connection) {
	Value repositories = value_get(connection, "repositories");
	printf("%s (%s, %s): %s\n", value_get_text(connection, "name"),
		value_get_text(connection, "provider"), value_get_text(connection, "region"),
		value_get_text(connection, "status"));
	for (gsize i = 0; i < value_length(repositories); i++)
		show_repository(value_at(repositories, i));
}

/* Asks and shows the connection that is answered; the exit code. */
static int ask(const char *action, Value body_taken) {
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_strconcat(PATH "/", action, NULL);
	g_auto(Value) connection = cli_ask(path, body_taken, &error);
	if (error)
		return cli_fail("%s", error->message);
	show(connection);
	return 0;
}

/* ---- subcommands ---- */

static int run_list(int argc, char **argv) {
	const GOptionEntry none[] = {{NULL}};
	if (!parse(&argc, &argv, none, "", "Lists connections and what is bound to them.", 0, 0))
		return 1;
	g_autoptr(GError) error = NULL;
	g_auto(Value) all = cli_ask(PATH, VALUE_NOTHING, &error);
	if (error)
		return cli_fail("%s", error->message);
	for (gsize i = 0; i < value_length(all); i++)
		show(value_at(all, i));
	if (value_length(all) == 0)
		printf("There are no connections. aws_codestarconnections_connection makes one.\n");
	return 0;
}

static int run_approve(int argc, char **argv) {
	g_auto(GStrv) repositories = NULL;
	const GOptionEntry entries[] = {
		{"repository", 'r', 0, G_OPTION_ARG_STRING_ARRAY, &repositories,
			"What OWNER/REPO is: a URL, a repository's folder, "
			"or nothing for one of the region's own",
			"OWNER/REPO[=URL_OR_PATH]"},
		{NULL}};
	if (!parse(&argc, &argv, entries, "NAME", "Lets a connection be used.", 1, 1))
		return 1;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (char **each = repositories; each && *each; each++) {
		char *location = strchr(*each, '=');
		if (location)
			*location++ = '\0';
		value_builder_add_take(all, repository_of(*each, location));
	}
	return ask("approve", value_object_take("connection", value_string(argv[1]), "repositories",
				      value_builder_end(g_steal_pointer(&all)), NULL));
}

static int run_bind(int argc, char **argv) {
	const GOptionEntry none[] = {{NULL}};
	if (!parse(&argc, &argv, none, "NAME OWNER/REPO [URL_OR_PATH]",
		    "Says what OWNER/REPO is: a URL, a repository's folder, or (without either, or "
		    "if the folder is no repository) one of the region's own.",
		    2, 3))
		return 1;
	return ask("bind", value_with_take(repository_of(argv[2], argc > 3 ? argv[3] : NULL),
				   "connection", value_string(argv[1])));
}

static int run_unbind(int argc, char **argv) {
	const GOptionEntry none[] = {{NULL}};
	if (!parse(&argc, &argv, none, "NAME OWNER/REPO",
		    "Takes a repository from a connection. The repository itself stays.", 2, 2))
		return 1;
	return ask("unbind", value_object_take("connection", value_string(argv[1]), "repository",
				     value_string(argv[2]), NULL));
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{"list", run_list},
	{"approve", run_approve},
	{"bind", run_bind},
	{"unbind", run_unbind},
};

static int run(int argc, char **argv) {
	const char *names[G_N_ELEMENTS(subcommands)];
	for (guint i = 0; i < G_N_ELEMENTS(subcommands); i++) {
		names[i] = subcommands[i].name;
		if (argc > 1 && g_str_equal(argv[1], names[i]))
			return subcommands[i].run(argc - 1, argv + 1);
	}
	gboolean help = argc > 1 && (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h"));
	if (argc > 1 && !help)
		cli_fail_unknown("connection", argv[1], names, G_N_ELEMENTS(names));
	fprintf(help ? stdout : stderr,
		"Usage: terrarium connection list\n"
		"       terrarium connection approve NAME [--repository "
		"OWNER/REPO[=URL_OR_PATH]]...\n"
		"       terrarium connection bind NAME OWNER/REPO [URL_OR_PATH]\n"
		"       terrarium connection unbind NAME OWNER/REPO\n");
	return help ? 0 : 1;
}

const CliCommand cli_command_connection = {
	"connection", "Approve connections to git repositories and bind them", run};
