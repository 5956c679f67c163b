/* terrarium status: what runs, where, under which addresses, and what differs from AWS. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cli.h"
#include "value/json.h"

typedef struct {
	ValueBuilder *balancers, *services, *databases, *pipelines; /* of rows: objects of texts */
} Found;

/* What an operation lists, or an empty tuple: a service that this region lacks holds nothing. */
static Value listed(CliApi *api, const char *service, const char *operation, const char *member,
	const char *token_in, const char *token_out) {
	g_autoptr(GError) error = NULL;
	Value all = cli_api_list(
		api, service, operation, value_empty_object(), member, token_in, token_out, &error);
	return error ? value_empty_tuple() : all;
}

static Value place_of(const CliApi *api) {
	return value_string_printf("%s/%s", cli_api_account(api), cli_api_region(api));
}

/* ---- load balancers ---- */

static void add_balancer(CliApi *api, Value balancer, ValueBuilder *rows) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) listeners = cli_api_list(api, "elbv2", "DescribeListeners",
		value_object_take(
			"LoadBalancerArn", value_ref(value_get(balancer, "LoadBalancerArn")), NULL),
		"Listeners", "Marker", "NextMarker", &error);
	gboolean internal = g_strcmp0(value_get_text(balancer, "Scheme"), "internal") == 0;
	const char *protocol = value_text_or(value_get(value_at(listeners, 0), "Protocol"), "HTTP");
	g_autofree char *scheme = g_ascii_strdown(protocol, -1);
	Value row = value_object_take("place", place_of(api), "name",
		value_ref(value_get(balancer, "LoadBalancerName")), "state",
		value_ref(value_get_path(balancer, "State", "Code", NULL)), "arn",
		value_ref(value_get(balancer, "LoadBalancerArn")), NULL);
	if (value_length(listeners) > 0 && !internal)
		row = value_with_take(row, "url",
			value_string_printf(
				"%s://%s/", scheme, value_get_text(balancer, "DNSName")));
	value_builder_add_take(rows, row);
}

/* ---- services ---- */

static Value service_row(const CliService *service) {
	Value deployments = value_get(service->service, "deployments");
	Value primary = value_at(deployments, 0);
	Value last = value_at(value_get(service->service, "events"), 0);
	g_autofree char *name = cli_service_name(service);
	g_autofree char *definition = g_path_get_basename(
		value_text_or(value_get(service->service, "taskDefinition"), ""));
	return value_object_take("place", place_of(service->api), "name", value_string(name),
		"status", value_ref(value_get(service->service, "status")), "running",
		value_ref(value_get(service->service, "runningCount")), "pending",
		value_ref(value_get(service->service, "pendingCount")), "desired",
		value_ref(value_get(service->service, "desiredCount")), "rollout",
		value_ref(value_get(primary, "rolloutState")), "deployments",
		value_int((gint64)value_length(deployments)), "task_definition",
		value_string(definition), "last_event", value_ref(value_get(last, "message")),
		NULL);
}

/* ---- databases ---- */

static void add_database(CliApi *api, Value database, ValueBuilder *rows) {
	Value endpoint = value_get(database, "Endpoint");
	Value row = value_object_take("place", place_of(api), "name",
		value_ref(value_get(database, "DBInstanceIdentifier")), "engine",
		value_ref(value_get(database, "Engine")), "version",
		value_ref(value_get(database, "EngineVersion")), "status",
		value_ref(value_get(database, "DBInstanceStatus")), NULL);
	if (!value_is_null(endpoint))
		row = value_with_take(row, "endpoint",
			value_string_printf("%s:%" G_GINT64_FORMAT,
				value_get_text(endpoint, "Address"),
				value_get_int(endpoint, "Port", 0)));
	value_builder_add_take(rows, row);
}

/* ---- pipelines ---- */

static void add_pipeline(CliApi *api, Value pipeline, ValueBuilder *rows) {
	g_auto(Value) answer = cli_api_call(api, "codepipeline", "ListPipelineExecutions",
		value_object_take("pipelineName", value_ref(value_get(pipeline, "name")),
			"maxResults", value_int(1), NULL),
		NULL);
	Value newest = value_at(value_get(answer, "pipelineExecutionSummaries"), 0);
	value_builder_add_take(
		rows, value_object_take("place", place_of(api), "name",
			      value_ref(value_get(pipeline, "name")), "status",
			      value_ref(value_get(newest, "status")), "execution",
			      value_ref(value_get(newest, "pipelineExecutionId")), NULL));
}

/* ---- all ---- */

static void look_at(CliApi *api, Found *found) {
	g_auto(Value) balancers = listed(
		api, "elbv2", "DescribeLoadBalancers", "LoadBalancers", "Marker", "NextMarker");
	for (gsize i = 0; i < value_length(balancers); i++)
		add_balancer(api, value_at(balancers, i), found->balancers);
	g_auto(Value) databases =
		listed(api, "rds", "DescribeDBInstances", "DBInstances", "Marker", "Marker");
	for (gsize i = 0; i < value_length(databases); i++)
		add_database(api, value_at(databases, i), found->databases);
	g_auto(Value) pipelines =
		listed(api, "codepipeline", "ListPipelines", "pipelines", "nextToken", "nextToken");
	for (gsize i = 0; i < value_length(pipelines); i++)
		add_pipeline(api, value_at(pipelines, i), found->pipelines);
}

/* The whole status: what the region says of itself, and what its API lists. */
static Value gather(GError **error) {
	g_auto(Value) own = cli_status(error);
	if (value_is_null(own))
		return VALUE_NOTHING;
	g_autoptr(GPtrArray) places = cli_places(error);
	g_autoptr(GPtrArray) services = places ? cli_services(places, error) : NULL;
	if (!services)
		return VALUE_NOTHING;
	Found found = {value_builder_new(VALUE_TUPLE, NULL), value_builder_new(VALUE_TUPLE, NULL),
		value_builder_new(VALUE_TUPLE, NULL), value_builder_new(VALUE_TUPLE, NULL)};
	for (guint i = 0; i < places->len; i++)
		look_at(places->pdata[i], &found);
	for (guint i = 0; i < services->len; i++)
		value_builder_add_take(found.services, service_row(services->pdata[i]));
	Value whole = value_with_take(
		value_steal(&own), "api", value_string_printf("http://127.0.0.1:%u", cli_port()));
	whole = value_with_take(whole, "balancers", value_builder_end(found.balancers));
	whole = value_with_take(whole, "services", value_builder_end(found.services));
	whole = value_with_take(whole, "pipelines", value_builder_end(found.pipelines));
	return value_with_take(whole, "databases", value_builder_end(found.databases));
}

/* ---- for people ---- */

static const char *text(Value row, const char *member) {
	return value_text_or(value_get(row, member), "");
}

static void print_balancers(Value rows) {
	if (value_length(rows) > 0)
		printf("\nLoad balancers\n");
	for (gsize i = 0; i < value_length(rows); i++) {
		Value row = value_at(rows, i);
		const char *url = value_get_text(row, "url");
		printf("  %-28s %-12s %s\n", text(row, "name"), text(row, "state"),
			url ? url : "(no listener for the world)");
	}
}

static void print_services(Value rows) {
	if (value_length(rows) > 0)
		printf("\nServices\n");
	for (gsize i = 0; i < value_length(rows); i++) {
		Value row = value_at(rows, i);
		gint64 running = value_get_int(row, "running", 0);
		gint64 desired = value_get_int(row, "desired", 0);
		gboolean steady =
			g_str_equal(text(row, "rollout"), "COMPLETED") && running == desired;
		printf("  %-28s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " running  %-11s %s\n",
			text(row, "name"), running, desired,
			steady ? "steady" : text(row, "rollout"), text(row, "task_definition"));
		if (!steady && *text(row, "last_event"))
			printf("    %s\n", text(row, "last_event"));
	}
}

static void print_databases(Value rows) {
	if (value_length(rows) > 0)
		printf("\nDatabases\n");
	for (gsize i = 0; i < value_length(rows); i++) {
		Value row = value_at(rows, i);
		printf("  %-28s %-12s %s %s  %s\n", text(row, "name"), text(row, "status"),
			text(row, "engine"), text(row, "version"), text(row, "endpoint"));
	}
}

static void print_pipelines(Value rows) {
	if (value_length(rows) > 0)
		printf("\nPipelines\n");
	for (gsize i = 0; i < value_length(rows); i++) {
		Value row = value_at(rows, i);
		printf("  %-28s %-12s %.8s\n", text(row, "name"), text(row, "status"),
			text(row, "execution"));
	}
}

static void print_status(Value status) {
	Value glass = value_get(status, "glass");
	Value differences = value_get(status, "differences");
	printf("Region %s, data in %s\n", text(status, "api"), text(status, "home"));
	printf("Glass  %s\n", value_get_bool(glass, "runs") ? "runs" : "none: the API only");
	print_balancers(value_get(status, "balancers"));
	print_services(value_get(status, "services"));
	print_databases(value_get(status, "databases"));
	print_pipelines(value_get(status, "pipelines"));
	if (value_length(differences) > 0)
		printf("\nDiffers from AWS\n");
	for (gsize i = 0; i < value_length(differences); i++)
		printf("  %s\n", value_text_or(value_at(differences, i), ""));
}

static int run(int argc, char **argv) {
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{"json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print it as JSON", NULL}, {NULL}};
	if (!cli_parse(&argc, &argv, entries,
		    "Says what runs, under which addresses, and what differs from AWS."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_auto(Value) status = gather(&error);
	if (error)
		return cli_fail("%s", error->message);
	g_autofree char *printed = json ? value_to_json(status, VALUE_JSON_PRETTY) : NULL;
	if (json)
		printf("%s\n", printed);
	else
		print_status(status);
	return 0;
}

const CliCommand cli_command_status = {"status", "Say what runs and where", run};
