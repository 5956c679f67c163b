/*
 * libFuzzer: any bytes as a state file and, after a zero byte, as the journal beside it. What is
 * read is the same after it was written and read again.
 */
#include "fuzz.h"

#include <string.h>

#include "engine/state.h"

static void read_values(const State *state) {
	const TypeAttribute attributes[] = {
		{.name = "id", .type = type_string()},
		{.name = "input", .type = type_any()},
		{.name = "list", .type = type_list(type_number())},
	};
	const Type *type = type_object(attributes, G_N_ELEMENTS(attributes));
	g_autoptr(GPtrArray) all = state_sorted(state);
	for (guint i = 0; i < all->len; i++) {
		const StateInstance *instance = all->pdata[i];
		g_autofree char *problem = NULL;
		if (!instance->current)
			continue;
		g_auto(Value) plain = state_object_value(instance->current, NULL, &problem);
		g_clear_pointer(&problem, g_free);
		g_auto(Value) value = state_object_value(instance->current, type, &problem);
	}
}

static void round_trip(const State *state) {
	g_autoptr(GError) error = NULL;
	g_autofree char *text = state_to_text(state);
	g_autoptr(State) again = state_from_text(text, -1, &error);
	g_assert_no_error(error);
	g_autofree char *second = state_to_text(again);
	g_assert_cmpstr(text, ==, second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t length = zero ? (size_t)(zero - data) : size;
	g_autoptr(State) alone = state_from_text((const char *)data, (gssize)length, NULL);
	if (alone) {
		round_trip(alone);
		read_values(alone);
	}
	if (!zero)
		return 0;
	g_autofree char *path = fuzz_file("terraform.tfstate", data, length);
	g_autofree char *journal =
		fuzz_file("terraform.tfstate.journal", zero + 1, size - length - 1);
	g_autoptr(State) state = state_open(path, NULL);
	if (state)
		round_trip(state);
	return 0;
}
