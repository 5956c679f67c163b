/* What other services need of Parameter Store: the value of a parameter. */
#pragma once

#include "region/region.h"

/* The value, in plain text, of a parameter by its name or ARN, or by either with ":version" or
 * ":label" behind it. NULL and an error: ParameterNotFound, ParameterVersionNotFound. The caller
 * frees it. */
char *ssm_resolve(Region *region, StoreScope scope, const char *name_or_arn, GError **error);

/* The ARN that permissions are asked for: that of the parameter which `name_or_arn` means, without
 * version or label, whether it is there or not. The caller frees it. */
char *ssm_parameter_arn(StoreScope scope, const char *name_or_arn);
