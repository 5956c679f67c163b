/*
 * History does not grow for ever: executions and their actions are told of and kept for twelve
 * months after their start, as CodePipeline's quotas have it. What the pipeline's state still shows
 * stays, as do artifacts, which are the bucket's.
 */
#include "region/services/codepipeline/internal.h"

#define CONTROLLER "codepipeline/prune"
#define MONTHS 12
#define DAY_S (24 * 3600)

static const StoreScope everywhere = {NULL, NULL};

/* ---- what is history ---- */

static double start_of(Value record) {
	return value_to_double(value_get(record, "startTime"), 0);
}

static double oldest(Region *region) {
	g_autoptr(GDateTime) now =
		g_date_time_new_from_unix_utc(region_now(region) / G_USEC_PER_SEC);
	g_autoptr(GDateTime) then = g_date_time_add_months(now, -MONTHS);
	return (double)g_date_time_to_unix(then);
}

Value pipeline_history_take(Region *region, Value records_taken) {
	g_auto(Value) records = records_taken;
	g_autoptr(ValueBuilder) told = value_builder_new(VALUE_TUPLE, NULL);
	double since = oldest(region);
	for (gsize i = 0; i < value_length(records); i++)
		if (start_of(value_at(records, i)) >= since)
			value_builder_add_take(told, value_ref(value_at(records, i)));
	return value_builder_end(g_steal_pointer(&told));
}

/* The executions that a pipeline's stages still show: a set of their ids. */
static GHashTable *shown(Region *region, StoreScope scope, const char *prefix) {
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, PIPELINE_STAGES, prefix);
	Value stage;
	while (store_iter_next(&iter, NULL, &stage)) {
		Value actions = value_get(stage, "actions");
		const char *latest =
			value_get_text(value_get(stage, "latest"), "pipelineExecutionId");
		if (latest)
			g_hash_table_add(all, g_strdup(latest));
		for (gsize i = 0; i < value_length(actions); i++)
			g_hash_table_add(
				all, g_strdup(value_get_text(value_at(actions, i), "execution")));
	}
	return all;
}

/* ---- forgetting ---- */

static void forget_actions(Region *region, StoreScope scope, const char *execution) {
	g_autofree char *prefix = g_strconcat(execution, "/", NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, PIPELINE_ACTIONS, prefix);
	const char *id;
	while (store_iter_next(&iter, &id, NULL))
		store_delete(region_store(region), scope, PIPELINE_ACTIONS, id);
}

/* A token is known as long as the execution that it started is. */
static void forget_tokens(Region *region, StoreScope scope, const char *name, const char *prefix) {
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, PIPELINE_TOKENS, prefix);
	const char *id;
	Value started;
	while (store_iter_next(&iter, &id, &started)) {
		g_autofree char *execution = pipeline_id(name, value_text_or(started, ""), NULL);
		if (!store_has(region_store(region), scope, PIPELINE_EXECUTIONS, execution))
			store_delete(region_store(region), scope, PIPELINE_TOKENS, id);
	}
}

static void prune(Region *region, StoreScope scope, const char *name) {
	Store *store = region_store(region);
	g_autofree char *prefix = g_strconcat(name, "/", NULL);
	g_autoptr(GHashTable) kept = shown(region, scope, prefix);
	double since = oldest(region);
	g_auto(StoreIter) iter = store_iter_prefix(store, scope, PIPELINE_EXECUTIONS, prefix);
	const char *id;
	Value execution;
	while (store_iter_next(&iter, &id, &execution)) {
		if (start_of(execution) >= since || store_has(store, scope, PIPELINE_ACTIVE, id) ||
			g_hash_table_contains(
				kept, value_get_text(execution, "pipelineExecutionId")))
			continue;
		forget_actions(region, scope, id);
		store_delete(store, scope, PIPELINE_EXECUTIONS, id);
	}
	forget_tokens(region, scope, name, prefix);
}

static void control(Region *region, gpointer data) {
	Store *store = region_store(region);
	g_auto(StoreIter) iter = store_iter(store, everywhere, PIPELINE_PIPELINES);
	const char *name;
	while (store_iter_next(&iter, &name, NULL)) {
		if (!store_begin(store, NULL))
			break;
		prune(region, store_iter_scope(&iter), name);
		store_commit(store, NULL);
	}
	region_wake_after(region, CONTROLLER, DAY_S);
}

void pipeline_prune_start(Region *region) {
	region_controller_add(region, CONTROLLER, control, NULL);
	region_wake(region, CONTROLLER);
}
