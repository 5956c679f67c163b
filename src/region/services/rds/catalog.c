/*
 * The engines, versions and classes that RDS offers here: a small table, served by whatever server
 * of the engine is installed. Versions are those that were known when it was written, and the
 * installed server's own.
 */
#include <string.h>

#include "region/services/rds/internal.h"

static const char *const postgres_versions[] = {
	"11.22", "12.22", "13.23", "14.20", "15.15", "16.11", "17.7", NULL};
static const char *const mysql_versions[] = {"5.7.44", "8.0.43", "8.4.6", NULL};
static const char *const mariadb_versions[] = {
	"10.4.34", "10.5.29", "10.6.22", "10.11.13", "11.4.7", NULL};

static const RdsEngine engines[] = {
	{"mariadb", "MariaDB", "MariaDb Community Edition", "general-public-license", 3306, 2,
		mariadb_versions},
	{"mysql", "MySQL", "MySQL Community Edition", "general-public-license", 3306, 2,
		mysql_versions},
	{"postgres", "PostgreSQL", "PostgreSQL", "postgresql-license", 5432, 1, postgres_versions},
};

const RdsEngine *rds_engine(const char *name) {
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		if (g_strcmp0(engines[i].name, name) == 0)
			return &engines[i];
	return NULL;
}

/* ---- versions ---- */

char *rds_major(const RdsEngine *engine, const char *version) {
	const char *at = version;
	for (guint i = 0; i < engine->major_parts; i++) {
		at += strcspn(at, ".");
		if (*at && i + 1 < engine->major_parts)
			at++;
	}
	return g_strndup(version, (gsize)(at - version));
}

char *rds_family(const RdsEngine *engine, const char *version) {
	g_autofree char *major = rds_major(engine, version);
	return g_strconcat(engine->name, major, NULL);
}

/* "8.0.43" → 43. */
static gint64 minor_of(const char *version) {
	const char *dot = strrchr(version, '.');
	return dot ? g_ascii_strtoll(dot + 1, NULL, 10) : 0;
}

/* The newest version known of the major version, the installed server's among them. NULL: none. */
static char *newest(Region *region, const RdsEngine *engine, const char *major) {
	g_autofree char *best = NULL;
	for (const char *const *version = engine->versions; *version; version++) {
		g_autofree char *own = rds_major(engine, *version);
		if (g_str_equal(own, major))
			best = g_strdup(*version);
	}
	const char *served = rds_served_version(region, engine->name, NULL);
	g_autofree char *served_major = served ? rds_major(engine, served) : NULL;
	/* MariaDB's program answers for MySQL too: its versions are not MySQL's. */
	if (best && served_major && g_str_equal(served_major, major) &&
		!g_str_equal(engine->name, "mysql") && minor_of(served) > minor_of(best))
		return g_strdup(served);
	return g_steal_pointer(&best);
}

static gboolean is_version(const char *text) {
	return *text && strspn(text, "0123456789.") == strlen(text) && *text != '.' &&
	       !g_str_has_suffix(text, ".") && !strstr(text, "..");
}

static const char *default_version(const RdsEngine *engine) {
	return g_str_equal(engine->name, "postgres") ? "17"
	       : g_str_equal(engine->name, "mysql")  ? "8.0"
						     : "10.11";
}

/* "8" means the newest of the 8.x that are known. */
static char *newest_of_prefix(const RdsEngine *engine, const char *prefix) {
	char *best = NULL;
	g_autofree char *dotted = g_strconcat(prefix, ".", NULL);
	for (const char *const *version = engine->versions; *version; version++)
		if (g_str_has_prefix(*version, dotted)) {
			g_free(best);
			best = g_strdup(*version);
		}
	return best;
}

char *rds_version(Region *region, const RdsEngine *engine, const char *asked, GError **error) {
	if (!asked)
		asked = default_version(engine);
	g_autofree char *major = rds_major(engine, asked);
	g_autofree char *best = is_version(asked) ? newest(region, engine, major) : NULL;
	if (!best && is_version(asked))
		best = newest_of_prefix(engine, asked);
	guint dots = 0;
	for (const char *at = asked; *at; at++)
		dots += *at == '.';
	if (best && dots < engine->major_parts)
		return g_steal_pointer(&best);
	if (best && dots == engine->major_parts && minor_of(asked) <= minor_of(best))
		return g_strdup(asked);
	wire_error_set(error, "InvalidParameterCombination", "Cannot find version %s for %s", asked,
		engine->name);
	return NULL;
}

const RdsEngine *rds_family_engine(const char *family) {
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		for (const char *const *version = engines[i].versions; *version; version++) {
			g_autofree char *own = rds_family(&engines[i], *version);
			if (g_strcmp0(own, family) == 0)
				return &engines[i];
		}
	return NULL;
}

void rds_families(void (*each)(const char *family, gpointer data), gpointer data) {
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		for (const char *const *version = engines[i].versions; *version; version++) {
			g_autofree char *family = rds_family(&engines[i], *version);
			each(family, data);
		}
}

/* ---- DescribeDBEngineVersions ---- */

static Value upgrade_targets(Region *region, const RdsEngine *engine, const char *version) {
	g_autoptr(ValueBuilder) targets = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *own = rds_major(engine, version);
	gboolean later = FALSE;
	for (const char *const *each = engine->versions; *each; each++) {
		g_autofree char *major = rds_major(engine, *each);
		g_autofree char *target = newest(region, engine, major);
		gboolean same = g_str_equal(major, own);
		if ((same && minor_of(target) > minor_of(version)) || later)
			value_builder_add_take(targets,
				value_object_take("Engine", value_string(engine->name),
					"EngineVersion", value_string(target), "Description",
					value_string_printf("%s %s", engine->title, target),
					"AutoUpgrade", value_bool(FALSE), "IsMajorVersionUpgrade",
					value_bool(!same), NULL));
		later = later || same;
	}
	return value_builder_end(g_steal_pointer(&targets));
}

static Value log_types(const RdsEngine *engine) {
	if (g_str_equal(engine->name, "postgres"))
		return value_tuple_take(2, value_string("postgresql"), value_string("upgrade"));
	return value_tuple_take(4, value_string("audit"), value_string("error"),
		value_string("general"), value_string("slowquery"));
}

static Value engine_version(Region *region, const RdsEngine *engine, const char *version) {
	g_autofree char *family = rds_family(engine, version);
	g_autofree char *major = rds_major(engine, version);
	return value_object_take("Engine", value_string(engine->name), "EngineVersion",
		value_string(version), "MajorEngineVersion", value_string(major),
		"DBParameterGroupFamily", value_string(family), "DBEngineDescription",
		value_string(engine->description), "DBEngineVersionDescription",
		value_string_printf("%s %s", engine->title, version), "Status",
		value_string("available"), "ValidUpgradeTarget",
		upgrade_targets(region, engine, version), "ExportableLogTypes", log_types(engine),
		"SupportsLogExportsToCloudwatchLogs", value_bool(FALSE), "SupportsReadReplica",
		value_bool(FALSE), "SupportedFeatureNames", value_empty_tuple(),
		"SupportedEngineModes", value_empty_tuple(), "SupportsParallelQuery",
		value_bool(FALSE), "SupportsGlobalDatabases", value_bool(FALSE),
		"SupportsBabelfish", value_bool(FALSE), "SupportsCertificateRotationWithoutRestart",
		value_bool(FALSE), "SupportsLimitlessDatabase", value_bool(FALSE),
		"SupportsIntegrations", value_bool(FALSE), "SupportsLocalWriteForwarding",
		value_bool(FALSE), "SupportedCACertificateIdentifiers",
		value_tuple_take(1, value_string("rds-ca-rsa2048-g1")), NULL);
}

/* Does "15" or "15.4" mean this version? */
static gboolean version_matches(const char *asked, const char *version) {
	gsize length = asked ? strlen(asked) : 0;
	return !asked || (g_str_has_prefix(version, asked) &&
				 (version[length] == '\0' || version[length] == '.'));
}

typedef struct {
	Region *region;
	Value input;
	ValueBuilder *found;
} Search;

static void add_version(Search *search, const RdsEngine *engine, const char *version) {
	Value filters = value_get(search->input, "Filters");
	g_autofree char *family = rds_family(engine, version);
	const char *wanted_family = value_get_text(search->input, "DBParameterGroupFamily");
	const char *const engine_names[] = {engine->name, NULL};
	const char *const versions[] = {version, NULL};
	const char *const families[] = {family, NULL};
	const char *const statuses[] = {"available", NULL};
	const char *const modes[] = {"provisioned", NULL};
	if ((!wanted_family || g_ascii_strcasecmp(family, wanted_family) == 0) &&
		rds_filter_passes(filters, "engine", engine_names) &&
		rds_filter_passes(filters, "engine-version", versions) &&
		rds_filter_passes(filters, "db-parameter-group-family", families) &&
		rds_filter_passes(filters, "status", statuses) &&
		rds_filter_passes(filters, "engine-mode", modes))
		value_builder_add_take(
			search->found, engine_version(search->region, engine, version));
}

/* The newest of each major version; an older one that is asked for in full. */
static void add_versions(Search *search, const RdsEngine *engine) {
	const char *asked = value_get_text(search->input, "EngineVersion");
	g_autofree char *normal = g_strdup(default_version(engine));
	for (const char *const *version = engine->versions; *version; version++) {
		g_autofree char *major = rds_major(engine, *version);
		g_autofree char *best = newest(search->region, engine, major);
		if (value_get_bool(search->input, "DefaultOnly") && !asked &&
			!g_str_equal(major, normal))
			continue;
		if (version_matches(asked, best)) {
			add_version(search, engine, best);
			continue;
		}
		g_autofree char *exact =
			asked ? rds_version(search->region, engine, asked, NULL) : NULL;
		g_autofree char *exact_major = exact ? rds_major(engine, exact) : NULL;
		if (exact && g_str_equal(exact, asked) && g_str_equal(exact_major, major))
			add_version(search, engine, exact);
	}
}

Value rds_describe_engine_versions(RegionCall *call, Value input, GError **error) {
	static const char *const known[] = {"db-parameter-group-family", "engine", "engine-mode",
		"engine-version", "status", NULL};
	if (!rds_check_filters(value_get(input, "Filters"), known, error))
		return VALUE_NOTHING;
	Search search = {call->region, input, value_builder_new(VALUE_TUPLE, NULL)};
	const char *engine = value_get_text(input, "Engine");
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		if (!engine || g_str_equal(engine, engines[i].name))
			add_versions(&search, &engines[i]);
	g_auto(Value) found = value_builder_end(search.found);
	return rds_page(call, input, "DBEngineVersions", found, error);
}

/* ---- DescribeOrderableDBInstanceOptions ---- */

static const char *const classes[] = {"db.t3.micro", "db.t3.small", "db.t3.medium", "db.t3.large",
	"db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m5.large",
	"db.m5.xlarge", "db.m6g.large", "db.m6g.xlarge", "db.m6i.large", "db.m7g.large",
	"db.r5.large", "db.r6g.large", "db.r6g.xlarge", "db.r6i.large", "db.r7g.large"};

gboolean rds_check_class(const char *class, GError **error) {
	g_auto(GStrv) parts = g_strsplit(class, ".", -1);
	gboolean fine = g_strv_length(parts) == 3 && g_str_equal(parts[0], "db") && *parts[1] &&
			*parts[2] && !strpbrk(class, " /:");
	if (!fine)
		wire_error_set(
			error, "InvalidParameterValue", "Invalid DB Instance class: %s", class);
	return fine;
}

static Value orderable(
	RegionCall *call, const RdsEngine *engine, const char *version, const char *class) {
	g_autoptr(ValueBuilder) zones = value_builder_new(VALUE_TUPLE, NULL);
	for (const char *letter = "abc"; *letter; letter++)
		value_builder_add_take(zones,
			value_object_take("Name",
				value_string_printf("%s%c", call->scope.region, *letter), NULL));
	return value_object_take("Engine", value_string(engine->name), "EngineVersion",
		value_string(version), "DBInstanceClass", value_string(class), "LicenseModel",
		value_string(engine->license), "AvailabilityZones",
		value_builder_end(g_steal_pointer(&zones)), "MultiAZCapable", value_bool(TRUE),
		"ReadReplicaCapable", value_bool(FALSE), "Vpc", value_bool(TRUE),
		"SupportsStorageEncryption", value_bool(TRUE), "StorageType", value_string("gp3"),
		"SupportsIops", value_bool(TRUE), "SupportsStorageThroughput", value_bool(TRUE),
		"SupportsEnhancedMonitoring", value_bool(FALSE),
		"SupportsIAMDatabaseAuthentication", value_bool(FALSE),
		"SupportsPerformanceInsights", value_bool(FALSE), "SupportsStorageAutoscaling",
		value_bool(TRUE), "SupportsKerberosAuthentication", value_bool(FALSE),
		"OutpostCapable", value_bool(FALSE), "SupportsGlobalDatabases", value_bool(FALSE),
		"SupportsClusters", value_bool(FALSE), "SupportsDedicatedLogVolume",
		value_bool(FALSE), "SupportedNetworkTypes",
		value_tuple_take(1, value_string("IPV4")), "MinStorageSize", value_int(20),
		"MaxStorageSize", value_int(65536), NULL);
}

Value rds_describe_orderable_options(RegionCall *call, Value input, GError **error) {
	static const char *const no_filters[] = {NULL};
	const char *name = value_get_text(input, "Engine");
	const RdsEngine *engine = rds_engine(name);
	if (!rds_check_filters(value_get(input, "Filters"), no_filters, error))
		return VALUE_NOTHING;
	if (!engine) {
		wire_error_set(
			error, "InvalidParameterValue", "Unrecognized engine name: %s", name);
		return VALUE_NOTHING;
	}
	const char *class = value_get_text(input, "DBInstanceClass");
	const char *license = value_get_text(input, "LicenseModel");
	const char *asked = value_get_text(input, "EngineVersion");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	for (const char *const *each = engine->versions; *each; each++) {
		g_autofree char *major = rds_major(engine, *each);
		g_autofree char *version = newest(call->region, engine, major);
		if (!version_matches(asked, version) ||
			(license && !g_str_equal(license, engine->license)))
			continue;
		for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
			if (!class || g_str_equal(class, classes[i]))
				value_builder_add_take(
					found, orderable(call, engine, version, classes[i]));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&found));
	return rds_page(call, input, "OrderableDBInstanceOptions", all, error);
}

/* ---- option groups ---- */

/* The default groups are all that there are. */
Value rds_describe_option_groups(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "OptionGroupName");
	const char *engine = value_get_text(input, "EngineName");
	const char *major = value_get_text(input, "MajorEngineVersion");
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		for (const char *const *each = engines[i].versions; *each; each++) {
			g_autofree char *own_major = rds_major(&engines[i], *each);
			g_autofree char *dashed = g_strdelimit(g_strdup(own_major), ".", '-');
			g_autofree char *own =
				g_strdup_printf("default:%s-%s", engines[i].name, dashed);
			if ((name && !g_str_equal(name, own)) ||
				(engine && !g_str_equal(engine, engines[i].name)) ||
				(major && !g_str_equal(major, own_major)))
				continue;
			g_autofree char *arn = region_arn(call->scope, "rds", "og:%s", own);
			value_builder_add_take(found,
				value_object_take("OptionGroupName", value_string(own),
					"OptionGroupArn", value_string(arn), "EngineName",
					value_string(engines[i].name), "MajorEngineVersion",
					value_string(own_major), "OptionGroupDescription",
					value_string_printf("Default option group for %s %s",
						engines[i].name, own_major),
					"AllowsVpcAndNonVpcInstanceMemberships", value_bool(TRUE),
					"Options", value_empty_tuple(), NULL));
		}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&found));
	if (name && value_length(all) == 0) {
		wire_error_set(error, "OptionGroupNotFoundFault",
			"Specified OptionGroupName: %s not found.", name);
		return VALUE_NOTHING;
	}
	return rds_page(call, input, "OptionGroupsList", all, error);
}
