/* build.sh, compiled in. */
#pragma once

#include <glib.h>

typedef struct {
	const char *name;
	const char *text;
	gsize length;
} BuildScript;
extern const BuildScript build_scripts[]; /* one */
