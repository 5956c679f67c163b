/* terrarium pipeline: pipelines for people. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/pipeline/pipeline.h"

#define POLL_US (G_USEC_PER_SEC / 2)

/* What a command works on. */
typedef struct {
	GPtrArray *places, *pipelines;
	CliPipeline *pipeline; /* borrowed from pipelines */
	GStrv names; /* from the command line */
} Subject;

static void subject_clear(Subject *subject) {
	g_clear_pointer(&subject->pipelines, g_ptr_array_unref);
	g_clear_pointer(&subject->places, g_ptr_array_unref);
	g_clear_pointer(&subject->names, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Subject, subject_clear)

/* Parses `own` (ended by NULL) and the pipeline's name, and finds it. FALSE after saying why. */
static gboolean parse(
	Subject *subject, int argc, char **argv, const GOptionEntry *own, const char *summary) {
	GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
	GOptionEntry rest = {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &subject->names,
		NULL, "[PIPELINE]"};
	for (; own && own->long_name; own++)
		g_array_append_vals(entries, own, 1);
	g_array_append_val(entries, rest);
	g_autofree char *name = g_strconcat("pipeline ", argv[0], NULL);
	argv[0] = name;
	gboolean good =
		cli_parse(&argc, &argv, (const GOptionEntry *)(gpointer)entries->data, summary);
	g_array_free(entries, TRUE);
	if (!good)
		return FALSE;
	if (subject->names && subject->names[0] && subject->names[1]) {
		cli_fail("Name one pipeline.");
		return FALSE;
	}
	g_autoptr(GError) error = NULL;
	subject->places = cli_places(&error);
	subject->pipelines = subject->places ? cli_pipelines(subject->places, &error) : NULL;
	subject->pipeline = subject->pipelines
				    ? cli_pipeline_find(subject->pipelines,
					      subject->names ? subject->names[0] : NULL, &error)
				    : NULL;
	if (!subject->pipeline)
		cli_fail("%s", error->message);
	return subject->pipeline != NULL;
}

static Value call(
	const Subject *subject, const char *operation, Value input_taken, GError **error) {
	return cli_api_call(subject->pipeline->api, "codepipeline", operation, input_taken, error);
}

static Value own_name(const Subject *subject) {
	return value_string(subject->pipeline->name);
}

/* ---- list and status ---- */

static int run_list(int argc, char **argv) {
	const GOptionEntry entries[] = {{NULL}};
	argv[0] = (char *)"pipeline list";
	if (!cli_parse(&argc, &argv, entries, "Lists the pipelines."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) places = cli_places(&error);
	g_autoptr(GPtrArray) pipelines = places ? cli_pipelines(places, &error) : NULL;
	if (error)
		return cli_fail("%s", error->message);
	for (guint i = 0; i < pipelines->len; i++) {
		const CliPipeline *pipeline = pipelines->pdata[i];
		g_auto(Value) answer =
			cli_api_call(pipeline->api, "codepipeline", "ListPipelineExecutions",
				value_object_take("pipelineName", value_string(pipeline->name),
					"maxResults", value_int(1), NULL),
				NULL);
		Value newest = value_at(value_get(answer, "pipelineExecutionSummaries"), 0);
		printf("%-32s %-12s %.8s\n", pipeline->name,
			value_text_or(value_get(newest, "status"), "-"),
			value_text_or(value_get(newest, "pipelineExecutionId"), ""));
	}
	return 0;
}

static int run_status(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	g_autofree char *wanted = NULL;
	const GOptionEntry entries[] = {
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"Of this execution (the beginning of its id) instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Says how far a pipeline's execution is."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id = cli_pipeline_execution(subject.pipeline, wanted, &error);
	g_auto(Value) look = id ? cli_pipeline_look(subject.pipeline, id, &error) : VALUE_NOTHING;
	if (error)
		return cli_fail("%s", error->message);
	g_autofree char *text =
		cli_pipeline_lines(subject.pipeline, look, 4, isatty(STDOUT_FILENO));
	fputs(text, stdout);
	return 0;
}

/* ---- release, follow, retry ---- */

static int go_on(const Subject *subject, const char *id, gboolean no_wait) {
	if (!no_wait)
		return cli_pipeline_follow(subject->pipeline, id);
	printf("%s\n", id);
	return 0;
}

static int run_release(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean no_wait = FALSE;
	g_auto(GStrv) given = NULL;
	const GOptionEntry entries[] = {
		{"no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, "Do not follow it", NULL},
		{"variable", 'v', 0, G_OPTION_ARG_STRING_ARRAY, &given,
			"Set a variable of the pipeline (may be repeated)", "NAME=VALUE"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Starts a pipeline and follows it to its end."))
		return 1;
	g_autoptr(ValueBuilder) variables = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; given && given[i]; i++) {
		char *equals = strchr(given[i], '=');
		if (!equals)
			return cli_fail("\"%s\" is no NAME=VALUE.", given[i]);
		*equals = '\0';
		value_builder_add_take(variables, value_object_take("name", value_string(given[i]),
							  "value", value_string(equals + 1), NULL));
	}
	Value input = value_object_take("name", own_name(&subject), NULL);
	if (given && given[0])
		input = value_with_take(
			input, "variables", value_builder_end(g_steal_pointer(&variables)));
	g_autoptr(GError) error = NULL;
	g_auto(Value) answer = call(&subject, "StartPipelineExecution", input, &error);
	if (error)
		return cli_fail("%s", error->message);
	return go_on(&subject, value_get_text(answer, "pipelineExecutionId"), no_wait);
}

static int run_follow(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	g_autofree char *wanted = NULL;
	const GOptionEntry entries[] = {
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"This execution (the beginning of its id) instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Follows an execution to its end."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id = cli_pipeline_execution(subject.pipeline, wanted, &error);
	return id ? cli_pipeline_follow(subject.pipeline, id) : cli_fail("%s", error->message);
}

/* The stage whose latest execution has failed, and that one's id; caller frees both. NULL: none. */
static char *failed_stage(const Subject *subject, char **id, GError **error) {
	g_auto(Value) state = call(subject, "GetPipelineState",
		value_object_take("name", own_name(subject), NULL), error);
	Value stages = value_get(state, "stageStates");
	for (gsize i = 0; i < value_length(stages); i++) {
		Value latest = value_get(value_at(stages, i), "latestExecution");
		const char *status = value_text_or(value_get(latest, "status"), "");
		if (!g_str_equal(status, "Failed") && !g_str_equal(status, "Stopped"))
			continue;
		*id = g_strdup(value_get_text(latest, "pipelineExecutionId"));
		return g_strdup(value_get_text(value_at(stages, i), "stageName"));
	}
	return NULL;
}

/* The same of one execution. */
static char *failed_stage_of(
	const Subject *subject, const char *wanted, char **id, GError **error) {
	*id = cli_pipeline_execution(subject->pipeline, wanted, error);
	g_auto(Value) look = *id ? cli_pipeline_look(subject->pipeline, *id, error) : VALUE_NOTHING;
	return g_strdup(cli_pipeline_failed_stage(look));
}

static int run_retry(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean no_wait = FALSE, all = FALSE;
	g_autofree char *wanted = NULL, *id = NULL;
	const GOptionEntry entries[] = {
		{"no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, "Do not follow it", NULL},
		{"all", 'a', 0, G_OPTION_ARG_NONE, &all,
			"All actions of the stage, not only those that failed", NULL},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"Of this execution (the beginning of its id) instead of the latest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Retries the stage that has failed."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *stage = wanted ? failed_stage_of(&subject, wanted, &id, &error)
					: failed_stage(&subject, &id, &error);
	if (error)
		return cli_fail("%s", error->message);
	if (!stage)
		return cli_fail("no stage of %s has failed.", subject.pipeline->name);
	g_auto(Value) answer = call(&subject, "RetryStageExecution",
		value_object_take("pipelineName", own_name(&subject), "stageName",
			value_string(stage), "pipelineExecutionId", value_string(id), "retryMode",
			value_string(all ? "ALL_ACTIONS" : "FAILED_ACTIONS"), NULL),
		&error);
	if (error)
		return cli_fail("%s", error->message);
	return go_on(&subject, id, no_wait);
}

/* ---- rollback ---- */

/* The newest execution before the latest one that succeeded in the stage, or the one that is
 * wanted. Caller frees; NULL and an error. */
static char *rollback_target(
	const Subject *subject, Value stage, const char *wanted, GError **error) {
	if (wanted)
		return cli_pipeline_execution(subject->pipeline, wanted, error);
	const char *name = value_get_text(stage, "stageName");
	const char *latest =
		value_text(value_get_path(stage, "latestExecution", "pipelineExecutionId", NULL));
	g_auto(Value) filter = value_object_take(
		"succeededInStage", value_object_take("stageName", value_string(name), NULL), NULL);
	g_auto(Value) answer = call(subject, "ListPipelineExecutions",
		value_object_take(
			"pipelineName", own_name(subject), "filter", value_ref(filter), NULL),
		error);
	Value all = value_get(answer, "pipelineExecutionSummaries");
	for (gsize i = 0; i < value_length(all); i++) {
		Value each = value_at(all, i);
		const char *id = value_get_text(each, "pipelineExecutionId");
		if (g_strcmp0(id, latest) != 0 &&
			g_strcmp0(value_get_text(each, "executionType"), "ROLLBACK") != 0)
			return g_strdup(id);
	}
	if (!value_is_null(answer))
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"no execution before the latest one has succeeded in the stage %s.", name);
	return NULL;
}

/* The stage of that name; the last one without. VALUE_NOTHING: there is none. Borrowed. */
static Value stage_named(Value state, const char *name) {
	Value stages = value_get(state, "stageStates");
	for (gsize i = value_length(stages); i-- > 0;)
		if (!name || g_strcmp0(value_get_text(value_at(stages, i), "stageName"), name) == 0)
			return value_at(stages, i);
	return VALUE_NOTHING;
}

static int run_rollback(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean no_wait = FALSE;
	g_autofree char *wanted = NULL, *name = NULL;
	const GOptionEntry entries[] = {
		{"no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, "Do not follow it", NULL},
		{"stage", 's', 0, G_OPTION_ARG_STRING, &name, "This stage instead of the last one",
			"NAME"},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"To what this execution had (the beginning of its id), instead of the one "
			"before the latest",
			"ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries,
		    "Runs a stage with what an earlier execution had that succeeded in it."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_auto(Value) state = call(&subject, "GetPipelineState",
		value_object_take("name", own_name(&subject), NULL), &error);
	if (error)
		return cli_fail("%s", error->message);
	Value stage = stage_named(state, name);
	if (value_is_null(stage))
		return cli_fail("%s has no stage %s.", subject.pipeline->name, name);
	g_autofree char *target = rollback_target(&subject, stage, wanted, &error);
	if (!target)
		return cli_fail("%s", error->message);
	g_auto(Value) answer = call(&subject, "RollbackStage",
		value_object_take("pipelineName", own_name(&subject), "stageName",
			value_ref(value_get(stage, "stageName")), "targetPipelineExecutionId",
			value_string(target), NULL),
		&error);
	if (error)
		return cli_fail("%s", error->message);
	return go_on(&subject, value_get_text(answer, "pipelineExecutionId"), no_wait);
}

/* ---- stop ---- */

static int run_stop(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean abandon = FALSE;
	g_autofree char *wanted = NULL, *reason = NULL;
	const GOptionEntry entries[] = {{"abandon", 'a', 0, G_OPTION_ARG_NONE, &abandon,
						"Do not wait for the actions that run", NULL},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"This execution (the beginning of its id) instead of the newest", "ID"},
		{"reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "Why", "TEXT"}, {NULL}};
	if (!parse(&subject, argc, argv, entries, "Stops an execution of a pipeline."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id = cli_pipeline_execution(subject.pipeline, wanted, &error);
	if (!id)
		return cli_fail("%s", error->message);
	Value input = value_object_take("pipelineName", own_name(&subject), "pipelineExecutionId",
		value_string(id), "abandon", value_bool(abandon), NULL);
	if (reason)
		input = value_with_take(input, "reason", value_string(reason));
	g_auto(Value) answer = call(&subject, "StopPipelineExecution", input, &error);
	if (error)
		return cli_fail("%s", error->message);
	printf("%s is stopped%s.\n", id, abandon ? "" : " as soon as its actions have ended");
	return 0;
}

/* ---- approvals ---- */

/* Adds the approvals that an execution waits for, as ActionExecutionDetails. */
static void add_waiting(
	const Subject *subject, const char *execution, const char *action, GArray *all) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) actions = cli_api_list(subject->pipeline->api, "codepipeline",
		"ListActionExecutions",
		value_object_take("pipelineName", own_name(subject), "filter",
			value_object_take("pipelineExecutionId", value_string(execution), NULL),
			NULL),
		"actionExecutionDetails", "nextToken", "nextToken", &error);
	for (gsize i = 0; i < value_length(actions); i++) {
		Value each = value_at(actions, i);
		Value type = value_get_path(each, "input", "actionTypeId", NULL);
		if (g_strcmp0(value_get_text(type, "category"), "Approval") != 0 ||
			g_strcmp0(value_get_text(each, "status"), "InProgress") != 0 ||
			(action && g_strcmp0(value_get_text(each, "actionName"), action) != 0))
			continue;
		Value kept = value_ref(each);
		g_array_append_val(all, kept);
	}
}

static void clear_value(gpointer data) {
	value_clear(data);
}

/* All approvals that wait, of Value. NULL and an error. */
static GArray *waiting_approvals(
	const Subject *subject, const char *execution, const char *action, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) executions =
		cli_api_list(subject->pipeline->api, "codepipeline", "ListPipelineExecutions",
			value_object_take("pipelineName", own_name(subject), NULL),
			"pipelineExecutionSummaries", "nextToken", "nextToken", &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(all, clear_value);
	for (gsize i = 0; i < value_length(executions); i++) {
		Value each = value_at(executions, i);
		const char *id = value_get_text(each, "pipelineExecutionId");
		const char *status = value_get_text(each, "status");
		gboolean runs =
			g_strcmp0(status, "InProgress") == 0 || g_strcmp0(status, "Stopping") == 0;
		if (runs && (!execution || g_str_has_prefix(id, execution)))
			add_waiting(subject, id, action, all);
	}
	return all;
}

static int fail_several(const GArray *waiting) {
	g_autoptr(GString) all = g_string_new(NULL);
	for (guint i = 0; i < waiting->len; i++) {
		Value each = g_array_index(waiting, Value, i);
		g_string_append_printf(all, "\n  --action=%s --execution=%.8s",
			value_get_text(each, "actionName"),
			value_get_text(each, "pipelineExecutionId"));
	}
	return cli_fail("several approvals wait. Say which one:%s", all->str);
}

static int put_result(
	const Subject *subject, Value approval, const char *status, const char *message) {
	g_autoptr(GError) error = NULL;
	Value id =
		value_get_path(approval, "output", "executionResult", "externalExecutionId", NULL);
	g_auto(Value) answer = call(subject, "PutApprovalResult",
		value_object_take("pipelineName", own_name(subject), "stageName",
			value_ref(value_get(approval, "stageName")), "actionName",
			value_ref(value_get(approval, "actionName")), "token", value_ref(id),
			"result",
			value_object_take("status", value_string(status), "summary",
				value_string(message ? message : ""), NULL),
			NULL),
		&error);
	if (error)
		return cli_fail("%s", error->message);
	printf("%s/%s %s\n", value_get_text(approval, "stageName"),
		value_get_text(approval, "actionName"), status);
	return 0;
}

static int answer_approval(int argc, char **argv, const char *status, const char *summary) {
	g_auto(Subject) subject = {0};
	g_autofree char *message = NULL, *action = NULL, *execution = NULL;
	const GOptionEntry entries[] = {
		{"message", 'm', 0, G_OPTION_ARG_STRING, &message, "What to say about it", "TEXT"},
		{"action", 'a', 0, G_OPTION_ARG_STRING, &action, "This action, if several wait",
			"NAME"},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &execution,
			"Of this execution, if several wait", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, summary))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) waiting = waiting_approvals(&subject, execution, action, &error);
	if (!waiting)
		return cli_fail("%s", error->message);
	if (waiting->len == 0)
		return cli_fail("no approval of %s waits%s. See: terrarium pipeline status %s",
			subject.pipeline->name, action || execution ? " that is named so" : "",
			subject.pipeline->name);
	if (waiting->len > 1)
		return fail_several(waiting);
	return put_result(&subject, g_array_index(waiting, Value, 0), status, message);
}

static int run_approve(int argc, char **argv) {
	return answer_approval(argc, argv, "Approved",
		"Approves a manual approval that waits: its stage goes on.");
}

static int run_reject(int argc, char **argv) {
	return answer_approval(
		argc, argv, "Rejected", "Rejects a manual approval that waits: its stage fails.");
}

/* ---- logs ---- */

/* What the builds of an execution wrote since the last time. */
static guint print_logs(const CliPipeline *pipeline, Value look, GHashTable *tokens) {
	Value actions = value_get(look, "actions");
	guint builds = 0;
	for (gsize i = 0; i < value_length(actions); i++) {
		Value action = value_at(actions, i);
		const char *build = cli_pipeline_build(action);
		if (!build)
			continue;
		builds++;
		g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
		char *token = g_strdup(g_hash_table_lookup(tokens, build));
		cli_pipeline_read_log(pipeline, build, &token, lines);
		for (guint k = 0; k < lines->len; k++)
			printf("%s | %s\n", value_get_text(action, "actionName"),
				(const char *)lines->pdata[k]);
		if (token)
			g_hash_table_insert(tokens, g_strdup(build), token);
	}
	fflush(stdout);
	return builds;
}

static int run_logs(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean follow = FALSE;
	g_autofree char *wanted = NULL;
	const GOptionEntry entries[] = {
		{"follow", 'f', 0, G_OPTION_ARG_NONE, &follow, "Go on until it has ended", NULL},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"Of this execution (the beginning of its id) instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Prints what the builds of an execution wrote."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) tokens =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *id = cli_pipeline_execution(subject.pipeline, wanted, &error);
	gboolean more = id != NULL;
	while (more && !error) {
		g_auto(Value) look = cli_pipeline_look(subject.pipeline, id, &error);
		guint builds = error ? 0 : print_logs(subject.pipeline, look, tokens);
		more = follow && !cli_pipeline_ended(look);
		if (!error && !more && builds == 0)
			return cli_fail("the execution %s has run no build.", id);
		if (more)
			g_usleep(POLL_US);
	}
	return error ? cli_fail("%s", error->message) : 0;
}

/* ---- the command ---- */

static const struct {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} actions[] = {
	{"list", "List the pipelines", run_list},
	{"status", "Say how far the newest execution is", run_status},
	{"release", "Start it and follow it to its end", run_release},
	{"follow", "Follow the newest execution to its end", run_follow},
	{"approve", "Approve what waits for it", run_approve},
	{"reject", "Reject what waits for approval", run_reject},
	{"retry", "Retry the stage that has failed", run_retry},
	{"rollback", "Take a stage back to what it had before", run_rollback},
	{"stop", "Stop an execution", run_stop},
	{"logs", "Print what the builds wrote", run_logs},
};

static int run(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : "--help";
	const char *names[G_N_ELEMENTS(actions)];
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
		names[i] = actions[i].name;
		if (g_str_equal(names[i], name))
			return actions[i].run(argc - 1, argv + 1);
	}
	gboolean asked = g_str_equal(name, "--help") || g_str_equal(name, "-h");
	FILE *out = asked && argc > 1 ? stdout : stderr;
	if (!asked)
		cli_fail_unknown("pipeline", name, names, G_N_ELEMENTS(names));
	fprintf(out, "Usage: terrarium pipeline COMMAND [OPTION…] [PIPELINE]\n\nCommands:\n");
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		fprintf(out, "  %-10s %s\n", actions[i].name, actions[i].summary);
	fprintf(out, "\nThe pipeline's name may be left out when there is only one.\n");
	return asked && argc > 1 ? 0 : 1;
}

const CliCommand cli_command_pipeline = {"pipeline", "Release, watch and approve", run};
