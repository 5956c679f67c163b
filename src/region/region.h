/*
 * The region: one process, one thread, one GLib main loop, that answers the AWS API and keeps what
 * runs equal to what is wanted. This header is what a service may use: the call it serves, the
 * store, the clock, identifiers, errors, controllers, and the glass.
 *
 * A service is a folder region/services/<service>/ that exports one RegionService; services.c lists
 * them. A handler runs inside one store transaction, opened for operations that change something:
 * it commits when the handler returns without error, and only then the answer leaves.
 */
#pragma once

#include <glib.h>

#include "glass/blobs.h"
#include "glass/glass.h"
#include "glass/layer.h"
#include "region/http.h"
#include "region/store.h"
#include "wire/wire.h"

typedef struct Region Region;

/* The region's store (never NULL). */
Store *region_store(Region *region);
/* The glass; NULL when the region runs without one (control plane only: --no-glass, tests). */
Glass *region_glass(Region *region);
/* The store of image blobs (never NULL), and their unpacked layers (NULL without a glass). */
Blobs *region_blobs(Region *region);
Layers *region_layers(Region *region);
const char *region_home(Region *region); /* the data folder */
guint region_api_port(Region *region);
gboolean region_is_strict(Region *region); /* --strict: keys and tokens must be ours */

/* What a service keeps in memory while the region lives, under the service's name. `destroy` (may
 * be NULL) is called when the region goes, after the services were stopped. NULL if nothing was
 * set. */
void region_set_data(Region *region, const char *name, gpointer data, GDestroyNotify destroy);
gpointer region_data(Region *region, const char *name);

/* ---- the call ---- */

typedef struct {
	Region *region;
	const WireOperation *operation;
	const WireRequest *request;
	StoreScope scope; /* account and region that the call is about */
	StoreScope global; /* the same account, region "": IAM, Route 53 */
	const char *principal_arn; /* who calls: "arn:aws:iam::000000000000:root", a user's, an
				      assumed role's */
	const char *principal_id; /* its unique id */
	const char *access_key_id; /* as sent; or NULL */
	const char *request_id;
} RegionCall;

/* Answers a call: `input` is valid by the model. Returns the output (an object; VALUE_NOTHING for
 * an empty one), or sets *error by wire_error_set. */
typedef Value (*RegionHandler)(RegionCall *call, Value input, GError **error);

typedef struct {
	const char *name; /* the API operation: "CreateVpc" */
	RegionHandler handler;
	gboolean reads_only; /* no transaction; must not write */
} RegionOperation;

typedef struct {
	const char *name; /* of the API model; NULL for a service without one */
	const RegionOperation *operations; /* ended by a NULL name; may be NULL */
	/* Called once at start, after the store is open and before the first call: watchers,
	 * controllers, routes; picks up whatever a killed process left half done. May be NULL. */
	gboolean (*start)(Region *region, GError **error);
	/* Called at an orderly stop. What runs in the glass runs on. May be NULL. */
	void (*stop)(Region *region);
	/* Called before the first call of an account in a region since the start, inside a
	 * transaction: makes what a new account has there. Must find out by the store whether it
	 * did so before. May be NULL. */
	gboolean (*settle)(RegionCall *call, GError **error);
	/* Plain HTTP paths that it serves beside its operations, ended by a NULL prefix (see
	 * region/http.h). May be NULL. */
	const RegionHttpRoute *routes;
} RegionService;

/* All services, NULL-terminated (services.c). */
extern const RegionService *const region_services[];

/* ---- the door ---- */

/* The AWS API's answer to any request, and the services' route for a plain one (NULL: none, or the
 * guard refuses it). A server opened elsewhere (in a VPC) serves the region by
 *   http_server_new_socket(socket, region_dispatch, region, …)
 *   http_server_serve_routes(server, region_find_route, region) */
WireResponse *region_dispatch(const WireRequest *request, gpointer region);
const RegionHttpRoute *region_find_route(const WireRequest *head, Region *region);

/* ---- time ---- */

/* Now, microseconds since the epoch, by the region's clock (tests may step it). Never call
 * g_get_real_time. */
gint64 region_now(Region *region);
/* The same as the wire wants timestamps: seconds, milliseconds kept. */
Value region_timestamp(Region *region);
/* Calls back once after `seconds` of the region's clock; returns an id for region_cancel. */
typedef void (*RegionTimer)(Region *region, gpointer data);
guint region_after(Region *region, double seconds, RegionTimer timer, gpointer data);
void region_cancel(Region *region, guint timer_id);

/* ---- controllers ---- */

/* A controller compares what is wanted (store) with what runs, and acts. It is called in the loop,
 * never inside a transaction (it opens its own), soon after it was woken, never twice at a time; it
 * must be idempotent and quick, and leave slow work to glass jobs. */
typedef void (*RegionController)(Region *region, gpointer data);
void region_controller_add(
	Region *region, const char *name, RegionController controller, gpointer data);
/* Wakes it now (coalesced), or after `seconds` at the latest. */
void region_wake(Region *region, const char *name);
void region_wake_after(Region *region, const char *name, double seconds);
/* Wakes `name` after each commit that changes an object whose kind begins with `kind_prefix`. */
void region_wake_on(Region *region, const char *name, const char *kind_prefix);

/* ---- identifiers ---- */

/* "vpc-" and 17 hex digits, as EC2 makes them; not used by any object of that kind. Caller frees.
 */
char *region_ec2_id(const char *prefix);
/* "arn:aws:ecs:us-east-1:000000000000:cluster/x". format is the resource part. Caller frees. */
char *region_arn(StoreScope scope, const char *service, const char *resource, ...)
	G_GNUC_PRINTF(3, 4);
/* Parts of an ARN; FALSE if it is none. Any out argument may be NULL; caller frees what it asks
 * for. */
gboolean region_arn_parse(
	const char *arn, char **service, char **region_name, char **account, char **resource);

/* ---- lists ---- */

/* One page of `items` (tuple): `max` at most, starting behind `token` (what the previous page
 * returned; NULL: first). *next_token gets the token for the next page, or NULL on the last. A
 * token that is not ours: NULL *error → the service's own code is given by the caller in `code`. */
Value region_page(Value items, gint64 max, const char *token, const char *code, char **next_token,
	GError **error);
/* How a service's lists are paged: the members of the input that say how many (`most` unless given)
 * and behind what, the one of the output that has the next token, and the code for a wrong one. */
typedef struct {
	const char *size, *token, *next;
	gint64 most; /* 0: all */
	const char *code;
} RegionPaging;
/* {MEMBER: the page that the input asks for, and the next token if there are more}. VALUE_NOTHING
 * and an error for a token that is not ours. Takes the items. */
Value region_page_answer(Value input, const RegionPaging *paging, const char *member,
	Value items_taken, GError **error);

/* ---- tags: kept in one place, by ARN or id ---- */

/* Tags are an object name -> value in the store under kind "tags". Setting replaces those named. */
Value region_tags(Region *region, StoreScope scope, const char *resource);
void region_tags_set(Region *region, StoreScope scope, const char *resource, Value tags);
void region_tags_remove(Region *region, StoreScope scope, const char *resource, const char *key);
void region_tags_clear(Region *region, StoreScope scope, const char *resource);
/* [{Key, Value}] as most services spell it (keys may be "key"/"value" in ECS) to an object, and
 * back. */
Value region_tags_from_list(Value list, const char *key_name, const char *value_name);
Value region_tags_to_list(Value tags, const char *key_name, const char *value_name);

/* ---- calls between services, through the same door ---- */

/* Calls an operation as the account itself (a service-linked role): the same validation and
 * transaction as from outside (joined if one is open). Not for reading: read the store. */
Value region_call(Region *region, StoreScope scope, const char *service, const char *operation,
	Value input, GError **error);
