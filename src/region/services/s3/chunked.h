/*
 * Bodies of "Content-Encoding: aws-chunked": pieces with their length, perhaps with a signature
 * each (STREAMING-AWS4-HMAC-SHA256-PAYLOAD), perhaps with trailing headers (…-TRAILER), taken apart
 * as they arrive. Knows nothing of requests.
 */
#pragma once

#include <glib.h>

#include "wire/sigv4.h"

typedef struct S3Chunked S3Chunked;
/* What the pieces hold goes here; FALSE stops. */
typedef gboolean (*S3ChunkedWrite)(const void *bytes, gsize length, gpointer data);

/* With a claim and a secret, the signatures of the pieces are checked (both are borrowed, and must
 * live as long); without, they are only read over. */
S3Chunked *s3_chunked_new(
	S3ChunkedWrite write, gpointer data, const SigV4Claim *claim, const char *secret);
void s3_chunked_free(S3Chunked *chunked);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(S3Chunked, s3_chunked_free)
/* FALSE with error IncompleteBody or SignatureDoesNotMatch; or without one when `write` said so. */
gboolean s3_chunked_feed(S3Chunked *chunked, const void *bytes, gsize length, GError **error);
/* Whether the last piece was there, and the trailing headers behind it. */
gboolean s3_chunked_is_complete(const S3Chunked *chunked);
/* Of a trailing header (name in lower case); NULL if it was not there. Borrowed. */
const char *s3_chunked_trailer(const S3Chunked *chunked, const char *name);
