/* The region's inside, for its core only. */
#pragma once

#include "region/http.h"
#include "region/region.h"

struct Region {
	Store *store;
	Glass *glass;
	char *home;
	guint port;
	gboolean strict;
	HttpServer *http;
};

/* Opens the store below `home` and serves the API; services are started. */
Region *region_new(const char *home, guint port, gboolean strict, GError **error);
void region_free(Region *region);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Region, region_free)

/* The answer to any request (dispatch.c). */
WireResponse *region_dispatch(const WireRequest *request, gpointer region);
