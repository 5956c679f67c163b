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
	const GOptionEntry entries[] = {{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
						"Of this execution instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Says how far a pipeline's execution is."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id =
		wanted ? g_strdup(wanted) : cli_pipeline_newest(subject.pipeline, &error);
	g_auto(Value) look = id ? cli_pipeline_look(subject.pipeline, id, &error) : VALUE_NOTHING;
	if (error)
		return cli_fail("%s", error->message);
	g_autofree char *text =
		cli_pipeline_lines(subject.pipeline, look, 4, isatty(STDOUT_FILENO));
	fputs(text, stdout);
	return 0;
}

/* ---- release, retry, stop ---- */

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
	const GOptionEntry entries[] = {{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
						"This execution instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Follows an execution to its end."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id =
		wanted ? g_strdup(wanted) : cli_pipeline_newest(subject.pipeline, &error);
	return id ? cli_pipeline_follow(subject.pipeline, id) : cli_fail("%s", error->message);
}

/* The stage whose latest execution has failed, borrowed. */
static Value failed_stage(Value state) {
	Value stages = value_get(state, "stageStates");
	for (gsize i = 0; i < value_length(stages); i++) {
		const char *status = value_text_or(
			value_get_path(value_at(stages, i), "latestExecution", "status", NULL), "");
		if (g_str_equal(status, "Failed") || g_str_equal(status, "Stopped"))
			return value_at(stages, i);
	}
	return VALUE_NOTHING;
}

static int run_retry(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean no_wait = FALSE, all = FALSE;
	const GOptionEntry entries[] = {
		{"no-wait", 'n', 0, G_OPTION_ARG_NONE, &no_wait, "Do not follow it", NULL},
		{"all", 'a', 0, G_OPTION_ARG_NONE, &all,
			"All actions of the stage, not only those that failed", NULL},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Retries the stage that has failed."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_auto(Value) state = call(&subject, "GetPipelineState",
		value_object_take("name", own_name(&subject), NULL), &error);
	if (error)
		return cli_fail("%s", error->message);
	Value stage = failed_stage(state);
	if (value_is_null(stage))
		return cli_fail("no stage of %s has failed.", subject.pipeline->name);
	Value id = value_get_path(stage, "latestExecution", "pipelineExecutionId", NULL);
	g_auto(Value) answer = call(&subject, "RetryStageExecution",
		value_object_take("pipelineName", own_name(&subject), "stageName",
			value_ref(value_get(stage, "stageName")), "pipelineExecutionId",
			value_ref(id), "retryMode",
			value_string(all ? "ALL_ACTIONS" : "FAILED_ACTIONS"), NULL),
		&error);
	if (error)
		return cli_fail("%s", error->message);
	return go_on(&subject, value_text(id), no_wait);
}

static int run_stop(int argc, char **argv) {
	g_auto(Subject) subject = {0};
	gboolean abandon = FALSE;
	g_autofree char *wanted = NULL, *reason = NULL;
	const GOptionEntry entries[] = {{"abandon", 'a', 0, G_OPTION_ARG_NONE, &abandon,
						"Do not wait for the actions that run", NULL},
		{"execution", 'e', 0, G_OPTION_ARG_STRING, &wanted,
			"This execution instead of the newest", "ID"},
		{"reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "Why", "TEXT"}, {NULL}};
	if (!parse(&subject, argc, argv, entries, "Stops an execution of a pipeline."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *id =
		wanted ? g_strdup(wanted) : cli_pipeline_newest(subject.pipeline, &error);
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

typedef struct {
	Value stage, action; /* names, borrowed from the state */
	const char *token;
	guint found;
} Approval;

static void find_approval(Value state, const char *wanted, Approval *approval) {
	Value stages = value_get(state, "stageStates");
	for (gsize i = 0; i < value_length(stages); i++) {
		Value stage = value_at(stages, i), actions = value_get(stage, "actionStates");
		for (gsize k = 0; k < value_length(actions); k++) {
			Value action = value_at(actions, k);
			const char *token = value_text(
				value_get_path(action, "latestExecution", "token", NULL));
			if (!token || (wanted && g_strcmp0(value_get_text(action, "actionName"),
							 wanted) != 0))
				continue;
			*approval = (Approval){value_get(stage, "stageName"),
				value_get(action, "actionName"), token, approval->found + 1};
		}
	}
}

static int answer_approval(int argc, char **argv, const char *status) {
	g_auto(Subject) subject = {0};
	g_autofree char *message = NULL, *wanted = NULL;
	const GOptionEntry entries[] = {
		{"message", 'm', 0, G_OPTION_ARG_STRING, &message, "What to say about it", "TEXT"},
		{"action", 'a', 0, G_OPTION_ARG_STRING, &wanted, "This action, if several wait",
			"NAME"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Answers a manual approval that waits."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_auto(Value) state = call(&subject, "GetPipelineState",
		value_object_take("name", own_name(&subject), NULL), &error);
	if (error)
		return cli_fail("%s", error->message);
	Approval approval = {0};
	find_approval(state, wanted, &approval);
	if (approval.found == 0)
		return cli_fail("no approval of %s waits.", subject.pipeline->name);
	if (approval.found > 1)
		return cli_fail("several approvals wait: name one by --action.");
	g_auto(Value) answer = call(&subject, "PutApprovalResult",
		value_object_take("pipelineName", own_name(&subject), "stageName",
			value_ref(approval.stage), "actionName", value_ref(approval.action),
			"token", value_string(approval.token), "result",
			value_object_take("status", value_string(status), "summary",
				value_string(message ? message : ""), NULL),
			NULL),
		&error);
	if (error)
		return cli_fail("%s", error->message);
	printf("%s/%s %s\n", value_text(approval.stage), value_text(approval.action), status);
	return 0;
}

static int run_approve(int argc, char **argv) {
	return answer_approval(argc, argv, "Approved");
}

static int run_reject(int argc, char **argv) {
	return answer_approval(argc, argv, "Rejected");
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
			"Of this execution instead of the newest", "ID"},
		{NULL}};
	if (!parse(&subject, argc, argv, entries, "Prints what the builds of an execution wrote."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) tokens =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *id =
		wanted ? g_strdup(wanted) : cli_pipeline_newest(subject.pipeline, &error);
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
	{"stop", "Stop an execution", run_stop},
	{"logs", "Print what the builds wrote", run_logs},
};

static int run(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : "--help";
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		if (g_str_equal(actions[i].name, name))
			return actions[i].run(argc - 1, argv + 1);
	gboolean asked = g_str_equal(name, "--help") || g_str_equal(name, "-h");
	FILE *out = asked && argc > 1 ? stdout : stderr;
	if (!asked)
		cli_fail("terrarium pipeline has no command named \"%s\".", name);
	fprintf(out, "Usage: terrarium pipeline COMMAND [OPTION…] [PIPELINE]\n\nCommands:\n");
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		fprintf(out, "  %-10s %s\n", actions[i].name, actions[i].summary);
	fprintf(out, "\nThe pipeline's name may be left out when there is only one.\n");
	return asked && argc > 1 ? 0 : 1;
}

const CliCommand cli_command_pipeline = {"pipeline", "Release, watch and approve", run};
