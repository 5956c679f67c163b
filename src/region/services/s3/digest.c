/* MD5 and SHA by libcrypto, the CRCs by tables of eight bytes a step. See digest.h. */
#include "region/services/s3/digest.h"

#include <openssl/evp.h>
#include <string.h>

static const struct {
	const char *name, *header, *member;
	gsize length;
	guint64 polynomial; /* reflected; 0: no CRC */
} digests[S3_N_DIGESTS] = {
	[S3_MD5] = {"MD5", "x-amz-checksum-md5", "ChecksumMD5", 16, 0},
	[S3_SHA1] = {"SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20, 0},
	[S3_SHA256] = {"SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32, 0},
	[S3_SHA512] = {"SHA512", "x-amz-checksum-sha512", "ChecksumSHA512", 64, 0},
	[S3_CRC32] = {"CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4, 0xEDB88320},
	[S3_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4, 0x82F63B78},
	[S3_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8,
		0x9A6C9329AC4BC9B5},
};

const char *s3_digest_name(S3Digest digest) {
	return digests[digest].name;
}

const char *s3_digest_header(S3Digest digest) {
	return digests[digest].header;
}

const char *s3_digest_member(S3Digest digest) {
	return digests[digest].member;
}

gboolean s3_digest_is_crc(S3Digest digest) {
	return digests[digest].polynomial != 0;
}

gsize s3_digest_length(S3Digest digest) {
	return digests[digest].length;
}

gboolean s3_digest_by_name(const char *name, S3Digest *digest) {
	for (guint i = 0; i < S3_N_DIGESTS; i++)
		if (g_ascii_strcasecmp(digests[i].name, name) == 0) {
			*digest = (S3Digest)i;
			return TRUE;
		}
	return FALSE;
}

gboolean s3_digest_by_header(const char *header, S3Digest *digest) {
	for (guint i = 0; i < S3_N_DIGESTS; i++)
		if (g_ascii_strcasecmp(digests[i].header, header) == 0) {
			*digest = (S3Digest)i;
			return TRUE;
		}
	return FALSE;
}

/* ---- CRCs ---- */

typedef guint64 CrcTables[8][256];

static gpointer make_tables(gpointer data) {
	guint64 polynomial = digests[GPOINTER_TO_INT(data)].polynomial;
	guint64(*tables)[256] = g_malloc(sizeof(CrcTables));
	for (guint i = 0; i < 256; i++) {
		guint64 crc = i;
		for (guint bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >> 1) ^ polynomial : crc >> 1;
		tables[0][i] = crc;
	}
	for (guint i = 0; i < 256; i++)
		for (guint k = 1; k < 8; k++)
			tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFF];
	return tables;
}

static guint64 (*tables_of(S3Digest digest))[256] {
	static GOnce once[S3_N_DIGESTS];
	return g_once(&once[digest], make_tables, GINT_TO_POINTER(digest));
}

static guint64 ones(S3Digest digest) {
	return digests[digest].length == 8 ? G_MAXUINT64 : G_MAXUINT32;
}

/* The register of 64 bits holds those of 32 in its lower half: the tables do the rest. */
static guint64 crc_update(S3Digest digest, guint64 crc, const guint8 *at, gsize length) {
	guint64(*tables)[256] = tables_of(digest);
	for (; length >= 8; length -= 8, at += 8) {
		guint64 word;
		memcpy(&word, at, 8);
		word = GUINT64_FROM_LE(word) ^ crc;
		crc = tables[7][word & 0xFF] ^ tables[6][word >> 8 & 0xFF] ^
		      tables[5][word >> 16 & 0xFF] ^ tables[4][word >> 24 & 0xFF] ^
		      tables[3][word >> 32 & 0xFF] ^ tables[2][word >> 40 & 0xFF] ^
		      tables[1][word >> 48 & 0xFF] ^ tables[0][word >> 56];
	}
	for (; length > 0; length--, at++)
		crc = tables[0][(crc ^ *at) & 0xFF] ^ (crc >> 8);
	return crc;
}

static guint64 read_big_endian(const guint8 *bytes, gsize length) {
	guint64 value = 0;
	for (gsize i = 0; i < length; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void write_big_endian(guint8 *bytes, gsize length, guint64 value) {
	for (gsize i = length; i > 0; i--, value >>= 8)
		bytes[i - 1] = (guint8)value;
}

/* Matrices over GF(2): what a register becomes by a number of zero bits, squared for twice as many
 * (the method of Mark Adler's crc32_combine). */
static guint64 matrix_times(const guint64 *matrix, guint64 vector) {
	guint64 sum = 0;
	for (; vector; vector >>= 1, matrix++)
		if (vector & 1)
			sum ^= *matrix;
	return sum;
}

static void matrix_square(guint64 *square, const guint64 *matrix, guint width) {
	for (guint i = 0; i < width; i++)
		square[i] = matrix_times(matrix, matrix[i]);
}

void s3_crc_combine(S3Digest digest, guint8 *first, const guint8 *second, gint64 second_length) {
	guint width = (guint)digests[digest].length * 8;
	guint64 even[64], odd[64];
	guint64 crc = read_big_endian(first, width / 8);
	odd[0] = digests[digest].polynomial; /* one zero bit */
	for (guint i = 1; i < width; i++)
		odd[i] = (guint64)1 << (i - 1);
	matrix_square(even, odd, width); /* two */
	matrix_square(odd, even, width); /* four */
	for (guint64 left = (guint64)second_length; left > 0;) {
		matrix_square(even, odd, width); /* eight, that is a byte, and so on */
		if (left & 1)
			crc = matrix_times(even, crc);
		left >>= 1;
		if (left == 0)
			break;
		matrix_square(odd, even, width);
		if (left & 1)
			crc = matrix_times(odd, crc);
		left >>= 1;
	}
	crc ^= read_big_endian(second, width / 8);
	write_big_endian(first, width / 8, crc);
}

/* ---- several at once ---- */

struct S3Digests {
	gboolean wanted[S3_N_DIGESTS];
	EVP_MD_CTX *contexts[S3_N_DIGESTS];
	guint64 crcs[S3_N_DIGESTS];
	guint8 bytes[S3_N_DIGESTS][S3_LARGEST_DIGEST];
};

S3Digests *s3_digests_new(void) {
	return g_new0(S3Digests, 1);
}

void s3_digests_free(S3Digests *all) {
	if (!all)
		return;
	for (guint i = 0; i < S3_N_DIGESTS; i++)
		EVP_MD_CTX_free(all->contexts[i]);
	g_free(all);
}

static const EVP_MD *method(S3Digest digest) {
	switch (digest) {
	case S3_MD5:
		return EVP_md5();
	case S3_SHA1:
		return EVP_sha1();
	case S3_SHA256:
		return EVP_sha256();
	default:
		return EVP_sha512();
	}
}

void s3_digests_want(S3Digests *all, S3Digest digest) {
	if (all->wanted[digest])
		return;
	all->wanted[digest] = TRUE;
	all->crcs[digest] = ones(digest);
	if (s3_digest_is_crc(digest))
		return;
	all->contexts[digest] = EVP_MD_CTX_new();
	if (EVP_DigestInit_ex(all->contexts[digest], method(digest), NULL) != 1)
		g_error("libcrypto has no %s", s3_digest_name(digest));
}

gboolean s3_digests_has(const S3Digests *all, S3Digest digest) {
	return all->wanted[digest];
}

void s3_digests_update(S3Digests *all, const void *bytes, gsize length) {
	for (guint i = 0; i < S3_N_DIGESTS; i++) {
		if (all->contexts[i])
			EVP_DigestUpdate(all->contexts[i], bytes, length);
		else if (all->wanted[i])
			all->crcs[i] = crc_update((S3Digest)i, all->crcs[i], bytes, length);
	}
}

void s3_digests_end(S3Digests *all) {
	for (guint i = 0; i < S3_N_DIGESTS; i++) {
		if (all->contexts[i])
			EVP_DigestFinal_ex(all->contexts[i], all->bytes[i], NULL);
		else if (all->wanted[i])
			write_big_endian(
				all->bytes[i], digests[i].length, all->crcs[i] ^ ones((S3Digest)i));
	}
}

const guint8 *s3_digests_bytes(const S3Digests *all, S3Digest digest) {
	return all->bytes[digest];
}

char *s3_digests_hex(const S3Digests *all, S3Digest digest) {
	GString *hex = g_string_new(NULL);
	for (gsize i = 0; i < digests[digest].length; i++)
		g_string_append_printf(hex, "%02x", all->bytes[digest][i]);
	return g_string_free(hex, FALSE);
}

char *s3_digests_base64(const S3Digests *all, S3Digest digest) {
	return g_base64_encode(all->bytes[digest], digests[digest].length);
}
