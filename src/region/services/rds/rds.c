/* RDS: the service's table of operations, and what its files share: names, filters, pages, tags. */
#include <string.h>

#include "base/text.h"
#include "region/services/rds/internal.h"

extern const RegionService region_rds;

Value rds_view_take(Value object) {
	return value_has(object, RDS_INTERNAL) ? value_without_take(object, RDS_INTERNAL) : object;
}

char *rds_name(const char *name_or_arn, const char *type) {
	g_autofree char *resource = NULL, *prefix = g_strconcat(type, ":", NULL);
	if (name_or_arn && region_arn_parse(name_or_arn, NULL, NULL, NULL, &resource) &&
		g_str_has_prefix(resource, prefix))
		return g_ascii_strdown(resource + strlen(prefix), -1);
	return g_ascii_strdown(name_or_arn ? name_or_arn : "", -1);
}

gboolean rds_check_name(const char *name, const char *what, gsize most, GError **error) {
	gsize length = strlen(name);
	if (length > 0 && length <= most && g_ascii_isalpha(name[0]) && name[length - 1] != '-' &&
		!strstr(name, "--") &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length)
		return TRUE;
	wire_error_set(error, "InvalidParameterValue",
		"The parameter %s is not a valid identifier. Identifiers must begin with a letter; "
		"must contain only ASCII letters, digits, and hyphens; and must not end with a "
		"hyphen or contain two consecutive hyphens.",
		what);
	return FALSE;
}

gboolean rds_lists(Value words, const char *word) {
	if (value_is_null(words))
		return TRUE;
	for (gsize i = 0; i < value_length(words); i++)
		if (g_strcmp0(value_text(value_at(words, i)), word) == 0)
			return TRUE;
	return FALSE;
}

gboolean rds_check_filters(Value filters, const char *const *known, GError **error) {
	for (gsize i = 0; i < value_length(filters); i++) {
		const char *name = value_text_or(value_get(value_at(filters, i), "Name"), "");
		if (g_strv_contains(known, name))
			continue;
		wire_error_set(
			error, "InvalidParameterValue", "Unrecognized filter name: %s", name);
		return FALSE;
	}
	return TRUE;
}

gboolean rds_filter_passes(Value filters, const char *name, const char *const *texts) {
	for (gsize i = 0; i < value_length(filters); i++) {
		Value filter = value_at(filters, i);
		if (g_strcmp0(value_get_text(filter, "Name"), name) != 0)
			continue;
		gboolean passes = FALSE;
		for (const char *const *text = texts; *text; text++)
			passes = passes || rds_lists(value_get(filter, "Values"), *text);
		if (!passes)
			return FALSE;
	}
	return TRUE;
}

Value rds_page(RegionCall *call, Value input, const char *member, Value items, GError **error) {
	gint64 max = value_get_int(input, "MaxRecords", 100);
	if (max < 20 || max > 100) {
		wire_error_set(error, "InvalidParameterValue",
			"Invalid value %" G_GINT64_FORMAT
			" for MaxRecords. Must be between 20 and 100",
			max);
		return VALUE_NOTHING;
	}
	const char *marker = value_get_text(input, "Marker");
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(Value) page = region_page(items, max, marker && *marker ? marker : NULL,
		"InvalidParameterValue", &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take(member, value_steal(&page), NULL);
	return next ? value_with_take(output, "Marker", value_string(next)) : output;
}

Value rds_refuse(GError **error, const char *what) {
	wire_error_set_status(
		error, 501, "NotImplemented", "Terrarium does not implement %s.", what);
	return VALUE_NOTHING;
}

/* ---- tags ---- */

void rds_tag_new(RegionCall *call, const char *arn, Value tags) {
	g_auto(Value) map = region_tags_from_list(tags, "Key", "Value");
	region_tags_set(call->region, call->scope, arn, map);
}

/* The kind of what an ARN names, and the error for one that is not there. */
static gboolean check_resource(RegionCall *call, const char *arn, GError **error) {
	static const struct {
		const char *type, *kind, *code;
	} types[] = {{"db", RDS_INSTANCES, "DBInstanceNotFound"},
		{"subgrp", RDS_SUBNET_GROUPS, "DBSubnetGroupNotFoundFault"},
		{"pg", RDS_PARAMETER_GROUPS, "DBParameterGroupNotFound"}};
	g_autofree char *resource = NULL;
	if (region_arn_parse(arn, NULL, NULL, NULL, &resource))
		for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
			g_autofree char *name = rds_name(arn, types[i].type);
			gsize length = strlen(types[i].type);
			if (strncmp(resource, types[i].type, length) != 0 ||
				resource[length] != ':')
				continue;
			if (store_has(region_store(call->region), call->scope, types[i].kind, name))
				return TRUE;
			wire_error_set(error, types[i].code, "%s not found.", arn);
			return FALSE;
		}
	wire_error_set(error, "InvalidParameterValue",
		"Invalid resource name: the resource must be an ARN of an instance, a subnet group "
		"or a parameter group: %s",
		arn);
	return FALSE;
}

static Value add_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ResourceName");
	if (check_resource(call, arn, error))
		rds_tag_new(call, arn, value_get(input, "Tags"));
	return VALUE_NOTHING;
}

static Value remove_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ResourceName");
	Value keys = value_get(input, "TagKeys");
	if (!check_resource(call, arn, error))
		return VALUE_NOTHING;
	for (gsize i = 0; i < value_length(keys); i++)
		region_tags_remove(
			call->region, call->scope, arn, value_text_or(value_at(keys, i), ""));
	return VALUE_NOTHING;
}

static Value list_tags(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "ResourceName");
	if (!check_resource(call, arn, error))
		return VALUE_NOTHING;
	g_auto(Value) tags = region_tags(call->region, call->scope, arn);
	return value_object_take("TagList", region_tags_to_list(tags, "Key", "Value"), NULL);
}

/* ---- what there is none of ---- */

static Value describe_pending_maintenance(RegionCall *call, Value input, GError **error) {
	return value_object_take("PendingMaintenanceActions", value_empty_tuple(), NULL);
}

/* There are no clusters, so any that is named is not found. */
static Value describe_clusters(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "DBClusterIdentifier");
	if (!name)
		return value_object_take("DBClusters", value_empty_tuple(), NULL);
	wire_error_set(error, "DBClusterNotFoundFault", "DBCluster %s not found.", name);
	return VALUE_NOTHING;
}

/* Nor snapshots. */
static Value describe_snapshots(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "DBSnapshotIdentifier");
	if (!name)
		return value_object_take("DBSnapshots", value_empty_tuple(), NULL);
	wire_error_set(error, "DBSnapshotNotFound", "DBSnapshot not found: %s", name);
	return VALUE_NOTHING;
}

static const RegionOperation operations[] = {
	{"AddTagsToResource", add_tags},
	{"CreateDBInstance", rds_create_instance},
	{"CreateDBParameterGroup", rds_create_parameter_group},
	{"CreateDBSubnetGroup", rds_create_subnet_group},
	{"DeleteDBInstance", rds_delete_instance},
	{"DeleteDBParameterGroup", rds_delete_parameter_group},
	{"DeleteDBSubnetGroup", rds_delete_subnet_group},
	{"DescribeDBClusters", describe_clusters, .reads_only = TRUE},
	{"DescribeDBEngineVersions", rds_describe_engine_versions, .reads_only = TRUE},
	{"DescribeDBInstances", rds_describe_instances, .reads_only = TRUE},
	{"DescribeDBLogFiles", rds_describe_log_files, .reads_only = TRUE},
	{"DescribeDBParameterGroups", rds_describe_parameter_groups, .reads_only = TRUE},
	{"DescribeDBParameters", rds_describe_parameters, .reads_only = TRUE},
	{"DescribeDBSnapshots", describe_snapshots, .reads_only = TRUE},
	{"DescribeDBSubnetGroups", rds_describe_subnet_groups, .reads_only = TRUE},
	{"DescribeEngineDefaultParameters", rds_describe_default_parameters, .reads_only = TRUE},
	{"DescribeOptionGroups", rds_describe_option_groups, .reads_only = TRUE},
	{"DescribeOrderableDBInstanceOptions", rds_describe_orderable_options, .reads_only = TRUE},
	{"DescribePendingMaintenanceActions", describe_pending_maintenance, .reads_only = TRUE},
	{"DownloadDBLogFilePortion", rds_download_log, .reads_only = TRUE},
	{"ListTagsForResource", list_tags, .reads_only = TRUE},
	{"ModifyDBInstance", rds_modify_instance},
	{"ModifyDBParameterGroup", rds_modify_parameter_group},
	{"ModifyDBSubnetGroup", rds_modify_subnet_group},
	{"RebootDBInstance", rds_reboot_instance},
	{"RemoveTagsFromResource", remove_tags},
	{"ResetDBParameterGroup", rds_reset_parameter_group},
	{"StartDBInstance", rds_start_instance},
	{"StopDBInstance", rds_stop_instance},
	{NULL},
};

const RegionService region_rds = {
	.name = "rds", .operations = operations, .start = rds_start, .stop = rds_stop};
