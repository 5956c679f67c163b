/* The server's side of the wire: which operation a request means, its input, and answers. */
#include <string.h>

#include "value/json.h"
#include "wire/codec.h"
#include "wire/rest.h"

/* ---- routing ---- */

static const char *header(const WireRequest *request, const char *name) {
	return g_hash_table_lookup(request->headers, name);
}

/* The service's part of the credential scope, of the header or of a presigned query; or NULL. */
static char *signing_scope(const WireRequest *request) {
	const char *authorization = header(request, "authorization");
	const char *credential = authorization ? strstr(authorization, "Credential=") : NULL;
	g_autofree char *scope = credential ? g_strdup(credential + strlen("Credential=")) : NULL;
	if (!scope) {
		const char *query = strstr(request->query, "X-Amz-Credential=");
		if (!query)
			return NULL;
		query += strlen("X-Amz-Credential=");
		g_autofree char *raw = g_strndup(query, strcspn(query, "&"));
		scope = g_uri_unescape_string(raw, NULL);
	}
	g_auto(GStrv) parts = g_strsplit(scope ? scope : "", "/", 6);
	return g_strv_length(parts) >= 5 ? g_strdup(parts[3]) : NULL;
}

static gboolean route_target(const char *target, WireRoute *route, GError **error) {
	const char *dot = strrchr(target, '.');
	g_autofree char *prefix = g_strndup(target, dot ? (gsize)(dot - target) : strlen(target));
	for (const char *const *name = wire_service_names(); *name; name++) {
		const WireService *service = wire_service(*name);
		if (g_strcmp0(service->target_prefix, prefix) != 0)
			continue;
		route->service = service;
		route->protocol = WIRE_PROTOCOL_JSON;
		route->operation = dot ? wire_operation(service, dot + 1) : NULL;
		if (route->operation)
			return TRUE;
		gboolean exists = dot && g_hash_table_contains(service->other_operations, dot + 1);
		wire_error_set_status(error, exists ? 501 : 400,
			exists ? "NotImplemented" : "UnknownOperationException",
			exists ? "Terrarium does not implement %s:%s." : "%s has no operation %s.",
			service->name, dot ? dot + 1 : "");
		return FALSE;
	}
	wire_error_set_status(error, 501, "UnknownOperationException",
		"Terrarium does not implement the service of %s.", target);
	return FALSE;
}

/* Of services that share a signing name, the one of that API version. */
static const WireService *form_service(const char *scope, const char *version) {
	for (const char *const *name = wire_service_names(); *name; name++) {
		const WireService *service = wire_service(*name);
		gboolean form = service->protocol == WIRE_PROTOCOL_EC2 ||
				service->protocol == WIRE_PROTOCOL_QUERY;
		if (!form || g_strcmp0(service->api_version, version) != 0)
			continue;
		if (!scope || g_str_equal(service->signing_name, scope))
			return service;
	}
	return NULL;
}

/* The form of a query request: its body, or its URL. */
static GHashTable *request_form(const WireRequest *request) {
	gsize length;
	const char *body = g_bytes_get_data(request->body, &length);
	if (length > 0)
		return wire_form_parse(body, length);
	return wire_form_parse(request->query, strlen(request->query));
}

static gboolean route_form(const WireRequest *request, WireRoute *route, GError **error) {
	g_autoptr(GHashTable) form = request_form(request);
	g_autofree char *scope = signing_scope(request);
	const char *action = g_hash_table_lookup(form, "Action");
	const char *version = g_hash_table_lookup(form, "Version");
	if (!action) {
		wire_error_set(error, "MissingAction",
			"The request is missing an action or a required parameter: no Action, no "
			"X-Amz-Target.");
		return FALSE;
	}
	route->service = form_service(scope, version);
	if (!route->service) {
		wire_error_set_status(error, 501, "InvalidAction",
			"Terrarium does not implement %s of the service %s (API version %s).",
			action, scope ? scope : "(unsigned)", version ? version : "none");
		return FALSE;
	}
	route->protocol = route->service->protocol;
	route->operation = wire_operation(route->service, action);
	if (route->operation)
		return TRUE;
	if (g_hash_table_contains(route->service->other_operations, action))
		wire_error_set_status(error, 501, "NotImplemented",
			"Terrarium does not implement %s:%s.", route->service->name, action);
	else
		wire_error_set(error, "InvalidAction",
			"The action %s is not valid for this web service.", action);
	return FALSE;
}

/* The methods of REST services: whose they are says the signature's scope; of unsigned requests S3
 * is the only one that knows. */
static gboolean route_rest(const WireRequest *request, WireRoute *route, GError **error) {
	g_autofree char *scope = signing_scope(request);
	const char *wanted = !scope || wire_is_s3(request, scope) ? "s3" : scope;
	for (const char *const *name = wire_service_names(); *name; name++) {
		const WireService *service = wire_service(*name);
		gboolean rest = service->protocol == WIRE_PROTOCOL_REST_XML ||
				service->protocol == WIRE_PROTOCOL_REST_JSON;
		if (!rest || !g_str_equal(service->signing_name, wanted))
			continue;
		const WireOperation *found = wire_rest_match(service, request);
		/* Control APIs have their version in front of the path. */
		gboolean control = g_str_has_prefix(request->path, "/v2018");
		if (!route->service || (found && (!route->operation || control))) {
			route->service = service;
			route->protocol = service->protocol;
			route->operation = found;
		}
	}
	if (route->operation)
		return TRUE;
	if (route->service && g_str_equal(route->service->name, "s3"))
		wire_error_set_status(error, 405, "MethodNotAllowed",
			"The specified method is not allowed against this resource.");
	else
		wire_error_set_status(error, 404, "UnknownOperationException",
			"%s %s is no call of an API that Terrarium knows.", request->method,
			request->path);
	return FALSE;
}

gboolean wire_route(const WireRequest *request, WireRoute *route, GError **error) {
	*route = (WireRoute){.protocol = WIRE_PROTOCOL_JSON};
	const char *target = header(request, "x-amz-target");
	if (target)
		return route_target(target, route, error);
	const char *type = header(request, "content-type");
	g_autofree char *scope = signing_scope(request);
	if (wire_is_s3(request, scope))
		return route_rest(request, route, error);
	gboolean form = g_str_has_prefix(type ? type : "", "application/x-www-form-urlencoded") ||
			strstr(request->query, "Action=");
	if (form)
		return route_form(request, route, error);
	return route_rest(request, route, error);
}

/* ---- input ---- */

static gboolean is_rest(WireProtocol protocol) {
	return protocol == WIRE_PROTOCOL_REST_JSON || protocol == WIRE_PROTOCOL_REST_XML;
}

Value wire_decode_input(const WireRoute *route, const WireRequest *request, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) input = VALUE_NOTHING;
	if (is_rest(route->protocol)) {
		input = wire_rest_decode_input(route, request, &local);
	} else if (route->protocol == WIRE_PROTOCOL_JSON) {
		gsize length;
		const char *body = g_bytes_get_data(request->body, &length);
		input = wire_json_decode(route->operation->input, body, length, &local);
	} else {
		g_autoptr(GHashTable) form = request_form(request);
		input = wire_form_decode(route->operation->input, form,
			route->protocol == WIRE_PROTOCOL_EC2, &local);
	}
	if (!local && wire_validate(route->operation, input, &local))
		return value_steal(&input);
	g_propagate_error(error, g_steal_pointer(&local));
	return VALUE_NOTHING;
}

/* ---- answers ---- */

static void set_body(WireResponse *response, const char *type, char *text_taken) {
	g_bytes_unref(response->body);
	response->body = g_bytes_new_take(text_taken, strlen(text_taken));
	wire_response_set_header(response, "content-type", type);
}

static WireResponse *response_new(int status, const char *request_id) {
	WireResponse *response = wire_response_new(status);
	wire_response_set_header(response, "x-amzn-requestid", request_id);
	return response;
}

static const char *json_type(const WireService *service) {
	if (service && service->protocol == WIRE_PROTOCOL_REST_JSON)
		return "application/json";
	return service && g_strcmp0(service->json_version, "1.0") == 0
		       ? "application/x-amz-json-1.0"
		       : "application/x-amz-json-1.1";
}

static char *ec2_answer(const WireRoute *route, Value output, const char *request_id) {
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	const char *name = route->operation->name;
	g_string_append_printf(out,
		"<%sResponse xmlns=\"http://ec2.amazonaws.com/doc/%s/\"><requestId>%s</requestId>",
		name, route->service->api_version, request_id);
	if (route->operation->output)
		wire_xml_encode(out, route->operation->output, output, TRUE);
	/* Operations without output say whether they did it. */
	if (!route->operation->output)
		g_string_append(out, "<return>true</return>");
	g_string_append_printf(out, "</%sResponse>", name);
	return g_string_free(out, FALSE);
}

static char *query_answer(const WireRoute *route, Value output, const char *request_id) {
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	const WireOperation *operation = route->operation;
	g_string_append_printf(out, "<%sResponse xmlns=\"%s\">", operation->name,
		route->service->xml_namespace ? route->service->xml_namespace : "");
	if (operation->output) {
		const char *wrapper = operation->result_wrapper;
		if (wrapper)
			g_string_append_printf(out, "<%s>", wrapper);
		wire_xml_encode(out, operation->output, output, FALSE);
		if (wrapper)
			g_string_append_printf(out, "</%s>", wrapper);
	}
	g_string_append_printf(out,
		"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		request_id, operation->name);
	return g_string_free(out, FALSE);
}

/* S3 names its requests in headers of its own. */
static void set_s3_ids(WireResponse *response, const char *request_id) {
	wire_response_set_header(response, "x-amz-request-id", request_id);
	wire_response_set_header(response, "x-amz-id-2", request_id);
}

static gboolean is_s3_route(const WireRoute *route) {
	return route->service && g_str_equal(route->service->name, "s3");
}

WireResponse *wire_encode_output(const WireRoute *route, Value output, const char *request_id) {
	if (is_rest(route->protocol)) {
		WireResponse *answer = wire_rest_encode_output(route, output, request_id);
		wire_response_set_header(answer, "x-amzn-requestid", request_id);
		if (is_s3_route(route))
			set_s3_ids(answer, request_id);
		return answer;
	}
	WireResponse *response = response_new(route->operation->status, request_id);
	switch (route->protocol) {
	case WIRE_PROTOCOL_EC2:
		set_body(response, "text/xml;charset=UTF-8", ec2_answer(route, output, request_id));
		break;
	case WIRE_PROTOCOL_QUERY:
		set_body(response, "text/xml", query_answer(route, output, request_id));
		break;
	default:
		set_body(response, json_type(route->service),
			wire_json_encode(route->operation->output, output));
	}
	return response;
}

/* ---- errors ---- */

static int status_of(const WireRoute *route, const GError *error, const char *code) {
	int status = wire_error_status(error);
	if (status)
		return status;
	const WireShape *shape =
		route->service ? g_hash_table_lookup(route->service->errors, code) : NULL;
	return shape ? shape->status : 400;
}

static char *json_error(const GError *error, const char *code, const char *message) {
	g_auto(Value) body = value_object_take(
		"__type", value_string(code), "message", value_string(message), NULL);
	g_auto(Value) members = value_merge(body, wire_error_members(error));
	return value_to_json(members, VALUE_JSON_COMPACT);
}

static char *xml_error(const WireRoute *route, const char *code, const char *message, int status,
	const char *request_id) {
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	gboolean ec2 = route->protocol == WIRE_PROTOCOL_EC2;
	if (ec2)
		g_string_append(out, "<Response><Errors><Error>");
	else
		g_string_append_printf(out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>",
			route->service && route->service->xml_namespace
				? route->service->xml_namespace
				: "",
			status >= 500 ? "Receiver" : "Sender");
	g_string_append(out, "<Code>");
	wire_xml_text(out, code, strlen(code));
	g_string_append(out, "</Code><Message>");
	wire_xml_text(out, message, strlen(message));
	g_string_append(out, "</Message></Error>");
	if (ec2)
		g_string_append_printf(
			out, "</Errors><RequestID>%s</RequestID></Response>", request_id);
	else
		g_string_append_printf(
			out, "<RequestId>%s</RequestId></ErrorResponse>", request_id);
	return g_string_free(out, FALSE);
}

/* <Error>, with the members that the error has besides (BucketName, Key, Resource). */
static char *s3_error(
	const GError *error, const char *code, const char *message, const char *request_id) {
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>");
	wire_xml_text(out, code, strlen(code));
	g_string_append(out, "</Code><Message>");
	wire_xml_text(out, message, strlen(message));
	g_string_append(out, "</Message>");
	Value members = wire_error_members(error);
	for (gsize i = 0; i < value_length(members); i++) {
		const char *text = value_text_or(value_at(members, i), "");
		g_string_append_printf(out, "<%s>", value_key_at(members, i));
		wire_xml_text(out, text, strlen(text));
		g_string_append_printf(out, "</%s>", value_key_at(members, i));
	}
	g_string_append_printf(out, "<RequestId>%s</RequestId><HostId>%s</HostId></Error>",
		request_id, request_id);
	return g_string_free(out, FALSE);
}

WireResponse *wire_encode_error(
	const WireRoute *route, const GError *error, const char *request_id) {
	gboolean ours = error->domain == WIRE_ERROR && *wire_error_code(error);
	const char *code = ours ? wire_error_code(error) : "InternalFailure";
	int status = ours ? status_of(route, error, code) : 500;
	WireResponse *response = response_new(status, request_id);
	if (is_s3_route(route)) {
		if (!ours)
			code = "InternalError";
		set_s3_ids(response, request_id);
		if (status != 304)
			set_body(response, "application/xml",
				s3_error(error, code, error->message, request_id));
	} else if (route->protocol == WIRE_PROTOCOL_EC2 || route->protocol == WIRE_PROTOCOL_QUERY ||
		   route->protocol == WIRE_PROTOCOL_REST_XML) {
		set_body(response, "text/xml",
			xml_error(route, code, error->message, status, request_id));
	} else {
		set_body(response, json_type(route->service),
			json_error(error, code, error->message));
		wire_response_set_header(response, "x-amzn-errortype", code);
	}
	return response;
}
