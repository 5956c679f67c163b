/* libFuzzer: any bytes as AWS's answer: a line "service operation status", then the body. */
#include "fuzz.h"

#include <stdlib.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autofree char *first = fuzz_line(&data, &size);
	g_auto(GStrv) words = g_strsplit(first, " ", 3);
	if (g_strv_length(words) < 3)
		return -1;
	const WireService *service = wire_service(words[0]);
	const WireOperation *operation = service ? wire_operation(service, words[1]) : NULL;
	if (!operation)
		return -1;
	g_autoptr(WireResponse) response = wire_response_new(atoi(words[2]));
	wire_response_set_body(response, "text/xml", data, size);
	g_autoptr(GError) error = NULL;
	g_auto(Value) output = wire_decode_output(operation, response, &error);
	return 0;
}
