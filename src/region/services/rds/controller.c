/*
 * What runs: for each DB instance in the store, a database server in the glass (database.h), as
 * soon as its interface is there. Statuses follow what the server does. Without a glass, instances
 * are only kept: they become what was asked for at once.
 */
#include <string.h>

#include "glass/database.h"
#include "region/dns.h"
#include "region/status.h"
#include "region/services/ec2/ec2.h"
#include "region/services/rds/internal.h"
#include "region/services/rds/rds.h"

#define NAME "rds"

/* What a server was told already, and what it has. */
typedef struct {
	Value tasks, parameters;
	gboolean stopped, deleted;
} Told;

typedef struct {
	Region *region;
	Databases *databases; /* NULL without a glass */
	GHashTable *told; /* DbiResourceId -> Told */
	GHashTable *versions; /* of servers, by engine: asking costs the start of a program */
	gboolean swept;
} Controller;

static const StoreScope everywhere = {NULL, NULL};

static void told_free(gpointer data) {
	Told *told = data;
	value_clear(&told->tasks);
	value_clear(&told->parameters);
	g_free(told);
}

static const char *resource_of(Value instance) {
	return value_get_text(instance, "DbiResourceId");
}

static Value internal_of(Value instance, const char *member) {
	return value_get_path(instance, RDS_INTERNAL, member, NULL);
}

/* ---- the store ---- */

static void put(Region *region, StoreScope scope, Value instance_taken) {
	if (!store_begin(region_store(region), NULL)) {
		value_unref(instance_taken);
		return;
	}
	rds_instance_put(region, scope, instance_taken);
	store_commit(region_store(region), NULL);
}

/* The instance has come to rest in `status`: nothing is left to do. */
static void settle(Region *region, StoreScope scope, Value instance, const char *status) {
	Value tasks = internal_of(instance, "Tasks");
	if (g_strcmp0(value_get_text(instance, "DBInstanceStatus"), status) == 0 &&
		value_is_null(tasks))
		return;
	Value settled =
		value_with_take(value_ref(instance), "DBInstanceStatus", value_string(status));
	put(region, scope, rds_with_internal_take(settled, "Tasks", VALUE_NOTHING));
}

static void delete_secret(Region *region, StoreScope scope, Value instance) {
	const char *arn =
		value_text(value_get_path(instance, "MasterUserSecret", "SecretArn", NULL));
	if (!arn)
		return;
	g_auto(Value) request = value_object_take("SecretId", value_string(arn),
		"ForceDeleteWithoutRecovery", value_bool(TRUE), NULL);
	g_auto(Value) done =
		region_call(region, scope, "secretsmanager", "DeleteSecret", request, NULL);
}

static void erase(Region *region, StoreScope scope, Value instance) {
	Store *store = region_store(region);
	if (!store_begin(store, NULL))
		return;
	delete_secret(region, scope, instance);
	ec2_interface_delete(region, scope, value_text(internal_of(instance, "Interface")));
	region_tags_clear(region, scope, value_get_text(instance, "DBInstanceArn"));
	store_delete(store, scope, RDS_INSTANCES, value_get_text(instance, "DBInstanceIdentifier"));
	store_commit(store, NULL);
}

/* What was put off is applied in the maintenance window. */
static Value with_pending_applied(Region *region, StoreScope scope, Value instance) {
	Value pending = value_get(instance, "PendingModifiedValues");
	if (value_length(pending) == 0 ||
		g_strcmp0(value_get_text(instance, "DBInstanceStatus"), "available") != 0)
		return value_ref(instance);
	double wait = rds_until_maintenance(
		region, value_text_or(value_get(instance, "PreferredMaintenanceWindow"), ""));
	if (wait > 0) {
		region_wake_after(region, NAME, wait);
		return value_ref(instance);
	}
	if (!store_begin(region_store(region), NULL))
		return value_ref(instance);
	g_autoptr(GError) error = NULL;
	g_auto(Value) values = value_ref(pending);
	Value changed = rds_apply_values_take(region, scope,
		value_with_take(value_ref(instance), "DBInstanceStatus", value_string("modifying")),
		values, &error);
	if (value_is_null(changed)) {
		g_warning("pending changes of %s: %s",
			value_get_text(instance, "DBInstanceIdentifier"), error->message);
		store_rollback(region_store(region));
		return value_ref(instance);
	}
	rds_instance_put(region, scope, value_ref(changed));
	store_commit(region_store(region), NULL);
	return changed;
}

/* ---- without a glass ---- */

static void pretend_nothing(Region *region, StoreScope scope, Value instance) {
	const char *status = value_get_text(instance, "DBInstanceStatus");
	if (g_strcmp0(status, "deleting") == 0)
		erase(region, scope, instance);
	else
		settle(region, scope, instance,
			value_to_bool(internal_of(instance, "Stopped")) ? "stopped" : "available");
}

/* ---- servers ---- */

static char **settings_of(Value instance) {
	Value settings = internal_of(instance, "Parameters");
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (gsize i = 0; i < value_length(settings); i++) {
		const char *setting = value_text_or(value_at(settings, i), "");
		if (!strchr(setting, '{'))
			g_ptr_array_add(all, g_strdup(setting));
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_steal(all, NULL);
}

static DatabaseSpec *spec_of(Value instance) {
	DatabaseSpec *spec = database_spec_new(
		resource_of(instance), value_text_or(internal_of(instance, "Interface"), ""));
	spec->address = g_strdup(value_text(internal_of(instance, "Address")));
	spec->port = (int)value_get_int(value_get(instance, "Endpoint"), "Port", 5432);
	spec->engine = g_strdup(value_get_text(instance, "Engine"));
	spec->version = g_strdup(value_get_text(instance, "EngineVersion"));
	spec->master_user = g_strdup(value_get_text(instance, "MasterUsername"));
	spec->master_password = g_strdup(value_text(internal_of(instance, "Password")));
	spec->database = g_strdup(value_get_text(instance, "DBName"));
	spec->parameters = settings_of(instance);
	return spec;
}

static void fail(Region *region, StoreScope scope, Value instance, const char *reason) {
	if (g_strcmp0(value_get_text(instance, "DBInstanceStatus"), "failed") == 0 &&
		g_strcmp0(value_text(internal_of(instance, "Reason")), reason) == 0)
		return;
	Value failed =
		value_with_take(value_ref(instance), "DBInstanceStatus", value_string("failed"));
	put(region, scope, rds_with_internal_take(failed, "Reason", value_string(reason)));
}

/* It is away, though nobody asked for that: after a crash, or the machine's restart. */
static void note_start(Region *region, StoreScope scope, Value instance) {
	static const char *const statuses[] = {"available", "failed", NULL};
	if (g_strv_contains(statuses, value_text_or(value_get(instance, "DBInstanceStatus"), "")))
		put(region, scope,
			value_with_take(
				value_ref(instance), "DBInstanceStatus", value_string("starting")));
}

static Told *told_of(Controller *self, Value instance) {
	Told *told = g_hash_table_lookup(self->told, resource_of(instance));
	if (!told) {
		told = g_new0(Told, 1);
		g_hash_table_insert(self->told, g_strdup(resource_of(instance)), told);
	}
	return told;
}

/* Takes the server up again, or for the first time. */
static Database *take_up(
	Controller *self, Value instance, gboolean run, Told *told, GError **error) {
	told->stopped = !run;
	value_clear(&told->parameters);
	told->parameters = value_ref(internal_of(instance, "Parameters"));
	DatabaseSpec *spec = spec_of(instance);
	return run ? databases_run(self->databases, spec, error)
		   : databases_keep(self->databases, spec, error);
}

static void end_server(Controller *self, StoreScope scope, Value instance) {
	Told *told = told_of(self, instance);
	Database *database = databases_get(self->databases, resource_of(instance));
	g_autoptr(GError) error = NULL;
	if (!database && !told->deleted)
		database = take_up(self, instance, FALSE, told, &error);
	if (database && !told->deleted) {
		told->deleted = TRUE;
		database_delete(database);
	} else if (!database) {
		if (error)
			g_warning("the server of %s: %s",
				value_get_text(instance, "DBInstanceIdentifier"), error->message);
		erase(self->region, scope, instance);
		g_hash_table_remove(self->told, resource_of(instance));
	}
}

/* Tells the server what has changed since it was told last. */
static void tell(Database *database, Told *told, Value instance) {
	Value parameters = internal_of(instance, "Parameters");
	Value tasks = internal_of(instance, "Tasks");
	gboolean stopped = value_to_bool(internal_of(instance, "Stopped"));
	if (!value_equal(parameters, told->parameters)) {
		value_clear(&told->parameters);
		told->parameters = value_ref(parameters);
		database_set_parameters(database, settings_of(instance));
	}
	if (!value_equal(tasks, told->tasks)) {
		if (value_has(tasks, "password") && !value_has(told->tasks, "password"))
			database_set_password(
				database, value_text(internal_of(instance, "Password")));
		if (value_has(tasks, "restart") && !value_has(told->tasks, "restart")) {
			database_set_port(database,
				(int)value_get_int(value_get(instance, "Endpoint"), "Port", 5432));
			database_reboot(database);
		}
		value_clear(&told->tasks);
		told->tasks = value_ref(tasks);
	}
	if (stopped != told->stopped) {
		told->stopped = stopped;
		if (stopped)
			database_stop(database);
		else
			database_start(database);
	}
}

static Value differences_of(Database *database) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (const char *const *each = database_differences(database); each && *each; each++)
		value_builder_add_take(all, value_string(*each));
	return value_builder_end(g_steal_pointer(&all));
}

/* The store's status follows the server's. */
static void follow(Region *region, StoreScope scope, Value instance, Database *database) {
	DatabaseStatus status = database_status(database);
	if (status == DATABASE_FAILED) {
		fail(region, scope, instance, database_reason(database));
		return;
	}
	if (status == DATABASE_STARTING)
		note_start(region, scope, instance);
	if (status == DATABASE_STOPPED)
		settle(region, scope, instance, "stopped");
	if (status != DATABASE_AVAILABLE)
		return;
	g_auto(Value) differences = differences_of(database);
	g_auto(Value) current = value_ref(instance);
	if (!value_equal(differences, internal_of(instance, "Differences")) ||
		!value_is_null(internal_of(instance, "Reason"))) {
		Value told = rds_with_internal_take(
			value_steal(&current), "Differences", value_steal(&differences));
		current = rds_with_internal_take(told, "Reason", VALUE_NOTHING);
		put(region, scope, value_ref(current));
	}
	settle(region, scope, current, "available");
}

/* FALSE: the interface is not there yet, so neither is the server. */
static gboolean control_server(Controller *self, StoreScope scope, Value instance) {
	if (g_strcmp0(value_get_text(instance, "DBInstanceStatus"), "deleting") == 0) {
		end_server(self, scope, instance);
		return TRUE;
	}
	Told *told = told_of(self, instance);
	Database *database = databases_get(self->databases, resource_of(instance));
	if (!database) {
		const char *interface = value_text(internal_of(instance, "Interface"));
		g_autoptr(GError) error = NULL;
		if (!interface || !ec2_interface_ready(self->region, interface)) {
			note_start(self->region, scope, instance);
			return FALSE;
		}
		database = take_up(self, instance, !value_to_bool(internal_of(instance, "Stopped")),
			told, &error);
		if (!database) {
			fail(self->region, scope, instance, error->message);
			return TRUE;
		}
	}
	tell(database, told, instance);
	follow(self->region, scope, instance, database);
	return TRUE;
}

/* ---- the controller ---- */

static void control(Region *region, gpointer data) {
	Controller *self = data;
	gboolean complete = TRUE;
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, RDS_INSTANCES);
	const char *id;
	Value object;
	while (store_iter_next(&iter, &id, &object)) {
		StoreScope scope = store_iter_scope(&iter);
		g_auto(Value) instance = with_pending_applied(region, scope, object);
		if (!self->databases)
			pretend_nothing(region, scope, instance);
		else if (!control_server(self, scope, instance))
			complete = FALSE;
	}
	/* Servers that nobody asked for are known as such only when all others are taken up. */
	if (self->databases && complete && !self->swept) {
		self->swept = TRUE;
		databases_sweep(self->databases);
	}
}

/* ---- names ---- */

/* Endpoints, as the VPC's resolver answers: the address inside the VPC; from another one, the
 * public address if there is one. */
static gboolean find_endpoint(
	Region *region, const char *vpc, const char *name, GPtrArray *addresses, guint *ttl) {
	if (!g_str_has_suffix(name, ".rds.amazonaws.com"))
		return FALSE;
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance)) {
		if (g_strcmp0(value_get_text(value_get(instance, "Endpoint"), "Address"), name) !=
			0)
			continue;
		const char *own =
			value_text(value_get_path(instance, "DBSubnetGroup", "VpcId", NULL));
		g_auto(Value) interface = ec2_interface_get(region, store_iter_scope(&iter),
			value_text_or(internal_of(instance, "Interface"), ""));
		const char *public =
			value_text(value_get_path(interface, "Association", "PublicIp", NULL));
		const char *private = value_get_text(interface, "PrivateIpAddress");
		const char *address = public && g_strcmp0(own, vpc) != 0 ? public : private;
		if (address)
			g_ptr_array_add(addresses, g_strdup(address));
		*ttl = 5;
		return TRUE;
	}
	return FALSE;
}

static void on_changed(Database *database, gpointer data) {
	region_wake(((Controller *)data)->region, NAME);
}

const char *rds_served_version(Region *region, const char *engine, GError **error) {
	Controller *self = region_data(region, NAME);
	const char *known = g_hash_table_lookup(self->versions, engine);
	if (known)
		return known;
	char *version = database_server_version(engine, error);
	if (version)
		g_hash_table_insert(self->versions, g_strdup(engine), version);
	return version;
}

char *rds_log_path(Region *region, Value instance) {
	Controller *self = region_data(region, NAME);
	const Database *database =
		self->databases ? databases_get(self->databases, resource_of(instance)) : NULL;
	return database ? database_log_path(database) : NULL;
}

static void tell_differences(Region *region, GPtrArray *lines) {
	static const StoreScope everywhere = {NULL, NULL};
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, RDS_INSTANCES);
	const char *id;
	Value instance;
	while (store_iter_next(&iter, &id, &instance)) {
		g_auto(Value) own = rds_differences(region, store_iter_scope(&iter), id);
		for (gsize i = 0; i < value_length(own); i++)
			g_ptr_array_add(lines, g_strdup_printf("database %s: %s", id,
						       value_text(value_at(own, i))));
	}
}

gboolean rds_start(Region *region, GError **error) {
	Controller *self = g_new0(Controller, 1);
	self->region = region;
	self->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, told_free);
	self->versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	region_set_data(region, NAME, self, NULL);
	if (region_glass(region))
		self->databases = databases_new(region_glass(region), on_changed, self);
	region_controller_add(region, NAME, control, self);
	region_wake_on(region, NAME, "rds/instance");
	ec2_network_notify(region, NAME);
	region_dns_source_add(region, find_endpoint);
	region_differences_add(region, tell_differences);
	return TRUE;
}

void rds_stop(Region *region) {
	Controller *self = region_data(region, NAME);
	if (!self)
		return;
	g_clear_pointer(&self->databases, databases_free);
	g_clear_pointer(&self->told, g_hash_table_unref);
	g_clear_pointer(&self->versions, g_hash_table_unref);
	g_free(self);
	region_set_data(region, NAME, NULL, NULL);
}
