/*
 * libFuzzer: any bytes as a request to the region: a line "METHOD /path?query", headers, an empty
 * line, the body.
 */
#include "fuzz.h"

#include <string.h>

#include "wire/sigv4.h"
#include "wire/wire.h"

#define NOW 1440938160

static WireRequest *read_request(const uint8_t *data, size_t size) {
	g_autofree char *first = fuzz_line(&data, &size);
	g_auto(GStrv) words = g_strsplit(first, " ", 2);
	const char *target = words[0] && words[1] ? words[1] : "/";
	const char *mark = strchr(target, '?');
	g_autofree char *path = g_strndup(target, mark ? (gsize)(mark - target) : strlen(target));
	WireRequest *request =
		wire_request_new(words[0] ? words[0] : "", path, mark ? mark + 1 : "");
	while (size > 0) {
		g_autofree char *line = fuzz_line(&data, &size);
		char *colon = strchr(line, ':');
		if (!colon)
			break;
		*colon = '\0';
		wire_request_set_header(request, line, g_strchug(colon + 1));
	}
	g_bytes_unref(request->body);
	request->body = g_bytes_new(data, size);
	return request;
}

static void check_signature(const WireRequest *request) {
	g_autoptr(GError) error = NULL;
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, &error);
	if (claim && !error)
		sigv4_verify(claim, request, "secret", NOW, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(WireRequest) request = read_request(data, size);
	g_autoptr(GError) error = NULL;
	WireRoute route;
	check_signature(request);
	g_auto(Value) input = VALUE_NOTHING;
	if (wire_route(request, &route, &error))
		input = wire_decode_input(&route, request, &error);
	g_autoptr(WireResponse) refusal =
		error ? wire_encode_error(&route, error, "request-id") : NULL;
	/* What the model lets in, the model can write. */
	g_autoptr(WireRequest) again =
		error ? NULL : wire_encode_input(route.operation, input, &error);
	return 0;
}
