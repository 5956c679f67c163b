/*
 * Forwarding: a question goes to the host's name servers one after the other by UDP, each from a
 * socket of its own (so from a port that the kernel picks) with an id of its own, and to the one
 * that answered "truncated" again by TCP. How many may wait at a time is bounded.
 */
#include "region/dns_upstream.h"

#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_WAITING 256
#define MOST_SERVERS 3 /* as many as resolv.conf may have */
#define TIMEOUT_S 2
#define ATTEMPTS 2
#define LONGEST_TIMEOUT_S 10
#define MOST_ATTEMPTS 5

typedef struct {
	struct sockaddr_storage address;
	socklen_t length;
} Server;

struct DnsUpstream {
	char *path;
	guint16 port;
	struct timespec read; /* the file's time when it was read */
	Server servers[MOST_SERVERS];
	guint n_servers, timeout_s, attempts;
	gboolean rotate;
	guint next; /* with rotate: who is asked first */
	GHashTable *asks;
};

typedef struct {
	DnsUpstream *upstream;
	const DnsQuery *query;
	DnsUpstreamAnswer callback;
	gpointer data;
	guint first, tries; /* which server was the first, and how many were asked since */
	guint16 id;
	int fd;
	guint watch, timer;
	ldns_pkt *poor; /* the best answer so far, a server's failure */
	GByteArray *out, *in; /* by TCP */
} Ask;

static void try_next(Ask *ask);

/* ---- resolv.conf ---- */

static void add_server(DnsUpstream *upstream, const char *text) {
	g_autofree char *port = g_strdup_printf("%u", upstream->port);
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	if (upstream->n_servers == MOST_SERVERS || getaddrinfo(text, port, &hints, &found) != 0)
		return;
	Server *server = &upstream->servers[upstream->n_servers++];
	memcpy(&server->address, found->ai_addr, found->ai_addrlen);
	server->length = found->ai_addrlen;
	freeaddrinfo(found);
}

static void read_option(DnsUpstream *upstream, const char *option) {
	if (g_str_has_prefix(option, "timeout:"))
		upstream->timeout_s = CLAMP(atoi(option + 8), 1, LONGEST_TIMEOUT_S);
	else if (g_str_has_prefix(option, "attempts:"))
		upstream->attempts = CLAMP(atoi(option + 9), 1, MOST_ATTEMPTS);
	else if (g_str_equal(option, "rotate"))
		upstream->rotate = TRUE;
}

static void read_line(DnsUpstream *upstream, char *line) {
	g_auto(GStrv) words = g_strsplit_set(g_strstrip(line), " \t", -1);
	if (g_strcmp0(words[0], "nameserver") == 0) {
		for (guint i = 1; words[i]; i++)
			if (*words[i]) {
				add_server(upstream, words[i]);
				break;
			}
	} else if (g_strcmp0(words[0], "options") == 0)
		for (guint i = 1; words[i]; i++)
			read_option(upstream, words[i]);
}

static void read_servers(DnsUpstream *upstream) {
	struct stat file;
	if (stat(upstream->path, &file) < 0)
		file.st_mtim = (struct timespec){1, 0};
	if (memcmp(&file.st_mtim, &upstream->read, sizeof upstream->read) == 0)
		return;
	g_autofree char *text = NULL;
	upstream->read = file.st_mtim;
	upstream->n_servers = 0;
	upstream->timeout_s = TIMEOUT_S;
	upstream->attempts = ATTEMPTS;
	upstream->rotate = FALSE;
	g_file_get_contents(upstream->path, &text, NULL, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (guint i = 0; lines[i]; i++)
		read_line(upstream, lines[i]);
}

/* ---- one question's life ---- */

static void leave_server(Ask *ask) {
	g_clear_handle_id(&ask->watch, g_source_remove);
	g_clear_handle_id(&ask->timer, g_source_remove);
	if (ask->fd >= 0)
		close(ask->fd);
	ask->fd = -1;
	g_clear_pointer(&ask->out, g_byte_array_unref);
	g_clear_pointer(&ask->in, g_byte_array_unref);
}

static void finish(Ask *ask, const ldns_pkt *answer) {
	leave_server(ask);
	g_hash_table_remove(ask->upstream->asks, ask);
	ask->callback(answer ? answer : ask->poor, ask->data);
	ldns_pkt_free(ask->poor);
	g_free(ask);
}

static const Server *server_of(const Ask *ask) {
	return &ask->upstream->servers[(ask->first + ask->tries) % ask->upstream->n_servers];
}

static gboolean on_timeout(gpointer data) {
	Ask *ask = data;
	ask->timer = 0;
	ask->tries++;
	try_next(ask);
	return G_SOURCE_REMOVE;
}

/* The server cannot or will not: another may. */
static gboolean is_failure(const ldns_pkt *answer) {
	ldns_pkt_rcode code = ldns_pkt_get_rcode(answer);
	return code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN;
}

/* Takes the answer. */
static void take_answer(Ask *ask, ldns_pkt *answer) {
	if (is_failure(answer)) {
		ldns_pkt_free(ask->poor);
		ask->poor = answer;
		ask->tries++;
		try_next(ask);
		return;
	}
	finish(ask, answer);
	ldns_pkt_free(answer);
}

/* ---- TCP ---- */

static void give_up_server(Ask *ask) {
	ask->tries++;
	try_next(ask);
}

static gboolean write_tcp(Ask *ask) {
	gssize n = send(ask->fd, ask->out->data, ask->out->len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	g_byte_array_remove_range(ask->out, 0, (guint)n);
	return TRUE;
}

/* FALSE: the connection has ended. */
static gboolean read_tcp(Ask *ask) {
	guint8 part[4096];
	gssize n = recv(ask->fd, part, sizeof part, 0);
	if (n > 0)
		g_byte_array_append(ask->in, part, (guint)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static gboolean on_tcp(int fd, GIOCondition condition, gpointer data) {
	Ask *ask = data;
	gboolean writing = ask->out->len > 0;
	if (!(writing ? write_tcp(ask) : read_tcp(ask))) {
		ask->watch = 0;
		give_up_server(ask);
		return G_SOURCE_REMOVE;
	}
	if (writing && ask->out->len == 0) {
		ask->watch = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_tcp, ask);
		return G_SOURCE_REMOVE;
	}
	if (ask->in->len < 2)
		return G_SOURCE_CONTINUE;
	guint length = (guint)(ask->in->data[0] << 8 | ask->in->data[1]);
	if (ask->in->len < length + 2)
		return G_SOURCE_CONTINUE;
	ask->watch = 0;
	ldns_pkt *answer = dns_forward_parse(ask->query, ask->id, ask->in->data + 2, length);
	if (answer)
		take_answer(ask, answer);
	else
		give_up_server(ask);
	return G_SOURCE_REMOVE;
}

static int connect_to(const Server *server, int type) {
	int fd = socket(server->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&server->address, server->length) == 0 ||
		errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static void ask_by_tcp(Ask *ask) {
	leave_server(ask);
	g_autoptr(GBytes) message = dns_query_forward(ask->query, ask->id, TRUE);
	if (ask->upstream->n_servers > 0)
		ask->fd = connect_to(server_of(ask), SOCK_STREAM);
	if (ask->fd < 0 || !message) {
		give_up_server(ask);
		return;
	}
	gsize length = g_bytes_get_size(message);
	guint8 prefix[] = {(guint8)(length >> 8), (guint8)length};
	ask->in = g_byte_array_new();
	ask->out = g_byte_array_new();
	g_byte_array_append(ask->out, prefix, sizeof prefix);
	g_byte_array_append(ask->out, g_bytes_get_data(message, NULL), (guint)length);
	ask->watch = g_unix_fd_add(ask->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_tcp, ask);
	ask->timer = g_timeout_add_seconds(ask->upstream->timeout_s, on_timeout, ask);
}

/* ---- UDP ---- */

static gboolean on_udp(int fd, GIOCondition condition, gpointer data) {
	Ask *ask = data;
	guint8 message[65535];
	gssize n = recv(fd, message, sizeof message, 0);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return G_SOURCE_CONTINUE;
		ask->watch = 0;
		give_up_server(ask); /* nobody is there (ICMP) */
		return G_SOURCE_REMOVE;
	}
	ldns_pkt *answer = dns_forward_parse(ask->query, ask->id, message, (gsize)n);
	if (!answer)
		return G_SOURCE_CONTINUE; /* somebody else's; ours may still come */
	ask->watch = 0;
	if (ldns_pkt_tc(answer)) {
		ldns_pkt_free(answer);
		ask_by_tcp(ask);
	} else
		take_answer(ask, answer);
	return G_SOURCE_REMOVE;
}

static gboolean send_udp(Ask *ask) {
	gboolean edns = ask->tries < ask->upstream->n_servers; /* old servers choke on it */
	if (getrandom(&ask->id, sizeof ask->id, 0) != sizeof ask->id)
		return FALSE;
	g_autoptr(GBytes) message = dns_query_forward(ask->query, ask->id, edns);
	if (!message)
		return FALSE;
	ask->fd = connect_to(server_of(ask), SOCK_DGRAM);
	if (ask->fd < 0)
		return FALSE;
	gsize length;
	const void *bytes = g_bytes_get_data(message, &length);
	return send(ask->fd, bytes, length, MSG_NOSIGNAL) == (gssize)length;
}

static void try_next(Ask *ask) {
	const DnsUpstream *upstream = ask->upstream;
	leave_server(ask);
	for (; ask->tries < upstream->n_servers * upstream->attempts; ask->tries++) {
		if (!send_udp(ask)) {
			leave_server(ask);
			continue;
		}
		ask->watch = g_unix_fd_add(ask->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_udp, ask);
		ask->timer = g_timeout_add_seconds(upstream->timeout_s, on_timeout, ask);
		return;
	}
	finish(ask, NULL);
}

void dns_upstream_ask(
	DnsUpstream *upstream, const DnsQuery *query, DnsUpstreamAnswer callback, gpointer data) {
	read_servers(upstream);
	if (upstream->n_servers == 0 || g_hash_table_size(upstream->asks) >= MOST_WAITING) {
		callback(NULL, data);
		return;
	}
	Ask *ask = g_new0(Ask, 1);
	*ask = (Ask){upstream, query, callback, data, .fd = -1};
	ask->first = upstream->rotate ? upstream->next++ % upstream->n_servers : 0;
	g_hash_table_add(upstream->asks, ask);
	try_next(ask);
}

/* ---- life ---- */

DnsUpstream *dns_upstream_new(const char *path, guint16 port) {
	DnsUpstream *upstream = g_new0(DnsUpstream, 1);
	upstream->path = g_strdup(path);
	upstream->port = port;
	upstream->asks = g_hash_table_new(NULL, NULL);
	return upstream;
}

void dns_upstream_free(DnsUpstream *upstream) {
	if (!upstream)
		return;
	g_autoptr(GList) waiting = g_hash_table_get_keys(upstream->asks);
	for (GList *each = waiting; each; each = each->next)
		finish(each->data, NULL);
	g_hash_table_unref(upstream->asks);
	g_free(upstream->path);
	g_free(upstream);
}
