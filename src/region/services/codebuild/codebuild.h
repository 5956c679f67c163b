/*
 * What CodePipeline needs of CodeBuild: to run a project's build on artifacts that it has as zip
 * files, and to get artifacts back as such.
 *
 * A build is an object "codebuild/build" in the store, under its id ("project:uuid"), in the shape
 * of BatchGetBuilds (buildStatus, currentPhase, phases, exportedEnvironmentVariables, logs, arn…):
 * who waits for its end does so by region_wake_on(region, …, "codebuild/build").
 */
#pragma once

#include "region/region.h"

#define CODEBUILD_BUILDS "codebuild/build"

/* An artifact as a zip file on disk (absolute, as the region sees it). */
typedef struct {
	const char *name; /* of the artifact: CODEBUILD_SRC_DIR_<name> */
	const char *zip;
	const char *location; /* of inputs: "arn:aws:s3:::bucket/key", for
				 CODEBUILD_SOURCE_VERSION; or NULL */
	const char *revision; /* of inputs: the commit, for CODEBUILD_RESOLVED_SOURCE_VERSION; or
				 NULL */
} CodebuildArtifact;

typedef struct {
	const char *project; /* name; its source must be of type CODEPIPELINE */
	const char *initiator; /* "codepipeline/<pipeline>" */
	/* The first is the primary source. The files are read when the build begins: they must stay
	 * until it has ended. */
	const CodebuildArtifact *inputs;
	gsize n_inputs;
	/* With one, it gets the buildspec's `artifacts`; with more, each gets the
	 * `secondary-artifacts` of its name. The zip is written when the build has made it, whole
	 * or not at all, before the build's end is in the store; its folder must be there. */
	const CodebuildArtifact *outputs;
	gsize n_outputs;
	Value environment; /* [{name, value, type}] over the project's; or VALUE_NOTHING */
} CodebuildRequest;

/* Starts a build inside the open transaction. Returns its id (caller frees); NULL and StartBuild's
 * error. */
char *codebuild_start(
	Region *region, StoreScope scope, const CodebuildRequest *request, GError **error);
/* Tells a build to stop, inside the open transaction. Nothing happens if it has ended. */
void codebuild_stop(Region *region, StoreScope scope, const char *id);
/* Has it ended (buildStatus is not IN_PROGRESS)? */
gboolean codebuild_ended(Value build);
/* Why a build did not succeed, in AWS's words ("Build terminated with state: FAILED. Phase: BUILD,
 * Code: COMMAND_EXECUTION_ERROR, Message: Error while executing command: make. Reason: exit status
 * 2"). Caller frees; NULL for one that succeeded or still runs. */
char *codebuild_reason(Value build);
