/* aws-chunked bodies. See chunked.h. */
#include "region/services/s3/chunked.h"

#include <string.h>

#define LONGEST_LINE 8192
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef enum {
	STATE_SIZE, /* a line: "400;chunk-signature=…" */
	STATE_DATA,
	STATE_DATA_END, /* the line break behind it */
	STATE_TRAILER, /* a line: "x-amz-checksum-crc32:…", or an empty one: the end */
	STATE_DONE,
} State;

struct S3Chunked {
	S3ChunkedWrite write;
	gpointer data;
	const SigV4Claim *claim;
	const char *secret;
	State state;
	GString *line;
	guint64 left; /* of the piece */
	gboolean last; /* the piece is the empty one */
	GHashTable *trailers;
	GString *trailer_text; /* as its signature wants it */
	GChecksum *checksum; /* of the piece, if signatures are checked */
	char *previous, *expected; /* signatures */
};

S3Chunked *s3_chunked_new(
	S3ChunkedWrite write, gpointer data, const SigV4Claim *claim, const char *secret) {
	S3Chunked *chunked = g_new0(S3Chunked, 1);
	chunked->write = write;
	chunked->data = data;
	chunked->claim = claim;
	chunked->secret = claim ? secret : NULL;
	chunked->line = g_string_new(NULL);
	chunked->trailers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	chunked->trailer_text = g_string_new(NULL);
	chunked->previous = claim ? g_strdup(claim->signature) : NULL;
	if (chunked->secret)
		chunked->checksum = g_checksum_new(G_CHECKSUM_SHA256);
	return chunked;
}

void s3_chunked_free(S3Chunked *chunked) {
	if (!chunked)
		return;
	g_string_free(chunked->line, TRUE);
	g_hash_table_unref(chunked->trailers);
	g_string_free(chunked->trailer_text, TRUE);
	g_clear_pointer(&chunked->checksum, g_checksum_free);
	g_free(chunked->previous);
	g_free(chunked->expected);
	g_free(chunked);
}

static gboolean malformed(GError **error, const char *what) {
	wire_error_set(
		error, "IncompleteBody", "The request body terminated unexpectedly: %s", what);
	return FALSE;
}

/* ---- signatures ---- */

static gboolean check_signature(S3Chunked *chunked, const char *kind, const char *hashes,
	const char *given, GError **error) {
	g_autofree char *right = sigv4_chunk_signature(
		chunked->claim, chunked->secret, kind, chunked->previous, hashes);
	if (g_strcmp0(right, given) != 0) {
		wire_error_set_status(error, 403, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you "
			"provided. Check your key and signing method.");
		return FALSE;
	}
	g_free(chunked->previous);
	chunked->previous = g_steal_pointer(&right);
	return TRUE;
}

static gboolean check_piece(S3Chunked *chunked, GError **error) {
	if (!chunked->secret)
		return TRUE;
	g_autofree char *hashes =
		g_strdup_printf(EMPTY_SHA256 "\n%s", g_checksum_get_string(chunked->checksum));
	g_checksum_reset(chunked->checksum);
	return check_signature(
		chunked, "AWS4-HMAC-SHA256-PAYLOAD", hashes, chunked->expected, error);
}

static gboolean check_trailers(S3Chunked *chunked, GError **error) {
	const char *given = g_hash_table_lookup(chunked->trailers, "x-amz-trailer-signature");
	if (!chunked->secret || !given)
		return TRUE;
	g_autofree char *hash = g_compute_checksum_for_string(
		G_CHECKSUM_SHA256, chunked->trailer_text->str, (gssize)chunked->trailer_text->len);
	return check_signature(chunked, "AWS4-HMAC-SHA256-TRAILER", hash, given, error);
}

/* ---- lines ---- */

static gboolean take_size(S3Chunked *chunked, const char *line, GError **error) {
	static const char extension[] = ";chunk-signature=";
	char *end;
	chunked->left = g_ascii_strtoull(line, &end, 16);
	if (end == line || (*end && *end != ';'))
		return malformed(error, "a piece has no length");
	g_clear_pointer(&chunked->expected, g_free);
	if (g_str_has_prefix(end, extension))
		chunked->expected = g_strdup(end + strlen(extension));
	else if (chunked->secret)
		return malformed(error, "a piece is not signed");
	chunked->last = chunked->left == 0;
	if (chunked->last && !check_piece(chunked, error))
		return FALSE;
	chunked->state = chunked->last ? STATE_TRAILER : STATE_DATA;
	return TRUE;
}

static gboolean take_trailer(S3Chunked *chunked, char *line, GError **error) {
	if (!*line) {
		chunked->state = STATE_DONE;
		return check_trailers(chunked, error);
	}
	char *colon = strchr(line, ':');
	if (!colon)
		return malformed(error, "a trailing header has no colon");
	*colon = '\0';
	char *name = g_ascii_strdown(g_strstrip(line), -1);
	char *value = g_strdup(g_strstrip(colon + 1));
	if (!g_str_equal(name, "x-amz-trailer-signature"))
		g_string_append_printf(chunked->trailer_text, "%s:%s\n", name, value);
	g_hash_table_insert(chunked->trailers, name, value);
	return TRUE;
}

static gboolean take_line(S3Chunked *chunked, GError **error) {
	g_autofree char *line = g_strndup(chunked->line->str, chunked->line->len);
	g_string_truncate(chunked->line, 0);
	switch (chunked->state) {
	case STATE_SIZE:
		return take_size(chunked, line, error);
	case STATE_DATA_END:
		chunked->state = STATE_SIZE;
		return !*line || malformed(error, "a piece is longer than it says");
	default:
		return take_trailer(chunked, line, error);
	}
}

/* Up to the line's end, or all there is. Returns how much was taken; 0: a mistake. */
static gsize read_line(S3Chunked *chunked, const char *bytes, gsize length, GError **error) {
	const char *newline = memchr(bytes, '\n', length);
	gsize taken = newline ? (gsize)(newline - bytes) + 1 : length;
	g_string_append_len(chunked->line, bytes, (gssize)(newline ? taken - 1 : taken));
	if (chunked->line->len > LONGEST_LINE) {
		malformed(error, "a line is too long");
		return 0;
	}
	if (!newline)
		return taken;
	if (chunked->line->len > 0 && chunked->line->str[chunked->line->len - 1] == '\r')
		g_string_truncate(chunked->line, chunked->line->len - 1);
	return take_line(chunked, error) ? taken : 0;
}

static gsize read_data(S3Chunked *chunked, const char *bytes, gsize length, GError **error) {
	gsize taken = (gsize)MIN(chunked->left, (guint64)length);
	if (chunked->checksum)
		g_checksum_update(chunked->checksum, (const guchar *)bytes, (gssize)taken);
	if (!chunked->write(bytes, taken, chunked->data))
		return 0;
	chunked->left -= taken;
	if (chunked->left > 0)
		return taken;
	chunked->state = STATE_DATA_END;
	return check_piece(chunked, error) ? taken : 0;
}

gboolean s3_chunked_feed(S3Chunked *chunked, const void *bytes, gsize length, GError **error) {
	const char *at = bytes;
	while (length > 0 && chunked->state != STATE_DONE) {
		gsize taken = chunked->state == STATE_DATA ? read_data(chunked, at, length, error)
							   : read_line(chunked, at, length, error);
		if (taken == 0)
			return FALSE;
		at += taken;
		length -= taken;
	}
	return TRUE;
}

gboolean s3_chunked_is_complete(const S3Chunked *chunked) {
	/* Old clients end with the empty piece, without the empty line behind it. */
	return chunked->state == STATE_DONE || (chunked->state == STATE_TRAILER && chunked->last);
}

const char *s3_chunked_trailer(const S3Chunked *chunked, const char *name) {
	return g_hash_table_lookup(chunked->trailers, name);
}
