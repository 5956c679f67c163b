/* What the files of hashicorp/tls share: keys in the forms that the provider gives. */
#pragma once

#include <openssl/evp.h>

#include "provider/plain/plain.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)

/* A new key as the arguments of tls_private_key say; NULL and an error. */
EVP_PKEY *tls_key_generate(Value wanted, Diags *diags);
/* The private key in a PEM text; NULL and an error that names the argument. */
EVP_PKEY *tls_key_read(const char *pem, const char *argument, Diags *diags);
/* "RSA", "ECDSA" or "ED25519". */
const char *tls_key_algorithm(const EVP_PKEY *key);
/* The object with the public key's attributes, and with those of the private one. */
Value tls_with_public_key_take(Value object, EVP_PKEY *key);
Value tls_with_private_key_take(Value object, EVP_PKEY *key);
/* What was written to a memory BIO. Caller frees. */
char *tls_bio_text(BIO *bio);
/* OpenSSL's last error as an error of the resource; always VALUE_NOTHING. */
Value tls_fail(Diags *diags, const char *doing);

/* The create functions of certificates (certificate.c). */
Value tls_create_request(Value wanted, GCancellable *cancellable, Diags *diags);
Value tls_create_self_signed(Value wanted, GCancellable *cancellable, Diags *diags);
Value tls_create_locally_signed(Value wanted, GCancellable *cancellable, Diags *diags);
/* Whether a certificate need not be made anew yet. */
gboolean tls_is_current(Value prior);
