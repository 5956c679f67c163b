/* What the files of terrarium pipeline share: which pipeline is meant, how an execution of it
 * looks. */
#pragma once

#include "cli/api.h"
#include "cli/cli.h"

typedef struct {
	CliApi *api; /* borrowed from its places */
	char *name;
} CliPipeline;

/* All pipelines of `places` (which must outlive them): of CliPipeline. */
GPtrArray *cli_pipelines(GPtrArray *places, GError **error);
/* The one of that name, or the only one there is if it is NULL; borrowed. */
CliPipeline *cli_pipeline_find(GPtrArray *pipelines, const char *name, GError **error);
/* The id of the execution that `wanted` is the beginning of, of the newest one if it is NULL.
 * Caller frees; NULL and an error: there is none, or more than one. */
char *cli_pipeline_execution(const CliPipeline *pipeline, const char *wanted, GError **error);

/* ---- an execution, as it is shown ---- */

/* Everything about an execution: execution (PipelineExecution), stages (as declared), actions
 * (ActionExecutionDetails by "stage/action", the latest of each), state (GetPipelineState). */
Value cli_pipeline_look(const CliPipeline *pipeline, const char *execution, GError **error);
gboolean cli_pipeline_ended(Value look);
/* The stage that it has failed or was stopped in; NULL: none. Borrowed. */
const char *cli_pipeline_failed_stage(Value look);
/* The lines of it: the execution, its stages, actions, the last `log_lines` lines of each build
 * that runs. `colour`: with escapes. Caller frees. */
char *cli_pipeline_lines(const CliPipeline *pipeline, Value look, guint log_lines, gboolean colour);
/* "12s", "3m05s" between two timestamps; of one that still runs, until now. Caller frees. */
char *cli_pipeline_duration(Value action);
/* Why an action failed, or NULL. Borrowed. */
const char *cli_pipeline_reason(Value action);
/* Its build's id, if it is one of CodeBuild; NULL. Borrowed. */
const char *cli_pipeline_build(Value action);

/* The text with blanks in place of control characters, which would draw over what is around it. */
char *cli_pipeline_printable(char *text);

/* ---- what builds wrote ---- */

/* A build's log, read on: `token` is where it was left (NULL at first) and is replaced. Lines are
 * appended to `lines` (char*). FALSE: it has no log (yet). */
gboolean cli_pipeline_read_log(
	const CliPipeline *pipeline, const char *build, char **token, GPtrArray *lines);
/* The last `count` lines of it (char*). */
GPtrArray *cli_pipeline_log_end(const CliPipeline *pipeline, const char *build, guint count);

/* Follows an execution to its end: redrawn in place on a terminal, plain lines otherwise. Returns
 * the exit code: 0 if it succeeded. */
int cli_pipeline_follow(const CliPipeline *pipeline, const char *execution);
