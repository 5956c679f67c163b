/* The REST protocols (rest-xml, rest-json), inside this room: members stand in the path, the query,
 * the headers, or are the body. */
#pragma once

#include "wire/codec.h"

/* The operation of a service whose method and path the request has; of several the one that asks
 * for most of what is there (GET /bucket/key?uploadId=… is ListParts, not GetObject). NULL: none.
 */
const WireOperation *wire_rest_match(const WireService *service, const WireRequest *request);
/* Whether a request is for S3: by the scope of its signature, or by its host's name. */
gboolean wire_is_s3(const WireRequest *request, const char *scope);

/* Server side. */
Value wire_rest_decode_input(const WireRoute *route, const WireRequest *request, GError **error);
WireResponse *wire_rest_encode_output(const WireRoute *route, Value output, const char *request_id);

/* Client side. */
WireRequest *wire_rest_encode_input(const WireOperation *operation, Value input, GError **error);
Value wire_rest_decode_output(
	const WireOperation *operation, const WireResponse *response, GError **error);

/* ---- what both need (rest.c) ---- */

/* Text of a path, a query or a header as the member's value; *error if it is none. */
Value wire_rest_value_of_text(const Member *member, const char *text, GError **error);
/* And back. Caller frees. */
char *wire_rest_text_of_value(const Member *member, Value value);
/* The structure's members without a place of their own. The caller owns it. */
Value wire_rest_body_members(const WireShape *shape, Value value);
gboolean wire_rest_has_body_members(const WireShape *shape);
/* Members of headers, out of a message's headers into `object`. */
gboolean wire_rest_read_headers(
	const WireShape *shape, GHashTable *headers, ValueBuilder *object, GError **error);
/* The members of the body into `object`: the payload, or those without another place. */
gboolean wire_rest_read_body(const WireService *service, const WireShape *shape, GBytes *body,
	ValueBuilder *object, GError **error);
/* Calls `set` for each header that the value's members make. */
typedef void (*WireRestSetHeader)(gpointer message, const char *name, const char *value);
void wire_rest_write_headers(
	const WireShape *shape, Value value, WireRestSetHeader set, gpointer message);
/* The body that the value makes, its content type in *type (NULL: none is said). `root` and
 * `namespace` are of XML's outermost element where no payload names it. */
GBytes *wire_rest_write_body(const WireService *service, const WireShape *shape, Value value,
	const char *root, const char *namespace, const char **type);
