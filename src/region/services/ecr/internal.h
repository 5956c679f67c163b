/*
 * Between the files of ECR. In the store:
 *   ecr/repository  name → as DescribeRepositories gives it
 *   ecr/policy, ecr/lifecycle, ecr/preview  repository → the policy's text and what is known of it
 *   ecr/image       repository, line break, digest → ImageRecord members (see image.c)
 *   ecr/image-tag   repository, line break, tag → {digest}
 * The manifests themselves are blobs, like layers and configs. Errors carry ECR's codes; registry.c
 * says the same in the words of the OCI specification.
 */
#pragma once

#include "glass/image.h"
#include "region/region.h"
#include "region/services/ecr/ecr.h"

#define ECR_REPOSITORIES "ecr/repository"
#define ECR_POLICIES "ecr/policy"
#define ECR_LIFECYCLES "ecr/lifecycle"
#define ECR_PREVIEWS "ecr/preview"
#define ECR_IMAGES "ecr/image"
#define ECR_TAGS "ecr/image-tag"

#define ECR_GC "ecr/gc"
#define ECR_EXPIRY "ecr/expiry"
#define ECR_PAGE 100

/* ---- repositories (repository.c) ---- */

/* Where the call's registryId leads: the account's own registry, or with the account's own
 * administrator as caller another one. */
StoreScope ecr_scope(RegionCall *call, Value input);
/* The repository, or VALUE_NOTHING and RepositoryNotFoundException. */
Value ecr_repository(Region *region, StoreScope scope, const char *name, GError **error);
/* The one that a call names in repositoryName. */
gboolean ecr_check_repository(RegionCall *call, Value input, GError **error);
/* {repositoryName, registryId} for an answer. */
Value ecr_answer(RegionCall *call, Value input);
/* One page of a list as the answer {member: items, nextToken}. */
Value ecr_page(Value input, const char *member, Value items_taken, GError **error);
/* "<name>\n<rest>". Caller frees. */
char *ecr_key(const char *repository, const char *rest);

/* ---- images (image.c) ---- */

/* Stores a manifest, whose blobs must be there already, and lets `tag` (may be NULL) mean it.
 * *digest (may be NULL) gets its digest, caller frees. Needs a transaction. */
gboolean ecr_image_put(Region *region, StoreScope scope, const char *repository, const char *tag,
	GBytes *document, const char *media_type, char **digest, GError **error);
/* What a tag means; NULL: nothing. Caller frees. */
char *ecr_tag_digest(Region *region, StoreScope scope, const char *repository, const char *tag);
/* The record of an image, or VALUE_NOTHING. */
Value ecr_image(Region *region, StoreScope scope, const char *repository, const char *digest);
/* Its manifest. */
GBytes *ecr_image_manifest(Region *region, const char *digest, GError **error);
/* The repository's tags by the digest that they mean: char* -> GPtrArray of char*. Caller unrefs.
 */
GHashTable *ecr_tags_by_digest(Region *region, StoreScope scope, const char *repository);
/* The index in the repository that names this image, or NULL. Caller frees. */
char *ecr_image_parent(
	Region *region, StoreScope scope, const char *repository, const char *digest);
/* Descriptors {mediaType, digest, size, artifactType, annotations} of what names the digest as its
 * subject and is of one of `types` (none: of any). */
Value ecr_image_referrers(
	Region *region, StoreScope scope, const char *repository, const char *digest, Value types);
/* Both need a transaction. Removing an image's last tag removes the image, as in ECR. */
void ecr_image_delete(Region *region, StoreScope scope, const char *repository, const char *digest);
void ecr_tag_delete(Region *region, StoreScope scope, const char *repository, const char *tag);
void ecr_images_delete_all(Region *region, StoreScope scope, const char *repository);

/* ---- authorization (token.c) ---- */

/* What a token says: whose it is, in which registry it was asked for. */
typedef struct {
	StoreScope scope; /* interned */
	char *principal_arn, *principal_id;
	char *access_key_id; /* that asked for it; NULL: the developer's, which the region never
			      * issued
			      */
} EcrToken;

void ecr_token_clear(EcrToken *token);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EcrToken, ecr_token_clear)

/* A password for GetAuthorizationToken, good until `expires` (microseconds). In a transaction.
 * Caller frees. */
char *ecr_token_new(Region *region, const EcrToken *token, gint64 expires);
/* The same for who makes a call, to the registry of `account`. */
char *ecr_token_for(const RegionCall *call, const char *account, gint64 expires);
/* Whether a password is one of ours and still good; *token is cleared by the caller in any case. */
gboolean ecr_token_check(Region *region, const char *password, EcrToken *token);

/* Account and region of a registry's host name ("<account>.dkr.ecr.<region>.amazonaws.com", or the
 * same with .localhost); FALSE if it is none. */
gboolean ecr_host_scope(const char *host, StoreScope *scope);
