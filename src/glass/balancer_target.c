/*
 * A balancer's targets as servers of HAProxy. What is wanted is compared with what HAProxy says
 * that it has, and the difference is sent, again and again, until they are equal; so nothing
 * depends on an answer that was lost.
 *
 * A target is up to three servers. "A-P.probe" gets no requests: it is checked every second until
 * the target passes its first health check. Then come "A-P", which is checked and balanced over as
 * its group says, and "A-P.open", a backup that is not checked: HAProxy uses the backups of a group
 * when none of its servers is up, which is how a group of unhealthy targets fails open.
 */
#include "glass/balancer_internal.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_INTERVAL_S 1
/* HAProxy takes lines of 16 kB; what does not fit goes with the next. */
#define LONGEST_COMMANDS 12000

typedef struct {
	char *group, *address, *name;
	int port;
	gboolean leaving;
	gboolean live, was_healthy; /* beyond the probe; and as it was last seen */
	gboolean in_old; /* it drains in a worker of before a reload */
	gint64 since, deadline; /* monotonic: of the probe, of draining (0: not begun) */
	guint sessions;
	BalancerTargetHealth health;
} Target;

struct BalancerTargets {
	GHashTable *all; /* "group/name" -> Target */
	gboolean probing, draining;
};

/* A line of the statistics. */
typedef struct {
	char *status, *check, *code;
	guint sessions;
	gboolean seen;
} Server;

static void target_free(gpointer data) {
	Target *target = data;
	g_free(target->group);
	g_free(target->address);
	g_free(target->name);
	g_free(target);
}

static void server_free(gpointer data) {
	Server *server = data;
	g_free(server->status);
	g_free(server->check);
	g_free(server->code);
	g_free(server);
}

BalancerTargets *balancer_targets_new(void) {
	BalancerTargets *targets = g_new0(BalancerTargets, 1);
	targets->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, target_free);
	return targets;
}

void balancer_targets_free(BalancerTargets *targets) {
	g_hash_table_unref(targets->all);
	g_free(targets);
}

/* ---- health ---- */

static BalancerTargetHealth make_health(
	BalancerTargetState state, const char *reason, const char *description) {
	BalancerTargetHealth health = {.state = state, .reason = reason};
	g_strlcpy(health.description, description, sizeof health.description);
	return health;
}

static BalancerTargetHealth registering(void) {
	return make_health(BALANCER_TARGET_INITIAL, "Elb.RegistrationInProgress",
		"Target registration is in progress");
}

static BalancerTargetHealth checking(void) {
	return make_health(BALANCER_TARGET_INITIAL, "Elb.InitialHealthChecking",
		"Initial health checks in progress");
}

static BalancerTargetHealth draining(void) {
	return make_health(BALANCER_TARGET_DRAINING, "Target.DeregistrationInProgress",
		"Target deregistration is in progress");
}

static BalancerTargetHealth unhealthy(const Server *server) {
	g_autofree char *codes =
		g_strdup_printf("Health checks failed with these codes: [%s]", server->code);
	if (g_str_has_prefix(server->check, "L7STS"))
		return make_health(BALANCER_TARGET_UNHEALTHY, "Target.ResponseCodeMismatch", codes);
	if (g_str_has_suffix(server->check, "TOUT"))
		return make_health(
			BALANCER_TARGET_UNHEALTHY, "Target.Timeout", "Request timed out");
	return make_health(
		BALANCER_TARGET_UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed");
}

static gboolean same_health(const BalancerTargetHealth *a, const BalancerTargetHealth *b) {
	return a->state == b->state && g_strcmp0(a->reason, b->reason) == 0 &&
	       g_str_equal(a->description, b->description);
}

/* ---- registering ---- */

static char *make_key(const char *group, const char *address, int port) {
	return g_strdup_printf("group-%s/%s-%d", group, address, port);
}

static Target *find(
	const BalancerTargets *targets, const char *group, const char *address, int port) {
	g_autofree char *key = make_key(group, address, port);
	return g_hash_table_lookup(targets->all, key);
}

static Target *add(BalancerTargets *targets, const char *group, const char *address, int port) {
	Target *target = g_new0(Target, 1);
	target->group = g_strdup(group);
	target->address = g_strdup(address);
	target->name = g_strdup_printf("%s-%d", address, port);
	target->port = port;
	target->health = registering();
	g_hash_table_insert(targets->all, make_key(group, address, port), target);
	return target;
}

gboolean balancer_targets_register(
	BalancerTargets *targets, const char *group, const char *address, int port) {
	Target *target = find(targets, group, address, port);
	if (target && !target->leaving)
		return FALSE;
	if (!target)
		target = add(targets, group, address, port);
	target->leaving = target->in_old = FALSE;
	target->deadline = 0;
	return TRUE;
}

gboolean balancer_targets_deregister(
	BalancerTargets *targets, const char *group, const char *address, int port) {
	Target *target = find(targets, group, address, port);
	if (target && target->leaving)
		return FALSE;
	if (!target)
		target = add(targets, group, address, port);
	target->leaving = TRUE;
	return TRUE;
}

BalancerTargetHealth balancer_targets_health(
	BalancerTargets *targets, const char *group, const char *address, int port) {
	const Target *target = find(targets, group, address, port);
	return target ? target->health
		      : make_health(BALANCER_TARGET_UNUSED, "Target.NotRegistered",
				"Target is not registered to the target group");
}

/* ---- what HAProxy has ---- */

static guint column_of(char **header, const char *name) {
	guint i = 0;
	while (header[i] && !g_str_equal(header[i], name))
		i++;
	return i;
}

/* "group-x/name" -> Server; NULL if the text is no statistics. The columns that are read come
 * before all that may be quoted. */
static GHashTable *parse_statistics(const char *text) {
	static const char *const names[] = {
		"pxname", "svname", "scur", "status", "check_status", "check_code"};
	const char *begin = text ? strstr(text, "# pxname,") : NULL;
	if (!begin)
		return NULL;
	g_auto(GStrv) lines = g_strsplit(begin + 2, "\n", -1);
	g_auto(GStrv) header = g_strsplit(lines[0], ",", -1);
	guint columns[G_N_ELEMENTS(names)], last = 0;
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		columns[i] = column_of(header, names[i]);
		last = MAX(last, columns[i]);
	}
	GHashTable *servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, server_free);
	for (guint i = 1; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ",", -1);
		if (g_strv_length(fields) <= last)
			continue;
		Server *server = g_new0(Server, 1);
		server->sessions = (guint)atoi(fields[columns[2]]);
		server->status = g_strdup(fields[columns[3]]);
		/* "* " before it: a check is under way; this is the former one's. */
		const char *check = fields[columns[4]];
		server->check = g_strdup(g_str_has_prefix(check, "* ") ? check + 2 : check);
		server->code = g_strdup(fields[columns[5]]);
		g_hash_table_insert(servers,
			g_strconcat(fields[columns[0]], "/", fields[columns[1]], NULL), server);
	}
	return servers;
}

static Server *server_of(GHashTable *servers, const Target *target, const char *suffix) {
	g_autofree char *key =
		g_strdup_printf("group-%s/%s%s", target->group, target->name, suffix);
	Server *server = g_hash_table_lookup(servers, key);
	if (server)
		server->seen = TRUE;
	return server;
}

static const BalancerGroup *group_of(const BalancerSpec *spec, const char *id) {
	for (guint i = 0; i < spec->groups->len; i++) {
		const BalancerGroup *group = spec->groups->pdata[i];
		if (g_str_equal(group->id, id))
			return group;
	}
	return NULL;
}

/* ---- servers ---- */

#define POOL " pool-purge-delay 5s pool-max-conn -1"

/* Checks use TLS when the requests do, unless they have a port of their own. */
static void append_checks(
	GString *text, const BalancerGroup *group, const Target *target, int interval) {
	const BalancerHealthCheck *check = &group->check;
	gboolean plain = group->https && !check->https;
	int port = check->port ? check->port : plain ? target->port : 0;
	g_string_append_printf(text, " check inter %ds rise %d fall %d", interval,
		MAX(check->healthy_threshold, 1), MAX(check->unhealthy_threshold, 1));
	if (port)
		g_string_append_printf(text, " port %d", port);
	if (check->https && (port || !group->https))
		g_string_append(text, " check-ssl");
	if (check->https && !group->https)
		g_string_append(text, " verify none");
}

/* "10.0.0.5:80 check …": what a server of a kind ("", ".probe", ".open") is. */
static void append_server(GString *text, const BalancerGroup *group, const Target *target,
	const char *kind, int weight) {
	const BalancerHealthCheck *check = &group->check;
	g_string_append_printf(text, "%s%s %s:%d weight %d" POOL, target->name, kind,
		target->address, target->port, weight);
	if (group->https)
		g_string_append(text, " ssl verify none");
	if (g_str_equal(kind, ".open"))
		g_string_append(text, " backup");
	else if (check->enabled)
		append_checks(text, group, target,
			g_str_equal(kind, ".probe") ? MIN(check->interval, PROBE_INTERVAL_S)
						    : check->interval);
	if (*kind == '\0' && group->slow_start > 0)
		g_string_append_printf(text, " slowstart %ds", group->slow_start);
}

static void command(GString *commands, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void command(GString *commands, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	if (commands->len > 0)
		g_string_append(commands, "; ");
	g_string_append_vprintf(commands, format, arguments);
	va_end(arguments);
}

static void remove_server(GString *commands, const Target *target, const char *kind) {
	command(commands, "set server group-%s/%s%s state maint", target->group, target->name,
		kind);
	command(commands, "del server group-%s/%s%s", target->group, target->name, kind);
}

static void add_server(GString *commands, const BalancerGroup *group, const Target *target,
	const char *kind, int weight) {
	command(commands, "add server group-%s/", target->group);
	append_server(commands, group, target, kind, weight);
	if (group->check.enabled && !g_str_equal(kind, ".open"))
		command(commands, "enable health group-%s/%s%s", target->group, target->name, kind);
	command(commands, "set server group-%s/%s%s state ready", target->group, target->name,
		kind);
}

static void add_open(GString *commands, const BalancerGroup *group, const Target *target) {
	if (group->check.enabled)
		add_server(commands, group, target, ".open", 1);
}

/* From the probe to the servers that serve. */
static void go_live(
	GString *commands, const BalancerGroup *group, Target *target, gboolean healthy) {
	add_server(commands, group, target, "", healthy ? 1 : 0);
	if (group->check.enabled)
		command(commands, "set server group-%s/%s health %s", target->group, target->name,
			healthy ? "up" : "down");
	if (!healthy)
		command(commands, "set server group-%s/%s weight 1", target->group, target->name);
	add_open(commands, group, target);
	target->live = TRUE;
	target->was_healthy = healthy;
}

/* ---- comparing ---- */

static gboolean has_status(const Server *server, const char *word) {
	return g_str_has_prefix(server->status, word);
}

static gboolean is_taken_out(const Server *server) {
	return has_status(server, "DRAIN") || has_status(server, "MAINT");
}

/* One that is down while it drains is said to be down. */
static gboolean takes_requests(const Server *server) {
	return !is_taken_out(server) && !has_status(server, "DOWN");
}

static BalancerTargetHealth probe(
	GString *commands, const BalancerGroup *group, Target *target, const Server *server) {
	gint64 age = g_get_monotonic_time() - target->since;
	gint64 patience = (gint64)group->check.unhealthy_threshold * group->check.interval;
	gboolean waits = *server->check == '\0' || g_str_equal(server->check, "INI") ||
			 g_str_equal(server->check, "UNK");
	if (g_str_has_prefix(server->check, "L7OK"))
		go_live(commands, group, target, TRUE);
	else if (!waits && age > patience * G_USEC_PER_SEC) {
		go_live(commands, group, target, FALSE);
		return unhealthy(server);
	}
	return checking();
}

static BalancerTargetHealth serve(GString *commands, const BalancerGroup *group, Target *target,
	const Server *server, const Server *open) {
	target->live = TRUE;
	if (is_taken_out(server))
		command(commands, "set server group-%s/%s state ready", target->group,
			target->name);
	if (open && is_taken_out(open))
		command(commands, "set server group-%s/%s.open state ready", target->group,
			target->name);
	if (!open)
		add_open(commands, group, target);
	target->was_healthy = !has_status(server, "DOWN");
	if (!group->check.enabled)
		return make_health(BALANCER_TARGET_UNAVAILABLE, "Target.HealthCheckDisabled",
			"Health checks are not enabled");
	if (target->was_healthy)
		return make_health(BALANCER_TARGET_HEALTHY, NULL, "");
	/* On its way up again it still has the reason for which it went down. */
	gboolean rises = g_str_has_prefix(server->check, "L7OK") &&
			 target->health.state == BALANCER_TARGET_UNHEALTHY;
	return rises ? target->health : unhealthy(server);
}

static BalancerTargetHealth keep(
	GString *commands, const BalancerGroup *group, Target *target, GHashTable *servers) {
	Server *server = server_of(servers, target, ""),
	       *trial = server_of(servers, target, ".probe");
	Server *open = server_of(servers, target, ".open");
	if (server) {
		if (trial)
			remove_server(commands, target, ".probe");
		return serve(commands, group, target, server, open);
	}
	if (trial)
		return probe(commands, group, target, trial);
	target->live = FALSE;
	target->since = g_get_monotonic_time();
	if (group->check.enabled)
		add_server(commands, group, target, ".probe", 0);
	else
		go_live(commands, group, target, TRUE);
	return registering();
}

static void drain_server(GString *commands, const Target *target, const char *kind,
	const Server *server, gboolean end, gboolean cut) {
	if (!server)
		return;
	if (cut && server->sessions > 0)
		command(commands, "shutdown sessions server group-%s/%s%s", target->group,
			target->name, kind);
	if (end)
		remove_server(commands, target, kind);
	else if (takes_requests(server))
		command(commands, "set server group-%s/%s%s state drain", target->group,
			target->name, kind);
}

/* TRUE: it is gone. */
static gboolean leave(
	GString *commands, const BalancerGroup *group, Target *target, GHashTable *servers) {
	Server *server = server_of(servers, target, ""),
	       *trial = server_of(servers, target, ".probe");
	Server *open = server_of(servers, target, ".open");
	gint64 now = g_get_monotonic_time();
	if (!target->deadline)
		target->deadline = now + (gint64)group->deregistration_delay * G_USEC_PER_SEC;
	gboolean late = now >= target->deadline;
	if (trial)
		remove_server(commands, target, ".probe");
	if (!server && !open && !trial)
		return late || !target->in_old;
	target->sessions = (server ? server->sessions : 0) + (open ? open->sessions : 0);
	gboolean drains = (!server || !takes_requests(server)) && (!open || !takes_requests(open));
	gboolean end = late || (drains && target->sessions == 0);
	drain_server(commands, target, "", server, end, late);
	drain_server(commands, target, ".open", open, end, late);
	return FALSE;
}

/* Servers that nobody registered: left over from before a restart. */
static void adopt_strangers(BalancerTargets *targets, GHashTable *servers) {
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, servers);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const char *group = g_str_has_prefix(key, "group-") ? (char *)key + 6 : NULL;
		const char *slash = group ? strchr(group, '/') : NULL;
		const char *dash = slash ? strchr(slash, '-') : NULL;
		if (((Server *)value)->seen || !dash)
			continue;
		g_autofree char *id = g_strndup(group, slash - group);
		g_autofree char *address = g_strndup(slash + 1, dash - slash - 1);
		balancer_targets_deregister(targets, id, address, atoi(dash + 1));
	}
}

/* Appends what is to be done for a target, and says how it is. *gone: it is to be forgotten. */
static BalancerTargetHealth judge(GString *commands, const BalancerSpec *spec, Target *target,
	GHashTable *servers, gboolean *gone) {
	const BalancerGroup *group = group_of(spec, target->group);
	BalancerTargetHealth health;
	if (!group) {
		target->live = FALSE;
		*gone = target->leaving;
		health = make_health(BALANCER_TARGET_UNUSED, "Target.NotInUse",
			"Target group is not configured to receive traffic from the load balancer");
	} else if (target->leaving) {
		*gone = leave(commands, group, target, servers);
		health = draining();
	} else {
		*gone = FALSE;
		health = keep(commands, group, target, servers);
	}
	return *gone ? make_health(BALANCER_TARGET_UNUSED, "Target.NotRegistered",
			       "Target is not registered to the target group")
		     : health;
}

static Target *copy_of(const Target *target) {
	Target *copy = g_new0(Target, 1);
	*copy = (Target){.group = g_strdup(target->group),
		.address = g_strdup(target->address),
		.port = target->port,
		.health = target->health};
	return copy;
}

char *balancer_targets_reconcile(BalancerTargets *targets, const BalancerSpec *spec,
	const char *statistics, BalancerTargetChanged changed, gpointer data) {
	g_autoptr(GString) commands = g_string_new(NULL);
	g_autoptr(GHashTable) servers = parse_statistics(statistics);
	if (!servers)
		return g_strdup("");
	targets->probing = targets->draining = FALSE;
	g_autoptr(GPtrArray) news = g_ptr_array_new_with_free_func(target_free);
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, targets->all);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Target *target = value;
		gboolean gone;
		gsize before = commands->len;
		BalancerTargetHealth health = judge(commands, spec, target, servers, &gone);
		if (commands->len > LONGEST_COMMANDS)
			g_string_truncate(commands, before);
		targets->probing |= health.state == BALANCER_TARGET_INITIAL;
		targets->draining |= health.state == BALANCER_TARGET_DRAINING;
		if (!same_health(&health, &target->health)) {
			target->health = health;
			g_ptr_array_add(news, copy_of(target));
		}
		if (gone)
			g_hash_table_iter_remove(&iter);
	}
	adopt_strangers(targets, servers);
	/* Told last, as who hears it may register and deregister. */
	for (guint i = 0; i < news->len; i++) {
		const Target *each = news->pdata[i];
		changed(each->group, each->address, each->port, &each->health, data);
	}
	return g_strdup(commands->str);
}

guint balancer_targets_pause(const BalancerTargets *targets) {
	return targets->draining ? 100 : targets->probing ? 200 : 1000;
}

/* ---- reloading ---- */

void balancer_targets_write(
	const BalancerTargets *targets, const BalancerGroup *group, GString *config) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, targets->all);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Target *target = value;
		if (target->leaving || !g_str_equal(target->group, group->id) || !target->live)
			continue;
		/* One that is down begins without weight: a server that is read from a file is up
		 * until its checks have failed. */
		g_string_append(config, "\tserver ");
		append_server(config, group, target, "",
			target->was_healthy || !group->check.enabled ? 1 : 0);
		g_string_append_c(config, '\n');
		if (!group->check.enabled)
			continue;
		g_string_append(config, "\tserver ");
		append_server(config, group, target, ".open", 1);
		g_string_append_c(config, '\n');
	}
}

char *balancer_targets_after(BalancerTargets *targets) {
	g_autoptr(GString) commands = g_string_new(NULL);
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, targets->all);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Target *target = value;
		if (target->leaving) {
			target->in_old = target->sessions > 0;
			continue;
		}
		if (!target->live || target->was_healthy)
			continue;
		command(commands, "set server group-%s/%s health down", target->group,
			target->name);
		command(commands, "set server group-%s/%s weight 1", target->group, target->name);
	}
	return g_strdup(commands->str);
}

gboolean balancer_targets_in_old(const BalancerTargets *targets) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, targets->all);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((Target *)value)->in_old)
			return TRUE;
	return FALSE;
}

void balancer_targets_alone(BalancerTargets *targets) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, targets->all);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((Target *)value)->in_old = FALSE;
}
