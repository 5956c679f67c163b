/* libFuzzer: what the formatter wrote it leaves as it is, and it parses. */
#include "fuzz.h"

#include <string.h>

#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(Diags) diags = diags_new();
	g_autofree char *once = lang_format("fuzz.tf", (const char *)data, size, diags);
	if (!once)
		return 0;
	g_autofree char *twice = lang_format("fuzz.tf", once, strlen(once), diags);
	g_assert_nonnull(twice);
	g_assert_cmpstr(once, ==, twice);
	return 0;
}
