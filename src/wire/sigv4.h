/* AWS Signature Version 4: signing of requests and checking of signed ones, headers and presigned
 * query alike (AWS General Reference, "Signature Version 4 signing process"). */
#pragma once

#include "wire/wire.h"

typedef struct {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* or NULL */
} WireCredentials;

/* Adds Authorization, X-Amz-Date, X-Amz-Security-Token and, for s3, X-Amz-Content-Sha256. The
 * request must have its Host header. `time` is epoch seconds. */
void sigv4_sign(WireRequest *request, const WireCredentials *credentials, const char *region,
	const char *service, gint64 time);

/* What a request says of its signer, parsed from its header or query; all fields owned. */
typedef struct {
	char *access_key_id, *date, *region, *service; /* the credential scope */
	char **signed_headers;
	char *signature;
	char *session_token; /* or NULL */
	gint64 time; /* of X-Amz-Date */
	gint64 expires; /* seconds, presigned only; else 0 */
	gboolean presigned;
} SigV4Claim;

/* NULL without error: the request is not signed. NULL with error: it is, badly
 * (IncompleteSignature). */
SigV4Claim *sigv4_claim(const WireRequest *request, GError **error);
void sigv4_claim_free(SigV4Claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SigV4Claim, sigv4_claim_free)

/* The same of a form's fields (names in lower case): NULL without error if they have no credential.
 */
SigV4Claim *sigv4_claim_of_form(GHashTable *fields, GError **error);
/* Whether the secret signed a form's policy (its Base64 text), else SignatureDoesNotMatch. How long
 * that is good for the policy itself says. (S3 API reference, "POST policy".) */
gboolean sigv4_verify_policy(
	const SigV4Claim *claim, const char *policy, const char *secret, GError **error);

/* Whether the secret made the claim's signature, over the body that came (S3's UNSIGNED-PAYLOAD and
 * STREAMING-… are taken as said: chunks are not verified). Errors SignatureDoesNotMatch,
 * RequestTimeTooSkewed (15 minutes), and RequestExpired of a presigned one. */
gboolean sigv4_verify(const SigV4Claim *claim, const WireRequest *request, const char *secret,
	gint64 now, GError **error);

/* The signature of a piece of a streamed S3 body: `kind` is "AWS4-HMAC-SHA256-PAYLOAD" or
 * "…-TRAILER", `previous` the signature before it, `hashes` the last lines of what is signed.
 * Caller frees. */
char *sigv4_chunk_signature(const SigV4Claim *claim, const char *secret, const char *kind,
	const char *previous, const char *hashes);
