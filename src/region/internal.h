/* The region's inside, for its core only. */
#pragma once

#include "region/http.h"
#include "region/region.h"

struct Region {
	Store *store;
	Glass *glass;
	Blobs *blobs;
	Layers *layers;
	char *home;
	guint port;
	gboolean strict;
	HttpServer *http;
	GData *data; /* of the services */
	GHashTable *settled; /* "service/account/region" of which settle was called */
	GArray *differences; /* of RegionDifferences */

	/* schedule.c */
	gint64 clock_offset; /* microseconds that tests have stepped the clock by */
	GHashTable *timers; /* id -> Timer */
	guint last_timer;
	GPtrArray *controllers; /* of Controller */
	GPtrArray *watches; /* what store_watch was given */
	guint run_source;
};

typedef struct {
	const char *home;
	guint port;
	gboolean strict; /* keys that the region did not issue are refused */
	gboolean no_glass; /* control plane only: nothing runs */
} RegionOptions;

/* Opens the store and the glass of the home, and serves the API; services are started. */
Region *region_new(const RegionOptions *options, GError **error);
void region_free(Region *region);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Region, region_free)

/* Timers and controllers (schedule.c). */
void region_schedule_init(Region *region);
void region_schedule_stop(Region *region);
void region_schedule_clear(Region *region);
/* The clock: steps that tests made are kept with the store, as time never goes back. */
void region_clock_load(Region *region);
gboolean region_clock_advance(Region *region, gint64 seconds, GError **error);
