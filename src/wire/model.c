/* Reads API models. See model.h. */
#include "wire/model.h"

#include <math.h>
#include <string.h>

#include "value/json.h"

/* ---- shapes ---- */

static ShapeType shape_type(const char *type) {
	static const struct {
		const char *name;
		ShapeType type;
	} types[] = {
		{"structure", SHAPE_STRUCTURE},
		{"list", SHAPE_LIST},
		{"map", SHAPE_MAP},
		{"string", SHAPE_STRING},
		{"character", SHAPE_STRING},
		{"integer", SHAPE_INTEGER},
		{"long", SHAPE_INTEGER},
		{"float", SHAPE_FLOAT},
		{"double", SHAPE_FLOAT},
		{"boolean", SHAPE_BOOLEAN},
		{"timestamp", SHAPE_TIMESTAMP},
		{"blob", SHAPE_BLOB},
	};
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_strcmp0(types[i].name, type) == 0)
			return types[i].type;
	return SHAPE_STRUCTURE;
}

static const char *text_of(Value value, const char *key) {
	return g_intern_string(value_get_text(value, key));
}

static double number_of(Value value, const char *key) {
	return value_to_double(value_get(value, key), NAN);
}

static Location location_of(const char *name) {
	static const char *const names[] = {
		"", "uri", "querystring", "header", "headers", "statusCode"};
	for (guint i = 1; name && i < G_N_ELEMENTS(names); i++)
		if (g_str_equal(names[i], name))
			return (Location)i;
	return LOCATION_BODY;
}

static Member member_of(WireService *service, const char *name, Value model) {
	return (Member){
		.name = g_intern_string(name),
		.shape = g_hash_table_lookup(service->shapes, value_get_text(model, "shape")),
		.location = location_of(value_get_text(model, "location")),
		.location_name = text_of(model, "locationName"),
		.query_name = text_of(model, "queryName"),
		.timestamp_format = text_of(model, "timestampFormat"),
		.flattened = value_get_bool(model, "flattened"),
		.token = value_get_bool(model, "idempotencyToken"),
		.xml_attribute = value_get_bool(model, "xmlAttribute"),
		.xml_namespace = text_of(value_get(model, "xmlNamespace"), "uri"),
	};
}

static void read_members(WireService *service, WireShape *shape, Value model) {
	Value members = value_get(model, "members"), required = value_get(model, "required");
	for (gsize i = 0; i < value_length(members); i++) {
		Member member = member_of(service, value_key_at(members, i), value_at(members, i));
		for (gsize j = 0; j < value_length(required); j++)
			member.required |=
				g_str_equal(value_text(value_at(required, j)), member.name);
		g_array_append_val(shape->members, member);
	}
}

static void read_error(WireService *service, WireShape *shape, Value model) {
	shape->is_error = value_get_bool(model, "exception") || value_has(model, "error");
	if (!shape->is_error)
		return;
	Value error = value_get(model, "error");
	const char *code = text_of(error, "code");
	shape->error_code = code ? code : shape->name;
	shape->status = (int)value_get_int(
		error, "httpStatusCode", value_get_bool(model, "fault") ? 500 : 400);
	g_hash_table_insert(service->errors, (char *)shape->error_code, shape);
}

static void read_shape(WireService *service, WireShape *shape, Value model) {
	shape->flattened = value_get_bool(model, "flattened");
	shape->pattern = text_of(model, "pattern");
	shape->timestamp_format = text_of(model, "timestampFormat");
	shape->document = value_get_bool(model, "document");
	shape->payload = text_of(model, "payload");
	Value values = value_get(model, "enum");
	if (value_length(values) > 0)
		shape->values = g_ptr_array_new();
	for (gsize i = 0; i < value_length(values); i++)
		g_ptr_array_add(
			shape->values, (gpointer)g_intern_string(value_text(value_at(values, i))));
	if (shape->type == SHAPE_STRUCTURE)
		read_members(service, shape, model);
	if (shape->type == SHAPE_LIST)
		shape->element = member_of(service, "member", value_get(model, "member"));
	if (shape->type == SHAPE_MAP) {
		shape->key = member_of(service, "key", value_get(model, "key"));
		shape->element = member_of(service, "value", value_get(model, "value"));
	}
	shape->min = number_of(model, "min");
	shape->max = number_of(model, "max");
	read_error(service, shape, model);
}

static void read_shapes(WireService *service, Value models) {
	/* All shapes must be there before their members point to each other. */
	for (gsize i = 0; i < value_length(models); i++) {
		WireShape *shape = g_new0(WireShape, 1);
		shape->name = g_intern_string(value_key_at(models, i));
		shape->type = shape_type(value_get_text(value_at(models, i), "type"));
		shape->members = g_array_new(FALSE, FALSE, sizeof(Member));
		g_hash_table_insert(service->shapes, (char *)shape->name, shape);
	}
	for (gsize i = 0; i < value_length(models); i++)
		read_shape(service, g_hash_table_lookup(service->shapes, value_key_at(models, i)),
			value_at(models, i));
}

/* ---- operations and services ---- */

static const WireShape *side_of(WireService *service, Value model, const char *side) {
	const char *name = value_get_text(value_get(model, side), "shape");
	return name ? g_hash_table_lookup(service->shapes, name) : NULL;
}

static void read_operation(WireService *service, const char *name, Value model) {
	WireOperation *operation = g_new0(WireOperation, 1);
	Value http = value_get(model, "http");
	operation->name = g_intern_string(name);
	operation->service = service;
	operation->method = text_of(http, "method");
	operation->uri = text_of(http, "requestUri");
	operation->status = (int)value_get_int(http, "responseCode", 200);
	operation->input = side_of(service, model, "input");
	operation->output = side_of(service, model, "output");
	Value input = value_get(model, "input");
	operation->input_name = text_of(input, "locationName");
	operation->input_namespace = text_of(value_get(input, "xmlNamespace"), "uri");
	operation->result_wrapper = text_of(value_get(model, "output"), "resultWrapper");
	operation->errors = g_ptr_array_new();
	Value errors = value_get(model, "errors");
	for (gsize i = 0; i < value_length(errors); i++)
		g_ptr_array_add(operation->errors,
			g_hash_table_lookup(service->shapes, value_text(value_at(errors, i))));
	g_hash_table_insert(service->operations, (char *)operation->name, operation);
}

static WireProtocol protocol_of(const char *name) {
	static const char *const names[] = {
		"ec2", "query", "json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_strcmp0(names[i], name) == 0)
			return (WireProtocol)i;
	return WIRE_PROTOCOL_JSON;
}

/* Of several protocols the first that is not CBOR: every service that speaks that speaks another.
 */
static WireProtocol chosen_protocol(Value metadata) {
	Value offered = value_get(metadata, "protocols");
	for (gsize i = 0; i < value_length(offered); i++) {
		WireProtocol protocol = protocol_of(value_text(value_at(offered, i)));
		if (protocol != WIRE_PROTOCOL_CBOR)
			return protocol;
	}
	return protocol_of(value_get_text(metadata, "protocol"));
}

static void read_metadata(WireService *service, Value metadata) {
	service->api_version = text_of(metadata, "apiVersion");
	service->endpoint_prefix = text_of(metadata, "endpointPrefix");
	const char *signing_name = text_of(metadata, "signingName");
	service->signing_name = signing_name ? signing_name : service->endpoint_prefix;
	service->target_prefix = text_of(metadata, "targetPrefix");
	service->json_version = text_of(metadata, "jsonVersion");
	service->service_id = text_of(metadata, "serviceId");
	service->xml_namespace = text_of(metadata, "xmlNamespace");
	service->protocol = chosen_protocol(metadata);
}

static WireService *read_service(const char *name, const WireModelFile *file) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) model = value_from_json(file->text, (gssize)file->length, &error);
	if (error)
		g_error("the built-in API model of %s is broken: %s", name, error->message);
	WireService *service = g_new0(WireService, 1);
	service->name = g_intern_string(name);
	service->operations = g_hash_table_new(g_str_hash, g_str_equal);
	service->other_operations = g_hash_table_new(g_str_hash, g_str_equal);
	service->shapes = g_hash_table_new(g_str_hash, g_str_equal);
	service->errors = g_hash_table_new(g_str_hash, g_str_equal);
	read_metadata(service, value_get(model, "metadata"));
	read_shapes(service, value_get(model, "shapes"));
	Value operations = value_get(model, "operations");
	for (gsize i = 0; i < value_length(operations); i++)
		read_operation(service, value_key_at(operations, i), value_at(operations, i));
	Value others = value_get(model, "other_operations");
	for (gsize i = 0; i < value_length(others); i++)
		g_hash_table_add(service->other_operations,
			(char *)g_intern_string(value_text(value_at(others, i))));
	return service;
}

/* ---- the catalogue ---- */

static GMutex lock;
static GHashTable *services; /* name -> WireService, as they are first asked for; guarded by lock */

const WireService *wire_service(const char *name) {
	g_autofree char *filename = g_strconcat(name, ".json", NULL);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
	if (!services)
		services = g_hash_table_new(g_str_hash, g_str_equal);
	WireService *service = g_hash_table_lookup(services, name);
	for (const WireModelFile *file = wire_model_files; !service && file->name; file++)
		if (g_str_equal(file->name, filename)) {
			service = read_service(name, file);
			g_hash_table_insert(services, (char *)service->name, service);
		}
	return service;
}

static gpointer make_names(gpointer data) {
	GPtrArray *names = g_ptr_array_new();
	for (const WireModelFile *file = wire_model_files; file->name; file++) {
		g_autofree char *name = g_strndup(file->name, strlen(file->name) - strlen(".json"));
		g_ptr_array_add(names, (gpointer)g_intern_string(name));
	}
	g_ptr_array_add(names, NULL);
	return g_ptr_array_free(names, FALSE);
}

const char *const *wire_service_names(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, make_names, NULL);
}

const char *wire_service_name(const WireService *service) {
	return service->name;
}

const char *wire_service_api_version(const WireService *service) {
	return service->api_version;
}

const char *wire_service_signing_name(const WireService *service) {
	return service->signing_name;
}

const char *wire_service_endpoint_prefix(const WireService *service) {
	return service->endpoint_prefix;
}

const WireOperation *wire_operation(const WireService *service, const char *name) {
	return g_hash_table_lookup(service->operations, name);
}

const char *wire_operation_name(const WireOperation *operation) {
	return operation->name;
}

const WireService *wire_operation_service(const WireOperation *operation) {
	return operation->service;
}

const WireShape *wire_operation_input(const WireOperation *operation) {
	return operation->input;
}

const WireShape *wire_operation_output(const WireOperation *operation) {
	return operation->output;
}

const Member *wire_member(const WireShape *shape, const char *name) {
	if (!shape || shape->type != SHAPE_STRUCTURE)
		return NULL;
	guint low = 0, high = shape->members->len;
	while (low < high) {
		guint middle = (low + high) / 2;
		const Member *member = &g_array_index(shape->members, Member, middle);
		int order = strcmp(member->name, name);
		if (order == 0)
			return member;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const WireShape *wire_shape_member(const WireShape *shape, const char *name) {
	const Member *member = wire_member(shape, name);
	return member ? member->shape : NULL;
}

const WireShape *wire_shape_element(const WireShape *shape) {
	return shape && (shape->type == SHAPE_LIST || shape->type == SHAPE_MAP)
		       ? shape->element.shape
		       : NULL;
}
