/* Which pipeline a command means. */
#include <string.h>

#include "base/text.h"
#include "cli/pipeline/pipeline.h"

static void pipeline_free(gpointer data) {
	g_free(((CliPipeline *)data)->name);
	g_free(data);
}

GPtrArray *cli_pipelines(GPtrArray *places, GError **error) {
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(pipeline_free);
	for (guint i = 0; i < places->len; i++) {
		g_autoptr(GError) local = NULL;
		g_auto(Value) list = cli_api_list(places->pdata[i], "codepipeline", "ListPipelines",
			value_empty_object(), "pipelines", "nextToken", "nextToken", &local);
		if (local) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
		for (gsize k = 0; k < value_length(list); k++) {
			CliPipeline *pipeline = g_new0(CliPipeline, 1);
			*pipeline = (CliPipeline){places->pdata[i],
				g_strdup(value_get_text(value_at(list, k), "name"))};
			g_ptr_array_add(all, pipeline);
		}
	}
	return g_steal_pointer(&all);
}

static void not_found(GPtrArray *pipelines, const char *name, GError **error) {
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (guint i = 0; i < pipelines->len; i++)
		g_ptr_array_add(names, ((CliPipeline *)pipelines->pdata[i])->name);
	const char *near =
		name ? text_nearest(name, (const char *const *)names->pdata, names->len) : NULL;
	g_ptr_array_add(names, NULL);
	g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
	if (pipelines->len == 0)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no pipeline: apply a configuration with an aws_codepipeline "
			"first.");
	else if (!name)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"there are several pipelines, name one: %s.", all);
	else if (near)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no pipeline \"%s\". Did you mean \"%s\"?", name, near);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no pipeline \"%s\". There are: %s.", name, all);
}

CliPipeline *cli_pipeline_find(GPtrArray *pipelines, const char *name, GError **error) {
	CliPipeline *found = NULL;
	for (guint i = 0; i < pipelines->len; i++) {
		CliPipeline *each = pipelines->pdata[i];
		if (name && !g_str_equal(each->name, name))
			continue;
		if (found && name) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				"several accounts or regions have a pipeline \"%s\".", name);
			return NULL;
		}
		if (found) {
			not_found(pipelines, name, error);
			return NULL;
		}
		found = each;
	}
	if (!found)
		not_found(pipelines, name, error);
	return found;
}

/* The newest one's id. */
static char *newest(const CliPipeline *pipeline, GError **error) {
	g_auto(Value) answer = cli_api_call(pipeline->api, "codepipeline", "ListPipelineExecutions",
		value_object_take("pipelineName", value_string(pipeline->name), "maxResults",
			value_int(1), NULL),
		error);
	if (value_is_null(answer))
		return NULL;
	const char *id =
		value_get_text(value_at(value_get(answer, "pipelineExecutionSummaries"), 0),
			"pipelineExecutionId");
	if (!id)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"the pipeline %s has not run yet. Start it: terrarium pipeline release %s",
			pipeline->name, pipeline->name);
	return g_strdup(id);
}

char *cli_pipeline_execution(const CliPipeline *pipeline, const char *wanted, GError **error) {
	if (!wanted)
		return newest(pipeline, error);
	g_autoptr(GError) local = NULL;
	g_auto(Value) all = cli_api_list(pipeline->api, "codepipeline", "ListPipelineExecutions",
		value_object_take("pipelineName", value_string(pipeline->name), NULL),
		"pipelineExecutionSummaries", "nextToken", "nextToken", &local);
	const char *found = NULL;
	gsize count = 0;
	for (gsize i = 0; !local && i < value_length(all); i++) {
		const char *id = value_get_text(value_at(all, i), "pipelineExecutionId");
		if (!g_str_has_prefix(id, wanted))
			continue;
		found = id;
		count++;
	}
	if (local)
		g_propagate_error(error, g_steal_pointer(&local));
	else if (count == 0)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"the pipeline %s has no execution %s.", pipeline->name, wanted);
	else if (count > 1)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"several executions of %s begin with %s: give more of the id.",
			pipeline->name, wanted);
	return count == 1 ? g_strdup(found) : NULL;
}
