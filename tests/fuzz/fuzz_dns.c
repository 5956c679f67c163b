/* libFuzzer: any bytes as a question from a task and as another server's answer to one. */
#include "fuzz.h"

#include "region/dns_message.h"

static void answer(const DnsQuery *query, const uint8_t *data, size_t size) {
	g_autoptr(DnsRecords) records = dns_records_new();
	dns_records_zone(records, "shop.internal", 15);
	for (int i = 0; i < 40; i++)
		dns_records_address(records, i % 2 ? query->name : NULL, "10.0.0.5", 60);
	dns_records_service(records, 1, 1, 80, query->name, 60);
	dns_records_pointer(records, query->name, 60);
	g_autoptr(GBytes) own = dns_answer(query, records, dns_query_limit(query));
	g_autoptr(GBytes) failure = dns_answer_failure(query, LDNS_RCODE_SERVFAIL);
	g_autoptr(GBytes) forward = dns_query_forward(query, 7, TRUE);
	ldns_pkt *packet = NULL;
	if (ldns_wire2pkt(&packet, data, size) != LDNS_STATUS_OK)
		return;
	g_autoptr(GBytes) passed_on = dns_answer_forwarded(query, packet, 512);
	ldns_pkt_free(packet);
	ldns_pkt *parsed = dns_forward_parse(query, (uint16_t)(data[0] << 8 | data[1]), data, size);
	ldns_pkt_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(GBytes) refusal = NULL;
	g_autoptr(DnsQuery) query = dns_query_parse(data, size, &refusal);
	if (query)
		answer(query, data, size);
	return 0;
}
