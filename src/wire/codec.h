/* The protocols' codecs, inside this room. */
#pragma once

#include "wire/model.h"

/* ---- JSON ---- */

/* A JSON body as the model's Values: blobs from Base64, timestamps as numbers. */
Value wire_json_decode(const WireShape *shape, const char *text, gsize length, GError **error);
/* And back. */
char *wire_json_encode(const WireShape *shape, Value value);

/* ---- forms (query and ec2) ---- */

/* "A=b&C.1=d" to name -> text (both owned by the table). */
GHashTable *wire_form_parse(const char *text, gsize length);
Value wire_form_decode(const WireShape *shape, GHashTable *form, gboolean ec2, GError **error);
/* The form of an operation's call, with Action and Version. */
char *wire_form_encode(const WireOperation *operation, Value input);

/* ---- XML ---- */

/* The members of a structure as elements. */
void wire_xml_encode(GString *out, const WireShape *shape, Value value, gboolean ec2);
/* An answer's body as the output's Values; `wrapper` is the element that holds them, or NULL: the
 * root. */
Value wire_xml_decode(const WireShape *shape, const char *wrapper, const char *text, gsize length,
	gboolean ec2, GError **error);
/* Code, message and members of an error's body. */
gboolean wire_xml_error(const char *text, gsize length, char **code, char **message);
void wire_xml_text(GString *out, const char *text, gsize length);
/* The text of the outermost element; NULL: it is no XML. Caller frees. */
char *wire_xml_root_text(const char *text, gsize length);

/* ---- timestamps ---- */

/* "2015-01-02T03:04:05Z" or with milliseconds. Caller frees. */
char *wire_time_iso8601(double seconds);
/* "Sun, 06 Nov 1994 08:49:37 GMT". Caller frees. */
char *wire_time_http(double seconds);
/* ISO 8601, RFC 822 or a number; null if it is none of them. */
Value wire_time_parse(const char *text);

/* ---- validation ---- */

/* Checks the input by the model; FALSE with the error that the service gives. */
gboolean wire_validate(const WireOperation *operation, Value input, GError **error);
