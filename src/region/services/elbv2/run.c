/*
 * What runs of load balancers: a controller that compares the store with the balancers in the
 * glass.
 */
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/elbv2/internal.h"

#define NAME "elbv2/run"

static const StoreScope everywhere = {NULL, NULL};

/* ---- state ---- */

/* Are all its network interfaces in place? Without a glass nothing has to be waited for. */
static gboolean is_ready(Region *region, Value balancer) {
	Value interfaces = value_get_path(balancer, ELBV2_INTERNAL, "Interfaces", NULL);
	for (gsize i = 0; region_glass(region) && i < value_length(interfaces); i++)
		if (!ec2_interface_ready(
			    region, value_get_text(value_at(interfaces, i), "InterfaceId")))
			return FALSE;
	return TRUE;
}

static void put_active(Region *region, StoreScope scope, const char *arn, Value balancer) {
	Store *store = region_store(region);
	if (!store_begin(store, NULL))
		return;
	store_put_take(store, scope, ELBV2_LOAD_BALANCER, arn,
		value_with_take(value_ref(balancer), "State",
			value_object_take("Code", value_string("active"), NULL)));
	store_commit(store, NULL);
}

static void control(Region *region, gpointer data) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer)) {
		const char *state = value_text(value_get_path(balancer, "State", "Code", NULL));
		if (g_strcmp0(state, "provisioning") == 0 && is_ready(region, balancer))
			put_active(region, store_iter_scope(&iter), arn, balancer);
	}
	elbv2_publish_sweep(region);
}

/* ---- life ---- */

static void open_port(Region *region, const char *balancer_arn, int port) {
	if (!elbv2_publish_open(region, port))
		g_warning("port %d of %s is taken by another program", port, balancer_arn);
}

gboolean elbv2_run_start(Region *region, GError **error) {
	elbv2_publish_each(region, open_port);
	region_controller_add(region, NAME, control, NULL);
	region_wake_on(region, NAME, "elbv2/");
	ec2_network_notify(region, NAME);
	return TRUE;
}

void elbv2_run_stop(Region *region) {
}
