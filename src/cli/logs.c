/* terrarium logs: what the containers of a service wrote, from CloudWatch Logs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cli.h"

#define POLL_US (G_USEC_PER_SEC / 2)

/* A group to read, and which of its streams: those of one container. */
typedef struct {
	char *group, *prefix, *container;
	gint64 next; /* milliseconds: where to go on */
	GHashTable *seen; /* ids of events at `next` */
} Source;

static void source_free(gpointer data) {
	Source *source = data;
	g_free(source->group);
	g_free(source->prefix);
	g_free(source->container);
	g_hash_table_unref(source->seen);
	g_free(source);
}

typedef struct {
	gint64 time;
	char *container, *task, *text;
} Line;

static void line_clear(gpointer data) {
	Line *line = data;
	g_free(line->container);
	g_free(line->task);
	g_free(line->text);
}

/* ---- what to read ---- */

static void add_source(GPtrArray *sources, Value container, const char *wanted, gint64 since) {
	const char *name = value_text_or(value_get(container, "name"), "");
	Value log = value_get(container, "logConfiguration");
	Value options = value_get(log, "options");
	const char *group = value_get_text(options, "awslogs-group");
	if (!group || (wanted && !g_str_equal(wanted, name)))
		return;
	Source *source = g_new0(Source, 1);
	source->group = g_strdup(group);
	source->container = g_strdup(name);
	source->prefix = g_strdup_printf(
		"%s/%s/", value_text_or(value_get(options, "awslogs-stream-prefix"), "ecs"), name);
	source->next = since;
	source->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_ptr_array_add(sources, source);
}

static GPtrArray *sources_of(
	const CliService *service, const char *container, gint64 since, GError **error) {
	g_auto(Value) answer = cli_api_call(service->api, "ecs", "DescribeTaskDefinition",
		value_object_take("taskDefinition",
			value_ref(value_get(service->service, "taskDefinition")), NULL),
		error);
	if (value_is_null(answer))
		return NULL;
	Value containers = value_get_path(answer, "taskDefinition", "containerDefinitions", NULL);
	g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(source_free);
	for (gsize i = 0; i < value_length(containers); i++)
		add_source(sources, value_at(containers, i), container, since);
	if (sources->len > 0)
		return g_steal_pointer(&sources);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		container ? "the service has no container \"%s\" that writes to CloudWatch Logs "
			    "(logConfiguration with awslogs)."
			  : "no container of the service writes to CloudWatch Logs%s: its task "
			    "definition has no logConfiguration with awslogs.",
		container ? container : "");
	return NULL;
}

/* ---- reading ---- */

static void take_event(Source *source, Value event, GArray *lines) {
	const char *id = value_text_or(value_get(event, "eventId"), "");
	gint64 time = value_get_int(event, "timestamp", 0);
	if (g_hash_table_contains(source->seen, id))
		return;
	if (time > source->next) {
		g_hash_table_remove_all(source->seen);
		source->next = time;
	}
	g_hash_table_add(source->seen, g_strdup(id));
	const char *stream = value_text_or(value_get(event, "logStreamName"), "");
	const char *task = strrchr(stream, '/');
	Line line = {time, g_strdup(source->container), g_strndup(task ? task + 1 : stream, 8),
		g_strdup(value_text_or(value_get(event, "message"), ""))};
	g_array_append_val(lines, line);
}

static gboolean read_source(CliApi *api, Source *source, GArray *lines, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) events = cli_api_list(api, "logs", "FilterLogEvents",
		value_object_take("logGroupName", value_string(source->group),
			"logStreamNamePrefix", value_string(source->prefix), "startTime",
			value_int(source->next), NULL),
		"events", "nextToken", "nextToken", &local);
	for (gsize i = 0; i < value_length(events); i++)
		take_event(source, value_at(events, i), lines);
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static int by_time(gconstpointer a, gconstpointer b) {
	const Line *first = a, *second = b;
	return first->time < second->time ? -1 : first->time > second->time;
}

static gboolean print_new(CliApi *api, GPtrArray *sources, GError **error) {
	g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(Line));
	g_array_set_clear_func(lines, line_clear);
	for (guint i = 0; i < sources->len; i++)
		if (!read_source(api, sources->pdata[i], lines, error))
			return FALSE;
	g_array_sort(lines, by_time);
	for (guint i = 0; i < lines->len; i++) {
		const Line *line = &g_array_index(lines, Line, i);
		g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(line->time / 1000);
		g_autofree char *clock = g_date_time_format(when, "%H:%M:%S");
		printf("%s %s/%s  %s\n", clock, line->container, line->task, line->text);
	}
	fflush(stdout);
	return TRUE;
}

/* ---- the command ---- */

/* "10m", "2h", "30s", "1d": seconds, or -1. */
static gint64 parse_since(const char *text) {
	char *end;
	gint64 number = g_ascii_strtoll(text, &end, 10);
	gint64 unit = *end == 's'   ? 1
		      : *end == 'm' ? 60
		      : *end == 'h' ? 3600
		      : *end == 'd' ? 86400
				    : 0;
	return end > text && unit && !end[1] && number >= 0 ? number * unit : -1;
}

static int run(int argc, char **argv) {
	gboolean follow = FALSE;
	g_autofree char *since = NULL, *container = NULL;
	g_auto(GStrv) names = NULL;
	const GOptionEntry entries[] = {
		{"follow", 'f', 0, G_OPTION_ARG_NONE, &follow, "Go on as more is written", NULL},
		{"since", 's', 0, G_OPTION_ARG_STRING, &since, "Only the last 30s, 10m, 2h, 1d",
			"TIME"},
		{"container", 'c', 0, G_OPTION_ARG_STRING, &container, "Only this container",
			"NAME"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &names, NULL, "SERVICE"},
		{NULL}};
	if (!cli_parse(&argc, &argv, entries,
		    "Prints what the containers of a service wrote: SERVICE or CLUSTER/SERVICE."))
		return 1;
	if (!names || !names[0] || names[1])
		return cli_fail("Name one service: terrarium logs SERVICE.");
	gint64 seconds = since ? parse_since(since) : 0;
	if (seconds < 0)
		return cli_fail("\"%s\" is no time: say 30s, 10m, 2h or 1d.", since);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) places = cli_places(&error);
	g_autoptr(GPtrArray) services = places ? cli_services(places, &error) : NULL;
	CliService *service = services ? cli_service_find(services, names[0], &error) : NULL;
	gint64 from = since ? g_get_real_time() / 1000 - seconds * 1000 : 0;
	g_autoptr(GPtrArray) sources =
		service ? sources_of(service, container, from, &error) : NULL;
	while (sources && print_new(service->api, sources, &error) && follow)
		g_usleep(POLL_US);
	return error ? cli_fail("%s", error->message) : 0;
}

const CliCommand cli_command_logs = {"logs", "Print the logs of a service", run};
