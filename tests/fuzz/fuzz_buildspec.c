/* libFuzzer: any bytes as a buildspec. */
#include "fuzz.h"

#include "region/services/codebuild/buildspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) spec = buildspec_parse((const char *)data, size, &error);
	g_assert_true(error || !value_is_null(spec));
	return 0;
}
