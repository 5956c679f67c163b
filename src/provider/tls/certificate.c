/*
 * Certificates and requests of hashicorp/tls (RFC 5280, RFC 2986), built with libcrypto. What a
 * certificate may be used for comes as names, which a table here turns into OpenSSL's.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "provider/tls/tls.h"

#define SECONDS_PER_HOUR 3600
#define SERIAL_BYTES 16

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REQ, X509_REQ_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_EXTENSION, X509_EXTENSION_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GENERAL_NAMES, GENERAL_NAMES_free)

/* ---- whom it is about ---- */

static void add_name(X509_NAME *name, int nid, const char *text, gboolean same_set) {
	if (text && *text)
		X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text,
			-1, -1, same_set ? -1 : 0);
}

static void fill_subject(X509_NAME *name, Value wanted) {
	static const struct {
		const char *argument;
		int nid;
	} parts[] = {{"country", NID_countryName}, {"organization", NID_organizationName},
		{"organizational_unit", NID_organizationalUnitName}, {"locality", NID_localityName},
		{"province", NID_stateOrProvinceName}, {"street_address", NID_streetAddress},
		{"postal_code", NID_postalCode}, {"common_name", NID_commonName},
		{"serial_number", NID_serialNumber}, {"email_address", NID_pkcs9_emailAddress}};
	Value subject = value_at(value_get(wanted, "subject"), 0);
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
		Value part = value_get(subject, parts[i].argument);
		if (value_text(part))
			add_name(name, parts[i].nid, value_text(part), FALSE);
		for (gsize j = 0; value_is_sequence(part) && j < value_length(part); j++)
			add_name(name, parts[i].nid, value_text(value_at(part, j)), j > 0);
	}
}

static void add_general_name(GENERAL_NAMES *names, int type, gpointer value) {
	GENERAL_NAME *name = GENERAL_NAME_new();
	GENERAL_NAME_set0_value(name, type, value);
	sk_GENERAL_NAME_push(names, name);
}

static void add_texts(GENERAL_NAMES *names, int type, Value texts) {
	for (gsize i = 0; i < value_length(texts); i++) {
		const char *text = value_text_or(value_at(texts, i), "");
		ASN1_IA5STRING *string = ASN1_IA5STRING_new();
		ASN1_STRING_set(string, text, -1);
		add_general_name(names, type, string);
	}
}

/* dns_names, ip_addresses and uris as subjectAltName; *extension NULL if there are none. FALSE
 * after an error. */
static gboolean alternative_names(Value wanted, X509_EXTENSION **extension, Diags *diags) {
	g_autoptr(GENERAL_NAMES) names = GENERAL_NAMES_new();
	add_texts(names, GEN_DNS, value_get(wanted, "dns_names"));
	Value addresses = value_get(wanted, "ip_addresses");
	for (gsize i = 0; i < value_length(addresses); i++) {
		const char *text = value_text_or(value_at(addresses, i), "");
		ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
		if (!address) {
			g_auto(Value) path = value_tuple_take(
				2, value_string("ip_addresses"), value_int((gint64)i));
			provider_error(diags, path, "Invalid IP address",
				"\"%s\" is no IP address.", text);
			return FALSE;
		}
		add_general_name(names, GEN_IPADD, address);
	}
	add_texts(names, GEN_URI, value_get(wanted, "uris"));
	*extension = sk_GENERAL_NAME_num(names) > 0 ? X509V3_EXT_i2d(NID_subject_alt_name, 0, names)
						    : NULL;
	return TRUE;
}

/* ---- signing ---- */

/* As strong as the key: SHA-384 and SHA-512 for the larger curves. */
static const EVP_MD *digest_for(const EVP_PKEY *key) {
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	int bits = EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_bits(key) : 0;
	return bits > 384 ? EVP_sha512() : bits > 256 ? EVP_sha384() : EVP_sha256();
}

Value tls_create_request(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(EVP_PKEY) key =
		tls_key_read(value_get_text(wanted, "private_key_pem"), "private_key_pem", diags);
	g_autoptr(X509_EXTENSION) names = NULL;
	if (!key || !alternative_names(wanted, &names, diags))
		return VALUE_NOTHING;
	g_autoptr(X509_REQ) request = X509_REQ_new();
	fill_subject(X509_REQ_get_subject_name(request), wanted);
	if (names) {
		STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
		sk_X509_EXTENSION_push(all, names);
		X509_REQ_add_extensions(request, all);
		sk_X509_EXTENSION_free(all);
	}
	if (!X509_REQ_set_pubkey(request, key) || !X509_REQ_sign(request, key, digest_for(key)))
		return tls_fail(diags, "sign the certificate request");
	g_autoptr(BIO) pem = BIO_new(BIO_s_mem());
	PEM_write_bio_X509_REQ(pem, request);
	g_autofree char *text = tls_bio_text(pem);
	Value made = value_with_take(
		value_ref(wanted), "key_algorithm", value_string(tls_key_algorithm(key)));
	made = value_with_take(made, "id",
		value_string_take(g_compute_checksum_for_string(G_CHECKSUM_SHA1, text, -1)));
	return value_with_take(made, "cert_request_pem", value_string(text));
}

/* ---- what it is for ---- */

typedef struct {
	const char *name, *openssl;
	gboolean extended;
} Use;

static const Use uses[] = {{"digital_signature", "digitalSignature", FALSE},
	{"content_commitment", "nonRepudiation", FALSE},
	{"key_encipherment", "keyEncipherment", FALSE},
	{"data_encipherment", "dataEncipherment", FALSE}, {"key_agreement", "keyAgreement", FALSE},
	{"cert_signing", "keyCertSign", FALSE}, {"crl_signing", "cRLSign", FALSE},
	{"encipher_only", "encipherOnly", FALSE}, {"decipher_only", "decipherOnly", FALSE},
	{"any_extended", "anyExtendedKeyUsage", TRUE}, {"server_auth", "serverAuth", TRUE},
	{"client_auth", "clientAuth", TRUE}, {"code_signing", "codeSigning", TRUE},
	{"email_protection", "emailProtection", TRUE}, {"ipsec_end_system", "ipsecEndSystem", TRUE},
	{"ipsec_tunnel", "ipsecTunnel", TRUE}, {"ipsec_user", "ipsecUser", TRUE},
	{"timestamping", "timeStamping", TRUE}, {"ocsp_signing", "OCSPSigning", TRUE},
	{"microsoft_server_gated_crypto", "msSGC", TRUE},
	{"netscape_server_gated_crypto", "nsSGC", TRUE},
	{"microsoft_commercial_code_signing", "msCodeCom", TRUE},
	{"microsoft_kernel_code_signing", "1.3.6.1.4.1.311.61.1.1", TRUE}};

/* The uses of one kind as OpenSSL writes them: "critical,keyCertSign,cRLSign"; "" if there are
 * none. Caller frees. */
static char *uses_text(Value wanted, gboolean extended) {
	Value allowed = value_get(wanted, "allowed_uses");
	GString *text = g_string_new(NULL);
	for (gsize i = 0; i < value_length(allowed); i++)
		for (guint j = 0; j < G_N_ELEMENTS(uses); j++)
			if (uses[j].extended == extended &&
				g_strcmp0(uses[j].name, value_text(value_at(allowed, i))) == 0)
				g_string_append_printf(text, "%s%s",
					text->len > 0 ? ","
					: extended    ? ""
						      : "critical,",
					uses[j].openssl);
	return g_string_free(text, FALSE);
}

static gboolean add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *text) {
	g_autoptr(X509_EXTENSION) extension = X509V3_EXT_conf_nid(NULL, context, nid, text);
	return extension && X509_add_ext(certificate, extension, -1);
}

static gboolean add_extensions(X509 *certificate, X509 *issuer, Value wanted) {
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	gboolean authority = value_get_bool(wanted, "is_ca_certificate");
	gint64 length = value_get_int(wanted, "max_path_length", -1);
	g_autofree char *usage = uses_text(wanted, FALSE), *extended = uses_text(wanted, TRUE);
	g_autofree char *limit = authority && length >= 0
					 ? g_strdup_printf(",pathlen:%" G_GINT64_FORMAT, length)
					 : g_strdup("");
	g_autofree char *basic =
		g_strdup_printf("critical,CA:%s%s", authority ? "TRUE" : "FALSE", limit);
	gboolean fine = !*usage || add_extension(certificate, &context, NID_key_usage, usage);
	fine = fine &&
	       (!*extended || add_extension(certificate, &context, NID_ext_key_usage, extended));
	fine = fine && add_extension(certificate, &context, NID_basic_constraints, basic);
	if (authority || value_get_bool(wanted, "set_subject_key_id"))
		fine = fine &&
		       add_extension(certificate, &context, NID_subject_key_identifier, "hash");
	if (value_get_bool(wanted, "set_authority_key_id"))
		fine = fine && add_extension(certificate, &context, NID_authority_key_identifier,
				       "keyid:always");
	return fine;
}

/* ---- certificates ---- */

static void set_serial(X509 *certificate) {
	guint8 bytes[SERIAL_BYTES];
	RAND_bytes(bytes, sizeof bytes);
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of that length */
	BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
}

static Value serial_of(const X509 *certificate) {
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *decimal = BN_bn2dec(number);
	Value text = value_string(decimal);
	OPENSSL_free(decimal);
	BN_free(number);
	return text;
}

static Value time_text(gint64 seconds) {
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	return value_string_take(g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ"));
}

/* Completes a certificate that has subject, public key and alternative names, and signs it; issuer:
 * itself, if it is signed by its own key. The object of the resource. */
static Value issue(X509 *certificate, X509 *issuer, EVP_PKEY *key, Value wanted, Diags *diags) {
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	gint64 end = now + value_get_int(wanted, "validity_period_hours", 0) * SECONDS_PER_HOUR;
	X509_set_version(certificate, X509_VERSION_3);
	set_serial(certificate);
	ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)now);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)end);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	if (!add_extensions(certificate, issuer, wanted) ||
		!X509_sign(certificate, key, digest_for(key)))
		return tls_fail(diags, "sign the certificate");
	g_autoptr(BIO) pem = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(pem, certificate);
	Value made = value_with_take(value_ref(wanted), "id", serial_of(certificate));
	made = value_with_take(made, "cert_pem", value_string_take(tls_bio_text(pem)));
	made = value_with_take(made, "validity_start_time", time_text(now));
	made = value_with_take(made, "validity_end_time", time_text(end));
	return value_with_take(made, "ready_for_renewal", value_bool(FALSE));
}

Value tls_create_self_signed(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(EVP_PKEY) key =
		tls_key_read(value_get_text(wanted, "private_key_pem"), "private_key_pem", diags);
	g_autoptr(X509_EXTENSION) names = NULL;
	if (!key || !alternative_names(wanted, &names, diags))
		return VALUE_NOTHING;
	g_autoptr(X509) certificate = X509_new();
	fill_subject(X509_get_subject_name(certificate), wanted);
	X509_set_pubkey(certificate, key);
	if (names)
		X509_add_ext(certificate, names, -1);
	g_auto(Value) known = value_with_take(
		value_ref(wanted), "key_algorithm", value_string(tls_key_algorithm(key)));
	return issue(certificate, certificate, key, known, diags);
}

/* What a request wants: its subject, its key, and its alternative names. */
static X509 *from_request(X509_REQ *request) {
	X509 *certificate = X509_new();
	X509_set_subject_name(certificate, X509_REQ_get_subject_name(request));
	X509_set_pubkey(certificate, X509_REQ_get0_pubkey(request));
	STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(request);
	int at = X509v3_get_ext_by_NID(all, NID_subject_alt_name, -1);
	if (at >= 0)
		X509_add_ext(certificate, X509v3_get_ext(all, at), -1);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return certificate;
}

static Value bad_pem(const char *argument, const char *what, Diags *diags) {
	ERR_clear_error();
	return plain_fail(diags, "Failed to parse PEM", "%s holds no %s.", argument, what);
}

Value tls_create_locally_signed(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(BIO) request_pem =
		BIO_new_mem_buf(value_get_text(wanted, "cert_request_pem"), -1);
	g_autoptr(BIO) authority_pem = BIO_new_mem_buf(value_get_text(wanted, "ca_cert_pem"), -1);
	g_autoptr(X509_REQ) request = PEM_read_bio_X509_REQ(request_pem, NULL, NULL, NULL);
	g_autoptr(X509) authority = PEM_read_bio_X509(authority_pem, NULL, NULL, NULL);
	if (!request || X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) != 1)
		return bad_pem(
			"cert_request_pem", "certificate request that its key signed", diags);
	if (!authority)
		return bad_pem("ca_cert_pem", "certificate", diags);
	g_autoptr(EVP_PKEY) key = tls_key_read(
		value_get_text(wanted, "ca_private_key_pem"), "ca_private_key_pem", diags);
	if (!key)
		return VALUE_NOTHING;
	if (!X509_check_private_key(authority, key))
		return tls_fail(diags, "sign with a key that is not the one of ca_cert_pem");
	g_autoptr(X509) certificate = from_request(request);
	g_auto(Value) known = value_with_take(
		value_ref(wanted), "ca_key_algorithm", value_string(tls_key_algorithm(key)));
	return issue(certificate, authority, key, known, diags);
}

gboolean tls_is_current(Value prior) {
	g_autoptr(GDateTime) end =
		g_date_time_new_from_iso8601(value_get_text(prior, "validity_end_time"), NULL);
	gint64 early = value_get_int(prior, "early_renewal_hours", 0) * SECONDS_PER_HOUR;
	return end && g_get_real_time() / G_USEC_PER_SEC < g_date_time_to_unix(end) - early;
}
