/* The host's own resolvers, asked asynchronously from outside the glass. */
#pragma once

#include "region/dns_message.h"

typedef struct DnsUpstream DnsUpstream;

/* Name servers and options are those of the resolv.conf at `path`, read again when it changes;
 * `port` is 53 but for tests. */
DnsUpstream *dns_upstream_new(const char *path, guint16 port);
/* Whoever still waits is told that there is no answer. NULL is accepted. */
void dns_upstream_free(DnsUpstream *upstream);

/* Called once, in the loop or from within the call that asked; answer NULL: nobody answered (in
 * time). Borrowed. */
typedef void (*DnsUpstreamAnswer)(const ldns_pkt *answer, gpointer data);
/* Asks; `query` must live until the answer. */
void dns_upstream_ask(
	DnsUpstream *upstream, const DnsQuery *query, DnsUpstreamAnswer callback, gpointer data);
