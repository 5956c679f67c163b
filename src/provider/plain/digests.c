/* Digests of files. See digests.h. */
#include "provider/plain/digests.h"

static Value set_take(Value object, const char *prefix, const char *name, char *text_taken) {
	g_autofree char *key = g_strconcat(prefix, name, NULL);
	return value_with_take(object, key, value_string_take(text_taken));
}

static char *base64_digest(GChecksumType type, const guint8 *bytes, gsize n) {
	g_autoptr(GChecksum) checksum = g_checksum_new(type);
	g_checksum_update(checksum, bytes, (gssize)n);
	guint8 digest[64];
	gsize size = sizeof digest;
	g_checksum_get_digest(checksum, digest, &size);
	return g_base64_encode(digest, size);
}

Value plain_with_digests_take(
	Value object, const char *prefix, const char *sha1_name, const guint8 *bytes, gsize n) {
	static const struct {
		const char *name;
		GChecksumType type;
	} hex[] = {{"md5", G_CHECKSUM_MD5}, {"sha256", G_CHECKSUM_SHA256},
		{"sha512", G_CHECKSUM_SHA512}};
	for (guint i = 0; i < G_N_ELEMENTS(hex); i++)
		object = set_take(object, prefix, hex[i].name,
			g_compute_checksum_for_data(hex[i].type, bytes, n));
	object = set_take(
		object, prefix, sha1_name, g_compute_checksum_for_data(G_CHECKSUM_SHA1, bytes, n));
	object = set_take(
		object, prefix, "base64sha256", base64_digest(G_CHECKSUM_SHA256, bytes, n));
	return set_take(object, prefix, "base64sha512", base64_digest(G_CHECKSUM_SHA512, bytes, n));
}
