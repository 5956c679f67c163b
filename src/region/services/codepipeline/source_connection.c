/*
 * The source of a connection: a commit of a git repository. An execution that a push has started
 * brings the commit that was pushed; any other one, what its branch is at. The artifact is a zip of
 * the commit's files, or (CODEBUILD_CLONE_REF) a JSON file that names the commit, which builds
 * clone for themselves and nobody else can read, as on AWS.
 */
#include <fnmatch.h>
#include <string.h>

#include "region/services/codepipeline/internal.h"
#include "region/services/connections/connections.h"
#include "value/json.h"

#define COMMIT_URL                                                                                 \
	"https://console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn=%s&" \
	"referenceType=COMMIT&FullRepositoryId=%s&Commit=%s"

static const char *setting(const PipelineAction *action, const char *key) {
	return value_get_text(action->configuration, key);
}

/* ---- what came of it ---- */

/* "GitHub": of the connection. Caller frees. */
static char *provider_type(const PipelineAction *action) {
	const char *arn = setting(action, "ConnectionArn");
	gboolean newer = strstr(arn, ":codeconnections:") != NULL;
	g_auto(Value) request = value_object_take("ConnectionArn", value_string(arn), NULL);
	g_auto(Value) answer = region_call(action->region, action->scope,
		newer ? "codeconnections" : "codestar-connections", "GetConnection", request, NULL);
	return g_strdup(value_text_or(
		value_get_path(answer, "Connection", "ProviderType", NULL), "GitHub"));
}

static Value outcome_of(const PipelineAction *action, const ConnectionsSource *source) {
	const char *arn = setting(action, "ConnectionArn");
	const char *repository = setting(action, "FullRepositoryId");
	const char *pushed = pipeline_action_revision(action, PIPELINE_BRANCH);
	const char *branch = pushed ? pushed : setting(action, "BranchName");
	g_autofree char *provider = provider_type(action);
	g_auto(Value) words = value_object_take("CommitMessage",
		value_string(source->message ? source->message : ""), "ProviderType",
		value_string(provider), NULL);
	g_autofree char *summary = value_to_json(words, VALUE_JSON_COMPACT);
	Value variables = value_object_take("AuthorDate",
		value_string(source->author_date ? source->author_date : ""), "AuthorDisplayName",
		value_string(source->author ? source->author : ""), "AuthorEmail",
		value_string(source->author_email ? source->author_email : ""), "BranchName",
		value_string(source->branch ? source->branch : branch), "CommitId",
		value_string(source->commit_id), "CommitMessage",
		value_string(source->message ? source->message : ""), "ConnectionArn",
		value_string(arn), "FullRepositoryName", value_string(repository), NULL);
	return value_object_take("variables", variables, "revision",
		value_string(source->commit_id), "revisionSummary", value_string(summary),
		"revisionUrl", value_string_printf(COMMIT_URL, arn, repository, source->commit_id),
		"externalId", value_string(source->commit_id), NULL);
}

static void on_fetched(GObject *object, GAsyncResult *result, gpointer data) {
	PipelineAction *action = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(ConnectionsSource) source = connections_fetch_finish(result, &error);
	const char *output = value_get_text(
		value_at(value_get(action->declaration, "outputArtifacts"), 0), "name");
	pipeline_action_set_busy(action, FALSE);
	if (!source) {
		pipeline_action_fail(action, "RevisionUnavailable", "%s", error->message);
		pipeline_action_free(action);
		return;
	}
	Value files = value_object_take(output, value_string(source->path), NULL);
	Value outcome = outcome_of(action, source);
	pipeline_action_deliver(action, files, outcome);
}

/* ---- fetching ---- */

static gboolean may_use(PipelineAction *action) {
	const char *arn = setting(action, "ConnectionArn");
	if (connections_allow(action->region, action->scope, action->role, arn))
		return TRUE;
	pipeline_action_fail(action, "PermissionError",
		"Unable to use Connection: %s. The provided role does not have sufficient "
		"permissions.",
		arn);
	return FALSE;
}

static void run(PipelineAction *action) {
	const char *arn = setting(action, "ConnectionArn");
	const char *repository = setting(action, "FullRepositoryId");
	const char *format = setting(action, "OutputArtifactFormat");
	const char *commit = pipeline_action_revision(action, "COMMIT_ID");
	g_autoptr(GError) error = NULL;
	if (!may_use(action))
		return;
	if (!connections_available(action->region, action->scope, arn, repository, &error)) {
		pipeline_action_fail(action, "ConfigurationError", "%s", error->message);
		return;
	}
	PipelineAction *again = pipeline_action_reload(action);
	if (!again)
		return;
	pipeline_action_set_busy(again, TRUE);
	connections_fetch_async(again->region, again->scope, arn, repository,
		commit ? commit : setting(action, "BranchName"),
		g_strcmp0(format, "CODEBUILD_CLONE_REF") == 0 ? CONNECTIONS_REFERENCE
							      : CONNECTIONS_ZIP,
		NULL, on_fetched, again);
}

/* ---- pushes ---- */

#define TAGS "refs/tags/"

/* Git's glob patterns, as triggers have them: one star stays within a part of the name, two do not.
 */
static gboolean matches(Value patterns, const char *text) {
	for (gsize i = 0; i < value_length(patterns); i++) {
		const char *pattern = value_text_or(value_at(patterns, i), "");
		if (fnmatch(pattern, text, strstr(pattern, "**") ? 0 : FNM_PATHNAME) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean passes(Value filter, const char *text) {
	if (matches(value_get(filter, "excludes"), text))
		return FALSE;
	return value_length(value_get(filter, "includes")) == 0 ||
	       matches(value_get(filter, "includes"), text);
}

/* A filter is for tags, or for branches and file paths. */
static gboolean is_for(Value filter, const char *reference) {
	if (g_str_has_prefix(reference, TAGS))
		return value_has(filter, "tags") &&
		       passes(value_get(filter, "tags"), reference + strlen(TAGS));
	return !value_has(filter, "tags") && passes(value_get(filter, "branches"), reference);
}

static Value push_filters(Value trigger) {
	return value_get_path(trigger, "gitConfiguration", "push", NULL);
}

/* Does a trigger (as far as paths do not matter) start the pipeline for a push of the reference? */
static gboolean is_triggered(Value trigger, const char *reference) {
	Value filters = push_filters(trigger);
	for (gsize i = 0; i < value_length(filters); i++)
		if (is_for(value_at(filters, i), reference))
			return TRUE;
	return value_length(filters) == 0 && !g_str_has_prefix(reference, TAGS);
}

static Value trigger_of(Value pipeline, Value action) {
	Value triggers = value_get(pipeline, "triggers");
	for (gsize i = 0; i < value_length(triggers); i++)
		if (pipeline_is(value_get(value_at(triggers, i), "gitConfiguration"),
			    "sourceActionName", value_get_text(action, "name")))
			return value_at(triggers, i);
	return VALUE_NOTHING;
}

/* Adds what was seen of a repository's branches or tags and is wanted. */
static void add_references(Region *region, StoreScope scope, Value pipeline, Value action,
	const char *kind, const char *prefix, ValueBuilder *all) {
	Value configuration = value_get(action, "configuration");
	const char *detects = value_text_or(value_get(configuration, "DetectChanges"), "true");
	const char *own = value_get_text(configuration, "BranchName");
	Value trigger = trigger_of(pipeline, action);
	g_autofree char *repository =
		g_strconcat(value_get_text(configuration, "FullRepositoryId"), " ", NULL);
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, kind, repository);
	const char *id;
	Value seen;
	while (store_iter_next(&iter, &id, &seen)) {
		g_autofree char *name = g_strconcat(prefix, id + strlen(repository), NULL);
		gboolean wanted = value_is_null(trigger)
					  ? g_strcmp0(name, own) == 0 &&
						    g_ascii_strcasecmp(detects, "false") != 0
					  : is_triggered(trigger, name);
		if (wanted)
			value_builder_set_take(all, name, value_ref(value_get(seen, "CommitId")));
	}
}

static Value revisions(Region *region, StoreScope scope, Value pipeline, Value action) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	add_references(region, scope, pipeline, action, CONNECTIONS_BRANCHES, "", all);
	add_references(region, scope, pipeline, action, CONNECTIONS_TAGS, TAGS, all);
	return value_builder_end(g_steal_pointer(&all));
}

/* ---- paths ---- */

typedef struct {
	Value trigger;
	char *reference;
	PipelineExamined done;
	gpointer data;
} PathLook;

static gboolean any_path_passes(Value filter, GStrv paths) {
	for (guint i = 0; paths[i]; i++)
		if (passes(filter, paths[i]))
			return TRUE;
	return FALSE;
}

/* When the paths cannot be had (the commit before is gone), a push starts the pipeline. */
static void on_paths(GObject *source, GAsyncResult *result, gpointer data) {
	PathLook *look = data;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) paths = connections_changes_finish(result, &error);
	gboolean starts = !paths;
	Value filters = push_filters(look->trigger);
	for (gsize i = 0; paths && i < value_length(filters); i++) {
		Value filter = value_at(filters, i);
		starts |= is_for(filter, look->reference) &&
			  (!value_has(filter, "filePaths") ||
				  any_path_passes(value_get(filter, "filePaths"), paths));
	}
	look->done(starts, look->data);
	value_clear(&look->trigger);
	g_free(look->reference);
	g_free(look);
}

static gboolean examine(Region *region, StoreScope scope, Value pipeline, Value action,
	const char *reference, const char *from, const char *to, PipelineExamined done,
	gpointer data) {
	Value configuration = value_get(action, "configuration");
	Value trigger = trigger_of(pipeline, action), filters = push_filters(trigger);
	gboolean by_path = FALSE;
	for (gsize i = 0; i < value_length(filters); i++)
		by_path |= is_for(value_at(filters, i), reference) &&
			   value_has(value_at(filters, i), "filePaths");
	if (!by_path)
		return FALSE;
	PathLook *look = g_new0(PathLook, 1);
	*look = (PathLook){value_ref(trigger), g_strdup(reference), done, data};
	connections_changes_async(region, scope, value_get_text(configuration, "ConnectionArn"),
		value_get_text(configuration, "FullRepositoryId"), from, to, on_paths, look);
	return TRUE;
}

static const PipelineConfigurationKey keys[] = {{"ConnectionArn", .required = TRUE},
	{"FullRepositoryId", .required = TRUE}, {"BranchName", .required = TRUE},
	{"OutputArtifactFormat", .values = "CODE_ZIP CODEBUILD_CLONE_REF"},
	{"DetectChanges", .values = "true false"}, {NULL}};

const PipelineProvider pipeline_source_connection = {.category = "Source",
	.owner = "AWS",
	.provider = "CodeStarSourceConnection",
	.min_outputs = 1,
	.max_outputs = 1,
	.configuration = keys,
	.timeout_minutes = 60,
	.run = run,
	.revisions = revisions,
	.examine = examine,
	.trigger = "Webhook"};
