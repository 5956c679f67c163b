/* What other services need of ECR: from an image reference to blobs. */
#pragma once

#include "glass/blobs.h"
#include "region/region.h"

/* Resolves an image reference as a task definition has it
 * ("<account>.dkr.ecr.<region>.amazonaws.com/app:latest", "…@sha256:…", or the region's own
 * registry address "localhost:4566/app") to the digest of an image manifest for this machine in the
 * region's blob store. An error in ECS's words (CannotPullContainerError: …) when repository or tag
 * is not there, or when the reference names another registry, which is not pulled from. Caller
 * frees. */
char *ecr_resolve(Region *region, StoreScope scope, const char *image, GError **error);
