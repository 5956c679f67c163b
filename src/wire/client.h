/* Calls to an AWS API over HTTP, blocking, with the retries that AWS SDKs make. Thread-safe: one
 * client may serve many threads. */
#pragma once

#include <gio/gio.h>

#include "wire/sigv4.h"
#include "wire/wire.h"

typedef struct WireClient WireClient;

typedef struct {
	const char *endpoint_url; /* for all services; NULL: AWS's own endpoints */
	const char *region;
	WireCredentials credentials;
	guint max_attempts; /* 0: 3 */
	/* Endpoints of single services, name -> URL; or NULL. */
	GHashTable *service_endpoints;
	GCancellable *cancellable; /* stops waiting and retrying; or NULL */
} WireClientOptions;

/* Copies the options. */
WireClient *wire_client_new(const WireClientOptions *options);
void wire_client_free(WireClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireClient, wire_client_free)

/* Calls service.operation with `input`; returns the output. Retries throttling, 5xx and transport
 * errors (standard mode: exponential back-off with jitter, at most 20 s). Idempotency tokens that
 * the model marks are filled in. Unknown service or operation: WIRE_ERROR_MALFORMED. */
Value wire_client_call(WireClient *client, const char *service, const char *operation, Value input,
	GError **error);
