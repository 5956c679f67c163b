/* The admin API: what AWS has no call for, below /_terrarium/. */
#include <string.h>

#include "region/region.h"

extern const RegionService region_admin;

static WireResponse *health(Region *region, const WireRequest *request, HttpReply *reply) {
	static const char body[] =
		"{\"status\":\"running\",\"version\":\"" TERRARIUM_VERSION "\"}\n";
	WireResponse *response = wire_response_new(200);
	wire_response_set_body(response, "application/json", body, strlen(body));
	return response;
}

static const RegionHttpRoute routes[] = {
	{.prefix = "/_terrarium/health", .handle = health},
	{.prefix = NULL},
};

const RegionService region_admin = {.routes = routes};
