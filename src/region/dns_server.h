/* A name server's sockets, UDP and TCP, served in the main loop. */
#pragma once

#include "region/dns_message.h"

typedef struct DnsServer DnsServer;
typedef struct DnsClient DnsClient; /* somebody who waits for one answer */

/* A question came in: `query` is the handler's to free, after it has told `client` the answer by
 * dns_client_answer, now or later. */
typedef void (*DnsHandler)(DnsQuery *query, DnsClient *client, gpointer data);

/* Takes the sockets (bound; listening). */
DnsServer *dns_server_new(int udp, int tcp, DnsHandler handler, gpointer data);
/* Stops at once; clients that still wait go without. NULL is accepted. */
void dns_server_free(DnsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsServer, dns_server_free)

/* How long the answer may be. */
gsize dns_client_limit(const DnsClient *client, const DnsQuery *query);
/* Sends the answer and frees the client. The server may be gone. */
void dns_client_answer(DnsClient *client, GBytes *answer);
