/* An execution of a pipeline: what the API tells of it, and the lines that show it. */
#include <string.h>

#include "cli/pipeline/pipeline.h"
#include "value/json.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

/* ---- asking ---- */

static Value named(Value list, const char *member, const char *text) {
	for (gsize i = 0; i < value_length(list); i++)
		if (g_strcmp0(value_get_text(value_at(list, i), member), text) == 0)
			return value_at(list, i);
	return VALUE_NOTHING;
}

/* The list is the newest first. */
static Value latest_of_each(Value list) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = value_length(list); i-- > 0;) {
		Value action = value_at(list, i);
		g_autofree char *key = g_strjoin("/", value_get_text(action, "stageName"),
			value_get_text(action, "actionName"), NULL);
		value_builder_set_take(all, key, value_ref(action));
	}
	return value_builder_end(g_steal_pointer(&all));
}

Value cli_pipeline_look(const CliPipeline *pipeline, const char *execution, GError **error) {
	g_auto(Value) name = value_string(pipeline->name);
	g_auto(Value) one = cli_api_call(pipeline->api, "codepipeline", "GetPipelineExecution",
		value_object_take("pipelineName", value_ref(name), "pipelineExecutionId",
			value_string(execution), NULL),
		error);
	if (value_is_null(one))
		return VALUE_NOTHING;
	Value told = value_get(one, "pipelineExecution");
	g_auto(Value) declared = cli_api_call(pipeline->api, "codepipeline", "GetPipeline",
		value_object_take("name", value_ref(name), "version",
			value_ref(value_get(told, "pipelineVersion")), NULL),
		error);
	if (value_is_null(declared))
		return VALUE_NOTHING;
	g_auto(Value) state = cli_api_call(pipeline->api, "codepipeline", "GetPipelineState",
		value_object_take("name", value_ref(name), NULL), error);
	if (value_is_null(state))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) actions = cli_api_list(pipeline->api, "codepipeline", "ListActionExecutions",
		value_object_take("pipelineName", value_ref(name), "filter",
			value_object_take("pipelineExecutionId", value_string(execution), NULL),
			NULL),
		"actionExecutionDetails", "nextToken", "nextToken", &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return value_object_take("execution", value_ref(told), "stages",
		value_ref(value_get_path(declared, "pipeline", "stages", NULL)), "actions",
		latest_of_each(actions), "state", value_ref(state), NULL);
}

gboolean cli_pipeline_ended(Value look) {
	const char *status = value_text_or(value_get_path(look, "execution", "status", NULL), "");
	return !g_str_equal(status, "InProgress") && !g_str_equal(status, "Stopping");
}

/* ---- single actions ---- */

static Value result_of(Value action) {
	return value_get_path(action, "output", "executionResult", NULL);
}

const char *cli_pipeline_reason(Value action) {
	return value_text(value_get_path(result_of(action), "errorDetails", "message", NULL));
}

const char *cli_pipeline_build(Value action) {
	Value type = value_get_path(action, "input", "actionTypeId", NULL);
	return g_strcmp0(value_get_text(type, "provider"), "CodeBuild") == 0
		       ? value_get_text(result_of(action), "externalExecutionId")
		       : NULL;
}

char *cli_pipeline_duration(Value action) {
	double begin = value_to_double(value_get(action, "startTime"), 0);
	double end = value_to_double(value_get(action, "lastUpdateTime"), 0);
	if (g_strcmp0(value_get_text(action, "status"), "InProgress") == 0)
		end = (double)g_get_real_time() / G_USEC_PER_SEC;
	gint64 seconds = (gint64)MAX(end - begin, 0);
	if (seconds < 60)
		return g_strdup_printf("%" G_GINT64_FORMAT "s", seconds);
	return g_strdup_printf(
		"%" G_GINT64_FORMAT "m%02" G_GINT64_FORMAT "s", seconds / 60, seconds % 60);
}

char *cli_pipeline_printable(char *text) {
	for (char *at = text; *at; at++)
		if (g_ascii_iscntrl(*at))
			*at = ' ';
	return text;
}

/* A commit's id and message; an object's version. Connections tell the message in JSON. */
static char *revision_text(Value revision) {
	const char *summary = value_text_or(value_get(revision, "revisionSummary"), "");
	g_auto(Value) words = *summary == '{' ? value_from_json(summary, -1, NULL) : VALUE_NOTHING;
	const char *message = value_get_text(words, "CommitMessage");
	return message ? g_strdup_printf("%.8s %.*s", value_get_text(revision, "revisionId"),
				 (int)strcspn(message, "\n"), message)
		       : g_strdup(summary);
}

/* What an approval waits for, and what is to be looked at before it is given. Caller frees. */
static char *approval_remark(Value action, const char *pipeline) {
	Value asked = value_get_path(action, "input", "resolvedConfiguration", NULL);
	const char *words = value_get_text(asked, "CustomData");
	const char *link = value_get_text(asked, "ExternalEntityLink");
	return g_strdup_printf("waits for you: terrarium pipeline approve %s (or reject)%s%s%s%s",
		pipeline, words ? "; " : "", words ? words : "", link ? "; see " : "",
		link ? link : "");
}

/* What to say of it beside its status: a revision, a summary, what it waits for. Caller frees. */
static char *remark_of(Value look, Value action, const char *pipeline) {
	const char *reason = cli_pipeline_reason(action);
	const char *name = value_get_text(action, "actionName");
	Value type = value_get_path(action, "input", "actionTypeId", NULL);
	gboolean runs = g_strcmp0(value_get_text(action, "status"), "InProgress") == 0;
	if (reason)
		return g_strdup(reason);
	if (runs && g_strcmp0(value_get_text(type, "category"), "Approval") == 0)
		return approval_remark(action, pipeline);
	Value output = value_at(value_get_path(action, "output", "outputArtifacts", NULL), 0);
	Value revision = named(value_get_path(look, "execution", "artifactRevisions", NULL), "name",
		value_get_text(output, "name"));
	if (name && !value_is_null(revision) &&
		g_strcmp0(value_get_text(type, "category"), "Source") == 0)
		return revision_text(revision);
	return g_strdup(
		value_text_or(value_get(result_of(action), "externalExecutionSummary"), ""));
}

/* ---- lines ---- */

static const char *colour_of(const char *status) {
	if (g_str_equal(status, "Succeeded"))
		return GREEN;
	if (g_str_equal(status, "InProgress") || g_str_equal(status, "Stopping") ||
		g_str_equal(status, "Superseded"))
		return YELLOW;
	return *status == '-' ? DIM : RED;
}

static void add_status(GString *text, const char *status, gboolean colour) {
	g_string_append_printf(
		text, "%s%-11s%s", colour ? colour_of(status) : "", status, colour ? PLAIN : "");
}

static void add_action(GString *text, const CliPipeline *pipeline, Value look, Value action,
	guint log_lines, gboolean colour) {
	g_autofree char *duration = cli_pipeline_duration(action);
	g_autofree char *remark = remark_of(look, action, pipeline->name);
	const char *status = value_text_or(value_get(action, "status"), "-");
	cli_pipeline_printable(remark);
	g_string_append_printf(
		text, "    %-24s ", value_text_or(value_get(action, "actionName"), ""));
	add_status(text, status, colour);
	g_string_append_printf(text, " %6s  %s\n", duration, remark);
	const char *build = cli_pipeline_build(action);
	if (!build || log_lines == 0 || !g_str_equal(status, "InProgress"))
		return;
	g_autoptr(GPtrArray) lines = cli_pipeline_log_end(pipeline, build, log_lines);
	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(text, "%s      | %s%s\n", colour ? DIM : "",
			(const char *)lines->pdata[i], colour ? PLAIN : "");
}

/* Why the execution does not enter the stage for now; NULL: it does not wait there. */
static char *waiting_for(Value look, Value state) {
	const char *id = value_text(value_get_path(look, "execution", "pipelineExecutionId", NULL));
	Value transition = value_get(state, "inboundTransitionState");
	if (value_is_null(named(value_get(state, "inboundExecutions"), "pipelineExecutionId", id)))
		return NULL;
	if (!value_get_bool(transition, "enabled"))
		return g_strdup_printf("waits: the transition is disabled (%s)",
			value_text_or(value_get(transition, "disabledReason"), ""));
	return g_strdup_printf("waits for the execution %.8s",
		value_text_or(value_get_path(state, "latestExecution", "pipelineExecutionId", NULL),
			"before"));
}

/* The stage's status in this execution, from its actions. */
static const char *stage_status(Value stage, Value actions) {
	Value declared = value_get(stage, "actions");
	const char *worst = NULL;
	gsize succeeded = 0;
	for (gsize i = 0; i < value_length(declared); i++) {
		g_autofree char *key = g_strjoin("/", value_get_text(stage, "name"),
			value_get_text(value_at(declared, i), "name"), NULL);
		const char *status = value_get_text(value_get(actions, key), "status");
		if (!status)
			continue;
		if (g_str_equal(status, "Succeeded"))
			succeeded++;
		else if (!worst || g_str_equal(status, "InProgress"))
			worst = status;
	}
	if (worst)
		return worst;
	return succeeded == value_length(declared) ? "Succeeded"
	       : succeeded > 0			   ? "InProgress"
						   : "-";
}

const char *cli_pipeline_failed_stage(Value look) {
	Value stages = value_get(look, "stages"), actions = value_get(look, "actions");
	for (gsize i = 0; i < value_length(stages); i++) {
		const char *status = stage_status(value_at(stages, i), actions);
		if (g_str_equal(status, "Failed") || g_str_equal(status, "Abandoned"))
			return value_get_text(value_at(stages, i), "name");
	}
	return NULL;
}

static void add_stage(GString *text, const CliPipeline *pipeline, Value look, Value stage,
	guint log_lines, gboolean colour) {
	const char *name = value_get_text(stage, "name");
	Value actions = value_get(look, "actions"), declared = value_get(stage, "actions");
	Value state = named(value_get_path(look, "state", "stageStates", NULL), "stageName", name);
	g_autofree char *waits = waiting_for(look, state);
	g_string_append_printf(text, "  %s%-26s%s ", colour ? BOLD : "", name, colour ? PLAIN : "");
	add_status(text, stage_status(stage, actions), colour);
	g_string_append_printf(text, " %s\n", waits ? waits : "");
	for (gsize i = 0; i < value_length(declared); i++) {
		g_autofree char *key =
			g_strjoin("/", name, value_get_text(value_at(declared, i), "name"), NULL);
		Value action = value_get(actions, key);
		if (!value_is_null(action))
			add_action(text, pipeline, look, action, log_lines, colour);
	}
}

char *cli_pipeline_lines(
	const CliPipeline *pipeline, Value look, guint log_lines, gboolean colour) {
	GString *text = g_string_new(NULL);
	Value execution = value_get(look, "execution"), stages = value_get(look, "stages");
	g_string_append_printf(text, "%s%s%s  %.8s  ", colour ? BOLD : "", pipeline->name,
		colour ? PLAIN : "", value_get_text(execution, "pipelineExecutionId"));
	add_status(text, value_text_or(value_get(execution, "status"), "-"), colour);
	g_string_append_printf(text, " by %s%s%s\n",
		value_text_or(value_get_path(execution, "trigger", "triggerType", NULL), "?"),
		value_has(execution, "statusSummary") ? ": " : "",
		value_text_or(value_get(execution, "statusSummary"), ""));
	for (gsize i = 0; i < value_length(stages); i++)
		add_stage(text, pipeline, look, value_at(stages, i), log_lines, colour);
	return g_string_free(text, FALSE);
}
