/*
 * From a request to an answer: whose host it names, which operation, who calls, the transaction,
 * the handler. Relies on wire; knows services only by their tables.
 */
#include <string.h>

#include "region/authorise.h"
#include "region/call.h"
#include "region/internal.h"
#include "wire/codec.h"

/* ---- the door ---- */

/* A page in a browser may send requests to loopback: the names that it uses give it away. */
static gboolean is_local_name(const char *host) {
	g_autofree char *name = g_strndup(host, strcspn(host, ":"));
	return g_str_equal(name, "127.0.0.1") || g_str_equal(name, "localhost") ||
	       g_str_has_suffix(name, ".localhost");
}

static gboolean is_our_host(const char *host) {
	g_autofree char *whole = g_strndup(host, strcspn(host, ":"));
	/* SDKs put Cloud Map's "data-" before whatever host they are given. */
	const char *name = whole + (g_str_has_prefix(whole, "data-") ? strlen("data-") : 0);
	return is_local_name(name) || g_str_has_suffix(name, ".amazonaws.com");
}

/* Pages of AWS's own hosts are anybody's. */
gboolean region_is_foreign(const WireRequest *request) {
	const char *origin = g_hash_table_lookup(request->headers, "origin");
	const char *host = origin ? strstr(origin, "://") : NULL;
	return !request->vpc && origin && !(host && is_local_name(host + 3));
}

static WireResponse *refuse(const char *message) {
	WireResponse *response = wire_response_new(403);
	wire_response_set_body(response, "text/plain", message, strlen(message));
	return response;
}

static gboolean names_our_host(const WireRequest *request) {
	const char *host = g_hash_table_lookup(request->headers, "host");
	return request->vpc || (host && is_our_host(host));
}

/* Why a request is refused; NULL: it is not. What comes out of a VPC is no page, and must be signed
 * anyway. */
static const char *guard(const WireRequest *request) {
	if (!names_our_host(request))
		return "This host name is not the region's.\n";
	if (region_is_foreign(request))
		return "Pages of other origins may not call the region.\n";
	return NULL;
}

/* ---- plain HTTP ---- */

static gboolean serves(const RegionHttpRoute *route, const WireRequest *head) {
	return (!route->prefix || g_str_has_prefix(head->path, route->prefix)) &&
	       (!route->matches || route->matches(head));
}

static const RegionHttpRoute *find_route(const WireRequest *head) {
	const RegionHttpRoute *found = NULL;
	for (const RegionService *const *service = region_services; *service; service++)
		for (const RegionHttpRoute *route = (*service)->routes;
			route && (route->prefix || route->matches); route++) {
			if (!serves(route, head))
				continue;
			if (!route->prefix)
				return route;
			if (!found || strlen(route->prefix) > strlen(found->prefix))
				found = route;
		}
	return found;
}

const RegionHttpRoute *region_find_route(const WireRequest *head, Region *region) {
	/* The admin API is for this machine's developer only. */
	if (!names_our_host(head) || (head->vpc && g_str_has_prefix(head->path, "/_terrarium/")))
		return NULL;
	const RegionHttpRoute *found = find_route(head);
	return found && (found->serves_foreign || !region_is_foreign(head)) ? found : NULL;
}

/* ---- calls ---- */

const RegionOperation *region_operation_find(const WireOperation *wanted, GError **error) {
	const char *service = wire_service_name(wire_operation_service(wanted));
	const char *name = wire_operation_name(wanted);
	for (const RegionService *const *each = region_services; *each; each++) {
		if (g_strcmp0((*each)->name, service) != 0)
			continue;
		for (const RegionOperation *operation = (*each)->operations;
			operation && operation->name; operation++)
			if (g_str_equal(operation->name, name))
				return operation;
	}
	wire_error_set_status(
		error, 501, "NotImplemented", "Terrarium does not implement %s:%s.", service, name);
	return NULL;
}

static gboolean settle_service(RegionCall *call, const RegionService *service, GError **error) {
	Store *store = region_store(call->region);
	if (!store_begin(store, error))
		return FALSE;
	if (service->settle(call, error))
		return store_commit(store, error);
	store_rollback(store);
	return FALSE;
}

/* The part of an operation's service that has something to make in a new account; or NULL. */
static const RegionService *settling_service(const WireOperation *operation) {
	const char *name = wire_service_name(wire_operation_service(operation));
	for (const RegionService *const *each = region_services; *each; each++)
		if ((*each)->settle && g_strcmp0((*each)->name, name) == 0)
			return *each;
	return NULL;
}

/* Lets a service make what a new account has, before the account's first call of it here. */
static gboolean settle(RegionCall *call, GError **error) {
	const RegionService *service = settling_service(call->operation);
	if (!service)
		return TRUE;
	char *place =
		g_strdup_printf("%s/%s/%s", service->name, call->scope.account, call->scope.region);
	/* Noted before it is made: what makes it calls the service itself. */
	if (!g_hash_table_add(call->region->settled, place))
		return TRUE;
	if (settle_service(call, service, error))
		return TRUE;
	g_hash_table_remove(call->region->settled, place);
	return FALSE;
}

Value region_operation_run(
	RegionCall *call, const RegionOperation *operation, Value input, GError **error) {
	if (!settle(call, error))
		return VALUE_NOTHING;
	if (operation->reads_only)
		return operation->handler(call, input, error);
	Store *store = region_store(call->region);
	if (!store_begin(store, error))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) output = operation->handler(call, input, &local);
	if (local)
		store_rollback(store);
	else
		store_commit(store, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return value_steal(&output);
}

/* Takes who calls into the call; the caller outlives it. */
static gboolean identify(RegionCall *call, RegionCaller *caller, GError **error) {
	if (!region_authenticate(call->region, call->request, caller, error))
		return FALSE;
	call->scope = caller->scope;
	call->global = (StoreScope){call->scope.account, ""};
	call->access_key_id = caller->access_key_id;
	call->principal_arn = caller->arn;
	call->principal_id = caller->id;
	return TRUE;
}

static Value answer(
	RegionCall *call, const WireRoute *route, const WireRequest *request, GError **error) {
	g_auto(RegionCaller) caller = {0};
	g_autoptr(GError) local = NULL;
	g_auto(Value) input = VALUE_NOTHING;
	const RegionOperation *operation = NULL;
	if (!identify(call, &caller, &local)) {
		region_refusal_for(route->protocol, &local);
	} else {
		operation = region_operation_find(route->operation, &local);
		input = operation ? wire_decode_input(route, request, &local) : VALUE_NOTHING;
		if (!local && !region_permit_call(&caller, call, input, &local))
			region_refusal_for(route->protocol, &local);
	}
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	return region_operation_run(call, operation, input, error);
}

Value region_call(Region *region, StoreScope scope, const char *service, const char *operation,
	Value input, GError **error) {
	const WireOperation *model = wire_operation(wire_service(service), operation);
	g_return_val_if_fail(model != NULL, VALUE_NOTHING);
	const RegionOperation *found = region_operation_find(model, error);
	if (!found || !wire_validate(model, input, error))
		return VALUE_NOTHING;
	g_autofree char *request_id = g_uuid_string_random();
	g_autofree char *arn = g_strdup_printf("arn:aws:iam::%s:root", scope.account);
	RegionCall call = {.region = region,
		.operation = model,
		.scope = scope,
		.global = {scope.account, ""},
		.principal_arn = arn,
		.principal_id = scope.account,
		.request_id = request_id};
	if (store_in_transaction(region->store))
		return found->handler(&call, input, error);
	return region_operation_run(&call, found, input, error);
}

WireResponse *region_dispatch(const WireRequest *request, gpointer region) {
	const char *refusal = guard(request);
	if (refusal)
		return refuse(refusal);
	g_autofree char *request_id = g_uuid_string_random();
	g_autoptr(GError) error = NULL;
	WireRoute route;
	if (!wire_route(request, &route, &error))
		return wire_encode_error(&route, error, request_id);
	RegionCall call = {.region = region,
		.operation = route.operation,
		.request = request,
		.request_id = request_id};
	g_auto(Value) output = answer(&call, &route, request, &error);
	return error ? wire_encode_error(&route, error, request_id)
		     : wire_encode_output(&route, output, request_id);
}
