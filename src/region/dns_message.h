/* DNS messages, by ldns: questions from the network, and answers to them. */
#pragma once

#include <glib.h>
#include <ldns/ldns.h>

#include "region/dns.h"

typedef struct {
	ldns_pkt *packet;
	char *name; /* lower case, without the dot at its end; "" is the root */
	ldns_rr_type type;
} DnsQuery;

/* A standard query of one question. NULL if it is none: then *refusal is the answer that says so,
 * or NULL where none is due (not a request at all). */
DnsQuery *dns_query_parse(const guint8 *data, gsize length, GBytes **refusal);
void dns_query_free(DnsQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsQuery, dns_query_free)
/* How long an answer by UDP may be. */
gsize dns_query_limit(const DnsQuery *query);

DnsRecords *dns_records_new(void);
void dns_records_free(DnsRecords *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsRecords, dns_records_free)

/* Answers of at most `limit` bytes: what is too much is left out, and said to be. */
GBytes *dns_answer(const DnsQuery *query, const DnsRecords *records, gsize limit);
GBytes *dns_answer_failure(const DnsQuery *query, ldns_pkt_rcode code);
/* What another server said, passed on. */
GBytes *dns_answer_forwarded(const DnsQuery *query, const ldns_pkt *answer, gsize limit);

/* The query as asked of another server: its own `id`, with or without EDNS. */
GBytes *dns_query_forward(const DnsQuery *query, guint16 id, gboolean edns);
/* The other server's answer to that, or NULL if it is something else. Caller frees. */
ldns_pkt *dns_forward_parse(const DnsQuery *query, guint16 id, const guint8 *data, gsize length);
