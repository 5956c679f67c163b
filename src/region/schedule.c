/*
 * When things happen: timers, and controllers that are woken by commits, by time or by name. See
 * region.h. Must never run anything inside a transaction.
 */
#include <string.h>

#include "region/internal.h"

/* ---- timers ---- */

/* One source is never asked to wait longer than this: it then waits for the rest. */
#define LONGEST_WAIT_US ((gint64)3600 * G_USEC_PER_SEC)

typedef struct {
	Region *region;
	guint id, source;
	gint64 due; /* by the region's clock */
	RegionTimer timer;
	gpointer data;
} Timer;

static void timer_free(gpointer data) {
	Timer *timer = data;
	g_clear_handle_id(&timer->source, g_source_remove);
	g_free(timer);
}

static gboolean on_timer(gpointer data);

static void arm(Timer *timer) {
	gint64 left = CLAMP(timer->due - region_now(timer->region), 0, LONGEST_WAIT_US);
	g_clear_handle_id(&timer->source, g_source_remove);
	timer->source = g_timeout_add((guint)((left + 999) / 1000), on_timer, timer);
}

static gboolean on_timer(gpointer data) {
	Timer *timer = data;
	Region *region = timer->region;
	RegionTimer call = timer->timer;
	gpointer argument = timer->data;
	timer->source = 0;
	if (timer->due > region_now(region)) {
		arm(timer);
		return G_SOURCE_REMOVE;
	}
	g_hash_table_remove(region->timers, GUINT_TO_POINTER(timer->id));
	call(region, argument);
	return G_SOURCE_REMOVE;
}

guint region_after(Region *region, double seconds, RegionTimer call, gpointer data) {
	Timer *timer = g_new0(Timer, 1);
	*timer = (Timer){.region = region,
		.id = ++region->last_timer,
		.due = region_now(region) + (gint64)(MAX(seconds, 0) * G_USEC_PER_SEC),
		.timer = call,
		.data = data};
	arm(timer);
	g_hash_table_insert(region->timers, GUINT_TO_POINTER(timer->id), timer);
	return timer->id;
}

void region_cancel(Region *region, guint timer_id) {
	g_hash_table_remove(region->timers, GUINT_TO_POINTER(timer_id));
}

/* ---- the clock ---- */

#define CLOCK "region/clock"

static const StoreScope nowhere = {"", ""};

void region_clock_load(Region *region) {
	g_auto(Value) offset = store_get(region->store, nowhere, CLOCK, "offset");
	region->clock_offset = value_to_int(offset, 0);
}

gboolean region_clock_advance(Region *region, gint64 seconds, GError **error) {
	gint64 offset = region->clock_offset + seconds * G_USEC_PER_SEC;
	if (!store_begin(region->store, error))
		return FALSE;
	store_put_take(region->store, nowhere, CLOCK, "offset", value_int(offset));
	if (!store_commit(region->store, error))
		return FALSE;
	region->clock_offset = offset;
	GHashTableIter iter;
	gpointer timer;
	g_hash_table_iter_init(&iter, region->timers);
	while (g_hash_table_iter_next(&iter, NULL, &timer))
		arm(timer);
	return TRUE;
}

/* ---- controllers ---- */

typedef struct {
	char *name;
	RegionController controller;
	gpointer data;
	gboolean woken;
	gint64 due; /* by the region's clock; 0: no time is set */
	guint timer;
} Controller;

typedef struct {
	Region *region;
	char *name;
} Watch;

static void controller_free(gpointer data) {
	Controller *controller = data;
	g_free(controller->name);
	g_free(controller);
}

static void watch_free(gpointer data) {
	g_free(((Watch *)data)->name);
	g_free(data);
}

static gboolean run_woken(gpointer data) {
	Region *region = data;
	region->run_source = 0;
	for (guint i = 0; i < region->controllers->len; i++) {
		Controller *controller = region->controllers->pdata[i];
		if (!controller->woken)
			continue;
		controller->woken = FALSE;
		controller->controller(region, controller->data);
	}
	return G_SOURCE_REMOVE;
}

static Controller *find(Region *region, const char *name) {
	for (guint i = 0; i < region->controllers->len; i++) {
		Controller *controller = region->controllers->pdata[i];
		if (g_str_equal(controller->name, name))
			return controller;
	}
	g_critical("no controller is named %s", name);
	return NULL;
}

void region_controller_add(Region *region, const char *name, RegionController call, gpointer data) {
	Controller *controller = g_new0(Controller, 1);
	controller->name = g_strdup(name);
	controller->controller = call;
	controller->data = data;
	g_ptr_array_add(region->controllers, controller);
	region_wake(region, name);
}

static void wake(Region *region, Controller *controller) {
	controller->woken = TRUE;
	if (!region->run_source)
		region->run_source = g_idle_add_full(G_PRIORITY_DEFAULT, run_woken, region, NULL);
}

void region_wake(Region *region, const char *name) {
	Controller *controller = find(region, name);
	if (controller)
		wake(region, controller);
}

static void on_due(Region *region, gpointer data) {
	Controller *controller = data;
	controller->due = 0;
	controller->timer = 0;
	wake(region, controller);
}

void region_wake_after(Region *region, const char *name, double seconds) {
	Controller *controller = find(region, name);
	if (!controller)
		return;
	gint64 due = region_now(region) + (gint64)(MAX(seconds, 0) * G_USEC_PER_SEC);
	if (controller->due && controller->due <= due)
		return;
	if (controller->timer)
		region_cancel(region, controller->timer);
	controller->due = due;
	controller->timer = region_after(region, seconds, on_due, controller);
}

static void on_commit(Store *store, StoreScope scope, const char *kind, const char *id,
	Value object, gpointer data) {
	Watch *watch = data;
	region_wake(watch->region, watch->name);
}

void region_wake_on(Region *region, const char *name, const char *kind_prefix) {
	Watch *watch = g_new0(Watch, 1);
	watch->region = region;
	watch->name = g_strdup(name);
	g_ptr_array_add(region->watches, watch);
	store_watch(region->store, kind_prefix, on_commit, watch);
}

/* ---- life ---- */

void region_schedule_init(Region *region) {
	region->timers = g_hash_table_new_full(NULL, NULL, NULL, timer_free);
	region->controllers = g_ptr_array_new_with_free_func(controller_free);
	region->watches = g_ptr_array_new_with_free_func(watch_free);
}

void region_schedule_stop(Region *region) {
	g_clear_handle_id(&region->run_source, g_source_remove);
	g_hash_table_remove_all(region->timers);
}

void region_schedule_clear(Region *region) {
	region_schedule_stop(region);
	g_clear_pointer(&region->timers, g_hash_table_unref);
	g_clear_pointer(&region->controllers, g_ptr_array_unref);
	g_clear_pointer(&region->watches, g_ptr_array_unref);
}
