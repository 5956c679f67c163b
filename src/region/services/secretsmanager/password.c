/* GetRandomPassword: random characters of the wanted sets, from the kernel's generator. */
#include <string.h>

#include "base/text.h"
#include "region/services/secretsmanager/internal.h"

static const struct {
	const char *exclude, *characters;
} password_sets[] = {
	{"ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"},
	{"ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"ExcludeNumbers", "0123456789"},
	{"ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
};

static char *without_characters(const char *from, const char *excluded) {
	g_autoptr(GString) left = g_string_new(NULL);
	for (const char *at = from; *at; at++)
		if (!strchr(excluded, *at))
			g_string_append_c(left, *at);
	return g_string_free(g_steal_pointer(&left), FALSE);
}

static gboolean has_one_of(const char *text, const char *characters) {
	return !*characters || strpbrk(text, characters) != NULL;
}

Value secret_random_password(RegionCall *call, Value input, GError **error) {
	const char *excluded = value_text_or(value_get(input, "ExcludeCharacters"), "");
	gint64 length = value_get_int(input, "PasswordLength", 32);
	gboolean each = !value_has(input, "RequireEachIncludedType") ||
			value_get_bool(input, "RequireEachIncludedType");
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) all = g_string_new(value_get_bool(input, "IncludeSpace") ? " " : "");
	for (guint i = 0; i < G_N_ELEMENTS(password_sets); i++) {
		if (value_get_bool(input, password_sets[i].exclude))
			continue;
		char *set = without_characters(password_sets[i].characters, excluded);
		g_ptr_array_add(sets, set);
		g_string_append(all, set);
	}
	if (all->len == 0 || length < (gint64)sets->len) {
		wire_error_set(error, "InvalidParameterException",
			"The password can't be generated: too much is excluded for its length.");
		return VALUE_NOTHING;
	}
	for (;;) {
		g_autofree char *password = text_random((gsize)length, all->str);
		gboolean fine = TRUE;
		for (guint i = 0; each && i < sets->len; i++)
			fine &= has_one_of(password, sets->pdata[i]);
		if (fine)
			return value_object_take("RandomPassword", value_string(password), NULL);
	}
}
