/*
 * Versions ("1.2.3-beta1") and constraints on them ("~> 1.2, != 1.2.5"), as Terraform reads them
 * for modules, providers and itself.
 */
#pragma once

#include <glib.h>

/* The one whose language and files are read and written. States of a newer Terraform are refused by
 * an older one, so this is the version whose format and behaviour we follow. */
#define TERRAFORM_VERSION "1.11.4"

/* Whether the text is a version: one to three numbers, perhaps "-prerelease", perhaps "+build". */
gboolean version_is_valid(const char *text);
/* Less than, equal to or greater than 0, by the rules of semantic versioning. Both must be valid.
 */
int version_compare(const char *a, const char *b);
/* Whether `version` (valid) meets all constraints, separated by commas. One that is no constraint:
 * FALSE and *problem (caller frees). A prerelease meets only a constraint that names it exactly. */
gboolean version_satisfies(const char *version, const char *constraints, char **problem);
/* Whether any release with a major from `oldest` to `newest` could meet all constraints (valid). */
gboolean version_any_satisfies(guint oldest, guint newest, const char *constraints);
