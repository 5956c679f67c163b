/*
 * Doors inside VPCs: in every VPC 169.254.170.2 answers what ECS's agent answers tasks there,
 * credentials of their role (port 80, /v2/credentials/<id>) and metadata (/v4/<id>…), and, on ports
 * 80 and 4566, the AWS API and the image registry to whom the region issued keys. Nobody who comes
 * through a door is the developer: unknown and missing keys are refused, and /_terrarium/ is not
 * served.
 */
#pragma once

#include "region/region.h"

/* ---- credentials of tasks ---- */

/* An id that cannot be guessed, for AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
 * ("/v2/credentials/<id>") and for metadata. Caller frees. */
char *door_id(void);
/* Lets the task at `address` (its interface's, in `vpc`) fetch credentials of the role under `id`,
 * in sessions called `session` (ECS: the task's id). They last six hours and are renewed when half
 * of it is over. Inside the open transaction; kept in the store. FALSE and iam_role_session's error
 * if the role is not there or does not trust ecs-tasks.amazonaws.com. */
gboolean door_credentials_add(Region *region, StoreScope scope, const char *id, const char *vpc,
	const char *address, const char *role_arn, const char *session, GError **error);
/* The same for what another service runs: sessions are for `service` ("codebuild.amazonaws.com"),
 * the role is of scope's account, and the VPC of `vpc_account`. */
gboolean door_service_credentials_add(Region *region, StoreScope scope, const char *id,
	const char *vpc_account, const char *vpc, const char *address, const char *role_arn,
	const char *session, const char *service, GError **error);
void door_service_credentials_remove(
	Region *region, StoreScope scope, const char *vpc_account, const char *id);
/* Takes it back, inside the open transaction: when the task has ended. Nothing happens if it is not
 * there. */
void door_credentials_remove(Region *region, StoreScope scope, const char *id);

/* ---- metadata of tasks ---- */

/* What answers GET /v4/<id><rest> from `peer` in `vpc`: `rest` is "" (the container), "/task",
 * "/stats", "/task/stats", "/taskWithTags". The answer, to be sent as JSON; VALUE_NOTHING: there is
 * no such thing, or it is not the peer's. The caller owns it. */
typedef Value (*DoorTaskMetadata)(Region *region, StoreScope scope, const char *vpc,
	const char *peer, const char *id, const char *rest);
/* Set once, by ECS's start (at any time: also before the doors' own). */
void door_task_metadata_set(Region *region, DoorTaskMetadata metadata);

/* What a door answers; for tests without a glass. `request` has its vpc and peer. Owned by the
 * caller. */
WireResponse *door_answer(Region *region, StoreScope scope, const WireRequest *request);
