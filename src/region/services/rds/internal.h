/*
 * What the files of RDS share: its objects in the store, how calls find and list them, and the
 * catalogue of engines. Objects have the shape that the API gives them; what only RDS itself knows
 * of one is in its member "Internal", which `rds_view_take` takes away before an answer.
 */
#pragma once

#include "region/region.h"

/* An operation's handler, as RegionHandler points to. */
typedef Value RdsOperation(RegionCall *call, Value input, GError **error);

/* Kinds in the store; ids are names in lower case. */
#define RDS_INSTANCES "rds/instance"
#define RDS_SUBNET_GROUPS "rds/subnet-group"
#define RDS_PARAMETER_GROUPS "rds/parameter-group"

/* Of an instance: {Interface, Address, Subnet, Password, Parameters (what its server is to have),
 * Stopped, Tasks (what is to be done with the server: "password", "restart"), Differences and
 * Reason (what the server told)}. */
#define RDS_INTERNAL "Internal"

/* The object without what is internal. Takes it. */
Value rds_view_take(Value object);

/* ---- calls (rds.c) ---- */

/* The name behind a name or an ARN of `type` ("db", "subgrp", "pg"), in lower case. Caller frees.
 */
char *rds_name(const char *name_or_arn, const char *type);
/* Is it a name as RDS allows for its objects (letters, digits, single hyphens)? Else an error. */
gboolean rds_check_name(const char *name, const char *what, gsize most, GError **error);
/* Is `word` in a sequence of texts (or is there none)? */
gboolean rds_lists(Value words, const char *word);
/* Checks that all filters are of `known` (NULL-terminated). */
gboolean rds_check_filters(Value filters, const char *const *known, GError **error);
/* Does a filter of this name (or none such) take one of `texts` (NULL-terminated)? */
gboolean rds_filter_passes(Value filters, const char *name, const char *const *texts);
/* One page by Marker and MaxRecords: {<member>: page, Marker}. */
Value rds_page(RegionCall *call, Value input, const char *member, Value items, GError **error);
/* Sets the tags of a create call. */
void rds_tag_new(RegionCall *call, const char *arn, Value tags);
/* What is refused since it is not there: NotImplemented with this sentence. */
Value rds_refuse(GError **error, const char *what);

/* ---- the catalogue (catalog.c) ---- */

typedef struct {
	const char *name; /* "postgres" */
	const char *title; /* "PostgreSQL" */
	const char *description, *license;
	int port;
	guint major_parts; /* of a version's numbers, those that name the major version */
	const char *const *versions; /* newest known of each major version, ascending */
} RdsEngine;

const RdsEngine *rds_engine(const char *name); /* or NULL */
/* The full version that `asked` (NULL: the engine's newest default) means: "13" gives the newest
 * known 13.x. NULL and an error if there is none such. Caller frees. */
char *rds_version(Region *region, const RdsEngine *engine, const char *asked, GError **error);
char *rds_major(const RdsEngine *engine, const char *version); /* "15", "8.0"; caller frees */
char *rds_family(const RdsEngine *engine, const char *version); /* "postgres15"; caller frees */
/* The engine of a family, or NULL. */
const RdsEngine *rds_family_engine(const char *family);
/* Calls back for each family that there is. */
void rds_families(void (*each)(const char *family, gpointer data), gpointer data);
gboolean rds_check_class(const char *class, GError **error);
RdsOperation rds_describe_engine_versions, rds_describe_orderable_options,
	rds_describe_option_groups;

/* ---- subnet groups (subnet_group.c) ---- */

/* As the API gives it; VALUE_NOTHING and DBSubnetGroupNotFoundFault. */
Value rds_subnet_group(Region *region, StoreScope scope, const char *name, GError **error);
RdsOperation rds_create_subnet_group, rds_describe_subnet_groups, rds_modify_subnet_group,
	rds_delete_subnet_group;

/* ---- parameter groups (parameter_group.c) ---- */

typedef enum { RDS_STRING, RDS_BOOLEAN, RDS_INTEGER, RDS_FLOAT } RdsParameterType;

typedef struct {
	const char *name;
	RdsParameterType type;
	const char *minimum, *maximum; /* of numbers; NULL: none */
	gboolean is_static; /* takes effect at a start only */
} RdsParameter;

extern const RdsParameter rds_parameters_postgres[], rds_parameters_mysql[];

/* {DBParameterGroupName, DBParameterGroupFamily, Description, DBParameterGroupArn, Internal:
 * {Values: {name: {Value, Method}}}}, the defaults among them. VALUE_NOTHING and an error. */
Value rds_parameter_group(Region *region, StoreScope scope, const char *name, GError **error);
/* What a group sets, as a tuple of "name=value". */
Value rds_parameter_settings(Value group);
RdsOperation rds_create_parameter_group, rds_describe_parameter_groups, rds_modify_parameter_group,
	rds_reset_parameter_group, rds_delete_parameter_group, rds_describe_parameters,
	rds_describe_default_parameters;

/* ---- instances (instance.c, instance_create.c, instance_modify.c) ---- */

/* The instance by name or ARN; VALUE_NOTHING and DBInstanceNotFound. */
Value rds_instance(RegionCall *call, const char *name_or_arn, GError **error);
void rds_instance_put(Region *region, StoreScope scope, Value instance_taken);
/* `instance` with a member of its internal part set, or removed if null. Takes both. */
Value rds_with_internal_take(Value instance, const char *member, Value element);
/* The answer {DBInstance: …}. */
Value rds_instance_answer(RegionCall *call, Value instance);
/* "app.c0123456789ab.us-east-1.rds.amazonaws.com". Caller frees. */
char *rds_endpoint_name(StoreScope scope, const char *identifier);
/* Checks that groups exist in the VPC; they as VpcSecurityGroups, or VALUE_NOTHING. */
Value rds_security_groups(RegionCall *call, Value ids, const char *vpc, GError **error);
gboolean rds_check_password(const RdsEngine *engine, const char *password, GError **error);
/* Refuses what an input asks for that is not there, by name. */
gboolean rds_check_supported(Value input, GError **error);
/* The instance's DBParameterGroups, and its settings, for a group of the right family. */
Value rds_with_parameter_group_take(Region *region, StoreScope scope, Value instance,
	const char *name, gboolean in_sync, GError **error);
/* Makes the secret of a managed password; the instance with MasterUserSecret and the password. */
Value rds_with_managed_password_take(
	RegionCall *call, Value instance, const char *key, GError **error);
/* Applies what was put off (PendingModifiedValues) or is given. Takes the instance. */
Value rds_apply_values_take(
	Region *region, StoreScope scope, Value instance, Value values, GError **error);
/* Seconds until the maintenance window begins, 0 within it. */
double rds_until_maintenance(Region *region, const char *window);
/* Words about what is here otherwise than asked for. */
Value rds_instance_differences(Region *region, Value instance);
RdsOperation rds_create_instance, rds_describe_instances, rds_modify_instance, rds_reboot_instance,
	rds_start_instance, rds_stop_instance, rds_delete_instance;

/* ---- logs (log.c) ---- */

RdsOperation rds_describe_log_files, rds_download_log;

/* ---- what runs (controller.c) ---- */

/* The version of the server that would serve an engine ("15.18"), borrowed; NULL and an error that
 * names what to install. */
const char *rds_served_version(Region *region, const char *engine, GError **error);
/* Where the instance's server writes its log; NULL: it has none. Caller frees. */
char *rds_log_path(Region *region, Value instance);
gboolean rds_start(Region *region, GError **error);
void rds_stop(Region *region);
