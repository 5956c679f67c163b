/* Commands: one file each, listed in main.c. */
#pragma once

#include <glib.h>

typedef struct {
	const char *name;
	const char *summary; /* for the list of commands */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(int argc, char **argv);
} CliCommand;

extern const CliCommand cli_command_apply;
extern const CliCommand cli_command_connection;
extern const CliCommand cli_command_console;
extern const CliCommand cli_command_destroy;
extern const CliCommand cli_command_down;
extern const CliCommand cli_command_env;
extern const CliCommand cli_command_exec;
extern const CliCommand cli_command_fmt;
extern const CliCommand cli_command_force_unlock;
extern const CliCommand cli_command_get;
extern const CliCommand cli_command_graph;
extern const CliCommand cli_command_image;
extern const CliCommand cli_command_import;
extern const CliCommand cli_command_init;
extern const CliCommand cli_command_logs;
extern const CliCommand cli_command_open;
extern const CliCommand cli_command_output;
extern const CliCommand cli_command_pipeline;
extern const CliCommand cli_command_plan;
extern const CliCommand cli_command_providers;
extern const CliCommand cli_command_push;
extern const CliCommand cli_command_refresh;
extern const CliCommand cli_command_show;
extern const CliCommand cli_command_state;
extern const CliCommand cli_command_status;
extern const CliCommand cli_command_taint;
extern const CliCommand cli_command_types;
extern const CliCommand cli_command_untaint;
extern const CliCommand cli_command_up;
extern const CliCommand cli_command_validate;
extern const CliCommand cli_command_version;
extern const CliCommand cli_command_workspace;

/* The data folder: $TERRARIUM_HOME, else terrarium in XDG's data home. Caller frees. */
char *cli_home(void);
/* The API's port: $TERRARIUM_PORT, else 4566. */
guint cli_port(void);
/* The key pair to call the region with: its root's, if it is or was strict; else "terrarium", which
 * any region takes for the developer. Caller frees both. */
void cli_keys(char **access_key_id, char **secret_access_key);
/* What the aws command and SDKs need in their environment to reach the region and nothing else:
 * "NAME=value", and names of what must not be there (NAME* for all that begin so). Caller frees. */
char **cli_environment(void);
/* "Error: …" on standard error; returns 1, for the command to return. */
int cli_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same for a word that is none of a command's subcommands; says which one was meant, if that is
 * to be seen. */
int cli_fail_unknown(
	const char *command, const char *word, const char *const *known, gsize n_known);
gboolean cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *summary);
/* The process that holds the data folder's lock, 0 if none does. */
int cli_region_pid(const char *home);
/* Starts the region in the background if none is up; FALSE after saying why it did not start. */
gboolean cli_ensure_region(void);
/* Whether the region on that port answers. */
gboolean cli_region_answers(guint port);
