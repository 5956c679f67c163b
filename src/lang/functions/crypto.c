/* Hash and crypto functions. */
#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "lang/functions/functions.h"

Value lang_hash(const void *bytes, gsize length, GChecksumType type, gboolean base64) {
	g_autoptr(GChecksum) checksum = g_checksum_new(type);
	g_checksum_update(checksum, bytes, (gssize)length);
	if (!base64)
		return value_string(g_checksum_get_string(checksum));
	guint8 digest[64];
	gsize size = sizeof digest;
	g_checksum_get_digest(checksum, digest, &size);
	return value_string_take(g_base64_encode(digest, size));
}

static Value hash(Value text, GChecksumType type, gboolean base64) {
	return lang_hash(value_text(text), value_text_length(text), type, base64);
}

FUNCTION(md5) {
	return hash(arguments[0], G_CHECKSUM_MD5, FALSE);
}

FUNCTION(sha1) {
	return hash(arguments[0], G_CHECKSUM_SHA1, FALSE);
}

FUNCTION(sha256) {
	return hash(arguments[0], G_CHECKSUM_SHA256, FALSE);
}

FUNCTION(sha512) {
	return hash(arguments[0], G_CHECKSUM_SHA512, FALSE);
}

FUNCTION(base64sha256) {
	return hash(arguments[0], G_CHECKSUM_SHA256, TRUE);
}

FUNCTION(base64sha512) {
	return hash(arguments[0], G_CHECKSUM_SHA512, TRUE);
}

FUNCTION(bcrypt) {
	gint64 cost = n > 1 ? value_to_int(arguments[1], 0) : 10;
	if (n > 2)
		return lang_function_fail(
			blame, 2, problem, "bcrypt() takes no more than two arguments");
	if (cost < 4 || cost > 31)
		return lang_function_fail(blame, 1, problem, "the cost must be between 4 and 31");
	char *salt = crypt_gensalt_ra("$2a$", (unsigned long)cost, NULL, 0);
	struct crypt_data data = {0};
	char *hashed = salt ? crypt_r(value_text(arguments[0]), salt, &data) : NULL;
	free(salt);
	if (!hashed || *hashed == '*')
		return lang_function_fail(
			blame, 0, problem, "error occurred generating password hash");
	return value_string(hashed);
}

FUNCTION(uuid) {
	return value_string_take(g_uuid_string_random());
}

/* Version 5 (RFC 4122): SHA-1 of the namespace's bytes and the name. */
static gboolean namespace_bytes(const char *name, guint8 bytes[16]) {
	static const struct {
		const char *name, *uuid;
	} known[] = {
		{"dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"},
		{"oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"},
		{"x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_equal(known[i].name, name))
			name = known[i].uuid;
	if (!g_uuid_string_is_valid(name))
		return FALSE;
	guint at = 0;
	for (; at < 16; name++)
		if (*name != '-') {
			bytes[at++] = (guint8)(g_ascii_xdigit_value(name[0]) << 4 |
					       g_ascii_xdigit_value(name[1]));
			name++;
		}
	return TRUE;
}

FUNCTION(uuidv5) {
	guint8 space[16], digest[20];
	gsize size = sizeof digest;
	if (!namespace_bytes(value_text(arguments[0]), space))
		return lang_function_fail(blame, 0, problem,
			"uuidv5() doesn't support namespace %s", value_text(arguments[0]));
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(checksum, space, sizeof space);
	g_checksum_update(checksum, (const guchar *)value_text(arguments[1]),
		(gssize)value_text_length(arguments[1]));
	g_checksum_get_digest(checksum, digest, &size);
	digest[6] = (digest[6] & 0x0f) | 0x50;
	digest[8] = (digest[8] & 0x3f) | 0x80;
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < 16; i++)
		g_string_append_printf(
			out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", digest[i]);
	return value_string_take(g_string_free(out, FALSE));
}

/* rsadecrypt(ciphertext in Base64, private key in PEM), PKCS #1 v1.5. */
FUNCTION(rsadecrypt) {
	gsize length;
	g_autofree guchar *cipher = g_base64_decode(value_text(arguments[0]), &length);
	BIO *bio = BIO_new_mem_buf(value_text(arguments[1]), -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!key)
		return lang_function_fail(blame, 1, problem, "invalid key: not a PEM private key");
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	guchar plain[4096];
	size_t size = sizeof plain;
	gboolean fine = EVP_PKEY_decrypt_init(context) > 0 &&
			EVP_PKEY_decrypt(context, plain, &size, cipher, length) > 0;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	if (!fine)
		return lang_function_fail(blame, 0, problem, "failed to decrypt: decryption error");
	return value_string_sized((const char *)plain, size);
}

const LangFunctionSpec lang_crypto_specs[] = {
	{"base64sha256", call_base64sha256, "str:s", 's'},
	{"base64sha512", call_base64sha512, "str:s", 's'},
	{"bcrypt", call_bcrypt, "str:s *cost:n", 's', TRUE},
	{"md5", call_md5, "str:s", 's'},
	{"rsadecrypt", call_rsadecrypt, "ciphertext:s privatekey:s", 's'},
	{"sha1", call_sha1, "str:s", 's'},
	{"sha256", call_sha256, "str:s", 's'},
	{"sha512", call_sha512, "str:s", 's'},
	{"uuid", call_uuid, "", 's', TRUE},
	{"uuidv5", call_uuidv5, "namespace:s name:s", 's'},
	{NULL},
};
