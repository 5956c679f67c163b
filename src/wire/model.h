/*
 * API models, inside this room: made from models/<service>.json when a service is first asked for,
 * then immutable and alive as long as the process.
 */
#pragma once

#include "wire/wire.h"

typedef enum {
	SHAPE_STRUCTURE,
	SHAPE_LIST,
	SHAPE_MAP,
	SHAPE_STRING,
	SHAPE_INTEGER, /* and long */
	SHAPE_FLOAT, /* and double */
	SHAPE_BOOLEAN,
	SHAPE_TIMESTAMP,
	SHAPE_BLOB,
} ShapeType;

/* Where a member of a REST protocol's message stands. */
typedef enum {
	LOCATION_BODY,
	LOCATION_URI,
	LOCATION_QUERY,
	LOCATION_HEADER,
	LOCATION_HEADERS, /* a map: all headers that begin with the location name */
	LOCATION_STATUS,
} Location;

typedef struct {
	const char *name;
	const WireShape *shape;
	Location location;
	const char *location_name; /* or NULL */
	const char *query_name; /* or NULL */
	const char *timestamp_format; /* or NULL */
	gboolean flattened;
	gboolean required;
	gboolean token; /* an idempotency token */
	gboolean xml_attribute;
	const char *xml_namespace; /* or NULL */
} Member;

struct WireShape {
	const char *name;
	ShapeType type;
	GArray *members; /* of Member, sorted by name, of structures */
	Member element; /* of lists; value of maps */
	Member key; /* of maps */
	gboolean flattened;
	GPtrArray *values; /* of an enum, or NULL */
	double min, max; /* NaN: none */
	const char *pattern; /* or NULL */
	const char *timestamp_format; /* or NULL */
	gboolean document; /* free JSON */
	const char *payload; /* the member that is the body of a REST message; or NULL */
	/* of exceptions */
	gboolean is_error;
	const char *error_code;
	int status;
};

struct WireOperation {
	const char *name;
	const WireService *service;
	const char *method, *uri;
	int status; /* of a good answer */
	const WireShape *input, *output;
	const char *input_name, *input_namespace; /* of the body's element; or NULL */
	const char *result_wrapper; /* or NULL */
	GPtrArray *errors; /* of const WireShape* */
};

struct WireService {
	const char *name;
	const char *api_version, *endpoint_prefix, *signing_name, *target_prefix, *json_version,
		*service_id;
	const char *xml_namespace;
	WireProtocol protocol;
	GHashTable *operations; /* name -> WireOperation */
	GHashTable *other_operations; /* names that AWS has and we do not */
	GHashTable *shapes;
	GHashTable *errors; /* code -> WireShape */
};

/* The member of that name (as in the model), borrowed; or NULL. */
const Member *wire_member(const WireShape *shape, const char *name);
/* The services that we have models of, NULL-terminated. */
const char *const *wire_service_names(void);

typedef struct {
	const char *name; /* "ec2.json" */
	const char *text;
	gsize length;
} WireModelFile;
extern const WireModelFile wire_model_files[];
