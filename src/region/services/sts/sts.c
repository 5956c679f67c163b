/* STS: who calls. */
#include "region/region.h"

extern const RegionService region_sts;

static Value get_caller_identity(RegionCall *call, Value input, GError **error) {
	return value_object_take("Account", value_string(call->scope.account), "Arn",
		value_string(call->principal_arn), "UserId", value_string(call->principal_id),
		NULL);
}

static const RegionOperation operations[] = {
	{"GetCallerIdentity", get_caller_identity, .reads_only = TRUE},
	{NULL},
};

const RegionService region_sts = {.name = "sts", .operations = operations};
