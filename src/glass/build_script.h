/* dockerfile.sh and build.sh, compiled in: one script, in that order. */
#pragma once

#include <glib.h>

typedef struct {
	const char *name;
	const char *text;
	gsize length;
} BuildScript;
extern const BuildScript build_scripts[]; /* ends with a NULL name */
