/*
 * Messages. ldns reads and writes them; here is what a resolver makes of them. Everything that
 * comes in is hostile until proved otherwise; nothing here touches the region.
 */
#include "region/dns_message.h"

#include <arpa/inet.h>
#include <string.h>

#define PLAIN_LIMIT 512 /* bytes of an answer without EDNS */
#define EDNS_LIMIT 1232 /* what passes everywhere unfragmented */
#define HEADER_LENGTH 12
#define SOA_MINIMUM 86400
#define NAME_SERVER "ns-0.awsdns-00.com."

struct DnsRecords {
	gboolean none;
	char *zone;
	guint soa_ttl;
	GPtrArray *records; /* of Record */
};

typedef struct {
	char *owner; /* NULL: the name that was asked for */
	guint ttl;
	ldns_rr_type type;
	ldns_rr *rr; /* without owner */
} Record;

/* ---- questions ---- */

void dns_query_free(DnsQuery *query) {
	if (!query)
		return;
	ldns_pkt_free(query->packet);
	g_free(query->name);
	g_free(query);
}

static char *name_text(const ldns_rdf *name) {
	char *text = ldns_rdf2str(name);
	char *lower = g_ascii_strdown(text ? text : ".", -1);
	free(text);
	gsize length = strlen(lower);
	if (length > 0 && lower[length - 1] == '.')
		lower[length - 1] = '\0';
	return lower;
}

/* A header alone: for requests that cannot be read further. */
static GBytes *bare_refusal(const guint8 *data, ldns_pkt_rcode code) {
	guint8 header[HEADER_LENGTH] = {data[0], data[1]};
	header[2] = (guint8)(0x80 | (data[2] & 0x79)); /* an answer; opcode and RD as asked */
	header[3] = (guint8)(0x80 | code); /* recursion available */
	return g_bytes_new(header, sizeof header);
}

static ldns_rr *question_of(const ldns_pkt *packet) {
	const ldns_rr_list *questions = ldns_pkt_question(packet);
	return ldns_rr_list_rr_count(questions) == 1 ? ldns_rr_list_rr(questions, 0) : NULL;
}

static ldns_pkt_rcode judge(const ldns_pkt *packet) {
	if (ldns_pkt_get_opcode(packet) != LDNS_PACKET_QUERY)
		return LDNS_RCODE_NOTIMPL;
	const ldns_rr *question = question_of(packet);
	if (!question)
		return LDNS_RCODE_FORMERR;
	ldns_rr_type type = ldns_rr_get_type(question);
	if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN || type == LDNS_RR_TYPE_AXFR ||
		type == LDNS_RR_TYPE_IXFR)
		return LDNS_RCODE_REFUSED;
	return LDNS_RCODE_NOERROR;
}

DnsQuery *dns_query_parse(const guint8 *data, gsize length, GBytes **refusal) {
	*refusal = NULL;
	if (length < HEADER_LENGTH || data[2] & 0x80)
		return NULL;
	/* A question has one additional record at most, EDNS's; ldns loses memory over several TSIG
	 * records. */
	if (data[10] || data[11] > 1) {
		*refusal = bare_refusal(data, LDNS_RCODE_FORMERR);
		return NULL;
	}
	ldns_pkt *packet = NULL;
	if (ldns_wire2pkt(&packet, data, length) != LDNS_STATUS_OK) {
		*refusal = bare_refusal(data, LDNS_RCODE_FORMERR);
		return NULL;
	}
	g_autoptr(DnsQuery) query = g_new0(DnsQuery, 1);
	query->packet = packet;
	ldns_pkt_rcode code = judge(packet);
	if (code != LDNS_RCODE_NOERROR) {
		*refusal = bare_refusal(data, code);
		return NULL;
	}
	const ldns_rr *question = question_of(packet);
	query->name = name_text(ldns_rr_owner(question));
	query->type = ldns_rr_get_type(question);
	if (ldns_pkt_edns(packet) && ldns_pkt_edns_version(packet) != 0) {
		*refusal = dns_answer_failure(query, 16 /* BADVERS */);
		return NULL;
	}
	return g_steal_pointer(&query);
}

gsize dns_query_limit(const DnsQuery *query) {
	if (!ldns_pkt_edns(query->packet))
		return PLAIN_LIMIT;
	return CLAMP(ldns_pkt_edns_udp_size(query->packet), PLAIN_LIMIT, EDNS_LIMIT);
}

/* ---- records ---- */

static void record_free(gpointer data) {
	Record *record = data;
	ldns_rr_free(record->rr);
	g_free(record->owner);
	g_free(record);
}

DnsRecords *dns_records_new(void) {
	DnsRecords *records = g_new0(DnsRecords, 1);
	records->records = g_ptr_array_new_with_free_func(record_free);
	return records;
}

void dns_records_free(DnsRecords *records) {
	if (!records)
		return;
	g_ptr_array_unref(records->records);
	g_free(records->zone);
	g_free(records);
}

void dns_records_none(DnsRecords *records) {
	records->none = TRUE;
}

void dns_records_zone(DnsRecords *records, const char *zone, guint soa_ttl) {
	g_free(records->zone);
	records->zone = g_strdup(zone);
	records->soa_ttl = soa_ttl;
}

/* Takes the fields; a NULL among them (a name that DNS cannot have) makes no record. */
static void add(DnsRecords *records, const char *owner, guint ttl, ldns_rr_type type,
	ldns_rdf *const *fields, gsize n) {
	ldns_rr *rr = ldns_rr_new();
	gboolean whole = TRUE;
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, ttl);
	for (gsize i = 0; i < n; i++) {
		whole &= fields[i] != NULL;
		if (fields[i])
			ldns_rr_push_rdf(rr, fields[i]);
	}
	if (!whole) {
		ldns_rr_free(rr);
		return;
	}
	Record *record = g_new0(Record, 1);
	*record = (Record){g_strdup(owner), ttl, type, rr};
	g_ptr_array_add(records->records, record);
}

void dns_records_address(DnsRecords *records, const char *owner, const char *address, guint ttl) {
	guint8 bytes[16];
	gboolean v6 = strchr(address, ':') != NULL;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return;
	ldns_rdf *field = ldns_rdf_new_frm_data(
		v6 ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, v6 ? 16 : 4, bytes);
	add(records, owner, ttl, v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A, &field, 1);
}

void dns_records_pointer(DnsRecords *records, const char *target, guint ttl) {
	ldns_rdf *field = ldns_dname_new_frm_str(target);
	add(records, NULL, ttl, LDNS_RR_TYPE_PTR, &field, 1);
}

void dns_records_service(DnsRecords *records, guint priority, guint weight, guint port,
	const char *target, guint ttl) {
	ldns_rdf *fields[] = {ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (guint16)priority),
		ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (guint16)weight),
		ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (guint16)port),
		ldns_dname_new_frm_str(target)};
	add(records, NULL, ttl, LDNS_RR_TYPE_SRV, fields, G_N_ELEMENTS(fields));
}

static ldns_rr *soa_of(const DnsRecords *records) {
	g_autofree char *text = g_strdup_printf(
		"%s. %u IN SOA " NAME_SERVER " awsdns-hostmaster.amazon.com. 1 7200 900 1209600 %d",
		records->zone, records->soa_ttl, SOA_MINIMUM);
	ldns_rr *rr = NULL;
	return ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) == LDNS_STATUS_OK ? rr : NULL;
}

static ldns_rr *name_server_of(const DnsRecords *records) {
	g_autofree char *text = g_strdup_printf("%s. 172800 IN NS " NAME_SERVER, records->zone);
	ldns_rr *rr = NULL;
	return ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) == LDNS_STATUS_OK ? rr : NULL;
}

/* ---- answers ---- */

static ldns_pkt *begin_answer(const DnsQuery *query, guint code) {
	ldns_pkt *answer = ldns_pkt_new();
	ldns_pkt_set_id(answer, ldns_pkt_id(query->packet));
	ldns_pkt_set_qr(answer, TRUE);
	ldns_pkt_set_rd(answer, ldns_pkt_rd(query->packet));
	ldns_pkt_set_cd(answer, ldns_pkt_cd(query->packet));
	ldns_pkt_set_ra(answer, TRUE);
	ldns_pkt_set_rcode(answer, code & 0xf);
	ldns_pkt_push_rr(answer, LDNS_SECTION_QUESTION, ldns_rr_clone(question_of(query->packet)));
	if (ldns_pkt_edns(query->packet)) {
		ldns_pkt_set_edns_udp_size(answer, EDNS_LIMIT);
		ldns_pkt_set_edns_extended_rcode(answer, (guint8)(code >> 4));
		ldns_pkt_set_edns_do(answer, ldns_pkt_edns_do(query->packet));
	}
	return answer;
}

/* Leaves out the last record of the section. FALSE if it has none. */
static gboolean drop_last(ldns_rr_list *section, ldns_pkt *answer, ldns_pkt_section which) {
	ldns_rr *last = ldns_rr_list_pop_rr(section);
	if (!last)
		return FALSE;
	ldns_rr_free(last);
	ldns_pkt_set_section_count(answer, which, (guint16)ldns_rr_list_rr_count(section));
	return TRUE;
}

/* What goes along may be left out silently; of the answer itself that is said (TC). */
static gboolean shorten(ldns_pkt *answer) {
	if (drop_last(ldns_pkt_additional(answer), answer, LDNS_SECTION_ADDITIONAL) ||
		drop_last(ldns_pkt_authority(answer), answer, LDNS_SECTION_AUTHORITY))
		return TRUE;
	ldns_pkt_set_tc(answer, TRUE);
	return drop_last(ldns_pkt_answer(answer), answer, LDNS_SECTION_ANSWER);
}

/* Frees the packet. NULL if it cannot be written. */
static GBytes *finish_answer(ldns_pkt *answer, gsize limit) {
	for (;;) {
		guint8 *wire = NULL;
		gsize length = 0;
		if (ldns_pkt2wire(&wire, answer, &length) != LDNS_STATUS_OK) {
			free(wire);
			ldns_pkt_free(answer);
			return NULL;
		}
		if (length <= limit || !shorten(answer)) {
			ldns_pkt_free(answer);
			return g_bytes_new_with_free_func(wire, length, free, wire);
		}
		free(wire);
	}
}

GBytes *dns_answer_failure(const DnsQuery *query, ldns_pkt_rcode code) {
	return finish_answer(begin_answer(query, code), G_MAXUINT16);
}

static gboolean is_asked_for(const DnsQuery *query, ldns_rr_type type) {
	return query->type == type || query->type == LDNS_RR_TYPE_ANY;
}

static void push(const DnsQuery *query, ldns_pkt *answer, const Record *record) {
	ldns_rdf *owner = record->owner ? ldns_dname_new_frm_str(record->owner)
					: ldns_rdf_clone(ldns_rr_owner(question_of(query->packet)));
	if (!owner)
		return;
	ldns_rr *rr = ldns_rr_clone(record->rr);
	ldns_rr_set_owner(rr, owner);
	ldns_pkt_push_rr(answer, record->owner ? LDNS_SECTION_ADDITIONAL : LDNS_SECTION_ANSWER, rr);
}

static void push_apex(const DnsQuery *query, const DnsRecords *records, ldns_pkt *answer) {
	if (g_strcmp0(records->zone, query->name) != 0)
		return;
	ldns_rr *soa = is_asked_for(query, LDNS_RR_TYPE_SOA) ? soa_of(records) : NULL;
	ldns_rr *ns = is_asked_for(query, LDNS_RR_TYPE_NS) ? name_server_of(records) : NULL;
	if (soa)
		ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, soa);
	if (ns)
		ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, ns);
}

GBytes *dns_answer(const DnsQuery *query, const DnsRecords *records, gsize limit) {
	ldns_pkt *answer =
		begin_answer(query, records->none ? LDNS_RCODE_NXDOMAIN : LDNS_RCODE_NOERROR);
	push_apex(query, records, answer);
	for (guint i = 0; i < records->records->len; i++) {
		const Record *record = records->records->pdata[i];
		if (!record->owner && is_asked_for(query, record->type))
			push(query, answer, record);
	}
	gboolean found = ldns_pkt_ancount(answer) > 0;
	gboolean along = found && is_asked_for(query, LDNS_RR_TYPE_SRV);
	for (guint i = 0; along && i < records->records->len; i++) {
		const Record *record = records->records->pdata[i];
		if (record->owner)
			push(query, answer, record);
	}
	ldns_rr *soa = !found && records->zone ? soa_of(records) : NULL;
	if (soa)
		ldns_pkt_push_rr(answer, LDNS_SECTION_AUTHORITY, soa);
	return finish_answer(answer, limit);
}

static void copy_section(ldns_pkt *answer, const ldns_rr_list *from, ldns_pkt_section section) {
	for (gsize i = 0; i < ldns_rr_list_rr_count(from); i++)
		ldns_pkt_push_rr(answer, section, ldns_rr_clone(ldns_rr_list_rr(from, i)));
}

GBytes *dns_answer_forwarded(const DnsQuery *query, const ldns_pkt *from, gsize limit) {
	ldns_pkt *answer = begin_answer(query, ldns_pkt_get_rcode(from));
	ldns_pkt_set_ad(answer, ldns_pkt_ad(from) && (ldns_pkt_ad(query->packet) ||
							     ldns_pkt_edns_do(query->packet)));
	copy_section(answer, ldns_pkt_answer(from), LDNS_SECTION_ANSWER);
	copy_section(answer, ldns_pkt_authority(from), LDNS_SECTION_AUTHORITY);
	copy_section(answer, ldns_pkt_additional(from), LDNS_SECTION_ADDITIONAL);
	return finish_answer(answer, limit);
}

/* ---- asking others ---- */

GBytes *dns_query_forward(const DnsQuery *query, guint16 id, gboolean edns) {
	ldns_pkt *packet = ldns_pkt_new();
	ldns_pkt_set_id(packet, id);
	ldns_pkt_set_rd(packet, TRUE);
	ldns_pkt_set_ad(packet, ldns_pkt_ad(query->packet));
	ldns_pkt_set_cd(packet, ldns_pkt_cd(query->packet));
	ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, ldns_rr_clone(question_of(query->packet)));
	if (edns) {
		ldns_pkt_set_edns_udp_size(packet, EDNS_LIMIT);
		ldns_pkt_set_edns_do(packet, ldns_pkt_edns_do(query->packet));
	}
	return finish_answer(packet, G_MAXUINT16);
}

ldns_pkt *dns_forward_parse(const DnsQuery *query, guint16 id, const guint8 *data, gsize length) {
	ldns_pkt *packet = NULL;
	if (ldns_wire2pkt(&packet, data, length) != LDNS_STATUS_OK)
		return NULL;
	const ldns_rr *asked = question_of(query->packet), *question = question_of(packet);
	if (ldns_pkt_qr(packet) && ldns_pkt_id(packet) == id && question &&
		ldns_rr_get_type(question) == ldns_rr_get_type(asked) &&
		ldns_rr_get_class(question) == ldns_rr_get_class(asked) &&
		ldns_dname_compare(ldns_rr_owner(question), ldns_rr_owner(asked)) == 0)
		return packet;
	ldns_pkt_free(packet);
	return NULL;
}
