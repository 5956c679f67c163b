/* Executions of single actions: how one begins, what is noted meanwhile, how it ends. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/text.h"
#include "region/services/codepipeline/internal.h"
#include "region/services/iam/iam.h"
#include "region/services/s3/s3.h"

#define ARTIFACT_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* ---- finding ---- */

static char *key_of(const PipelineAction *action) {
	return pipeline_id(action->pipeline, action->execution_id, action->id);
}

void pipeline_action_free(PipelineAction *action) {
	if (!action)
		return;
	g_free(action->pipeline);
	g_free(action->execution_id);
	g_free(action->stage);
	g_free(action->id);
	g_free(action->updated_by);
	value_clear(&action->record);
	value_clear(&action->execution);
	value_clear(&action->pipeline_declaration);
	value_clear(&action->configuration);
	g_free(action);
}

static gboolean find_declaration(PipelineAction *action) {
	action->pipeline_declaration = pipeline_version(action->region, action->scope,
		action->pipeline, value_get_int(action->record, "pipelineVersion", 1));
	Value stage = pipeline_named(
		value_get(action->pipeline_declaration, "stages"), "name", action->stage, NULL);
	action->declaration = pipeline_named(value_get(stage, "actions"), "name",
		value_get_text(action->record, "actionName"), NULL);
	action->role = value_get_text(action->declaration, "roleArn");
	if (!action->role)
		action->role = value_get_text(action->pipeline_declaration, "roleArn");
	return !value_is_null(action->declaration);
}

PipelineAction *pipeline_action_load(Region *region, StoreScope scope, const char *pipeline,
	const char *execution_id, const char *id) {
	PipelineAction *action = g_new0(PipelineAction, 1);
	*action = (PipelineAction){.region = region,
		.scope = {g_intern_string(scope.account), g_intern_string(scope.region)},
		.pipeline = g_strdup(pipeline),
		.execution_id = g_strdup(execution_id),
		.id = g_strdup(id)};
	g_autofree char *key = key_of(action);
	action->record = store_get(region_store(region), scope, PIPELINE_ACTIONS, key);
	action->execution = pipeline_execution_get(region, scope, pipeline, execution_id);
	action->stage = g_strdup(value_get_text(action->record, "stageName"));
	if (pipeline_is(action->record, "status", "InProgress") &&
		!value_is_null(action->execution) && find_declaration(action)) {
		action->configuration = value_ref(
			value_get_path(action->record, "input", "resolvedConfiguration", NULL));
		return action;
	}
	pipeline_action_free(action);
	return NULL;
}

const char *pipeline_action_revision(const PipelineAction *action, const char *type) {
	return value_text(value_get_path(pipeline_internal(action->execution, "overrides"),
		value_get_text(action->declaration, "name"), type, NULL));
}

PipelineAction *pipeline_action_reload(const PipelineAction *action) {
	return pipeline_action_load(
		action->region, action->scope, action->pipeline, action->execution_id, action->id);
}

/* ---- results ---- */

static Value with_result_take(Value record_taken, const char *member, const char *text) {
	Value record = record_taken;
	if (!text)
		return record;
	Value output = value_ref(value_get(record, "output"));
	Value result = value_ref(value_get(output, "executionResult"));
	if (value_is_null(output))
		output = value_empty_object();
	if (value_is_null(result))
		result = value_empty_object();
	result = value_with_take(result, member, value_string(text));
	return value_with_take(
		record, "output", value_with_take(output, "executionResult", result));
}

/* ---- beginning ---- */

static Value artifact_details(Value names, Value places) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_get_text(value_at(names, i), "name");
		Value place = value_get(places, name);
		if (!value_is_null(place))
			value_builder_add_take(
				all, value_object_take("name", value_string(name), "s3location",
					     value_object_take("bucket",
						     value_ref(value_get(place, "bucket")), "key",
						     value_ref(value_get(place, "key")), NULL),
					     NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* Where output artifacts will lie, as AWS names objects: "pipeline/artifact/random". */
static Value new_outputs(StoreScope scope, Value pipeline, Value declaration) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	Value outputs = value_get(declaration, "outputArtifacts");
	Value store = value_get(pipeline, "artifactStore");
	if (value_is_null(store))
		store = value_get_path(pipeline, "artifactStores", scope.region, NULL);
	for (gsize i = 0; i < value_length(outputs); i++) {
		const char *name = value_get_text(value_at(outputs, i), "name");
		g_autofree char *random = text_random(7, ARTIFACT_LETTERS);
		value_builder_set_take(all, name,
			value_object_take("bucket", value_ref(value_get(store, "location")), "key",
				value_string_printf("%.20s/%.10s/%s",
					value_get_text(pipeline, "name"), name, random),
				NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}

static gint64 timeout_s(Value declaration, const PipelineProvider *provider) {
	gint64 minutes = value_get_int(declaration, "timeoutInMinutes", provider->timeout_minutes);
	const char *own =
		value_text(value_get_path(declaration, "configuration", "DeploymentTimeout", NULL));
	gint64 configured = own ? g_ascii_strtoll(own, NULL, 10) : 0;
	return 60 * (configured > 0 ? MIN(configured, minutes) : minutes);
}

static Value input_of(StoreScope scope, Value declaration, Value resolved, Value inputs) {
	const char *role = value_get_text(declaration, "roleArn");
	Value input =
		value_object_take("actionTypeId", value_ref(value_get(declaration, "actionTypeId")),
			"configuration", value_ref(value_get(declaration, "configuration")),
			"resolvedConfiguration", value_ref(resolved), "region",
			value_string(scope.region), "inputArtifacts", value_ref(inputs), NULL);
	if (role)
		input = value_with_take(input, "roleArn", value_string(role));
	if (value_has(declaration, "namespace"))
		input = value_with_take(
			input, "namespace", value_ref(value_get(declaration, "namespace")));
	return input;
}

static Value failure(const char *code, const char *message) {
	return value_object_take("executionResult",
		value_object_take("errorDetails",
			value_object_take(
				"code", value_string(code), "message", value_string(message), NULL),
			NULL),
		NULL);
}

/* The stage shows it as the action's latest one; the execution, as that of its stage. */
static Value show_take(Region *region, StoreScope scope, Value execution_taken, const char *stage,
	const char *name, const char *id) {
	Value execution = execution_taken;
	const char *pipeline = value_get_text(execution, "pipelineName");
	Value record = pipeline_stage_get(region, scope, pipeline, stage);
	Value actions = value_ref(value_get(record, "actions"));
	if (value_is_null(actions))
		actions = value_empty_object();
	actions = value_with_take(actions, name,
		value_object_take("execution",
			value_ref(value_get(execution, "pipelineExecutionId")), "id",
			value_string(id), NULL));
	pipeline_stage_put_take(
		region, scope, pipeline, stage, value_with_take(record, "actions", actions));
	Value own = value_with_take(
		value_ref(pipeline_internal(execution, "actions")), name, value_string(id));
	return pipeline_with_internal_take(execution, "actions", own);
}

Value pipeline_action_begin_take(
	Region *region, StoreScope scope, Value execution_taken, Value stage, Value declaration) {
	Value execution = execution_taken;
	const PipelineProvider *provider =
		pipeline_provider(value_get(declaration, "actionTypeId"));
	const char *name = value_get_text(declaration, "name");
	const char *stage_name = value_get_text(stage, "name");
	g_autofree char *id = g_uuid_string_random();
	g_autofree char *key = pipeline_id(value_get_text(execution, "pipelineName"),
		value_get_text(execution, "pipelineExecutionId"), id);
	g_auto(Value) pipeline = pipeline_execution_declaration(region, scope, execution);
	g_autoptr(GError) error = NULL;
	g_auto(Value) resolved =
		pipeline_resolve(execution, value_get(declaration, "configuration"), &error);
	g_auto(Value) inputs = artifact_details(value_get(declaration, "inputArtifacts"),
		pipeline_internal(execution, "artifacts"));
	Value record = value_object_take("pipelineExecutionId",
		value_ref(value_get(execution, "pipelineExecutionId")), "actionExecutionId",
		value_string(id), "pipelineVersion",
		value_ref(value_get(execution, "pipelineVersion")), "stageName",
		value_string(stage_name), "actionName", value_string(name), "startTime",
		region_timestamp(region), "lastUpdateTime", region_timestamp(region), "status",
		value_string(error ? "Failed" : "InProgress"), "input",
		input_of(scope, declaration,
			error ? value_get(declaration, "configuration") : resolved, inputs),
		NULL);
	if (error)
		record = value_with_take(
			record, "output", failure("ConfigurationError", error->message));
	record = value_with_take(record, "internal",
		value_object_take("number",
			value_int(store_next(region_store(region), scope, "codepipeline/action")),
			"outputs", new_outputs(scope, pipeline, declaration), "deadline",
			value_int(region_now(region) / G_USEC_PER_SEC +
				  timeout_s(declaration, provider)),
			NULL));
	if (provider == &pipeline_approval) {
		g_autofree char *token = g_uuid_string_random();
		record = pipeline_with_internal_take(record, "token", value_string(token));
		record = with_result_take(record, "externalExecutionId", token);
	}
	store_put_take(region_store(region), scope, PIPELINE_ACTIONS, key, record);
	return show_take(region, scope, execution, stage_name, name, id);
}

/* ---- meanwhile ---- */

static void put_record_take(PipelineAction *action, Value record) {
	g_autofree char *key = key_of(action);
	value_unref(action->record);
	action->record =
		value_with_take(record, "lastUpdateTime", region_timestamp(action->region));
	store_put(
		region_store(action->region), action->scope, PIPELINE_ACTIONS, key, action->record);
}

void pipeline_action_note(
	PipelineAction *action, Value work_taken, const char *external_id, const char *url) {
	g_auto(Value) added = work_taken;
	g_auto(Value) work = value_merge(pipeline_action_work(action), added);
	Value record =
		pipeline_with_internal_take(value_ref(action->record), "work", value_steal(&work));
	record = with_result_take(record, "externalExecutionId", external_id);
	put_record_take(action, with_result_take(record, "externalExecutionUrl", url));
}

Value pipeline_action_work(const PipelineAction *action) {
	return pipeline_internal(action->record, "work");
}

static GHashTable *busy_of(Region *region) {
	return region_data(region, PIPELINE_CONTROLLER);
}

void pipeline_action_set_busy(const PipelineAction *action, gboolean busy) {
	GHashTable *all = busy_of(action->region);
	if (!all)
		return;
	if (busy)
		g_hash_table_add(all, g_strdup(action->id));
	else
		g_hash_table_remove(all, action->id);
}

gboolean pipeline_action_is_busy(const PipelineAction *action) {
	return g_hash_table_contains(busy_of(action->region), action->id);
}

gboolean pipeline_action_may(
	PipelineAction *action, const char *iam_action, const char *resource, const char *prefix) {
	StoreScope global = {action->scope.account, ""};
	if (iam_allows(action->region, global, action->role, iam_action, resource))
		return TRUE;
	const char *slash = strrchr(action->role, '/');
	pipeline_action_fail(action, "PermissionError",
		"%sUser: arn:aws:sts::%s:assumed-role/%s/%s is not authorized to perform: %s on "
		"resource: %s because no identity-based policy allows the %s action",
		prefix ? prefix : "", action->scope.account, slash ? slash + 1 : action->role,
		action->id, iam_action, resource, iam_action);
	return FALSE;
}

/* ---- ending ---- */

/* What there is to end, inside a transaction; FALSE: it has ended already. */
static gboolean begin_end(PipelineAction *action, gboolean *own) {
	Store *store = region_store(action->region);
	*own = !store_in_transaction(store);
	if (*own && !store_begin(store, NULL))
		return FALSE;
	g_autofree char *key = key_of(action);
	value_clear(&action->record);
	value_clear(&action->execution);
	action->record = store_get(store, action->scope, PIPELINE_ACTIONS, key);
	action->execution = pipeline_execution_get(
		action->region, action->scope, action->pipeline, action->execution_id);
	if (pipeline_is(action->record, "status", "InProgress"))
		return TRUE;
	if (*own)
		store_rollback(store);
	return FALSE;
}

static void end(PipelineAction *action, Value record_taken, const char *status, gboolean own) {
	Value record = value_with_take(record_taken, "status", value_string(status));
	if (action->updated_by)
		record = value_with_take(record, "updatedBy", value_string(action->updated_by));
	put_record_take(action, record);
	pipeline_execution_put_take(action->region, action->scope, value_ref(action->execution));
	if (own)
		store_commit(region_store(action->region), NULL);
	pipeline_action_clean(action->region, action->id);
}

/* The execution knows the artifacts that it wrote. */
static void keep_artifacts(PipelineAction *action, const char *revision) {
	Value outputs = pipeline_internal(action->record, "outputs");
	Value all = value_ref(pipeline_internal(action->execution, "artifacts"));
	for (gsize i = 0; i < value_length(outputs); i++) {
		Value place = value_ref(value_at(outputs, i));
		if (revision)
			place = value_with_take(place, "revision", value_string(revision));
		all = value_with_take(all, value_key_at(outputs, i), place);
	}
	action->execution =
		pipeline_with_internal_take(value_steal(&action->execution), "artifacts", all);
}

static void keep_variables(PipelineAction *action, Value variables) {
	const char *name_space = value_get_text(action->declaration, "namespace");
	if (!name_space || value_is_null(variables))
		return;
	Value all = value_with_take(value_ref(pipeline_internal(action->execution, "namespaces")),
		name_space, value_ref(variables));
	action->execution =
		pipeline_with_internal_take(value_steal(&action->execution), "namespaces", all);
}

static Value with_text(Value object_taken, const char *member, const char *text) {
	return text ? value_with_take(object_taken, member, value_string(text)) : object_taken;
}

/* Of a source: which revision it has brought. */
static void keep_revision(PipelineAction *action, Value outcome) {
	const char *revision = value_get_text(outcome, "revision");
	const char *name = value_get_text(action->declaration, "name");
	Value output = value_at(value_get(action->declaration, "outputArtifacts"), 0);
	if (!revision)
		return;
	const char *words = value_get_text(outcome, "revisionSummary");
	const char *url = value_get_text(outcome, "revisionUrl");
	Value artifact = with_text(
		value_object_take("name", value_ref(value_get(output, "name")), "revisionId",
			value_string(revision), "created", region_timestamp(action->region), NULL),
		"revisionSummary", words);
	Value source = with_text(value_object_take("actionName", value_string(name), "revisionId",
					 value_string(revision), NULL),
		"revisionSummary", words);
	artifact = with_text(artifact, "revisionUrl", url);
	source = with_text(source, "revisionUrl", url);
	Value execution = value_steal(&action->execution);
	Value artifacts = pipeline_with_named_take(
		value_ref(value_get(execution, "artifactRevisions")), "name", artifact);
	Value sources = pipeline_with_named_take(
		value_ref(pipeline_internal(execution, "revisions")), "actionName", source);
	execution = value_with_take(execution, "artifactRevisions", artifacts);
	action->execution = pipeline_with_internal_take(execution, "revisions", sources);
	Value stage =
		pipeline_stage_get(action->region, action->scope, action->pipeline, action->stage);
	Value revisions = value_ref(value_get(stage, "revisions"));
	if (value_is_null(revisions))
		revisions = value_empty_object();
	revisions = value_with_take(revisions, name,
		value_object_take("revisionId", value_string(revision), "revisionChangeId",
			value_string(revision), "created", region_timestamp(action->region), NULL));
	pipeline_stage_put_take(action->region, action->scope, action->pipeline, action->stage,
		value_with_take(stage, "revisions", revisions));
}

void pipeline_action_succeed(PipelineAction *action, Value outcome_taken) {
	g_auto(Value) outcome = outcome_taken;
	gboolean own = FALSE;
	if (!begin_end(action, &own))
		return;
	Value record = value_ref(action->record);
	record = with_result_take(
		record, "externalExecutionId", value_get_text(outcome, "externalId"));
	record = with_result_take(record, "externalExecutionUrl", value_get_text(outcome, "url"));
	record = with_result_take(
		record, "externalExecutionSummary", value_get_text(outcome, "summary"));
	Value output = value_ref(value_get(record, "output"));
	if (value_is_null(output))
		output = value_empty_object();
	output = value_with_take(output, "outputArtifacts", value_empty_tuple());
	if (value_has(outcome, "variables"))
		output = value_with_take(
			output, "outputVariables", value_ref(value_get(outcome, "variables")));
	if (value_get_bool(outcome, "delivered")) {
		output = value_with_take(output, "outputArtifacts",
			artifact_details(value_get(action->declaration, "outputArtifacts"),
				pipeline_internal(record, "outputs")));
		keep_artifacts(action, value_get_text(outcome, "revision"));
	}
	keep_variables(action, value_get(outcome, "variables"));
	keep_revision(action, outcome);
	end(action, value_with_take(record, "output", output), "Succeeded", own);
}

void pipeline_action_fail(PipelineAction *action, const char *code, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	gboolean own = FALSE;
	if (!begin_end(action, &own))
		return;
	Value output = value_ref(value_get(action->record, "output"));
	Value result = value_ref(value_get(output, "executionResult"));
	if (value_is_null(output))
		output = value_empty_object();
	if (value_is_null(result))
		result = value_empty_object();
	result = value_with_take(result, "errorDetails",
		value_object_take("code", value_string(code ? code : "JobFailed"), "message",
			value_string(message), NULL));
	result = value_with_take(result, "externalExecutionSummary", value_string(message));
	output = value_with_take(output, "executionResult", result);
	end(action, value_with_take(value_ref(action->record), "output", output), "Failed", own);
}

/* ---- delivering ---- */

typedef struct {
	PipelineAction *action;
	Value files, outcome;
	gsize next;
} Delivery;

/* Files that did not become objects have nobody any more. */
static void delivery_free(Delivery *delivery) {
	for (; delivery->next < value_length(delivery->files); delivery->next++)
		g_unlink(value_text(value_at(delivery->files, delivery->next)));
	pipeline_action_free(delivery->action);
	value_clear(&delivery->files);
	value_clear(&delivery->outcome);
	g_free(delivery);
}

static void deliver_next(Delivery *delivery);

static void on_put(Region *region, const char *bucket, const char *key, const char *version,
	const char *etag, const GError *error, gpointer data) {
	Delivery *delivery = data;
	PipelineAction *action = delivery->action;
	if (!error) {
		deliver_next(delivery);
		return;
	}
	pipeline_action_set_busy(action, FALSE);
	pipeline_action_fail(action, "ConfigurationError",
		"Unable to write the artifact to the Amazon S3 artifact bucket '%s' with the "
		"object "
		"key '%s': %s",
		bucket, key, error->message);
	delivery_free(delivery);
}

static void deliver_next(Delivery *delivery) {
	PipelineAction *action = delivery->action;
	if (delivery->next == value_length(delivery->files)) {
		pipeline_action_set_busy(action, FALSE);
		pipeline_action_succeed(action, value_with_take(value_steal(&delivery->outcome),
							"delivered", value_bool(TRUE)));
		delivery_free(delivery);
		return;
	}
	const char *name = value_key_at(delivery->files, delivery->next);
	Value place = pipeline_artifact_target(action, name);
	const char *path = value_text(value_at(delivery->files, delivery->next++));
	S3PutOptions options = {.content_type = "application/zip"};
	s3_object_put_file(action->region, value_get_text(place, "bucket"),
		value_get_text(place, "key"), path, &options, on_put, delivery);
}

void pipeline_action_deliver(PipelineAction *action_taken, Value files_taken, Value outcome_taken) {
	Delivery *delivery = g_new0(Delivery, 1);
	*delivery =
		(Delivery){.action = action_taken, .files = files_taken, .outcome = outcome_taken};
	for (gsize i = 0; i < value_length(files_taken); i++) {
		Value place = pipeline_artifact_target(action_taken, value_key_at(files_taken, i));
		g_autofree char *arn = g_strdup_printf("arn:aws:s3:::%s/%s",
			value_get_text(place, "bucket"), value_get_text(place, "key"));
		if (!pipeline_action_may(action_taken, "s3:PutObject", arn,
			    "The service role or action role doesn't have the permissions required "
			    "to access the Amazon S3 artifact bucket. ")) {
			delivery_free(delivery);
			return;
		}
	}
	pipeline_action_set_busy(action_taken, TRUE);
	deliver_next(delivery);
}
