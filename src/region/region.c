/* The region's life: its store, its services, its door. See region.h. */
#include "region/region.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "region/authorise.h"
#include "region/internal.h"

Store *region_store(Region *region) {
	return region->store;
}

Glass *region_glass(Region *region) {
	return region->glass;
}

Blobs *region_blobs(Region *region) {
	return region->blobs;
}

Layers *region_layers(Region *region) {
	return region->layers;
}

const char *region_home(Region *region) {
	return region->home;
}

guint region_api_port(Region *region) {
	return region->port;
}

gboolean region_is_strict(Region *region) {
	return region->strict;
}

void region_set_data(Region *region, const char *name, gpointer data, GDestroyNotify destroy) {
	g_datalist_set_data_full(&region->data, name, data, destroy);
}

gpointer region_data(Region *region, const char *name) {
	return g_datalist_get_data(&region->data, name);
}

gint64 region_now(Region *region) {
	return g_get_real_time() + region->clock_offset;
}

Value region_timestamp(Region *region) {
	return value_double((double)(region_now(region) / 1000) / 1000);
}

static gboolean start_services(Region *region, GError **error) {
	for (const RegionService *const *service = region_services; *service; service++)
		if ((*service)->start && !(*service)->start(region, error))
			return FALSE;
	return TRUE;
}

/* The blob store is there without a glass too: images can be pushed though nothing runs. */
static gboolean open_data_plane(Region *region, gboolean no_glass, GError **error) {
	region->blobs = blobs_open(region->home, error);
	if (!region->blobs || no_glass)
		return region->blobs != NULL;
	region->glass = glass_open(region->home, error);
	if (!region->glass)
		return FALSE;
	region->layers = layers_new(region->glass, region->blobs);
	return TRUE;
}

Region *region_new(const RegionOptions *options, GError **error) {
	g_autoptr(Region) region = g_new0(Region, 1);
	g_datalist_init(&region->data);
	region->settled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	region->differences = g_array_new(FALSE, FALSE, sizeof(gpointer));
	region->home = g_strdup(options->home);
	region->port = options->port;
	region->strict = options->strict;
	region_schedule_init(region);
	if (g_mkdir_with_parents(region->home, 0700) < 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"cannot make the data folder %s: %s", region->home, g_strerror(errno));
		return NULL;
	}
	/* The door first: who has the port has the store. */
	region->http = http_server_new(region->port, region_dispatch, region, error);
	if (!region->http)
		return NULL;
	http_server_serve_routes(region->http, region_find_route, region);
	g_autofree char *path = g_build_filename(region->home, "region.sqlite", NULL);
	region->store = store_open(path, error);
	if (!region->store)
		return NULL;
	region_clock_load(region);
	if (!open_data_plane(region, options->no_glass, error) ||
		!region_root_key_ensure(region, error) || !start_services(region, error))
		return NULL;
	return g_steal_pointer(&region);
}

void region_free(Region *region) {
	if (!region)
		return;
	g_clear_pointer(&region->http, http_server_free);
	region_schedule_stop(region);
	for (const RegionService *const *service = region_services; region->store && *service;
		service++)
		if ((*service)->stop)
			(*service)->stop(region);
	g_datalist_clear(&region->data);
	g_hash_table_unref(region->settled);
	g_array_unref(region->differences);
	region_schedule_clear(region);
	g_clear_pointer(&region->layers, layers_free);
	g_clear_pointer(&region->blobs, blobs_free);
	glass_close(region->glass);
	store_close(region->store);
	g_free(region->home);
	g_free(region);
}
