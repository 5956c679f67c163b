/*
 * Load balancers: one HAProxy for each Application Load Balancer, in the network namespace of its
 * network interfaces. Targets come and go by HAProxy's runtime API and never need a reload; other
 * changes are written into its configuration and taken over by a seamless reload. HAProxy runs on
 * when the region dies and is adopted by the next balancers_run of the same id.
 */
#pragma once

#include <gio/gio.h>

/* From glass/glass.h. */
typedef struct Glass Glass;

typedef enum {
	BALANCER_IF_PATH, /* values are patterns with * and ? */
	BALANCER_IF_HOST,
	BALANCER_IF_HEADER, /* `name` is the header */
	BALANCER_IF_METHOD, /* exact */
	BALANCER_IF_QUERY, /* values are "key=value" or "value" patterns */
	BALANCER_IF_SOURCE_IP, /* CIDR blocks */
} BalancerConditionKind;

typedef struct {
	BalancerConditionKind kind;
	char *name; /* of the header; else NULL */
	char **values; /* any of them */
} BalancerCondition;

typedef struct {
	char *group; /* id of a BalancerGroup */
	int weight; /* 0 to 999 */
} BalancerForward;

typedef enum { BALANCER_FORWARD, BALANCER_REDIRECT, BALANCER_FIXED_RESPONSE } BalancerActionKind;

typedef struct {
	BalancerActionKind kind;
	/* forward */
	GPtrArray *forwards; /* of BalancerForward */
	int group_stickiness; /* seconds; 0: off */
	/* redirect: AWS's placeholders #{protocol} #{host} #{port} #{path} #{query} may be used */
	char *protocol, *host, *port, *path, *query;
	/* redirect (301, 302) and fixed response */
	int status;
	char *content_type, *body;
} BalancerAction;

typedef struct {
	GPtrArray *conditions; /* of BalancerCondition: all of them */
	BalancerAction *action;
} BalancerRule;

typedef struct {
	char *id; /* letters, digits and '-' */
	int port;
	gboolean https;
	char *certificate; /* PEM of key and chain, for https */
	int published_fd; /* a listening socket of the host to serve as well, or -1; the balancer
			     keeps a copy */
	int published_port; /* that socket's port, served on the interfaces as well so that one URL
			       works on both sides; 0: none */
	GPtrArray *rules; /* of BalancerRule, in order of priority */
	BalancerAction *default_action;
} BalancerListener;

typedef struct {
	gboolean enabled;
	gboolean https;
	int port; /* 0: traffic port */
	char *path;
	char *matcher; /* "200", "200,202", "200-299" */
	int interval, timeout; /* seconds */
	int healthy_threshold, unhealthy_threshold;
} BalancerHealthCheck;

typedef struct {
	char *id; /* letters, digits and '-' */
	gboolean https; /* to the targets */
	gboolean least_outstanding; /* else round robin */
	int deregistration_delay; /* seconds */
	int slow_start; /* seconds; 0: off */
	int stickiness; /* seconds; 0: off */
	char *cookie; /* application cookie to stick to; NULL: the balancer's own (AWSALB) */
	BalancerHealthCheck check;
} BalancerGroup;

typedef struct {
	char *id; /* letters, digits and '-'; unique in the glass */
	char *owner; /* the owner whose network namespace it runs in (net.h) */
	char **addresses; /* of its network interfaces */
	int idle_timeout; /* seconds; 0: 60 */
	gboolean preserve_host; /* else the Host header goes on as sent with the port as AWS does */
	gboolean drop_invalid_headers;
	gboolean xff_remove, xff_preserve; /* X-Forwarded-For: else append */
	gboolean access_log; /* to BalancerEvents.access */
	GPtrArray *listeners; /* of BalancerListener */
	GPtrArray *groups; /* of BalancerGroup: those that rules name */
} BalancerSpec;

/* A balancer without listeners. Copies both; balancers_run takes it. */
BalancerSpec *balancer_spec_new(const char *id, const char *owner);
void balancer_spec_free(BalancerSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BalancerSpec, balancer_spec_free)
/* These add to what is there and return what they added, to be filled in; strings inside are the
 * spec's and are freed with it (set them with g_strdup). */
BalancerListener *balancer_spec_listener(BalancerSpec *spec, const char *id, int port);
BalancerGroup *balancer_spec_group(BalancerSpec *spec, const char *id);
BalancerRule *balancer_listener_rule(BalancerListener *listener);
BalancerCondition *balancer_rule_condition(BalancerRule *rule, BalancerConditionKind kind,
	const char *name, const char *const *values);
BalancerAction *balancer_action_new(BalancerActionKind kind);
void balancer_action_forward(BalancerAction *action, const char *group, int weight);

/* The configuration that HAProxy is given, for tests and `terrarium status`. fds[i] is the number
 * that the published socket of listener i will have, or -1. Caller frees. */
char *balancer_configuration(
	const BalancerSpec *spec, const int *fds, const char *folder, GError **error);

typedef enum {
	BALANCER_TARGET_INITIAL,
	BALANCER_TARGET_HEALTHY,
	BALANCER_TARGET_UNHEALTHY,
	BALANCER_TARGET_DRAINING,
	BALANCER_TARGET_UNUSED, /* gone, or its group is in no rule */
	BALANCER_TARGET_UNAVAILABLE, /* health checks are off */
} BalancerTargetState;

typedef struct {
	BalancerTargetState state;
	const char
		*reason; /* "Elb.RegistrationInProgress", "Target.Timeout", …; or NULL. Static. */
	char description[128]; /* AWS's words; "" if none */
} BalancerTargetHealth;

typedef struct Balancers Balancers;
typedef struct Balancer Balancer;

typedef struct {
	/* It runs; or, with an error, it could not be started or did not take its configuration
	 * (the former one then still serves). */
	void (*ready)(Balancer *balancer, const GError *error, gpointer data);
	/* A target's health changed. */
	void (*health)(Balancer *balancer, const char *group, const char *address, int port,
		const BalancerTargetHealth *health, gpointer data);
	/* One access log line (spec.access_log). May be NULL. */
	void (*access)(Balancer *balancer, const char *line, gpointer data);
} BalancerEvents;

/* The balancers of a glass. Copies the events; `data` is given to each. */
Balancers *balancers_new(Glass *glass, const BalancerEvents *events, gpointer data);
void balancers_free(Balancers *balancers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Balancers, balancers_free)

/* Runs, adopts or changes the balancer of that id. Takes `spec`. Returns at once; `ready` follows.
 */
Balancer *balancers_run(Balancers *balancers, BalancerSpec *spec, GError **error);
Balancer *balancers_get(Balancers *balancers, const char *id);
/* Stops and forgets what balancers_run was not told of: once, after a restart. */
void balancers_sweep(Balancers *balancers);
/* The listening socket of a host's port that a balancer of before a restart still has: a copy, or
 * -1. Before balancers_run, which has to be given it again. */
int balancers_recover_socket(Balancers *balancers, const char *id, guint16 port);
/* Stops HAProxy and removes its folder; `balancer` is invalid afterwards. */
void balancer_stop(Balancer *balancer);

/* Borrowed. */
const char *balancer_id(const Balancer *balancer);

/* Registers a target (again: no effect; while it drains: it is back). */
void balancer_register(Balancer *balancer, const char *group, const char *address, int port);
/* Deregisters: no new requests at once, gone when idle or after the group's deregistration delay
 * (then its health event says UNUSED). */
void balancer_deregister(Balancer *balancer, const char *group, const char *address, int port);
/* What is known now. */
BalancerTargetHealth balancer_target_health(
	Balancer *balancer, const char *group, const char *address, int port);
