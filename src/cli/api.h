/* How the commands for people speak to the region: by its API, like everybody else. */
#pragma once

#include <gio/gio.h>

#include "value/value.h"

/* One account's view of one region. */
typedef struct CliApi CliApi;

/* Borrowed strings are copied. */
CliApi *cli_api_new(const char *account, const char *region);
void cli_api_free(CliApi *api);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliApi, cli_api_free)
const char *cli_api_account(const CliApi *api);
const char *cli_api_region(const CliApi *api);
/* Calls an operation. Takes `input`. */
Value cli_api_call(
	CliApi *api, const char *service, const char *operation, Value input_taken, GError **error);
/* All pages of a list operation: the tuple of what is in `member` of each. Takes `input`. */
Value cli_api_list(CliApi *api, const char *service, const char *operation, Value input_taken,
	const char *member, const char *token_in, const char *token_out, GError **error);

/* Asks the region's admin API: posts a body (taken), or gets without one. An error in the region's
 * words if it refuses. */
Value cli_ask(const char *path, Value body_taken, GError **error);
/* The region's own status (/_terrarium/status). */
Value cli_status(GError **error);
/* The accounts and regions that hold anything: of CliApi. Errors if no region answers. */
GPtrArray *cli_places(GError **error);

/* ---- services and tasks of ECS ---- */

typedef struct {
	CliApi *api; /* borrowed */
	Value service; /* as DescribeServices has it */
} CliService;

/* All services of ECS of `places` (which must outlive them): of CliService. */
GPtrArray *cli_services(GPtrArray *places, GError **error);
/* The one that is named "service" or "cluster/service"; borrowed from `services`. NULL and an
 * error: none, or several of that name. */
CliService *cli_service_find(GPtrArray *services, const char *name, GError **error);
/* "cluster/service". Caller frees. */
char *cli_service_name(const CliService *service);
