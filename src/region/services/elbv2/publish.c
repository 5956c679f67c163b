/*
 * Ports of the host's loopback on which listeners of internet-facing balancers answer. The port of
 * the first listener is reserved when the balancer is made, since its DNSName is shown then
 * already; it goes to the listener on port 80, else to the one on the lowest port. Ports stay the
 * same over restarts: they are in the store, the sockets are opened here and handed to the
 * balancers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "region/services/elbv2/internal.h"

#define SOCKETS "elbv2/sockets"
#define FIRST "first" /* in Internal.Published: {first: port, <listener id>: port, …} */
#define FIRST_PORT 8080
#define LAST_PORT 65535

static const StoreScope everywhere = {NULL, NULL};

/* ---- sockets ---- */

typedef struct {
	int fd;
} Socket;

static void socket_free(gpointer data) {
	Socket *held = data;
	close(held->fd);
	g_free(held);
}

static GHashTable *sockets(Region *region) {
	return region_data(region, SOCKETS);
}

/* Opens and holds a port; FALSE if it is taken. */
static gboolean hold(Region *region, int port) {
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(fd, SOMAXCONN) < 0) {
		close(fd);
		return FALSE;
	}
	Socket *held = g_new0(Socket, 1);
	held->fd = fd;
	g_hash_table_insert(sockets(region), GINT_TO_POINTER(port), held);
	return TRUE;
}

int elbv2_published_fd(Region *region, int port) {
	const Socket *held = g_hash_table_lookup(sockets(region), GINT_TO_POINTER(port));
	return held ? held->fd : -1;
}

void elbv2_publish_keep(Region *region, int port, int fd) {
	Socket *held = g_new0(Socket, 1);
	held->fd = fd;
	g_hash_table_insert(sockets(region), GINT_TO_POINTER(port), held);
}

/* ---- ports ---- */

static Value published(Value balancer) {
	return value_get_path(balancer, ELBV2_INTERNAL, "Published", NULL);
}

/* Is the port reserved for a balancer, of any account? */
static gboolean is_reserved(Region *region, int port) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer)) {
		Value ports = published(balancer);
		for (gsize i = 0; i < value_length(ports); i++)
			if (value_to_int(value_at(ports, i), 0) == port)
				return TRUE;
	}
	return FALSE;
}

/* Ports that are reserved in the open transaction only, and so not in the store yet, are held; a
 * held one that no balancer has is left from a transaction that was rolled back, and serves again.
 */
static gboolean take(Region *region, int port) {
	if (port == (int)region_api_port(region) || is_reserved(region, port))
		return FALSE;
	return elbv2_published_fd(region, port) >= 0 || hold(region, port);
}

static int first_port(void) {
	const char *text = g_getenv("TERRARIUM_HTTP_PORT");
	guint64 port;
	return text && g_ascii_string_to_unsigned(text, 10, 1, LAST_PORT, &port, NULL) ? (int)port
										       : 0;
}

/* A free port: the one that is asked for if this process may have it, else one from 8080 up. 0:
 * there is none. */
static int choose(Region *region, int preferred) {
	int first = first_port();
	if (!first && (preferred >= 1024 || geteuid() == 0) && take(region, preferred))
		return preferred;
	for (int port = first ? first : FIRST_PORT; port <= LAST_PORT; port++)
		if (take(region, port))
			return port;
	return 0;
}

Value elbv2_publish_balancer(Region *region, Value balancer) {
	/* Nothing would answer there without a glass. */
	if (!region_glass(region) ||
		!g_str_equal(value_get_text(balancer, "Scheme"), "internet-facing"))
		return balancer;
	int port = choose(region, 80);
	if (!port)
		return balancer;
	balancer = elbv2_with_internal(
		balancer, "Published", value_object_take(FIRST, value_int(port), NULL));
	if (port == 80)
		return balancer;
	return value_with_take(balancer, "DNSName",
		value_string_printf("%s:%d", value_get_text(balancer, "DNSName"), port));
}

/* The listener that has the reserved port. Caller frees; NULL: there is none. */
static char *first_listener(Region *region, StoreScope scope, const char *balancer_arn) {
	g_autofree char *prefix = elbv2_listener_prefix(balancer_arn), *first = NULL;
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ELBV2_LISTENER, prefix);
	gint64 lowest = G_MAXINT64;
	const char *arn;
	Value listener;
	while (store_iter_next(&iter, &arn, &listener)) {
		gint64 port = value_get_int(listener, "Port", 0);
		port = port == 80 ? 0 : port;
		if (port >= lowest)
			continue;
		lowest = port;
		g_free(first);
		first = g_strdup(arn);
	}
	return g_steal_pointer(&first);
}

/* The ports that the balancer's listeners shall have: those that they had, and new ones. */
static Value assign(Region *region, StoreScope scope, const char *balancer_arn, Value before) {
	g_autofree char *prefix = elbv2_listener_prefix(balancer_arn);
	g_autofree char *first = first_listener(region, scope, balancer_arn);
	Value ports = value_object_take(FIRST, value_ref(value_get(before, FIRST)), NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ELBV2_LISTENER, prefix);
	const char *arn;
	Value listener;
	while (store_iter_next(&iter, &arn, &listener)) {
		Value had = value_get(before, elbv2_id(arn));
		if (g_strcmp0(arn, first) == 0)
			continue;
		int port = (int)value_to_int(had, 0);
		if (!port)
			port = choose(region, (int)value_get_int(listener, "Port", 0));
		if (port)
			ports = value_with_take(ports, elbv2_id(arn), value_int(port));
	}
	return ports;
}

void elbv2_publish_listeners(Region *region, StoreScope scope, const char *balancer_arn) {
	g_auto(Value) balancer =
		store_get(region_store(region), scope, ELBV2_LOAD_BALANCER, balancer_arn);
	Value before = published(balancer);
	if (value_is_null(before))
		return;
	g_auto(Value) ports = assign(region, scope, balancer_arn, before);
	if (!value_equal(ports, before))
		store_put_take(region_store(region), scope, ELBV2_LOAD_BALANCER, balancer_arn,
			elbv2_with_internal(
				value_steal(&balancer), "Published", value_steal(&ports)));
}

int elbv2_published_port(Region *region, StoreScope scope, const char *listener_arn) {
	g_autofree char *balancer_arn = elbv2_balancer_of(listener_arn);
	g_auto(Value) balancer =
		store_get(region_store(region), scope, ELBV2_LOAD_BALANCER, balancer_arn);
	g_autofree char *first = first_listener(region, scope, balancer_arn);
	gboolean is_first = g_strcmp0(first, listener_arn) == 0;
	return (int)value_get_int(
		published(balancer), is_first ? FIRST : elbv2_id(listener_arn), 0);
}

/* ---- life ---- */

void elbv2_publish_each(Region *region, Elbv2EachPort each) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, ELBV2_LOAD_BALANCER);
	const char *arn;
	Value balancer;
	while (store_iter_next(&iter, &arn, &balancer)) {
		Value ports = published(balancer);
		for (gsize i = 0; i < value_length(ports); i++)
			each(region, arn, (int)value_to_int(value_at(ports, i), 0));
	}
}

void elbv2_publish_sweep(Region *region) {
	GHashTableIter iter;
	gpointer port;
	g_hash_table_iter_init(&iter, sockets(region));
	while (g_hash_table_iter_next(&iter, &port, NULL))
		if (!is_reserved(region, GPOINTER_TO_INT(port)))
			g_hash_table_iter_remove(&iter);
}

gboolean elbv2_publish_open(Region *region, int port) {
	return elbv2_published_fd(region, port) >= 0 || hold(region, port);
}

void elbv2_publish_start(Region *region) {
	region_set_data(region, SOCKETS, g_hash_table_new_full(NULL, NULL, NULL, socket_free),
		(GDestroyNotify)g_hash_table_unref);
}
