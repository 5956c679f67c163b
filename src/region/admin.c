/* The admin API: what AWS has no call for, below /_terrarium/. */
#include <string.h>

#include "region/internal.h"
#include "region/status.h"
#include "value/json.h"

extern const RegionService region_admin;

static WireResponse *health(Region *region, const WireRequest *request, HttpReply *reply) {
	static const char body[] =
		"{\"status\":\"running\",\"version\":\"" TERRARIUM_VERSION "\"}\n";
	WireResponse *response = wire_response_new(200);
	wire_response_set_body(response, "application/json", body, strlen(body));
	return response;
}

/* ---- status ---- */

void region_differences_add(Region *region, RegionDifferences differences) {
	g_array_append_val(region->differences, differences);
}

static Value state_of(gboolean yes, const char *reason) {
	return yes ? value_object_take("yes", value_bool(TRUE), NULL)
		   : value_object_take(
			     "yes", value_bool(FALSE), "reason", value_string(reason), NULL);
}

static Value glass_status(Region *region) {
	const char *limits, *egress;
	if (!region->glass)
		return value_object_take("runs", value_bool(FALSE), NULL);
	gboolean enforced = glass_limits_enforced(region->glass, &limits);
	gboolean reaches = glass_has_egress(region->glass, &egress);
	return value_object_take("runs", value_bool(glass_alive(region->glass)), "limits",
		state_of(enforced, limits), "egress", state_of(reaches, egress), NULL);
}

static Value places(Region *region) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(store_sqlite(region->store),
		    "SELECT DISTINCT account, region FROM objects WHERE region <> '' AND account "
		    "GLOB '[0-9]*' ORDER BY 1, 2",
		    -1, &statement, NULL) == SQLITE_OK)
		while (sqlite3_step(statement) == SQLITE_ROW)
			value_builder_add_take(all,
				value_object_take("account",
					value_string(
						(const char *)sqlite3_column_text(statement, 0)),
					"region",
					value_string(
						(const char *)sqlite3_column_text(statement, 1)),
					NULL));
	sqlite3_finalize(statement);
	return value_builder_end(g_steal_pointer(&all));
}

static Value differences(Region *region) {
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	const char *reason;
	if (!region->glass)
		g_ptr_array_add(lines,
			g_strdup("nothing runs: the region serves the API only (--no-glass)"));
	if (region->glass && !glass_limits_enforced(region->glass, &reason))
		g_ptr_array_add(lines, g_strdup(reason));
	if (region->glass && !glass_has_egress(region->glass, &reason))
		g_ptr_array_add(
			lines, g_strdup_printf("nothing inside reaches the internet: %s", reason));
	for (guint i = 0; i < region->differences->len; i++)
		g_array_index(region->differences, RegionDifferences, i)(region, lines);
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < lines->len; i++)
		value_builder_add_take(all, value_string(lines->pdata[i]));
	return value_builder_end(g_steal_pointer(&all));
}

static WireResponse *status(Region *region, const WireRequest *request, HttpReply *reply) {
	g_auto(Value) answer = value_object_take("version", value_string(TERRARIUM_VERSION), "home",
		value_string(region->home), "glass", glass_status(region), "places", places(region),
		"differences", differences(region), NULL);
	g_autofree char *body = value_to_json(answer, 0);
	WireResponse *response = wire_response_new(200);
	wire_response_set_body(response, "application/json", body, strlen(body));
	return response;
}

/* ---- the clock, for tests ---- */

static WireResponse *text(int status, const char *message) {
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "text/plain", message, strlen(message));
	return response;
}

/* POST /_terrarium/clock?advance=SECONDS */
static WireResponse *advance(Region *region, const WireRequest *request, HttpReply *reply) {
	guint64 seconds;
	g_autoptr(GError) error = NULL;
	if (!g_str_equal(request->method, "POST"))
		return text(405, "Only POST steps the clock.\n");
	if (!g_str_has_prefix(request->query, "advance=") ||
		!g_ascii_string_to_unsigned(request->query + strlen("advance="), 10, 1,
			(guint64)100 * 365 * 86400, &seconds, NULL))
		return text(400, "Say advance=SECONDS: the clock only goes forward.\n");
	return region_clock_advance(region, (gint64)seconds, &error) ? text(200, "")
								     : text(500, error->message);
}

static const RegionHttpRoute routes[] = {
	{.prefix = "/_terrarium/clock", .handle = advance},
	{.prefix = "/_terrarium/health", .handle = health},
	{.prefix = "/_terrarium/status", .handle = status},
	{.prefix = NULL},
};

const RegionService region_admin = {.routes = routes};
