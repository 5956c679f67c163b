/*
 * Build specifications, version 0.2, in YAML or JSON. Reading only: nothing here touches anything
 * else of CodeBuild.
 */
#pragma once

#include "value/value.h"

#define BUILDSPEC_ERROR buildspec_error_quark()
GQuark buildspec_error_quark(void);

/* Reads a buildspec. The answer is an object with all of these members (lists and maps may be
 * empty, texts ""): runAs, shell variables, parameterStore, secretsManager   name -> text exported
 * [name] phases      {install, pre_build, build, post_build}, those written: {commands, finally:
 * [text], onFailure ("" unless written), runAs, runtimes: [name]} artifacts   {files, exclude:
 * [pattern], base, name, prefix, discard, symlinks (bools)}, or null secondaryArtifacts identifier
 * -> the same cachePaths  [pattern] warnings    [text]: what is written and not served Errors name
 * the line. The caller owns it. */
Value buildspec_parse(const char *text, gsize length, GError **error);
