/* S3's bodies in pieces, and its checksums. */
#include <string.h>

#include "region/services/s3/chunked.h"
#include "region/services/s3/digest.h"

static gboolean append(const void *bytes, gsize length, gpointer data) {
	g_string_append_len(data, bytes, (gssize)length);
	return TRUE;
}

/* Feeds a body in pieces of every size: what comes out must not depend on it. */
static void test_chunks(void) {
	static const char body[] = "4\r\nabcd\r\n5;chunk-signature=00\r\nef\r\ng\r\n0\r\n"
				   "x-amz-checksum-crc32: AAAA\r\nX-Other:b\r\n\r\n";
	for (gsize step = 1; step < sizeof body; step++) {
		g_autoptr(GString) out = g_string_new(NULL);
		g_autoptr(S3Chunked) chunked = s3_chunked_new(append, out, NULL, NULL);
		g_autoptr(GError) error = NULL;
		for (gsize at = 0; at < strlen(body); at += step) {
			g_assert_true(s3_chunked_feed(
				chunked, body + at, MIN(step, strlen(body) - at), &error));
			g_assert_no_error(error);
		}
		g_assert_cmpstr(out->str, ==, "abcdef\r\ng");
		g_assert_true(s3_chunked_is_complete(chunked));
		g_assert_cmpstr(s3_chunked_trailer(chunked, "x-amz-checksum-crc32"), ==, "AAAA");
		g_assert_cmpstr(s3_chunked_trailer(chunked, "x-other"), ==, "b");
		g_assert_null(s3_chunked_trailer(chunked, "none"));
	}
}

static void test_broken_chunks(void) {
	static const char *const bodies[] = {
		"z\r\n", "2\r\nabc", "2 \r\nab\r\n", "0\r\nnothing\r\n"};
	for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		g_autoptr(S3Chunked) chunked = s3_chunked_new(append, out, NULL, NULL);
		g_autoptr(GError) error = NULL;
		gboolean fine = s3_chunked_feed(chunked, bodies[i], strlen(bodies[i]), &error) &&
				s3_chunked_feed(chunked, "\n", 1, &error);
		g_assert_false(fine);
		g_assert_cmpstr(wire_error_code(error), ==, "IncompleteBody");
	}
}

/* The example of the S3 API reference, "Signature calculations: transferring payload in multiple
 * chunks": 66560 letters in pieces of 65536, 1024 and 0. */
static gboolean feed_example(const char *second_signature, gsize *length) {
	SigV4Claim claim = {.date = (char *)"20130524",
		.region = (char *)"us-east-1",
		.service = (char *)"s3",
		.signature =
			(char *)"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
		.time = 1369353600};
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(S3Chunked) chunked =
		s3_chunked_new(append, out, &claim, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
	g_autoptr(GString) body = g_string_new(
		"10000;chunk-signature="
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n");
	for (guint i = 0; i < 65536; i++)
		g_string_append_c(body, 'a');
	g_string_append_printf(body, "\r\n400;chunk-signature=%s\r\n", second_signature);
	for (guint i = 0; i < 1024; i++)
		g_string_append_c(body, 'a');
	g_string_append(body,
		"\r\n0;chunk-signature="
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
	gboolean fine = s3_chunked_feed(chunked, body->str, body->len, NULL);
	*length = out->len;
	return fine && s3_chunked_is_complete(chunked);
}

static void test_signed_chunks(void) {
	gsize length;
	g_assert_true(feed_example(
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", &length));
	g_assert_cmpuint(length, ==, 66560);
	g_assert_false(feed_example(
		"1055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", &length));
}

/* ---- checksums ---- */

/* The check values of the catalogue of parametrised CRC algorithms, of "123456789". */
static void test_digests(void) {
	static const struct {
		S3Digest digest;
		const char *hex;
	} cases[] = {{S3_CRC32, "cbf43926"}, {S3_CRC32C, "e3069283"},
		{S3_CRC64NVME, "ae8b14860a799888"}, {S3_MD5, "25f9e794323b453885f5181f1b624d0b"},
		{S3_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"}};
	g_autoptr(S3Digests) digests = s3_digests_new();
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		s3_digests_want(digests, cases[i].digest);
	s3_digests_update(digests, "1", 1);
	s3_digests_update(digests, "23456789", 8);
	s3_digests_end(digests);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *hex = s3_digests_hex(digests, cases[i].digest);
		g_assert_cmpstr(hex, ==, cases[i].hex);
	}
}

static void crc_of(S3Digest digest, const char *bytes, gsize length, guint8 *out) {
	g_autoptr(S3Digests) digests = s3_digests_new();
	s3_digests_want(digests, digest);
	s3_digests_update(digests, bytes, length);
	s3_digests_end(digests);
	memcpy(out, s3_digests_bytes(digests, digest), s3_digest_length(digest));
}

static void test_combine(void) {
	char bytes[5000];
	for (guint i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31 + i / 7);
	for (S3Digest digest = S3_CRC32; digest <= S3_CRC64NVME; digest++)
		for (gsize cut = 0; cut <= sizeof bytes; cut += 617) {
			guint8 whole[8], first[8], second[8];
			crc_of(digest, bytes, sizeof bytes, whole);
			crc_of(digest, bytes, cut, first);
			crc_of(digest, bytes + cut, sizeof bytes - cut, second);
			s3_crc_combine(digest, first, second, (gint64)(sizeof bytes - cut));
			g_assert_cmpmem(
				first, s3_digest_length(digest), whole, s3_digest_length(digest));
		}
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/s3/chunks", test_chunks);
	g_test_add_func("/s3/broken-chunks", test_broken_chunks);
	g_test_add_func("/s3/signed-chunks", test_signed_chunks);
	g_test_add_func("/s3/digests", test_digests);
	g_test_add_func("/s3/combine", test_combine);
	return g_test_run();
}
