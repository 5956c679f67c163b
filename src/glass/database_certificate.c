/* A self-signed certificate for a database server, so that clients may encrypt. */
#include "glass/database_engine.h"
#include "glass/glass.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define YEARS 10

static char *text_of(BIO *memory) {
	char *bytes;
	long length = BIO_get_mem_data(memory, &bytes);
	return g_strndup(bytes, (gsize)length);
}

static gboolean sign(X509 *certificate, EVP_PKEY *key, const char *name) {
	X509_NAME *subject = X509_get_subject_name(certificate);
	return X509_set_version(certificate, X509_VERSION_3) &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), g_random_int() >> 1) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * 365 * YEARS) &&
	       X509_NAME_add_entry_by_txt(
		       subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) &&
	       X509_set_issuer_name(certificate, subject) && X509_set_pubkey(certificate, key) &&
	       X509_sign(certificate, key, EVP_sha256());
}

gboolean database_certificate(const char *name, char **certificate, char **key, GError **error) {
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *made = X509_new();
	BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
	gboolean fine = pair && made && sign(made, pair, name) &&
			PEM_write_bio_X509(certificate_text, made) &&
			PEM_write_bio_PrivateKey(key_text, pair, NULL, NULL, 0, NULL, NULL);
	if (fine) {
		*certificate = text_of(certificate_text);
		*key = text_of(key_text);
	} else {
		g_set_error_literal(error, GLASS_ERROR, GLASS_ERROR_FAILED,
			"a certificate for the database server cannot be made");
	}
	BIO_free(certificate_text);
	BIO_free(key_text);
	X509_free(made);
	EVP_PKEY_free(pair);
	return fine;
}
