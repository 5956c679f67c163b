/* What other services need of ECR: from an image reference to blobs, and from blobs to an image. */
#pragma once

#include "glass/blobs.h"
#include "region/region.h"

/* Resolves an image reference as a task definition has it
 * ("<account>.dkr.ecr.<region>.amazonaws.com/app:latest", "…@sha256:…", or the region's own
 * registry address "localhost:4566/app") to the digest of an image manifest for this machine in the
 * region's blob store. An error in ECS's words (CannotPullContainerError: …) when repository or tag
 * is not there, or when the reference names another registry, which is not pulled from. Caller
 * frees. After a push, kinds that begin with "ecr/image" change (region_wake_on). */
char *ecr_resolve(Region *region, StoreScope scope, const char *image, GError **error);

/* Lets `tag` (NULL: none) of a repository mean a manifest, or an index, that is in the blob store
 * with all that it names: what a build does at its end. Joins the open transaction, or has its own.
 * Errors as PutImage has them. */
gboolean ecr_put_image(Region *region, StoreScope scope, const char *repository, const char *tag,
	const char *digest, GError **error);

/* Keeps an image that no repository holds from being collected (a build's own environment, say):
 * `owner` names who wants it, one image an owner. NULL digest: no longer. Joins the open
 * transaction, or has its own. */
gboolean ecr_keep_image(Region *region, const char *owner, const char *digest, GError **error);
