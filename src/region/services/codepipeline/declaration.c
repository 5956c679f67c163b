/*
 * What CreatePipeline and UpdatePipeline check of a pipeline's structure, and what they fill in.
 * Messages are AWS's where they are known.
 */
#include <string.h>

#include "region/services/codepipeline/internal.h"
#include "region/services/iam/iam.h"

#define STRUCTURE "InvalidStructureException"
#define STAGE "InvalidStageDeclarationException"
#define ACTION "InvalidActionDeclarationException"

/* "Quotas in AWS CodePipeline". */
#define MOST_STAGES 50
#define MOST_ACTIONS_OF_STAGE 50
#define MOST_ACTIONS 500

/* What was declared in the stages before. */
typedef struct {
	RegionCall *call;
	Value pipeline;
	GHashTable *stages, *actions, *artifacts, *namespaces; /* sets */
	const char *stage; /* that is looked at */
	gsize n_actions; /* of all stages */
	GError **error;
} Check;

static gboolean refuse(Check *check, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean refuse(Check *check, const char *code, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(check->error, code, "%s", message);
	return FALSE;
}

static GHashTable *set_new(void) {
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static gboolean is_v2(Check *check) {
	return pipeline_is(check->pipeline, "pipelineType", "V2");
}

/* ---- actions ---- */

static gboolean check_type(Check *check, Value action) {
	Value type = value_get(action, "actionTypeId");
	const char *name = value_get_text(action, "name");
	if (pipeline_provider(type))
		return TRUE;
	const char *provider = value_get_text(type, "provider");
	if (pipeline_is_known_type(type))
		return refuse(check, ACTION,
			"Terrarium does not implement the action type (Category: '%s', Provider: "
			"'%s', "
			"Owner: '%s', Version: '%s') in action '%s'.%s",
			value_get_text(type, "category"), provider, value_get_text(type, "owner"),
			value_get_text(type, "version"), name,
			g_str_equal(provider, "GitHub")
				? " Use a CodeStarSourceConnection, as AWS recommends too."
				: "");
	g_autofree char *region = g_ascii_strup(check->call->scope.region, -1);
	g_strdelimit(region, "-", '_');
	return refuse(check, ACTION,
		"ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in action "
		"'%s' is not available in region '%s'",
		value_get_text(type, "category"), provider, value_get_text(type, "owner"),
		value_get_text(type, "version"), name, region);
}

/* Is it one of the values that the key may have, or will an execution tell? */
static gboolean is_value(const PipelineConfigurationKey *key, const char *value) {
	g_auto(GStrv) values = key->values ? g_strsplit(key->values, " ", -1) : NULL;
	for (guint i = 0; values && values[i]; i++)
		if (g_ascii_strcasecmp(values[i], value) == 0)
			return TRUE;
	return !values || strstr(value, "#{");
}

static gboolean check_value(
	Check *check, const char *name, const PipelineConfigurationKey *key, const char *value) {
	if (key->lacking)
		return refuse(check, ACTION,
			"Terrarium does not implement the configuration '%s' (action '%s')",
			key->key, name);
	if (is_value(key, value))
		return TRUE;
	return refuse(check, ACTION,
		"Action configuration for action '%s' contains the value '%s' for configuration "
		"'%s', which must be one of: %s",
		name, value, key->key, key->values);
}

static gboolean check_configuration(Check *check, Value action, const PipelineProvider *provider) {
	Value configuration = value_get(action, "configuration");
	const char *name = value_get_text(action, "name"), *key;
	for (const PipelineConfigurationKey *known = provider->configuration; known->key; known++)
		if (known->required && !value_has(configuration, known->key))
			return refuse(check, ACTION,
				"Action configuration for action '%s' is missing required "
				"configuration '%s'",
				name, known->key);
	ValueIter iter;
	Value value;
	for (value_iter_init(&iter, configuration); value_iter_next(&iter, &key, &value);) {
		const PipelineConfigurationKey *known = provider->configuration;
		while (known->key && !g_str_equal(known->key, key))
			known++;
		if (!known->key)
			return refuse(check, ACTION,
				"Action configuration for action '%s' contains unknown "
				"configuration '%s'",
				name, key);
		if (!check_value(check, name, known, value_text_or(value, "")))
			return FALSE;
	}
	if (value_get_text(configuration, "BatchEnabled") &&
		g_ascii_strcasecmp(value_get_text(configuration, "BatchEnabled"), "true") == 0)
		return refuse(check, ACTION,
			"Terrarium does not implement batch builds (BatchEnabled in action '%s').",
			name);
	const char *unknown = NULL;
	g_autofree char *reference =
		pipeline_unknown_reference(configuration, check->namespaces, &unknown);
	if (!reference)
		return TRUE;
	return refuse(check, ACTION,
		"Valid format for a pipeline execution variable reference is a namespace and a key "
		"separated by a period (.). The following pipeline execution variables are "
		"referencing a namespace that does not exist. ActionName=[%s], "
		"ActionConfigurationKey=[%s], VariableReferenceText=[%s]",
		name, unknown, reference);
}

static gboolean check_count(
	Check *check, Value action, const char *member, const char *what, guint least, guint most) {
	gsize count = value_length(value_get(action, member));
	const char *name = value_get_text(action, "name");
	if (count < least)
		return refuse(check, ACTION,
			"Action %s declares %" G_GSIZE_FORMAT
			" %s artifacts which is less than the minimum count (%u)",
			name, count, what, least);
	if (count > most)
		return refuse(check, ACTION,
			"Action %s declares %" G_GSIZE_FORMAT
			" %s artifacts which exceeds the maximum count (%u)",
			name, count, what, most);
	return TRUE;
}

static gboolean check_inputs(Check *check, Value action) {
	Value inputs = value_get(action, "inputArtifacts");
	const char *name = value_get_text(action, "name");
	for (gsize i = 0; i < value_length(inputs); i++) {
		const char *artifact = value_get_text(value_at(inputs, i), "name");
		if (!g_hash_table_contains(check->artifacts, artifact))
			return refuse(check, ACTION,
				"Input Artifact Bundle %s in action %s is not declared as Output "
				"Artifact Bundle in any of the preceding actions",
				artifact, name);
	}
	const char *primary =
		value_text(value_get_path(action, "configuration", "PrimarySource", NULL));
	if (pipeline_is(value_get(action, "actionTypeId"), "provider", "CodeBuild") &&
		value_length(inputs) > 1 && !primary)
		return refuse(check, ACTION,
			"Action configuration for action '%s' is missing required configuration "
			"'PrimarySource'",
			name);
	if (primary && value_is_null(pipeline_named(inputs, "name", primary, NULL)))
		return refuse(check, ACTION,
			"PrimarySource '%s' of action '%s' is none of its input artifacts", primary,
			name);
	return TRUE;
}

/* What it may not have, though the model does. */
static gboolean check_members(Check *check, Value action) {
	static const char *const refused[] = {
		"commands", "outputVariables", "environmentVariables", NULL};
	const char *name = value_get_text(action, "name");
	for (guint i = 0; refused[i]; i++)
		if (value_length(value_get(action, refused[i])) > 0)
			return refuse(check, ACTION,
				"Terrarium does not implement %s of the action '%s': it is for "
				"the action type Commands.",
				refused[i], name);
	const char *region = value_get_text(action, "region");
	if (region && !g_str_equal(region, check->call->scope.region))
		return refuse(check, ACTION,
			"Terrarium does not implement actions in another region ('%s' in action "
			"'%s').",
			region, name);
	if (value_has(action, "timeoutInMinutes") &&
		!pipeline_is(value_get(action, "actionTypeId"), "category", "Approval"))
		return refuse(check, ACTION,
			"timeoutInMinutes of action '%s' is supported for manual approval actions "
			"only",
			name);
	return TRUE;
}

static gboolean check_action(Check *check, Value action) {
	const char *name = value_get_text(action, "name");
	if (!g_hash_table_add(check->actions, g_strdup(name)))
		return refuse(
			check, STAGE, "Action name '%s' is not unique within its stage", name);
	if (!check_type(check, action) || !check_members(check, action))
		return FALSE;
	const PipelineProvider *provider = pipeline_provider(value_get(action, "actionTypeId"));
	return check_count(check, action, "inputArtifacts", "input", provider->min_inputs,
		       provider->max_inputs) &&
	       check_count(check, action, "outputArtifacts", "output", provider->min_outputs,
		       provider->max_outputs) &&
	       check_inputs(check, action) && check_configuration(check, action, provider);
}

/* Its outputs and its namespace are there for those after it. */
static gboolean declare(Check *check, Value action) {
	Value outputs = value_get(action, "outputArtifacts");
	const char *name_space = value_get_text(action, "namespace");
	for (gsize i = 0; i < value_length(outputs); i++) {
		const char *artifact = value_get_text(value_at(outputs, i), "name");
		if (!g_hash_table_add(check->artifacts, g_strdup(artifact)))
			return refuse(check, ACTION,
				"Output Artifact Bundle name must be unique within the pipeline. "
				"%s has been used more than once.",
				artifact);
	}
	if (name_space && !g_hash_table_add(check->namespaces, g_strdup(name_space)))
		return refuse(check, ACTION,
			"Namespaces must be unique across the pipeline definition. The following "
			"occur more than once in the pipeline. StageName=[%s], ActionName=[%s], "
			"Namespace=[%s]",
			check->stage, value_get_text(action, "name"), name_space);
	return TRUE;
}

/* ---- stages ---- */

static gboolean is_source(Value action) {
	return pipeline_is(value_get(action, "actionTypeId"), "category", "Source");
}

static gboolean check_conditions(Check *check, Value stage) {
	const char *name = value_get_text(stage, "name");
	Value failure = value_get(stage, "onFailure");
	if (value_has(stage, "beforeEntry") || value_has(stage, "onSuccess") ||
		value_length(value_get(failure, "conditions")) > 0)
		return refuse(check, STAGE,
			"Terrarium does not implement conditions with rules (stage '%s'); of "
			"onFailure it implements the result.",
			name);
	const char *result = value_get_text(failure, "result");
	if (result && g_str_equal(result, "SKIP"))
		return refuse(check, STAGE,
			"The result SKIP is not supported for onFailure of stage '%s'", name);
	if (result && g_str_equal(result, "ROLLBACK") &&
		pipeline_is(check->pipeline, "executionMode", "PARALLEL"))
		return refuse(check, STAGE,
			"The result ROLLBACK is not supported for onFailure of stage '%s': stages "
			"of a "
			"pipeline in the execution mode PARALLEL cannot be rolled back",
			name);
	if (!value_is_null(failure) && !is_v2(check))
		return refuse(check, STAGE,
			"Stage conditions are supported for pipelines of type V2 only");
	if (value_length(value_get(stage, "blockers")) > 0)
		return refuse(
			check, STAGE, "Terrarium does not implement blockers (stage '%s').", name);
	return TRUE;
}

static gboolean check_kinds(Check *check, Value stage, guint index) {
	Value actions = value_get(stage, "actions");
	guint sources = 0;
	for (gsize i = 0; i < value_length(actions); i++)
		sources += is_source(value_at(actions, i));
	if (index == 0 && (sources == 0 || sources < value_length(actions)))
		return refuse(check, STRUCTURE,
			"Pipeline should start with a stage that only contains source actions");
	if (index > 0 && sources > 0)
		return refuse(check, STRUCTURE,
			"Source actions can only be in the first stage of a pipeline; stage '%s' "
			"has "
			"one",
			value_get_text(stage, "name"));
	return TRUE;
}

static int by_order(gconstpointer a, gconstpointer b) {
	gint64 first = value_get_int(*(const Value *)a, "runOrder", 1);
	gint64 second = value_get_int(*(const Value *)b, "runOrder", 1);
	return first < second ? -1 : first > second;
}

/* Actions of one run order run side by side: none of them sees what another one makes. */
static gboolean check_actions(Check *check, Value actions) {
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(Value));
	for (gsize i = 0; i < value_length(actions); i++) {
		Value action = value_at(actions, i);
		g_array_append_val(sorted, action);
	}
	g_array_sort(sorted, by_order);
	for (guint i = 0; i < sorted->len;) {
		guint end = i;
		while (end < sorted->len && by_order(&g_array_index(sorted, Value, i),
						    &g_array_index(sorted, Value, end)) == 0)
			if (!check_action(check, g_array_index(sorted, Value, end++)))
				return FALSE;
		for (; i < end; i++)
			if (!declare(check, g_array_index(sorted, Value, i)))
				return FALSE;
	}
	return TRUE;
}

static gboolean check_stage(Check *check, Value stage, guint index) {
	const char *name = value_get_text(stage, "name");
	if (!g_hash_table_add(check->stages, g_strdup(name)))
		return refuse(
			check, STAGE, "Stage name '%s' is not unique within the pipeline", name);
	gsize n_actions = value_length(value_get(stage, "actions"));
	if (n_actions == 0)
		return refuse(check, STAGE, "Stage '%s' should contain at least one action", name);
	if (n_actions > MOST_ACTIONS_OF_STAGE)
		return refuse(check, STAGE,
			"Stage '%s' has %" G_GSIZE_FORMAT
			" actions. There should be a maximum of %d actions in a stage",
			name, n_actions, MOST_ACTIONS_OF_STAGE);
	check->stage = name;
	check->n_actions += n_actions;
	g_hash_table_remove_all(check->actions);
	return check_kinds(check, stage, index) && check_conditions(check, stage) &&
	       check_actions(check, value_get(stage, "actions"));
}

/* ---- the pipeline ---- */

static gboolean check_stores(Check *check) {
	Value one = value_get(check->pipeline, "artifactStore");
	Value several = value_get(check->pipeline, "artifactStores");
	if (value_is_null(one) == value_is_null(several))
		return refuse(check, STRUCTURE,
			"You must include either artifactStore or artifactStores in your pipeline, "
			"but you cannot use both. If you create a cross-region action in your "
			"pipeline, you must use artifactStores.");
	if (!value_is_null(several) && !value_has(several, check->call->scope.region))
		return refuse(check, STRUCTURE,
			"The artifactStores of the pipeline have none for its own region, %s",
			check->call->scope.region);
	return TRUE;
}

static gboolean check_trigger(Check *check, Value trigger) {
	Value git = value_get(trigger, "gitConfiguration");
	const char *name = value_get_text(git, "sourceActionName");
	Value source = value_at(value_get(check->pipeline, "stages"), 0);
	Value action = pipeline_named(value_get(source, "actions"), "name", name, NULL);
	if (!pipeline_is(value_get(action, "actionTypeId"), "provider", "CodeStarSourceConnection"))
		return refuse(check, STRUCTURE,
			"The trigger's sourceActionName '%s' is no source action of the provider "
			"CodeStarSourceConnection",
			name);
	if (value_length(value_get(git, "pullRequest")) > 0)
		return refuse(check, STRUCTURE,
			"Terrarium does not implement triggers on pull requests (source action "
			"'%s').",
			name);
	Value push = value_get(git, "push");
	for (gsize i = 0; i < value_length(push); i++)
		if (value_has(value_at(push, i), "tags") &&
			(value_has(value_at(push, i), "branches") ||
				value_has(value_at(push, i), "filePaths")))
			return refuse(check, STRUCTURE,
				"A push filter takes either tags, or branches and file paths "
				"(source action '%s')",
				name);
	return TRUE;
}

static gboolean check_type_members(Check *check) {
	Value triggers = value_get(check->pipeline, "triggers");
	Value variables = value_get(check->pipeline, "variables");
	g_autoptr(GHashTable) names = set_new();
	if (!is_v2(check) && value_length(triggers) > 0)
		return refuse(
			check, STRUCTURE, "Triggers are supported for pipelines of type V2 only");
	if (!is_v2(check) && value_length(variables) > 0)
		return refuse(check, STRUCTURE,
			"Pipeline variables are supported for pipelines of type V2 only");
	if (!is_v2(check) && !pipeline_is(check->pipeline, "executionMode", "SUPERSEDED"))
		return refuse(check, STRUCTURE,
			"The execution mode %s is supported for pipelines of type V2 only",
			value_get_text(check->pipeline, "executionMode"));
	for (gsize i = 0; i < value_length(variables); i++) {
		const char *name = value_get_text(value_at(variables, i), "name");
		if (!g_hash_table_add(names, g_strdup(name)))
			return refuse(
				check, STRUCTURE, "The variable name '%s' is not unique", name);
	}
	for (gsize i = 0; i < value_length(triggers); i++)
		if (!check_trigger(check, value_at(triggers, i)))
			return FALSE;
	return TRUE;
}

/* The service must be able to take on the pipeline's role. */
static gboolean check_role(Check *check) {
	const char *role = value_get_text(check->pipeline, "roleArn");
	g_auto(Value) session = iam_role_session(check->call->region, check->call->global, role,
		"codepipeline-check", "codepipeline.amazonaws.com", 900, NULL);
	if (!value_is_null(session))
		return TRUE;
	return refuse(check, STRUCTURE,
		"CodePipeline is not authorized to perform AssumeRole on role %s", role);
}

static gboolean check_all(Check *check) {
	Value stages = value_get(check->pipeline, "stages");
	if (value_length(stages) < 2)
		return refuse(check, STRUCTURE,
			"Pipeline has only %" G_GSIZE_FORMAT
			" stage(s). There should be a minimum of 2 stages in a pipeline",
			value_length(stages));
	if (value_length(stages) > MOST_STAGES)
		return refuse(check, STRUCTURE,
			"Pipeline has %" G_GSIZE_FORMAT
			" stage(s). There should be a maximum of %d stages in a pipeline",
			value_length(stages), MOST_STAGES);
	if (!check_stores(check))
		return FALSE;
	for (guint i = 0; i < value_length(stages); i++)
		if (!check_stage(check, value_at(stages, i), i))
			return FALSE;
	if (check->n_actions > MOST_ACTIONS)
		return refuse(check, STRUCTURE,
			"Pipeline has %" G_GSIZE_FORMAT
			" actions. There should be a maximum of %d actions in a pipeline",
			check->n_actions, MOST_ACTIONS);
	return check_type_members(check) && check_role(check);
}

/* ---- what is filled in ---- */

static Value action_take(Value taken) {
	Value action = taken;
	static const char *const lists[] = {"inputArtifacts", "outputArtifacts", NULL};
	if (!value_has(action, "runOrder"))
		action = value_with_take(action, "runOrder", value_int(1));
	if (!value_has(action, "configuration"))
		action = value_with_take(action, "configuration", value_empty_object());
	for (guint i = 0; lists[i]; i++)
		if (!value_has(action, lists[i]))
			action = value_with_take(action, lists[i], value_empty_tuple());
	return action;
}

static Value completed(Value declaration) {
	g_autoptr(ValueBuilder) stages = value_builder_new(VALUE_TUPLE, NULL);
	Value given = value_get(declaration, "stages");
	for (gsize i = 0; i < value_length(given); i++) {
		g_autoptr(ValueBuilder) actions = value_builder_new(VALUE_TUPLE, NULL);
		Value stage = value_at(given, i), all = value_get(stage, "actions");
		for (gsize k = 0; k < value_length(all); k++)
			value_builder_add_take(actions, action_take(value_ref(value_at(all, k))));
		value_builder_add_take(
			stages, value_with_take(value_ref(stage), "actions",
					value_builder_end(g_steal_pointer(&actions))));
	}
	Value pipeline = value_with_take(
		value_ref(declaration), "stages", value_builder_end(g_steal_pointer(&stages)));
	if (!value_has(pipeline, "executionMode"))
		pipeline = value_with_take(pipeline, "executionMode", value_string("SUPERSEDED"));
	if (!value_has(pipeline, "pipelineType"))
		pipeline = value_with_take(pipeline, "pipelineType", value_string("V1"));
	return pipeline;
}

Value pipeline_check(RegionCall *call, Value declaration, GError **error) {
	g_auto(Value) pipeline = completed(declaration);
	g_autoptr(GHashTable) stages = set_new(), actions = set_new(), artifacts = set_new(),
			      namespaces = set_new();
	g_hash_table_add(namespaces, g_strdup("codepipeline"));
	if (value_length(value_get(pipeline, "variables")) > 0)
		g_hash_table_add(namespaces, g_strdup("variables"));
	Check check = {.call = call,
		.pipeline = pipeline,
		.stages = stages,
		.actions = actions,
		.artifacts = artifacts,
		.namespaces = namespaces,
		.error = error};
	return check_all(&check) ? value_steal(&pipeline) : VALUE_NOTHING;
}
