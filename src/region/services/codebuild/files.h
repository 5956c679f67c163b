/* Text files of CodeBuild, compiled in: what carries out builds, and what makes their image. */
#pragma once

#include <glib.h>

typedef struct {
	const char *name; /* of the file */
	const char *text;
	gsize length;
} CodebuildFile;
extern const CodebuildFile codebuild_scripts[]; /* run.sh, shell.sh */
extern const CodebuildFile codebuild_environment[]; /* the folder environment/ */
