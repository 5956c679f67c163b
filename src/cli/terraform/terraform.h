/* What the commands that Terraform has too share: options, the engine, and what they print. */
#pragma once

#include "cli/cli.h"
#include "engine/engine.h"

typedef enum { FLAG_BOOL, FLAG_TEXT, FLAG_NUMBER, FLAG_LIST } FlagKind;

/* An option as Terraform spells it: -name, -name=value, and with two dashes. */
typedef struct {
	const char *name; /* NULL ends the table */
	FlagKind kind;
	gpointer out; /* gboolean*, const char**, int*, or GPtrArray* (of char*) */
	const char *help;
} Flag;

/* Reads options; what is left in argv (from 1) are arguments, at most `max`. FALSE after saying
 * what is wrong or after --help, with the exit code in *code. */
gboolean flags_parse(
	int *argc, char **argv, const Flag *flags, int max, const char *usage, int *code);

/* The options and the engine of one command. */
typedef struct {
	Sources *sources;
	Diags *diags;
	Engine *engine;
	ModuleStore *modules; /* of a command that fetches them; or NULL */
	const char *modules_heading; /* printed before the first of them; or NULL */
	StateLock *lock;
	gboolean no_color, input, locks, json;
	gboolean importing; /* the import command, which words its progress in another way */
	gboolean may_be_empty; /* works without configuration files */
	gboolean quiet; /* command_open leaves what it finds in diags */
	gboolean color; /* what becomes of it on this terminal */
	int parallelism, lock_timeout;
	GPtrArray *variables, *targets, *replace;
	gboolean refresh, destroy, refresh_only;
	const char *state_path;
} Command;

/* The defaults of a command's options, before they are read. */
void command_init(Command *command);
void command_clear(Command *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Command, command_clear)

/* Options that say how to plan: -var, -var-file, -target, -replace, -refresh, -destroy, … Returns
 * how many were written to `flags` (room for 16). */
guint command_plan_flags(Command *command, Flag *flags);
/* Opens the current workspace's state, locked if `operation` says for what; NULL after printing
 * what is wrong. For commands that need no configuration. */
State *command_open_state(Command *command, const char *operation);
/* Writes the state that such a command changed. Returns the exit code. */
int command_save_state(Command *command, State *state);
/* Opens the engine for the current folder; starts the region if the configuration needs one. FALSE
 * after printing what is wrong. From then on Ctrl-C asks the engine to stop. `operation` is for the
 * lock ("plan"); NULL: no lock. */
gboolean command_open(Command *command, const char *operation);
/* Lets command_open fetch the modules that are missing (`upgrade`: all that come from elsewhere),
 * and print which. `heading` (or NULL) comes before the first line about modules. */
void command_install_modules(Command *command, const char *heading, gboolean upgrade);
/* Prints where each module is. */
void command_print_modules(Command *command);
/* Prints what diags has (and forgets it). Returns TRUE if there was an error. */
gboolean command_report(Command *command);
/* Prints a plan, and the warnings that come with it, if somebody is to approve it. FALSE if it
 * shows nothing for its errors. */
gboolean command_print_plan(Command *command, const Plan *plan, gboolean approved);
/* The path of the state of the current workspace, below the current folder. Caller frees. */
char *command_state_path(void);
char *command_workspace(void);
typedef enum { ANSWER_YES, ANSWER_NO, ANSWER_NONE } Answer;
/* Subcommands of state that change it (state_edit.c): "mv", "rm", "pull", "push". -1 if `name` is
 * none of them. */
int command_state_edit(Command *command, const char *name, int argc, char **argv, gboolean force);
/* Where the state of another workspace is, and all there are, sorted. Caller frees. */
char *command_workspace_folder(const char *workspace);
char **command_workspaces(void);
gboolean command_select_workspace(const char *workspace, GError **error);
/* Asks for "yes". ANSWER_NONE: nobody could answer, or Ctrl-C; an error is in diags then. */
Answer command_confirm(Command *command, const char *question, const char *detail);
