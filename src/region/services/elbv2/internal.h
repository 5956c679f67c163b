/*
 * What the files of Elastic Load Balancing share. Objects are kept under their ARNs as the API's
 * own shapes, without their tags; what only the service itself knows of one is in its member
 * "Internal", which `elbv2_view_take` takes away before an answer. Whose listener or rule something
 * is, its ARN says: listeners and rules of one are those with its prefix.
 */
#pragma once

#include "glass/balancer.h"
#include "region/region.h"
#include "region/services/elbv2/elbv2.h"

/* An operation's handler, as RegionHandler points to. */
typedef Value Elbv2Operation(RegionCall *call, Value input, GError **error);

/* Kinds in the store. */
#define ELBV2_LOAD_BALANCER "elbv2/load-balancer"
#define ELBV2_LISTENER "elbv2/listener"
#define ELBV2_RULE "elbv2/rule" /* default rules too */
#define ELBV2_TARGET_GROUP "elbv2/target-group"
/* By "<group ARN> <address>:<port>". The target: {Id, Port, AvailabilityZone, TargetGroupArn,
 * Draining}. Its health: {State, Reason, Description}. */
#define ELBV2_TARGET "elbv2/registration"
#define ELBV2_TARGET_HEALTH "elbv2/target-health"

#define ELBV2_INTERNAL "Internal"

/* ---- objects (common.c) ---- */

/* The object without what is internal. Takes it. */
Value elbv2_view_take(Value object);
/* The object with a member of what is internal set. Takes both. */
Value elbv2_with_internal(Value object, const char *member, Value value);
/* The object behind an ARN, or VALUE_NOTHING and the error that its kind has for it. */
Value elbv2_find(RegionCall *call, const char *kind, const char *arn, GError **error);
void elbv2_put(RegionCall *call, const char *kind, const char *arn, Value object_taken);
/* Forgets an object and its tags. */
void elbv2_forget(RegionCall *call, const char *kind, const char *arn);
/* The page of a list that `input` asks for: {<member>: page, NextMarker}. Takes the items. */
Value elbv2_page(Value input, const char *member, Value items, GError **error);
/* Is `text` in a sequence of texts? */
gboolean elbv2_has_text(Value texts, const char *text);
/* Names: letters, digits and hyphens, 32 at most, none at the ends. */
gboolean elbv2_check_name(const char *name, const char *what, GError **error);

/* "…:listener-rule/app/N/LB/L/R" to "…:listener/app/N/LB/L", and that (or a rule's) to
 * "…:loadbalancer/app/N/LB". Caller frees. */
char *elbv2_listener_of_rule(const char *rule_arn);
char *elbv2_balancer_of(const char *listener_or_rule_arn);
/* What the ARNs of its listeners, of its rules begin with. Caller frees. */
char *elbv2_listener_prefix(const char *balancer_arn);
char *elbv2_rule_prefix(const char *listener_arn);
/* The last part of an ARN: 16 hexadecimal digits. Borrowed. */
const char *elbv2_id(const char *arn);

/* ---- attributes (attribute.c) ---- */

/* An attribute: what it is without being set, what it may be. */
typedef struct {
	const char *key, *value;
	const char *pattern; /* of the values that are served; NULL: any */
	const char *refusal; /* why other values that AWS allows are not served; or NULL */
} Elbv2Attribute;

extern const Elbv2Attribute elbv2_balancer_attributes[], elbv2_group_attributes[],
	elbv2_listener_attributes[];

/* The value of an object's attribute. Borrowed from the object. */
const char *elbv2_attribute(Value object, const Elbv2Attribute *known, const char *key);
/* [{Key, Value}] of all. */
Value elbv2_attributes(Value object, const Elbv2Attribute *known);
/* The object with those of a list set; takes it. VALUE_NOTHING and an error for one that is not
 * known or not served; `what` names the object ("Load balancer"). */
Value elbv2_with_attributes(
	Value object, const Elbv2Attribute *known, Value list, const char *what, GError **error);

/* ---- tags (tags.c) ---- */

/* The tags of a create call: checks them, and sets them. */
gboolean elbv2_tags_check(Value tags, GError **error);
void elbv2_tags_create(RegionCall *call, const char *arn, Value tags);
Elbv2Operation elbv2_add_tags, elbv2_remove_tags, elbv2_describe_tags;

/* ---- load balancers (load_balancer.c) ---- */

Elbv2Operation elbv2_create_load_balancer, elbv2_describe_load_balancers,
	elbv2_delete_load_balancer, elbv2_describe_load_balancer_attributes,
	elbv2_modify_load_balancer_attributes, elbv2_set_security_groups, elbv2_set_subnets,
	elbv2_set_ip_address_type, elbv2_describe_capacity_reservation;

/* ---- listeners and rules (listener.c, rule.c, action.c) ---- */

/* Completes the actions of a rule or a listener of a balancer as the API shows them; VALUE_NOTHING
 * and an error. */
Value elbv2_actions(RegionCall *call, Value balancer, Value actions, GError **error);
/* Completes conditions likewise. */
Value elbv2_conditions(Value conditions, GError **error);
/* Does a rule forward to that group? */
gboolean elbv2_forwards_to(Value actions, const char *group_arn);
/* The ARN of the balancer whose rules name the group; NULL: none does. Caller frees. */
char *elbv2_balancer_of_group(Region *region, StoreScope scope, const char *group_arn);
/* The default rule of a new listener; the changed one of an old. */
void elbv2_put_default_rule(RegionCall *call, const char *listener_arn, Value actions);
/* A listener with its rules, or what of it was there, is gone. */
void elbv2_forget_listener(RegionCall *call, const char *listener_arn);
/* The rules of a listener in order of priority, the default one last. */
Value elbv2_rules(Region *region, StoreScope scope, const char *listener_arn);
Elbv2Operation elbv2_create_listener, elbv2_describe_listeners, elbv2_modify_listener,
	elbv2_delete_listener, elbv2_describe_listener_attributes, elbv2_modify_listener_attributes,
	elbv2_describe_listener_certificates, elbv2_create_rule, elbv2_describe_rules,
	elbv2_modify_rule, elbv2_delete_rule, elbv2_set_rule_priorities;

/* ---- target groups and targets (target_group.c, target.c) ---- */

Elbv2Operation elbv2_create_target_group, elbv2_describe_target_groups, elbv2_modify_target_group,
	elbv2_delete_target_group, elbv2_describe_target_group_attributes,
	elbv2_modify_target_group_attributes, elbv2_register_targets, elbv2_deregister_targets,
	elbv2_describe_target_health;
/* A target's id in the store. Caller frees. */
char *elbv2_target_id(const char *group_arn, const char *address, int port);
/* A target is gone, inside the open transaction. */
void elbv2_forget_target(Region *region, StoreScope scope, const char *target_id);
/* Remembers a target's health, in a transaction of its own unless it is as it was. */
void elbv2_put_health(Region *region, StoreScope scope, const char *target_id, const char *state,
	const char *reason, const char *description);

/* ---- ports of the host (publish.c) ---- */

/* Once, before the others: makes what holds the sockets. */
void elbv2_publish_start(Region *region);
/* Reserves the host's port for the first listener of a new internet-facing balancer: opens and
 * holds it. Returns the balancer with it and with its DNSName. Takes it. */
Value elbv2_publish_balancer(Region *region, Value balancer);
/* Reserves ports for listeners that have none, and gives back those that are not needed, after
 * listeners changed; inside the open transaction. */
void elbv2_publish_listeners(Region *region, StoreScope scope, const char *balancer_arn);
/* The host's port of a listener, or 0. */
int elbv2_published_port(Region *region, StoreScope scope, const char *listener_arn);
/* The listening socket of a port (borrowed), or -1. */
int elbv2_published_fd(Region *region, int port);
/* Opens a port that is reserved; FALSE if it is taken. Holds a socket that is open already: takes
 * it. */
gboolean elbv2_publish_open(Region *region, int port);
void elbv2_publish_keep(Region *region, int port, int fd);
/* All ports that are reserved. */
typedef void (*Elbv2EachPort)(Region *region, const char *balancer_arn, int port);
void elbv2_publish_each(Region *region, Elbv2EachPort each);
/* Closes what is not reserved any more. */
void elbv2_publish_sweep(Region *region);

/* ---- what runs (run.c, spec.c) ---- */

/* A balancer as the glass wants it (spec.c). The caller owns it. */
BalancerSpec *elbv2_spec(Region *region, StoreScope scope, Value balancer);
gboolean elbv2_run_start(Region *region, GError **error);
void elbv2_run_stop(Region *region);
