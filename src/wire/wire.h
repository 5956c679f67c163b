/*
 * The wire: AWS API models and the protocols that they speak (ec2, query, json 1.0/1.1, rest-json,
 * rest-xml, and rpc-v2-cbor for the services that list it), in both directions. Everything here
 * comes from models/<service>.json, compiled in as tables; no operation has code of its own.
 *
 * Data are Values shaped by the model: structures are objects by member name, lists are tuples,
 * maps are objects, timestamps are numbers (epoch seconds, fractions kept), blobs are strings of
 * the raw bytes. Absent members are absent, never null.
 */
#pragma once

#include <glib.h>

#include "value/value.h"

/* ---- models ---- */

typedef struct WireService WireService;
typedef struct WireOperation WireOperation;
typedef struct WireShape WireShape;

/* By our name of it: the model's file name ("ec2", "elbv2", "ecs", "ecr", "rds", "iam", "sts",
 * "secretsmanager", "logs", "servicediscovery", "s3", …). NULL if we have no such model. */
const WireService *wire_service(const char *name);
const char *wire_service_name(const WireService *service);
const char *wire_service_api_version(const WireService *service); /* "2016-11-15" */
const char *wire_service_signing_name(const WireService *service); /* "elasticloadbalancing" */
const char *wire_service_endpoint_prefix(const WireService *service);
const WireOperation *wire_operation(const WireService *service, const char *name); /* or NULL */
const char *wire_operation_name(const WireOperation *operation);
const WireService *wire_operation_service(const WireOperation *operation);
/* The model's input and output structures; NULL where the operation has none. */
const WireShape *wire_operation_input(const WireOperation *operation);
const WireShape *wire_operation_output(const WireOperation *operation);
/* Member of a structure shape by name, or NULL; and the element of a list. For checks of .hcl
 * files. */
const WireShape *wire_shape_member(const WireShape *shape, const char *name);
const WireShape *wire_shape_element(const WireShape *shape);

/* ---- errors ---- */

/* A GError of this domain carries an AWS error: its code ("InvalidVpcID.NotFound"), HTTP status and
 * message. Codes of the GError itself say whose fault it is. */
#define WIRE_ERROR (wire_error_quark())
GQuark wire_error_quark(void);
typedef enum {
	WIRE_ERROR_SENDER, /* 4xx: an answer of the API */
	WIRE_ERROR_RECEIVER, /* 5xx: an answer of the API */
	WIRE_ERROR_TRANSPORT, /* no answer: refused, timed out, no such host */
	WIRE_ERROR_MALFORMED, /* an answer that we could not read */
} WireErrorCode;

/* Makes one for an answer. Status 400 unless the model gives the code another one. */
void wire_error_set(GError **error, const char *code, const char *message, ...) G_GNUC_PRINTF(3, 4);
void wire_error_set_status(GError **error, int status, const char *code, const char *message, ...)
	G_GNUC_PRINTF(4, 5);
/* The AWS code, "" if it has none (transport), borrowed from the error. */
const char *wire_error_code(const GError *error);
/* The status given, or 0 for "the model's". */
int wire_error_status(const GError *error);
/* Further members of the error structure (ECS's, S3's Resource…): an object, or null. Borrowed /
 * taken. */
Value wire_error_members(const GError *error);
void wire_error_set_members_take(GError *error, Value members);

/* ---- HTTP messages ---- */

/* Headers: names in lower case, one value each. */
typedef struct {
	char *method; /* "POST" */
	char *path; /* as sent, still percent-encoded, beginning with / */
	char *query; /* as sent, without ?, "" if none */
	GHashTable *headers; /* char* -> char* */
	GBytes *body;
	char *peer; /* the address that it came from ("10.0.0.130"); NULL if that is not known */
	char *vpc; /* the VPC that it came out of, by the door there; NULL: from this machine */
	gboolean streamed; /* the body went elsewhere, and who took it checks its digest */
} WireRequest;

typedef struct {
	int status;
	GHashTable *headers; /* char* -> char* */
	GBytes *body;
	int file; /* the body is this part of a file instead (server only); else -1 */
	goffset file_offset, file_length;
} WireResponse;

/* Copy what they are given. query: without the question mark. */
WireRequest *wire_request_new(const char *method, const char *path, const char *query);
void wire_request_free(WireRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireRequest, wire_request_free)
WireResponse *wire_response_new(int status);
void wire_response_free(WireResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireResponse, wire_response_free)
/* Sets a header (name is lowered), copying. */
void wire_request_set_header(WireRequest *request, const char *name, const char *value);
void wire_response_set_header(WireResponse *response, const char *name, const char *value);
/* Sets the body: bytes (copied) of a content type; or a part of a file, taking `fd`. */
void wire_response_set_body(
	WireResponse *response, const char *content_type, const void *bytes, gsize length);
void wire_response_take_file(WireResponse *response, int fd, goffset offset, goffset length);

/* ---- server side ---- */

typedef enum {
	WIRE_PROTOCOL_EC2,
	WIRE_PROTOCOL_QUERY,
	WIRE_PROTOCOL_JSON,
	WIRE_PROTOCOL_REST_JSON,
	WIRE_PROTOCOL_REST_XML,
	WIRE_PROTOCOL_CBOR,
} WireProtocol;

typedef struct {
	const WireService *service;
	const WireOperation *operation; /* NULL: unknown */
	WireProtocol protocol;
} WireRoute;

/* Which operation a request means, from the signing scope's service name, X-Amz-Target, the host,
 * the path and the form's Action and Version, and in which of the service's protocols it speaks. On
 * failure sets the error AWS gives (UnknownOperationException, InvalidAction…) and, if at least the
 * service is clear, route->service for the error's shape. */
gboolean wire_route(const WireRequest *request, WireRoute *route, GError **error);

/* Reads the input and validates it by the model: required members, ranges, lengths, patterns,
 * enums, with the error code and message that the service gives (ValidationException with AWS's
 * sentence, MissingParameter in EC2, …). */
Value wire_decode_input(const WireRoute *route, const WireRequest *request, GError **error);
/* Writes an answer. Members that the model lacks are a programmer's error, reported by g_critical.
 */
WireResponse *wire_encode_output(const WireRoute *route, Value output, const char *request_id);
/* Writes an error (any GError; not of WIRE_ERROR: InternalFailure 500). route->service may be NULL.
 */
WireResponse *wire_encode_error(
	const WireRoute *route, const GError *error, const char *request_id);

/* ---- client side ---- */

/* The request of a call, by the model: not signed. NULL and an error for input that does not fit.
 * Caller frees. */
WireRequest *wire_encode_input(const WireOperation *operation, Value input, GError **error);
/* Output of a good answer, or the answer's error. */
Value wire_decode_output(
	const WireOperation *operation, const WireResponse *response, GError **error);
