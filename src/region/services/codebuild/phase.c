/* The phases of a build, in the shape of the API. */
#include "region/services/codebuild/internal.h"

static Value seconds(gint64 when) {
	return value_double((double)(when / 1000) / 1000);
}

gboolean codebuild_phase_is(Value build, const char *type) {
	return g_strcmp0(value_get_text(build, "currentPhase"), type) == 0;
}

Value codebuild_phase_begin_take(Value build, const char *type, gint64 when) {
	Value phases = value_ref(value_get(build, "phases"));
	phases = value_append_take(value_is_null(phases) ? value_empty_tuple() : phases,
		value_object_take(
			"phaseType", value_string(type), "startTime", seconds(when), NULL));
	build = value_with_take(build, "phases", phases);
	return value_with_take(build, "currentPhase", value_string(type));
}

/* The context is there whatever happened: empty words for a phase that succeeded. */
static Value context(const char *code, const char *message) {
	Value words = value_object_take("statusCode", value_string(code ? code : ""), "message",
		value_string(message ? message : ""), NULL);
	return value_tuple_take(1, words);
}

Value codebuild_phase_end_take(
	Value build, const char *status, const char *code, const char *message, gint64 when) {
	g_auto(Value) before = value_ref(value_get(build, "phases"));
	gsize n = value_length(before);
	g_autoptr(ValueBuilder) phases = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < n; i++) {
		Value phase = value_ref(value_at(before, i));
		if (i + 1 == n && !value_has(phase, "phaseStatus")) {
			double start = value_to_double(value_get(phase, "startTime"), 0);
			gint64 lasted = (gint64)((double)when / G_USEC_PER_SEC - start);
			phase = value_with_take(phase, "phaseStatus", value_string(status));
			phase = value_with_take(phase, "endTime", seconds(when));
			phase = value_with_take(
				phase, "durationInSeconds", value_int(MAX(lasted, 0)));
			phase = value_with_take(phase, "contexts", context(code, message));
		}
		value_builder_add_take(phases, phase);
	}
	return value_with_take(build, "phases", value_builder_end(g_steal_pointer(&phases)));
}

Value codebuild_complete_take(Value build, const char *status, gint64 when) {
	build = codebuild_phase_begin_take(build, "COMPLETED", when);
	build = value_with_take(build, "endTime", seconds(when));
	build = value_with_take(build, "buildComplete", value_bool(TRUE));
	return value_with_take(build, "buildStatus", value_string(status));
}

gint64 codebuild_phase_started(Value build, const char *type) {
	Value phases = value_get(build, "phases");
	for (gsize i = 0; i < value_length(phases); i++)
		if (g_strcmp0(value_get_text(value_at(phases, i), "phaseType"), type) == 0)
			return (gint64)(value_to_double(
						value_get(value_at(phases, i), "startTime"), 0) *
					G_USEC_PER_SEC);
	return 0;
}

gboolean codebuild_all_succeeded(Value build) {
	Value phases = value_get(build, "phases");
	for (gsize i = 0; i < value_length(phases); i++) {
		const char *status = value_get_text(value_at(phases, i), "phaseStatus");
		if (status && !g_str_equal(status, "SUCCEEDED"))
			return FALSE;
	}
	return TRUE;
}

gboolean codebuild_ended(Value build) {
	return g_strcmp0(value_get_text(build, "buildStatus"), "IN_PROGRESS") != 0;
}

char *codebuild_reason(Value build) {
	const char *status = value_text_or(value_get(build, "buildStatus"), "IN_PROGRESS");
	if (g_str_equal(status, "IN_PROGRESS") || g_str_equal(status, "SUCCEEDED"))
		return NULL;
	Value phases = value_get(build, "phases");
	for (gsize i = 0; i < value_length(phases); i++) {
		Value phase = value_at(phases, i);
		const char *how = value_text_or(value_get(phase, "phaseStatus"), "SUCCEEDED");
		if (g_str_equal(how, "SUCCEEDED"))
			continue;
		Value words = value_at(value_get(phase, "contexts"), 0);
		return g_strdup_printf(
			"Build terminated with state: %s. Phase: %s, Code: %s, Message: %s", status,
			value_text_or(value_get(phase, "phaseType"), ""),
			value_text_or(value_get(words, "statusCode"), ""),
			value_text_or(value_get(words, "message"), ""));
	}
	return g_strdup_printf("Build terminated with state: %s", status);
}
