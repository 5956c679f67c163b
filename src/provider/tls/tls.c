/* hashicorp/tls: keys, certificate requests and certificates. They exist in the state only. */
#include "provider/tls/tls.h"

static Value create_key(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(EVP_PKEY) key = tls_key_generate(wanted, diags);
	if (!key)
		return VALUE_NOTHING;
	return tls_with_private_key_take(tls_with_public_key_take(value_ref(wanted), key), key);
}

static Value read_public_key(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(EVP_PKEY) key =
		tls_key_read(value_get_text(wanted, "private_key_pem"), "private_key_pem", diags);
	if (!key)
		return VALUE_NOTHING;
	Value made = value_with_take(
		value_ref(wanted), "algorithm", value_string(tls_key_algorithm(key)));
	return tls_with_public_key_take(
		value_with_take(made, "public_key_der", value_string("")), key);
}

static const PlainType types[] = {
	{"tls_cert_request", .create = tls_create_request},
	{"tls_locally_signed_cert", .create = tls_create_locally_signed,
		.is_there = tls_is_current},
	{"tls_private_key", .create = create_key},
	{"tls_public_key", .is_data = TRUE, .create = read_public_key},
	{"tls_self_signed_cert", .create = tls_create_self_signed, .is_there = tls_is_current},
	{NULL},
};

PLAIN_PROVIDER(tls, "4.0.6", types);
