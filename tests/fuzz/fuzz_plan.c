/* libFuzzer: any bytes as a saved plan, shown to people and as JSON. */
#include "fuzz.h"

#include "engine/engine.h"

static Engine *open_engine(Sources *sources, Diags *diags) {
	g_autofree char *path = fuzz_file("main.tf", "", 0);
	const EngineOptions options = {.dir = fuzz_folder(), .workspace = "default"};
	return engine_new(&options, sources, diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autoptr(Sources) sources = sources_new();
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(Engine) engine = open_engine(sources, diags);
	g_assert_nonnull(engine);
	g_autofree char *path = fuzz_file("saved", data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(Plan) plan = plan_read(engine, path, &error);
	g_assert_true(!plan == !!error);
	if (!plan)
		return 0;
	g_autofree char *text = plan_render(plan, TRUE);
	g_autofree char *json = plan_show_json(engine, plan);
	return 0;
}
