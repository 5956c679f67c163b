/* Between registry.c (the OCI distribution API) and upload.c (its uploads). */
#pragma once

#include "region/services/ecr/internal.h"

typedef enum {
	REGISTRY_BASE, /* /v2/ */
	REGISTRY_MANIFEST,
	REGISTRY_BLOB,
	REGISTRY_UPLOAD,
	REGISTRY_TAGS,
	REGISTRY_REFERRERS,
	REGISTRY_OTHER,
} RegistryResource;

/* A request, taken apart. */
typedef struct {
	Region *region;
	const WireRequest *request;
	StoreScope scope;
	RegistryResource resource;
	char *repository; /* NULL at the base */
	char *reference; /* tag, digest or upload id; "" for new uploads */
	GHashTable *query; /* char* -> char* */
} RegistryCall;

void registry_call_init(RegistryCall *call, Region *region, const WireRequest *request);
void registry_call_clear(RegistryCall *call);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RegistryCall, registry_call_clear)

/* NULL: the caller may go on; else the refusal: no valid token where it takes one, not permitted,
 * or no such repository. */
WireResponse *registry_refusal(const RegistryCall *call);

/* {"errors": [{code, message}]}. */
WireResponse *registry_error(int status, const char *code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* The same for an error of the blob store, or of ECR's own. */
WireResponse *registry_error_of(const GError *error);

/* An answer without body. */
WireResponse *registry_response(int status);
/* 201 with where the blob is now. */
WireResponse *registry_blob_created(const RegistryCall *call, const char *digest);

/* A blob is going to be used: the collection lets it be for a while. */
void registry_touch(Region *region, const char *digest);

/* Uploads (upload.c). */
HttpSink *registry_upload_open(RegistryCall *call, WireResponse **refusal);
WireResponse *registry_upload(RegistryCall *call, HttpReply *reply);
