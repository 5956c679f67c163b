/*
 * What runs of load balancers: a controller that compares the store with the balancers in the
 * glass, tells them of their targets, and takes back what they say of the targets' health. Without
 * a glass balancers become active, and their targets stay as they were registered.
 */
#include <string.h>

#include "region/dns.h"
#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

#define NAME "elbv2/run"
#define RETRY_S 5

static const StoreScope everywhere = {NULL, NULL};

/* A balancer that runs: whose it is. */
typedef struct {
	StoreScope scope;
	char *arn;
	GHashTable *groups; /* id -> ARN */
	GHashTable *targets; /* ids in the store that it was told of -> Told */
	char *problem; /* the last one */
	gboolean wanted; /* in this round */
} Running;

/* A target as a balancer knows it. */
typedef struct {
	char *group, *address;
	int port;
	gboolean wanted;
} Told;

typedef struct {
	Region *region;
	Balancers *balancers;
	GHashTable *running; /* id -> Running */
	gboolean swept;
} Run;

static void told_free(gpointer data) {
	Told *told = data;
	g_free(told->group);
	g_free(told->address);
	g_free(told);
}

static void running_free(gpointer data) {
	Running *running = data;
	g_hash_table_unref(running->groups);
	g_hash_table_unref(running->targets);
	g_free(running->arn);
	g_free(running->problem);
	g_free(running);
}

/* ---- state ---- */

/* Are all its network interfaces in place? Without a glass nothing has to be waited for. */
static gboolean is_ready(Region *region, Value balancer) {
	Value interfaces = value_get_path(balancer, ELBV2_INTERNAL, "Interfaces", NULL);
	for (gsize i = 0; region_glass(region) && i < value_length(interfaces); i++)
		if (!ec2_interface_ready(
			    region, value_get_text(value_at(interfaces, i), "InterfaceId")))
			return FALSE;
	return TRUE;
}

static void put_active(Region *region, StoreScope scope, const char *arn, Value balancer) {
	Store *store = region_store(region);
	const char *state = value_text(value_get_path(balancer, "State", "Code", NULL));
	if (g_strcmp0(state, "provisioning") != 0 || !store_begin(store, NULL))
		return;
	store_put_take(store, scope, ELBV2_LOAD_BALANCER, arn,
		value_with_take(value_ref(balancer), "State",
			value_object_take("Code", value_string("active"), NULL)));
	store_commit(store, NULL);
}

static gboolean has_listeners(Region *region, StoreScope scope, const char *arn) {
	g_autofree char *prefix = elbv2_listener_prefix(arn);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ELBV2_LISTENER, prefix);
	const char *id;
	Value listener;
	return store_iter_next(&iter, &id, &listener);
}

static void forget(Run *run, StoreScope scope, const char *target_id) {
	Store *store = region_store(run->region);
	if (!store_begin(store, NULL))
		return;
	elbv2_forget_target(run->region, scope, target_id);
	store_commit(store, NULL);
}

/* ---- events ---- */

static void on_ready(Balancer *balancer, const GError *error, gpointer data) {
	Run *run = data;
	Running *running = g_hash_table_lookup(run->running, balancer_id(balancer));
	if (!running || g_strcmp0(running->problem, error ? error->message : NULL) == 0)
		return;
	g_free(running->problem);
	running->problem = error ? g_strdup(error->message) : NULL;
	if (error)
		g_warning("load balancer %s: %s", running->arn, error->message);
}

static const char *state_word(BalancerTargetState state) {
	static const char *const words[] = {[BALANCER_TARGET_INITIAL] = "initial",
		[BALANCER_TARGET_HEALTHY] = "healthy",
		[BALANCER_TARGET_UNHEALTHY] = "unhealthy",
		[BALANCER_TARGET_DRAINING] = "draining",
		[BALANCER_TARGET_UNUSED] = "unused",
		[BALANCER_TARGET_UNAVAILABLE] = "unavailable"};
	return words[state];
}

static void on_health(Balancer *balancer, const char *group, const char *address, int port,
	const BalancerTargetHealth *health, gpointer data) {
	Run *run = data;
	Running *running = g_hash_table_lookup(run->running, balancer_id(balancer));
	const char *arn = running ? g_hash_table_lookup(running->groups, group) : NULL;
	if (!arn)
		return;
	g_autofree char *id = elbv2_target_id(arn, address, port);
	g_auto(Value) target =
		store_get(region_store(run->region), running->scope, ELBV2_TARGET, id);
	gboolean drains = value_get_bool(target, "Draining");
	if (value_is_null(target))
		return;
	if (drains && health->state == BALANCER_TARGET_UNUSED) {
		g_hash_table_remove(running->targets, id);
		forget(run, running->scope, id);
	} else if (drains == (health->state == BALANCER_TARGET_DRAINING))
		elbv2_put_health(run->region, running->scope, id, state_word(health->state),
			health->reason, health->description);
}

static const BalancerEvents events = {on_ready, on_health, NULL};

/* ---- targets ---- */

static void tell(Running *running, Balancer *balancer, const char *id, Value target) {
	const char *group = elbv2_id(value_get_text(target, "TargetGroupArn"));
	const char *address = value_get_text(target, "Id");
	int port = (int)value_get_int(target, "Port", 0);
	Told *told = g_hash_table_lookup(running->targets, id);
	if (!told) {
		told = g_new0(Told, 1);
		*told = (Told){g_strdup(group), g_strdup(address), port, TRUE};
		g_hash_table_insert(running->targets, g_strdup(id), told);
	}
	told->wanted = TRUE;
	if (value_get_bool(target, "Draining"))
		balancer_deregister(balancer, group, address, port);
	else
		balancer_register(balancer, group, address, port);
}

/* Tells a balancer of the targets of its groups, and of those that are gone. */
static void tell_all(Run *run, Running *running, Balancer *balancer) {
	GHashTableIter iter;
	gpointer arn, value;
	g_hash_table_iter_init(&iter, running->targets);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((Told *)value)->wanted = FALSE;
	g_hash_table_iter_init(&iter, running->groups);
	while (g_hash_table_iter_next(&iter, NULL, &arn)) {
		g_autofree char *prefix = g_strconcat(arn, " ", NULL);
		g_auto(StoreIter) targets = store_iter_prefix(
			region_store(run->region), running->scope, ELBV2_TARGET, prefix);
		const char *id;
		Value target;
		while (store_iter_next(&targets, &id, &target))
			tell(running, balancer, id, target);
	}
	g_hash_table_iter_init(&iter, running->targets);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Told *told = value;
		if (told->wanted)
			continue;
		balancer_deregister(balancer, told->group, told->address, told->port);
		g_hash_table_iter_remove(&iter);
	}
}

/* Targets that drain where nothing serves them any more. */
static void forget_drained(Run *run) {
	g_auto(StoreIter) iter = store_iter(region_store(run->region), everywhere, ELBV2_TARGET);
	const char *id;
	Value target;
	while (store_iter_next(&iter, &id, &target)) {
		StoreScope scope = store_iter_scope(&iter);
		if (value_get_bool(target, "Draining") &&
			!elbv2_group_in_use(
				run->region, scope, value_get_text(target, "TargetGroupArn")))
			forget(run, scope, id);
	}
}

/* ---- balancers ---- */

static Running *running_of(Run *run, StoreScope scope, const char *arn) {
	Running *running = g_hash_table_lookup(run->running, elbv2_id(arn));
	if (running)
		return running;
	running = g_new0(Running, 1);
	running->scope = scope;
	running->arn = g_strdup(arn);
	running->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	running->targets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, told_free);
	g_hash_table_insert(run->running, g_strdup(elbv2_id(arn)), running);
	return running;
}

static void note_groups(Run *run, Running *running) {
	g_auto(StoreIter) iter =
		store_iter(region_store(run->region), running->scope, ELBV2_TARGET_GROUP);
	const char *arn;
	Value group;
	g_hash_table_remove_all(running->groups);
	while (store_iter_next(&iter, &arn, &group)) {
		g_autofree char *balancer =
			elbv2_balancer_of_group(run->region, running->scope, arn);
		if (g_strcmp0(balancer, running->arn) == 0)
			g_hash_table_insert(
				running->groups, g_strdup(elbv2_id(arn)), g_strdup(arn));
	}
}

static void run_balancer(Run *run, StoreScope scope, const char *arn, Value stored) {
	g_autoptr(GError) error = NULL;
	Running *running = running_of(run, scope, arn);
	running->wanted = TRUE;
	note_groups(run, running);
	Balancer *balancer =
		balancers_run(run->balancers, elbv2_spec(run->region, scope, stored), &error);
	if (balancer) {
		tell_all(run, running, balancer);
		return;
	}
	g_warning("load balancer %s cannot be run: %s", arn, error->message);
	region_wake_after(run->region, NAME, RETRY_S);
}

static void stop_unwanted(Run *run) {
	GHashTableIter iter;
	gpointer id, value;
	g_hash_table_iter_init(&iter, run->running);
	while (g_hash_table_iter_next(&iter, &id, &value)) {
		Balancer *balancer = balancers_get(run->balancers, id);
		if (((Running *)value)->wanted)
			continue;
		if (balancer)
			balancer_stop(balancer);
		g_hash_table_iter_remove(&iter);
	}
}

static void open_port(Region *region, const char *balancer_arn, int port) {
	Run *run = region_data(region, NAME);
	if (elbv2_publish_open(region, port))
		return;
	/* The balancer of before has it still. */
	int fd = run->balancers ? balancers_recover_socket(
					  run->balancers, elbv2_id(balancer_arn), (guint16)port)
				: -1;
	if (fd >= 0)
		elbv2_publish_keep(region, port, fd);
	else
		g_warning("port %d of load balancer %s is taken by another program", port,
			balancer_arn);
}

/* A port that could not be had at the start may be free by now. */
static void retry_port(Region *region, const char *balancer_arn, int port) {
	if (!elbv2_publish_open(region, port))
		region_wake_after(region, NAME, RETRY_S);
}

/* One round over all balancers. */
static void control(Region *region, gpointer data) {
	Run *run = data;
	gboolean all = TRUE;
	GHashTableIter each;
	gpointer value;
	g_hash_table_iter_init(&each, run->running);
	while (g_hash_table_iter_next(&each, NULL, &value))
		((Running *)value)->wanted = FALSE;
	elbv2_publish_each(region, retry_port);
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer)) {
		StoreScope scope = store_iter_scope(&iter);
		gboolean ready = is_ready(region, balancer);
		if (ready)
			put_active(region, scope, arn, balancer);
		if (!run->balancers || !has_listeners(region, scope, arn))
			continue;
		all &= ready;
		if (ready)
			run_balancer(run, scope, arn, balancer);
		else if (g_hash_table_contains(run->running, elbv2_id(arn)))
			running_of(run, scope, arn)->wanted = TRUE;
	}
	elbv2_publish_sweep(region);
	if (!run->balancers)
		return;
	stop_unwanted(run);
	forget_drained(run);
	if (all && !run->swept)
		balancers_sweep(run->balancers);
	run->swept |= all;
}

/* ---- names ---- */

static gboolean has_name(Value balancer, const char *name) {
	const char *own = value_get_text(balancer, "DNSName");
	gsize length = strcspn(own, ":");
	return strlen(name) == length && g_ascii_strncasecmp(own, name, length) == 0;
}

/* In its own VPC a balancer's name leads to its interfaces, elsewhere to their public addresses. */
static gboolean resolve(
	Region *region, const char *vpc, const char *name, GPtrArray *addresses, guint *ttl) {
	if (!g_str_has_suffix(name, ".elb.localhost"))
		return FALSE;
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer)) {
		if (!has_name(balancer, name))
			continue;
		gboolean own = g_strcmp0(value_get_text(balancer, "VpcId"), vpc) == 0;
		Value interfaces = value_get_path(balancer, ELBV2_INTERNAL, "Interfaces", NULL);
		for (gsize i = 0; i < value_length(interfaces); i++) {
			g_auto(Value) interface = ec2_interface_get(region, store_iter_scope(&iter),
				value_get_text(value_at(interfaces, i), "InterfaceId"));
			const char *public = value_text(
				value_get_path(interface, "Association", "PublicIp", NULL));
			const char *address =
				own || !public ? value_get_text(interface, "PrivateIpAddress")
					       : public;
			if (address)
				g_ptr_array_add(addresses, g_strdup(address));
		}
		*ttl = 60;
		return TRUE;
	}
	return FALSE;
}

/* ---- life ---- */

gboolean elbv2_run_start(Region *region, GError **error) {
	Run *run = g_new0(Run, 1);
	run->region = region;
	run->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, running_free);
	if (region_glass(region))
		run->balancers = balancers_new(region_glass(region), &events, run);
	region_set_data(region, NAME, run, NULL);
	elbv2_publish_each(region, open_port);
	region_controller_add(region, NAME, control, run);
	region_wake_on(region, NAME, "elbv2/");
	ec2_network_notify(region, NAME);
	region_dns_source_add(region, resolve);
	return TRUE;
}

void elbv2_run_stop(Region *region) {
	Run *run = region_data(region, NAME);
	if (!run)
		return;
	balancers_free(run->balancers);
	g_hash_table_unref(run->running);
	g_free(run);
	region_set_data(region, NAME, NULL, NULL);
}
