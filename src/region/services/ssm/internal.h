/*
 * Between Parameter Store's files. A parameter is kept under its name, with all its versions inside
 * (the oldest first) as GetParameterHistory tells them, and of a SecureString besides what stands
 * for its encrypted text ("Cipher").
 */
#pragma once

#include "region/services/ssm/ssm.h"

#define SSM_PARAMETERS "ssm/parameter"

/* A parameter's name, version and how the caller spelt them. */
typedef struct {
	char *name; /* without ARN and selector */
	char *selector; /* ":3", ":label"; or NULL */
} SsmName;

void ssm_name_clear(SsmName *name);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SsmName, ssm_name_clear)
/* Takes a name or ARN apart. `parameter` gets the object, or VALUE_NOTHING; caller owns both. */
Value ssm_find(Region *region, StoreScope scope, const char *text, SsmName *name);

/* The newest version, borrowed. */
Value ssm_latest(Value parameter);
/* The version that a selector means (NULL: the newest), borrowed; VALUE_NOTHING: no such. */
Value ssm_version(Value parameter, const char *selector);
/* `parameter` with the version of the same number replaced. Takes both. */
Value ssm_with_version_take(Value parameter, Value version);
void ssm_put_take(RegionCall *call, Value parameter);

/* Set ParameterNotFound and ParameterVersionNotFound. Return VALUE_NOTHING. */
Value ssm_not_found(const char *name, GError **error);
Value ssm_version_not_found(const char *name, const char *selector, GError **error);

/* put.c */
Value ssm_put_parameter(RegionCall *call, Value input, GError **error);
/* label.c */
Value ssm_label_version(RegionCall *call, Value input, GError **error);
Value ssm_unlabel_version(RegionCall *call, Value input, GError **error);
/* list.c */
Value ssm_get_by_path(RegionCall *call, Value input, GError **error);
Value ssm_describe(RegionCall *call, Value input, GError **error);
Value ssm_history(RegionCall *call, Value input, GError **error);
/* As GetParameter and its kin tell a version; with the plain value if `decrypted`. */
Value ssm_told(Value parameter, Value version, const char *selector, gboolean decrypted);
/* tags.c */
Value ssm_add_tags(RegionCall *call, Value input, GError **error);
Value ssm_remove_tags(RegionCall *call, Value input, GError **error);
Value ssm_list_tags(RegionCall *call, Value input, GError **error);
