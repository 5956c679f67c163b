/* The documents of AWS's managed policies, compiled in from managed_policies.json. */
#pragma once

#include <glib.h>

typedef struct {
	const char *name; /* of the file */
	const char *text;
	gsize length;
} IamManagedFile;
extern const IamManagedFile iam_managed_files[];
