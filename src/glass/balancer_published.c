/* Listening sockets of the host that a balancer serves: known by their ports. */
#include "glass/balancer_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int balancer_socket_port(int fd) {
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return 0;
	return ntohs(address.sin_port);
}

static void clear(gpointer data) {
	int fd = ((BalancerPublished *)data)->fd;
	if (fd >= 0)
		close(fd);
}

GArray *balancer_published_new(void) {
	GArray *published = g_array_new(FALSE, FALSE, sizeof(BalancerPublished));
	g_array_set_clear_func(published, clear);
	return published;
}

GArray *balancer_published_of(const BalancerSpec *spec) {
	GArray *published = balancer_published_new();
	for (guint i = 0; i < spec->listeners->len; i++) {
		const BalancerListener *listener = spec->listeners->pdata[i];
		if (listener->published_fd < 0)
			continue;
		BalancerPublished each = {balancer_socket_port(listener->published_fd),
			fcntl(listener->published_fd, F_DUPFD_CLOEXEC, 0)};
		g_array_append_val(published, each);
	}
	return published;
}

int balancer_published_find(const GArray *published, int port) {
	for (guint i = 0; i < published->len; i++)
		if (g_array_index(published, BalancerPublished, i).port == port)
			return (int)i;
	return -1;
}

gboolean balancer_published_equal(const GArray *a, const GArray *b) {
	for (guint i = 0; i < a->len; i++)
		if (balancer_published_find(b, g_array_index(a, BalancerPublished, i).port) < 0)
			return FALSE;
	return a->len == b->len;
}
