/*
 * Keys of hashicorp/tls in their text forms: PEM as RFC 7468 has it (the private key in PKCS#1,
 * SEC 1 or PKCS#8, as the provider gives it), and OpenSSH's own (PROTOCOL.key, RFC 4253, RFC 5656,
 * RFC 8709). Relies on libcrypto for all cryptography.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "provider/tls/tls.h"

typedef struct {
	const char *name; /* of the argument ecdsa_curve */
	const char *group; /* OpenSSL's */
	const char *ssh; /* NULL: OpenSSH has none */
} Curve;

static const Curve curves[] = {{"P224", "secp224r1", NULL}, {"P256", "prime256v1", "nistp256"},
	{"P384", "secp384r1", "nistp384"}, {"P521", "secp521r1", "nistp521"}};

char *tls_bio_text(BIO *bio) {
	char *text;
	long length = BIO_get_mem_data(bio, &text);
	return g_strndup(text, (gsize)length);
}

Value tls_fail(Diags *diags, const char *doing) {
	char reason[256] = "";
	ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
	ERR_clear_error();
	return plain_fail(diags, "TLS error", "Failed to %s: %s.", doing, reason);
}

/* ---- keys ---- */

static const Curve *curve_of(const EVP_PKEY *key) {
	char group[64] = "";
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(curves); i++)
		if (g_str_equal(curves[i].group, group))
			return &curves[i];
	return NULL;
}

const char *tls_key_algorithm(const EVP_PKEY *key) {
	return EVP_PKEY_is_a(key, "RSA") ? "RSA" : EVP_PKEY_is_a(key, "EC") ? "ECDSA" : "ED25519";
}

EVP_PKEY *tls_key_generate(Value wanted, Diags *diags) {
	const char *algorithm = value_get_text(wanted, "algorithm");
	EVP_PKEY *key = NULL;
	if (g_str_equal(algorithm, "RSA"))
		key = EVP_RSA_gen((unsigned)value_get_int(wanted, "rsa_bits", 2048));
	else if (g_str_equal(algorithm, "ED25519"))
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	for (guint i = 0; i < G_N_ELEMENTS(curves) && g_str_equal(algorithm, "ECDSA"); i++)
		if (g_str_equal(curves[i].name, value_get_text(wanted, "ecdsa_curve")))
			key = EVP_EC_gen(curves[i].group);
	if (!key)
		tls_fail(diags, "generate the key");
	return key;
}

EVP_PKEY *tls_key_read(const char *pem, const char *argument, Diags *diags) {
	g_autoptr(BIO) bio = BIO_new_mem_buf(pem ? pem : "", -1);
	/* No passphrase is asked for. */
	g_autoptr(EVP_PKEY) key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	ERR_clear_error();
	if (key && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "ED25519") ||
			   (EVP_PKEY_is_a(key, "EC") && curve_of(key))))
		return g_steal_pointer(&key);
	plain_fail(diags, "Failed to parse private key PEM",
		"%s holds no private key in PEM form that is RSA, ECDSA (P224, P256, P384 or P521) "
		"or ED25519, and not encrypted.",
		argument);
	return NULL;
}

/* ---- OpenSSH's forms ---- */

static void add_bytes(GByteArray *out, const void *bytes, gsize length) {
	guint32 size = GUINT32_TO_BE((guint32)length);
	g_byte_array_append(out, (const guint8 *)&size, sizeof size);
	g_byte_array_append(out, bytes, (guint)length);
}

static void add_text(GByteArray *out, const char *text) {
	add_bytes(out, text, strlen(text));
}

/* A number: big-endian, with a zero byte before a first bit that would mean a sign. */
static void add_number(GByteArray *out, const EVP_PKEY *key, const char *name) {
	BIGNUM *number = NULL;
	if (!EVP_PKEY_get_bn_param(key, name, &number))
		return;
	int length = BN_num_bytes(number);
	g_autofree guint8 *bytes = g_malloc0((gsize)length + 1);
	BN_bn2bin(number, bytes + 1);
	gboolean high = length > 0 && (bytes[1] & 0x80);
	add_bytes(out, high ? bytes : bytes + 1, (gsize)length + high);
	OPENSSL_cleanse(bytes, (gsize)length + 1);
	BN_clear_free(number);
}

static void add_point(GByteArray *out, const EVP_PKEY *key) {
	guint8 point[256];
	gsize length = 0;
	EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &length);
	add_bytes(out, point, length);
}

static char *ssh_type(const EVP_PKEY *key) {
	if (EVP_PKEY_is_a(key, "RSA"))
		return g_strdup("ssh-rsa");
	if (EVP_PKEY_is_a(key, "ED25519"))
		return g_strdup("ssh-ed25519");
	const Curve *curve = curve_of(key);
	return curve && curve->ssh ? g_strconcat("ecdsa-sha2-", curve->ssh, NULL) : NULL;
}

static GByteArray *public_blob(const EVP_PKEY *key, const char *type) {
	GByteArray *blob = g_byte_array_new();
	add_text(blob, type);
	if (EVP_PKEY_is_a(key, "RSA")) {
		add_number(blob, key, OSSL_PKEY_PARAM_RSA_E);
		add_number(blob, key, OSSL_PKEY_PARAM_RSA_N);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		add_text(blob, curve_of(key)->ssh);
		add_point(blob, key);
	} else {
		guint8 bytes[32];
		gsize length = sizeof bytes;
		EVP_PKEY_get_raw_public_key(key, bytes, &length);
		add_bytes(blob, bytes, length);
	}
	return blob;
}

static void add_private(GByteArray *out, const EVP_PKEY *key) {
	static const char *const rsa[] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
		OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2};
	if (EVP_PKEY_is_a(key, "RSA")) {
		for (guint i = 0; i < G_N_ELEMENTS(rsa); i++)
			add_number(out, key, rsa[i]);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		add_text(out, curve_of(key)->ssh);
		add_point(out, key);
		add_number(out, key, OSSL_PKEY_PARAM_PRIV_KEY);
	} else {
		guint8 both[64];
		gsize length = 32;
		EVP_PKEY_get_raw_private_key(key, both, &length);
		EVP_PKEY_get_raw_public_key(key, both + 32, &length);
		add_bytes(out, both + 32, 32);
		add_bytes(out, both, sizeof both);
		OPENSSL_cleanse(both, sizeof both);
	}
}

/* openssh-key-v1, not encrypted. Caller frees. */
static char *private_openssh(const EVP_PKEY *key, const char *type) {
	static const char magic[] = "openssh-key-v1";
	static const guint8 one[4] = {0, 0, 0, 1};
	g_autoptr(GByteArray) blob = public_blob(key, type);
	g_autoptr(GByteArray) secret = g_byte_array_new();
	guint8 check[4];
	RAND_bytes(check, sizeof check);
	g_byte_array_append(secret, check, sizeof check);
	g_byte_array_append(secret, check, sizeof check);
	add_text(secret, type);
	add_private(secret, key);
	add_text(secret, ""); /* the comment */
	for (guint8 pad = 1; secret->len % 8; pad++)
		g_byte_array_append(secret, &pad, 1);
	g_autoptr(GByteArray) whole = g_byte_array_new();
	g_byte_array_append(whole, (const guint8 *)magic, sizeof magic);
	add_text(whole, "none"); /* cipher */
	add_text(whole, "none"); /* key derivation */
	add_text(whole, "");
	g_byte_array_append(whole, one, sizeof one);
	add_bytes(whole, blob->data, blob->len);
	add_bytes(whole, secret->data, secret->len);
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
	PEM_write_bio(bio, "OPENSSH PRIVATE KEY", "", whole->data, (long)whole->len);
	OPENSSL_cleanse(secret->data, secret->len);
	OPENSSL_cleanse(whole->data, whole->len);
	return tls_bio_text(bio);
}

static char *fingerprint_md5(const GByteArray *blob) {
	g_autofree char *hex = g_compute_checksum_for_data(G_CHECKSUM_MD5, blob->data, blob->len);
	GString *text = g_string_new(NULL);
	for (gsize i = 0; hex[i]; i += 2)
		g_string_append_printf(text, "%s%.2s", i > 0 ? ":" : "", hex + i);
	return g_string_free(text, FALSE);
}

static char *fingerprint_sha256(const GByteArray *blob) {
	guint8 digest[32];
	gsize size = sizeof digest;
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(checksum, blob->data, blob->len);
	g_checksum_get_digest(checksum, digest, &size);
	g_autofree char *base64 = g_base64_encode(digest, size);
	base64[strcspn(base64, "=")] = '\0';
	return g_strconcat("SHA256:", base64, NULL);
}

/* ---- attributes ---- */

static Value with_text_take(Value object, const char *name, char *text_taken) {
	return value_with_take(object, name, value_string_take(text_taken));
}

/* What OpenSSH has no form for is empty. */
static Value with_openssh_take(Value object, const EVP_PKEY *key) {
	g_autofree char *type = ssh_type(key);
	g_autoptr(GByteArray) blob = type ? public_blob(key, type) : NULL;
	g_autofree char *base64 = blob ? g_base64_encode(blob->data, blob->len) : NULL;
	object = with_text_take(object, "public_key_openssh",
		type ? g_strdup_printf("%s %s\n", type, base64) : g_strdup(""));
	object = with_text_take(
		object, "public_key_fingerprint_md5", type ? fingerprint_md5(blob) : g_strdup(""));
	return with_text_take(object, "public_key_fingerprint_sha256",
		type ? fingerprint_sha256(blob) : g_strdup(""));
}

Value tls_with_public_key_take(Value object, EVP_PKEY *key) {
	g_autoptr(BIO) pem = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(pem, key);
	unsigned char *der = NULL;
	int length = i2d_PUBKEY(key, &der);
	object = with_text_take(object, "public_key_pem", tls_bio_text(pem));
	object = with_text_take(
		object, "id", g_compute_checksum_for_data(G_CHECKSUM_SHA1, der, (gsize)length));
	if (value_has(object, "public_key_der"))
		object = with_text_take(
			object, "public_key_der", g_base64_encode(der, (gsize)length));
	OPENSSL_free(der);
	return with_openssh_take(object, key);
}

Value tls_with_private_key_take(Value object, EVP_PKEY *key) {
	g_autoptr(BIO) own = BIO_new(BIO_s_mem());
	g_autoptr(BIO) pkcs8 = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(pkcs8, key, NULL, NULL, 0, NULL, NULL);
	if (EVP_PKEY_is_a(key, "ED25519"))
		PEM_write_bio_PKCS8PrivateKey(own, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PrivateKey_traditional(own, key, NULL, NULL, 0, NULL, NULL);
	g_autofree char *type = ssh_type(key);
	object = with_text_take(object, "private_key_pem", tls_bio_text(own));
	object = with_text_take(object, "private_key_pem_pkcs8", tls_bio_text(pkcs8));
	return with_text_take(
		object, "private_key_openssh", type ? private_openssh(key, type) : g_strdup(""));
}
