/* The region's API for the commands for people. See api.h. */
#include "cli/api.h"

#include <curl/curl.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "value/json.h"
#include "wire/client.h"

#define DESCRIBED_AT_ONCE 10

struct CliApi {
	char *account, *region;
	WireClient *client;
};

CliApi *cli_api_new(const char *account, const char *region) {
	CliApi *api = g_new0(CliApi, 1);
	g_autofree char *endpoint = g_strdup_printf("http://127.0.0.1:%u", cli_port());
	api->account = g_strdup(account);
	api->region = g_strdup(region);
	/* The account's number as key: its administrator. */
	WireClientOptions options = {.endpoint_url = endpoint,
		.region = region,
		.credentials = {.access_key_id = api->account, .secret_access_key = "terrarium"}};
	api->client = wire_client_new(&options);
	return api;
}

void cli_api_free(CliApi *api) {
	if (!api)
		return;
	wire_client_free(api->client);
	g_free(api->account);
	g_free(api->region);
	g_free(api);
}

const char *cli_api_account(const CliApi *api) {
	return api->account;
}

const char *cli_api_region(const CliApi *api) {
	return api->region;
}

Value cli_api_call(CliApi *api, const char *service, const char *operation, Value input_taken,
	GError **error) {
	g_auto(Value) input = input_taken;
	return wire_client_call(api->client, service, operation, input, error);
}

Value cli_api_list(CliApi *api, const char *service, const char *operation, Value input_taken,
	const char *member, const char *token_in, const char *token_out, GError **error) {
	g_auto(Value) input = input_taken;
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gboolean more = TRUE; more;) {
		g_autoptr(GError) local = NULL;
		g_auto(Value) page =
			wire_client_call(api->client, service, operation, input, &local);
		if (local) {
			g_propagate_error(error, g_steal_pointer(&local));
			return VALUE_NOTHING;
		}
		Value items = value_get(page, member);
		for (gsize i = 0; i < value_length(items); i++)
			value_builder_add_take(all, value_ref(value_at(items, i)));
		const char *token = value_get_text(page, token_out);
		more = token && *token;
		if (more)
			input = value_with_take(value_steal(&input), token_in, value_string(token));
	}
	return value_builder_end(g_steal_pointer(&all));
}

/* ---- the region's own ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *data) {
	g_string_append_len(data, bytes, (gssize)(size * count));
	return size * count;
}

static CURLcode perform(const char *path, const char *body, GString *answer, long *status) {
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u%s", cli_port(), path);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return code;
}

Value cli_ask(const char *path, Value body_taken, GError **error) {
	g_auto(Value) body = body_taken;
	g_autofree char *text = value_is_null(body) ? NULL : value_to_json(body, 0);
	g_autoptr(GString) answer = g_string_new(NULL);
	long status = 0;
	if (perform(path, text, answer, &status) != CURLE_OK) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
			"no region answers on port %u. Start it with terrarium up, or by terrarium "
			"apply.",
			cli_port());
		return VALUE_NOTHING;
	}
	g_auto(Value) object =
		value_from_json(answer->str, (gssize)answer->len, status < 300 ? error : NULL);
	if (status < 300)
		return value_steal(&object);
	const char *words = value_get_text(object, "error");
	g_set_error_literal(
		error, G_IO_ERROR, G_IO_ERROR_FAILED, words ? words : g_strstrip(answer->str));
	return VALUE_NOTHING;
}

Value cli_status(GError **error) {
	return cli_ask("/_terrarium/status", VALUE_NOTHING, error);
}

GPtrArray *cli_places(GError **error) {
	g_auto(Value) status = cli_status(error);
	if (value_is_null(status))
		return NULL;
	GPtrArray *places = g_ptr_array_new_with_free_func((GDestroyNotify)cli_api_free);
	Value all = value_get(status, "places");
	for (gsize i = 0; i < value_length(all); i++)
		g_ptr_array_add(places, cli_api_new(value_get_text(value_at(all, i), "account"),
						value_get_text(value_at(all, i), "region")));
	return places;
}

/* ---- services ---- */

static void service_free(gpointer data) {
	value_clear(&((CliService *)data)->service);
	g_free(data);
}

static gboolean describe(
	CliApi *api, const char *cluster, Value arns, GPtrArray *services, GError **error) {
	for (gsize start = 0; start < value_length(arns); start += DESCRIBED_AT_ONCE) {
		g_autoptr(ValueBuilder) some = value_builder_new(VALUE_TUPLE, NULL);
		for (gsize i = start; i < MIN(start + DESCRIBED_AT_ONCE, value_length(arns)); i++)
			value_builder_add_take(some, value_ref(value_at(arns, i)));
		g_auto(Value) answer = cli_api_call(api, "ecs", "DescribeServices",
			value_object_take("cluster", value_string(cluster), "services",
				value_builder_end(g_steal_pointer(&some)), NULL),
			error);
		if (value_is_null(answer))
			return FALSE;
		Value found = value_get(answer, "services");
		for (gsize i = 0; i < value_length(found); i++) {
			CliService *service = g_new0(CliService, 1);
			*service = (CliService){api, value_ref(value_at(found, i))};
			g_ptr_array_add(services, service);
		}
	}
	return TRUE;
}

static gboolean add_services(CliApi *api, GPtrArray *services, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) clusters = cli_api_list(api, "ecs", "ListClusters", value_empty_object(),
		"clusterArns", "nextToken", "nextToken", &local);
	for (gsize i = 0; !local && i < value_length(clusters); i++) {
		const char *cluster = value_text(value_at(clusters, i));
		g_auto(Value) arns = cli_api_list(api, "ecs", "ListServices",
			value_object_take("cluster", value_string(cluster), NULL), "serviceArns",
			"nextToken", "nextToken", &local);
		if (!local)
			describe(api, cluster, arns, services, &local);
	}
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

GPtrArray *cli_services(GPtrArray *places, GError **error) {
	g_autoptr(GPtrArray) services = g_ptr_array_new_with_free_func(service_free);
	for (guint i = 0; i < places->len; i++)
		if (!add_services(places->pdata[i], services, error))
			return NULL;
	return g_steal_pointer(&services);
}

char *cli_service_name(const CliService *service) {
	const char *arn = value_text_or(value_get(service->service, "serviceArn"), ":service/");
	return g_strdup(strstr(arn, ":service/") + strlen(":service/"));
}

static void not_found(GPtrArray *services, const char *name, GError **error) {
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (guint i = 0; i < services->len; i++)
		g_ptr_array_add(
			names, (gpointer)value_get_text(
				       ((CliService *)services->pdata[i])->service, "serviceName"));
	const char *near = text_nearest(name, (const char *const *)names->pdata, names->len);
	g_ptr_array_add(names, NULL);
	g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
	if (near)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no service \"%s\". Did you mean \"%s\"?", name, near);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no service \"%s\". %s%s", name,
			*all ? "There are: " : "There are none: apply a configuration first.", all);
}

CliService *cli_service_find(GPtrArray *services, const char *name, GError **error) {
	CliService *found = NULL;
	for (guint i = 0; i < services->len; i++) {
		CliService *each = services->pdata[i];
		g_autofree char *full = cli_service_name(each);
		if (!g_str_equal(full, name) &&
			g_strcmp0(value_get_text(each->service, "serviceName"), name) != 0)
			continue;
		if (found) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				"several services are named \"%s\": say CLUSTER/%s.", name, name);
			return NULL;
		}
		found = each;
	}
	if (!found)
		not_found(services, name, error);
	return found;
}
