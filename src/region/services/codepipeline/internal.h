/*
 * What the files of CodePipeline share: how its objects lie in the store, what an action is to the
 * code that carries it out. Objects have the shape that the API gives them; what only CodePipeline
 * itself knows of one is in its member "internal".
 *
 * Everything that a run of a pipeline has reached is in the store: each step is one transaction,
 * and work elsewhere (a build, a deployment) is begun in the same transaction that notes its id. So
 * a region that was killed goes on where it was.
 */
#pragma once

#include "region/region.h"

/* Kinds in the store, and their ids. */
#define PIPELINE_PIPELINES "codepipeline/pipeline" /* name */
#define PIPELINE_VERSIONS "codepipeline/version" /* "name/0000000001": a declaration */
#define PIPELINE_STAGES "codepipeline/stage" /* "name/stage" */
#define PIPELINE_EXECUTIONS "codepipeline/execution" /* "name/id" */
#define PIPELINE_ACTIVE "codepipeline/active" /* the same, of those that have not ended */
#define PIPELINE_ACTIONS "codepipeline/action" /* "name/execution/id" */
#define PIPELINE_SOURCES "codepipeline/source" /* "name/action": the revision seen last */

#define PIPELINE_TOKENS "codepipeline/token" /* "name/clientRequestToken": the execution's id */

#define PIPELINE_CONTROLLER "codepipeline"
#define PIPELINE_SOURCE_CONTROLLER "codepipeline/sources"

typedef Value PipelineOperation(RegionCall *call, Value input, GError **error);

/* The object without what is internal. Takes it. */
Value pipeline_view_take(Value object);
/* A member of "internal", borrowed. */
Value pipeline_internal(Value object, const char *member);
Value pipeline_with_internal_take(Value object_taken, const char *member, Value taken);
/* "a/b", "a/b/c". Caller frees. */
char *pipeline_id(const char *first, const char *second, const char *third);
/* The element of a list of objects whose `member` is `text`, borrowed; VALUE_NOTHING if none is.
 * *index (may be NULL) gets where. */
Value pipeline_named(Value list, const char *member, const char *text, guint *index);
/* The list with that element (by its `member`) replaced, or added. Takes both. */
Value pipeline_with_named_take(Value list_taken, const char *member, Value element_taken);
gboolean pipeline_is(Value object, const char *member, const char *text);
/* One page: {<member>: items, nextToken}. */
Value pipeline_page(RegionCall *call, Value input, const char *member, Value items, gint64 most,
	GError **error);

/* ---- pipelines (pipeline.c), their structure (declaration.c) ---- */

/*
 * A pipeline: declaration, pipelineArn, created, updated. A stage (made when it is first needed):
 * holder (the execution that is in it, if one is), latest {pipelineExecutionId, status, type},
 * transition (TransitionState), actions {name: {execution, id} of the latest one}, revisions {name:
 * ActionRevision}, retry {manual, auto, trigger}.
 */
Value pipeline_get(Region *region, StoreScope scope, const char *name, GError **error);
/* The declaration of a version; VALUE_NOTHING if there is none. */
Value pipeline_version(Region *region, StoreScope scope, const char *name, gint64 version);
Value pipeline_stage_get(Region *region, StoreScope scope, const char *name, const char *stage);
void pipeline_stage_put_take(
	Region *region, StoreScope scope, const char *name, const char *stage, Value taken);
/* The declaration as it is kept (defaults filled in), or an error in AWS's words. */
Value pipeline_check(RegionCall *call, Value declaration, GError **error);
PipelineOperation pipeline_create, pipeline_update, pipeline_read, pipeline_delete, pipeline_list,
	pipeline_list_action_types, pipeline_tag, pipeline_untag, pipeline_list_tags;

/* ---- executions (execution.c, history.c) ---- */

/*
 * An execution has the members of PipelineExecution and PipelineExecutionSummary; internal: number
 * (executions of a pipeline in order), phase ("waiting" for a stage, "running" in it, "ended"),
 * stage (index), actions {name: id of its latest execution in this stage}, stages {name: status},
 * artifacts {name: {bucket, key}}, namespaces {name: {variable: text}}, overrides {action:
 * {type of revision: revision}}, abandon, only (it ends with its first stage: a rollback).
 */
/* The type of "revision" that says on which branch a push was. */
#define PIPELINE_BRANCH "BRANCH"

typedef struct {
	const char *trigger, *detail; /* ExecutionTrigger; detail may be NULL */
	Value variables, overrides; /* as StartPipelineExecution has them (sourceRevisions), also of
				     * the type PIPELINE_BRANCH; or VALUE_NOTHING */
} PipelineStart;
/* Starts an execution inside the open transaction. Returns its id (caller frees). */
char *pipeline_start(Region *region, StoreScope scope, const char *name, const PipelineStart *start,
	GError **error);
/* A new execution that runs one stage with what `target` had. Returns its id. */
char *pipeline_roll_back(Region *region, StoreScope scope, Value target, guint stage,
	const char *trigger, const char *detail);
Value pipeline_execution_get(Region *region, StoreScope scope, const char *name, const char *id);
/* The one that a call names (of a pipeline, which is asked for first), or the API's error. */
Value pipeline_execution_find(RegionCall *call, const char *name, const char *id, GError **error);
/* The stage's place in a declaration, or StageNotFoundException. `index` may be NULL. */
gboolean pipeline_stage_find(Value declaration, const char *stage, guint *index, GError **error);
/* Writes it with a new lastUpdateTime, inside the open transaction. */
void pipeline_execution_put_take(Region *region, StoreScope scope, Value taken);
/* The declaration that it runs by, owned by the caller. */
Value pipeline_execution_declaration(Region *region, StoreScope scope, Value execution);
/* All that have `member` (their status, internal.phase…) as a sorted array of Values, oldest first:
 * those of one pipeline. */
GArray *pipeline_executions(Region *region, StoreScope scope, const char *name, const char *kind);
/* Lets the stage where it is end with `status`, and the execution with `execution_status`. Takes
 * the execution; returns it as stored. Inside the open transaction. */
Value pipeline_execution_end_take(Region *region, StoreScope scope, Value execution_taken,
	const char *stage_status, const char *status, const char *summary);
/* It has to be done again in its stage: `all` its actions, or those that did not succeed. Takes it.
 */
void pipeline_execution_retry_take(
	Region *region, StoreScope scope, Value execution_taken, gboolean all, const char *trigger);
PipelineOperation pipeline_start_execution, pipeline_stop_execution, pipeline_retry_stage,
	pipeline_rollback_stage, pipeline_get_execution, pipeline_list_executions,
	pipeline_list_action_executions, pipeline_get_state, pipeline_enable_transition,
	pipeline_disable_transition, pipeline_put_approval, pipeline_put_revision;

/* ---- what there is none of (rule.c) ---- */

PipelineOperation pipeline_list_rule_types, pipeline_list_rule_executions, pipeline_list_webhooks,
	pipeline_override_condition;

/* Those of a list of executions, or of actions, that are history still: not older than AWS keeps
 * it. */
Value pipeline_history_take(Region *region, Value records_taken);
/* Forgets once a day what is older (prune.c). */
void pipeline_prune_start(Region *region);

/* ---- the executor (executor.c) ---- */

gboolean pipeline_executor_start(Region *region, GError **error);

/* ---- variables (variables.c) ---- */

/* The configuration with each #{namespace.name} replaced. NULL mapping and an error that names what
 * is not known. */
Value pipeline_resolve(Value execution, Value configuration, GError **error);
/* The first reference in a configuration to a namespace that is not in `namespaces` (a set of
 * texts), as text; NULL: none. *key: where. Caller frees the result. */
char *pipeline_unknown_reference(Value configuration, GHashTable *namespaces, const char **key);

/* ---- actions (action.c) ---- */

/*
 * An action execution is an ActionExecutionDetail; internal: number, outputs {artifact: {bucket,
 * key}}, token (approval), deadline (epoch seconds), and what its provider keeps under "work".
 */
typedef struct {
	Region *region;
	StoreScope scope;
	char *pipeline, *execution_id, *stage, *id;
	Value record, execution;
	Value pipeline_declaration; /* owns the next */
	Value declaration; /* ActionDeclaration */
	Value configuration; /* resolved */
	const char *role; /* that it runs with */
	char *updated_by; /* who ends it, if a person does */
} PipelineAction;

/* The action as it is now in the store; NULL when it is not in progress any more. */
PipelineAction *pipeline_action_load(Region *region, StoreScope scope, const char *pipeline,
	const char *execution_id, const char *id);
/* The revision of a type (COMMIT_ID…) that the execution was started with for this source; NULL:
 * none. Borrowed. */
const char *pipeline_action_revision(const PipelineAction *action, const char *type);
/* The same once more, for what goes on in the background. */
PipelineAction *pipeline_action_reload(const PipelineAction *action);
void pipeline_action_free(PipelineAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PipelineAction, pipeline_action_free)
/* Makes the record of an action that begins, inside the open transaction. Takes and returns the
 * execution. */
Value pipeline_action_begin_take(
	Region *region, StoreScope scope, Value execution_taken, Value stage, Value declaration);

/* Ends an action. Opens a transaction unless one is open. What came of it is an object with any of:
 * externalId, url, summary, variables {name: text}; of sources: revision, revisionSummary,
 * revisionUrl; delivered: true (all its output artifacts are in S3). Taken. */
void pipeline_action_succeed(PipelineAction *action, Value outcome_taken);
/* The same after its output artifacts {name: path of a whole zip file} were made objects. Takes the
 * action too; failing at that fails it. Never inside a transaction. */
void pipeline_action_deliver(PipelineAction *action_taken, Value files_taken, Value outcome_taken);
/* code NULL: "JobFailed". */
void pipeline_action_fail(PipelineAction *action, const char *code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* Notes where its work goes on: members for internal.work (taken), the external id and URL shown
 * meanwhile (NULL: as they are). Inside the open transaction. */
void pipeline_action_note(
	PipelineAction *action, Value work_taken, const char *external_id, const char *url);
/* What it noted, borrowed. */
Value pipeline_action_work(const PipelineAction *action);
/* Marks it as having work in the background of this process, so that it is not run again
 * meanwhile. */
void pipeline_action_set_busy(const PipelineAction *action, gboolean busy);
gboolean pipeline_action_is_busy(const PipelineAction *action);
/* Forgets what its work kept on disk. */
void pipeline_action_clean(Region *region, const char *id);

/* May the action's role do it? If not, the action has failed with AWS's sentence, after `prefix`
 * (may be NULL). */
gboolean pipeline_action_may(
	PipelineAction *action, const char *iam_action, const char *resource, const char *prefix);

/* ---- artifacts (artifact.c) ---- */

/* A folder for files of the action's work, gone when it has ended. Caller frees. */
char *pipeline_action_folder(const PipelineAction *action);
/* The zip of an input artifact as a file in that folder. NULL and the action has failed: it is not
 * there, or may not be read. Caller frees. */
char *pipeline_artifact_file(PipelineAction *action, const char *name);
/* Where it lies in S3: "arn:aws:s3:::bucket/key". Caller frees. */
char *pipeline_artifact_arn(const PipelineAction *action, const char *name);
/* Where its output artifact is to lie: {bucket, key}, borrowed. */
Value pipeline_artifact_target(const PipelineAction *action, const char *name);
/* Makes the file of an object (or its first `size` bytes) a file at `path`, sharing the bytes if
 * the file system can. */
gboolean pipeline_file_from(int fd, gint64 size, const char *path, GError **error);
/* One file out of a zip; NULL without *error: it has none of that name. */
GBytes *pipeline_zip_read(const char *zip, const char *name, gsize most, GError **error);
/* Writes a zip of one file. */
gboolean pipeline_zip_write(
	const char *zip, const char *name, const char *bytes, gsize length, GError **error);

/* ---- providers (provider.c) ---- */

typedef struct {
	const char *key;
	gboolean required, lacking; /* lacking: refused by name */
	const char *values; /* "one other": those that it may have; NULL: any */
} PipelineConfigurationKey;

typedef void (*PipelineExamined)(gboolean starts, gpointer data);

typedef struct {
	const char *category, *owner, *provider;
	guint min_inputs, max_inputs, min_outputs, max_outputs;
	const PipelineConfigurationKey *configuration; /* ended by a NULL key */
	guint timeout_minutes; /* unless the action says another one */
	/* Begins the work, or looks how far it is: called by the executor, never inside a
	 * transaction, whenever something may have changed. */
	void (*run)(PipelineAction *action);
	/* The work is not wanted any more (time is over, the pipeline is deleted). Inside the open
	 * transaction. May be NULL. */
	void (*stop)(PipelineAction *action);
	/* Of sources whose changes start the pipeline: what is there now, {reference: revision}
	 * ("" where there is but one reference; branches; "refs/tags/…"). May be NULL. */
	Value (*revisions)(Region *region, StoreScope scope, Value pipeline, Value action);
	/* Has a change of a reference to be looked at more closely before it starts the pipeline?
	 * Begins that and returns TRUE: `done` is called in the loop. May be NULL. */
	gboolean (*examine)(Region *region, StoreScope scope, Value pipeline, Value action,
		const char *reference, const char *from, const char *to, PipelineExamined done,
		gpointer data);
	/* The type of trigger that a change of it is; for ExecutionTrigger. */
	const char *trigger;
} PipelineProvider;

extern const PipelineProvider pipeline_source_connection, pipeline_source_s3, pipeline_source_ecr,
	pipeline_build, pipeline_test, pipeline_approval, pipeline_deploy_ecs, pipeline_deploy_s3;
/* All of them, NULL-terminated. */
extern const PipelineProvider *const pipeline_providers[];
/* By an ActionTypeId; NULL: we have none. */
const PipelineProvider *pipeline_provider(Value action_type);
/* Is it an action type of AWS's own that we lack? */
gboolean pipeline_is_known_type(Value action_type);

/* ---- changes of sources (source.c) ---- */

gboolean pipeline_sources_start(Region *region, GError **error);
