/* The checksums that S3 knows, several at once over one stream of bytes. */
#pragma once

#include <glib.h>

typedef enum {
	S3_MD5,
	S3_SHA1,
	S3_SHA256,
	S3_SHA512,
	S3_CRC32,
	S3_CRC32C,
	S3_CRC64NVME,
	S3_N_DIGESTS,
} S3Digest;

#define S3_LARGEST_DIGEST 64

/* "CRC32" as the API names it; "x-amz-checksum-crc32"; "ChecksumCRC32", the models' member. */
const char *s3_digest_name(S3Digest digest);
const char *s3_digest_header(S3Digest digest);
const char *s3_digest_member(S3Digest digest);
gboolean s3_digest_is_crc(S3Digest digest);
/* By the API's name, or by the header's; FALSE if it is none of ours. */
gboolean s3_digest_by_name(const char *name, S3Digest *digest);
gboolean s3_digest_by_header(const char *header, S3Digest *digest);
gsize s3_digest_length(S3Digest digest);

typedef struct S3Digests S3Digests;
S3Digests *s3_digests_new(void);
void s3_digests_free(S3Digests *digests);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(S3Digests, s3_digests_free)
/* Before the first byte. */
void s3_digests_want(S3Digests *digests, S3Digest digest);
gboolean s3_digests_has(const S3Digests *digests, S3Digest digest);
void s3_digests_update(S3Digests *digests, const void *bytes, gsize length);
void s3_digests_end(S3Digests *digests);
/* After the end. The bytes, borrowed; text, caller frees. */
const guint8 *s3_digests_bytes(const S3Digests *digests, S3Digest digest);
char *s3_digests_hex(const S3Digests *digests, S3Digest digest);
char *s3_digests_base64(const S3Digests *digests, S3Digest digest);

/* The CRC of two stretches one behind the other, out of both (big-endian bytes, in place of the
 * first). */
void s3_crc_combine(S3Digest digest, guint8 *first, const guint8 *second, gint64 second_length);
