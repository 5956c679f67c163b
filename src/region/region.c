/* The region's life: its store, its services, its door. See region.h. */
#include "region/region.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "region/internal.h"

Store *region_store(Region *region) {
	return region->store;
}

Glass *region_glass(Region *region) {
	return region->glass;
}

const char *region_home(Region *region) {
	return region->home;
}

guint region_api_port(Region *region) {
	return region->port;
}

gint64 region_now(Region *region) {
	return g_get_real_time();
}

Value region_timestamp(Region *region) {
	return value_double((double)(region_now(region) / 1000) / 1000);
}

char *region_arn(StoreScope scope, const char *service, const char *resource, ...) {
	va_list arguments;
	va_start(arguments, resource);
	g_autofree char *path = g_strdup_vprintf(resource, arguments);
	va_end(arguments);
	return g_strdup_printf("arn:aws:%s:%s:%s:%s", service, scope.region, scope.account, path);
}

static gboolean start_services(Region *region, GError **error) {
	for (const RegionService *const *service = region_services; *service; service++)
		if ((*service)->start && !(*service)->start(region, error))
			return FALSE;
	return TRUE;
}

Region *region_new(const char *home, guint port, gboolean strict, GError **error) {
	g_autoptr(Region) region = g_new0(Region, 1);
	region->home = g_strdup(home);
	region->port = port;
	region->strict = strict;
	if (g_mkdir_with_parents(home, 0700) < 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"cannot make the data folder %s: %s", home, g_strerror(errno));
		return NULL;
	}
	/* The door first: who has the port has the store. */
	region->http = http_server_new(port, region_dispatch, region, error);
	if (!region->http)
		return NULL;
	g_autofree char *path = g_build_filename(home, "region.sqlite", NULL);
	region->store = store_open(path, error);
	if (!region->store || !start_services(region, error))
		return NULL;
	return g_steal_pointer(&region);
}

void region_free(Region *region) {
	if (!region)
		return;
	g_clear_pointer(&region->http, http_server_free);
	for (const RegionService *const *service = region_services; region->store && *service;
		service++)
		if ((*service)->stop)
			(*service)->stop(region);
	store_close(region->store);
	g_free(region->home);
	g_free(region);
}
