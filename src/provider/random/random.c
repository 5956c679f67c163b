/*
 * hashicorp/random: passwords, ids, names and numbers out of the kernel's generator, kept in the
 * state until their keepers change. What takes a `seed` is repeatable here, but does not give what
 * the official provider's generator gives for the same seed.
 */
#include <openssl/bn.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "lang/lang.h"
#include "provider/plain/plain.h"
#include "provider/random/words.h"

static void random_bytes(guint8 *bytes, gsize n) {
	for (gsize done = 0; done < n;) {
		ssize_t got = getrandom(bytes + done, n - done, 0);
		done += got > 0 ? (gsize)got : 0;
	}
}

/* 0 ≤ result < bound, every one equally likely; of `seeded`, if there is one. */
static guint64 random_below(guint64 bound, GRand *seeded) {
	guint64 rest = bound ? (0 - bound) % bound : 0;
	for (;;) {
		guint64 number;
		if (seeded)
			number = (guint64)g_rand_int(seeded) << 32 | g_rand_int(seeded);
		else
			random_bytes((guint8 *)&number, sizeof number);
		if (!bound)
			return number;
		if (number >= rest)
			return number % bound;
	}
}

static GRand *rand_of(Value wanted) {
	const char *seed = value_get_text(wanted, "seed");
	if (!seed || !*seed)
		return NULL;
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);
	guint32 numbers[8];
	for (guint i = 0; i < 8; i++) {
		g_autofree char *part = g_strndup(digest + 8 * i, 8);
		numbers[i] = (guint32)g_ascii_strtoull(part, NULL, 16);
	}
	return g_rand_new_with_seed_array(numbers, 8);
}

static void rand_free(GRand *rand) {
	if (rand)
		g_rand_free(rand);
}

/* ---- random_password, random_string ---- */

static const char lower_letters[] = "abcdefghijklmnopqrstuvwxyz";
static const char upper_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char digits[] = "0123456789";
static const char special_characters[] = "!@#$%&*()-_=+[]{}<>:?";

static void append_random(GPtrArray *letters, GPtrArray *alphabet, gint64 n) {
	for (gint64 i = 0; i < n; i++)
		g_ptr_array_add(letters, alphabet->pdata[random_below(alphabet->len, NULL)]);
}

/* The characters of a text (an override may hold any of Unicode), each a string. */
static GPtrArray *characters_of(const char *text) {
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
	for (; *text; text = g_utf8_next_char(text))
		g_ptr_array_add(all, g_strndup(text, (gsize)(g_utf8_next_char(text) - text)));
	return all;
}

static char *join_shuffled(GPtrArray *letters) {
	for (guint i = letters->len; i > 1; i--) {
		guint other = (guint)random_below(i, NULL);
		gpointer kept = letters->pdata[i - 1];
		letters->pdata[i - 1] = letters->pdata[other];
		letters->pdata[other] = kept;
	}
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < letters->len; i++)
		g_string_append(text, letters->pdata[i]);
	return g_string_free(text, FALSE);
}

static char *random_text(Value wanted) {
	const char *override = value_get_text(wanted, "override_special");
	const struct {
		const char *flag, *minimum, *alphabet;
	} kinds[] = {
		{"lower", "min_lower", lower_letters},
		{"upper", "min_upper", upper_letters},
		{"numeric", "min_numeric", digits},
		{"special", "min_special", override && *override ? override : special_characters},
	};
	g_autoptr(GPtrArray) letters = g_ptr_array_new();
	g_autoptr(GPtrArray) alphabets =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		GPtrArray *alphabet = characters_of(kinds[i].alphabet);
		g_ptr_array_add(alphabets, alphabet);
		append_random(letters, alphabet, value_get_int(wanted, kinds[i].minimum, 0));
		for (guint j = 0; value_get_bool(wanted, kinds[i].flag) && j < alphabet->len; j++)
			g_ptr_array_add(all, alphabet->pdata[j]);
	}
	gint64 rest = value_get_int(wanted, "length", 0) - letters->len;
	if (rest > 0 && all->len == 0)
		return NULL;
	append_random(letters, all, rest);
	return join_shuffled(letters);
}

static Value no_characters(Diags *diags) {
	return plain_fail(diags, "No characters to choose from",
		"Set at least one of lower, upper, numeric and special to true.");
}

static Value create_string(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autofree char *text = random_text(wanted);
	if (!text)
		return no_characters(diags);
	Value made = value_with_take(value_ref(wanted), "result", value_string(text));
	return value_with_take(made, "id", value_string(text));
}

static Value with_bcrypt_take(Value made_taken, const char *password) {
	g_auto(Value) text = value_string(password);
	int blame;
	g_autofree char *problem = NULL;
	Value hash = lang_function("bcrypt")->call(&text, 1, &(LangScope){0}, &blame, &problem);
	return value_with_take(made_taken, "bcrypt_hash", hash);
}

static Value create_password(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autofree char *text = random_text(wanted);
	if (!text)
		return no_characters(diags);
	Value made = value_with_take(value_ref(wanted), "result", value_string(text));
	made = value_with_take(made, "id", value_string("none"));
	return with_bcrypt_take(made, text);
}

static Value imported_text(const char *id, const char *own_id) {
	return value_object_take("id", value_string(own_id), "result", value_string(id), "length",
		value_int(g_utf8_strlen(id, -1)), "special", value_bool(TRUE), "upper",
		value_bool(TRUE), "lower", value_bool(TRUE), "number", value_bool(TRUE), "numeric",
		value_bool(TRUE), "min_special", value_int(0), "min_upper", value_int(0),
		"min_lower", value_int(0), "min_numeric", value_int(0), NULL);
}

static Value import_string(const char *id, Diags *diags) {
	return imported_text(id, id);
}

static Value import_password(const char *id, Diags *diags) {
	return with_bcrypt_take(imported_text(id, "none"), id);
}

/* ---- random_id, random_bytes ---- */

static char *hex_of(const guint8 *bytes, gsize n) {
	GString *hex = g_string_sized_new(2 * n);
	for (gsize i = 0; i < n; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	return g_string_free(hex, FALSE);
}

static char *decimal_of(const guint8 *bytes, gsize n) {
	BIGNUM *number = BN_bin2bn(bytes, (int)n, NULL);
	char *text = BN_bn2dec(number);
	char *copy = g_strdup(text);
	OPENSSL_free(text);
	BN_free(number);
	return copy;
}

static char *url_base64(const guint8 *bytes, gsize n) {
	char *text = g_base64_encode(bytes, n);
	g_strdelimit(text, "+", '-');
	g_strdelimit(text, "/", '_');
	gsize length = strlen(text);
	while (length > 0 && text[length - 1] == '=')
		text[--length] = '\0';
	return text;
}

static Value id_of_bytes(Value wanted, const guint8 *bytes, gsize n) {
	const char *prefix = value_get_text(wanted, "prefix");
	if (!prefix)
		prefix = "";
	g_autofree char *url = url_base64(bytes, n), *standard = g_base64_encode(bytes, n);
	g_autofree char *hex = hex_of(bytes, n), *decimal = decimal_of(bytes, n);
	Value made = value_with_take(value_ref(wanted), "id", value_string(url));
	made = value_with_take(made, "b64_url", value_string_printf("%s%s", prefix, url));
	made = value_with_take(made, "b64_std", value_string_printf("%s%s", prefix, standard));
	made = value_with_take(made, "hex", value_string_printf("%s%s", prefix, hex));
	return value_with_take(made, "dec", value_string_printf("%s%s", prefix, decimal));
}

static Value create_id(Value wanted, GCancellable *cancellable, Diags *diags) {
	gsize n = (gsize)value_get_int(wanted, "byte_length", 0);
	g_autofree guint8 *bytes = g_malloc(n);
	random_bytes(bytes, n);
	return id_of_bytes(wanted, bytes, n);
}

/* "[prefix,]b64_url" */
static Value import_id(const char *id, Diags *diags) {
	const char *comma = strrchr(id, ',');
	g_autofree char *prefix = comma ? g_strndup(id, (gsize)(comma - id)) : NULL;
	GString *text = g_string_new(comma ? comma + 1 : id);
	while (text->len % 4)
		g_string_append_c(text, '=');
	g_autofree char *base64 = g_string_free(text, FALSE);
	g_strdelimit(base64, "-", '+');
	g_strdelimit(base64, "_", '/');
	gsize n;
	g_autofree guint8 *bytes = g_base64_decode(base64, &n);
	g_autofree char *again = g_base64_encode(bytes, n);
	if (n == 0 || !g_str_equal(again, base64))
		return plain_fail(diags, "Invalid import id",
			"random_id is imported by its b64_url, with its prefix and a comma in "
			"front if it has one; \"%s\" is no such.",
			id);
	g_auto(Value) wanted = value_object_take(
		"prefix", value_string(prefix), "byte_length", value_int((gint64)n), NULL);
	return id_of_bytes(wanted, bytes, n);
}

static Value bytes_value(Value wanted, const guint8 *bytes, gsize n) {
	g_autofree char *base64 = g_base64_encode(bytes, n), *hex = hex_of(bytes, n);
	Value made = value_with_take(value_ref(wanted), "base64", value_string(base64));
	return value_with_take(made, "hex", value_string(hex));
}

static Value create_bytes(Value wanted, GCancellable *cancellable, Diags *diags) {
	gsize n = (gsize)value_get_int(wanted, "length", 0);
	g_autofree guint8 *bytes = g_malloc(n);
	random_bytes(bytes, n);
	return bytes_value(wanted, bytes, n);
}

static Value import_bytes(const char *id, Diags *diags) {
	gsize n;
	g_autofree guint8 *bytes = g_base64_decode(id, &n);
	g_auto(Value) wanted = value_object_take("length", value_int((gint64)n), NULL);
	return n ? bytes_value(wanted, bytes, n)
		 : plain_fail(diags, "Invalid import id",
			   "random_bytes is imported by its base64; \"%s\" is none.", id);
}

/* ---- random_integer ---- */

static Value create_integer(Value wanted, GCancellable *cancellable, Diags *diags) {
	gint64 min = value_get_int(wanted, "min", 0), max = value_get_int(wanted, "max", 0);
	if (min > max)
		return plain_fail(diags, "Invalid attribute value",
			"The minimum (min) must not be greater than the maximum (max).");
	GRand *seeded = rand_of(wanted);
	guint64 above = random_below((guint64)max - (guint64)min + 1, seeded);
	rand_free(seeded);
	gint64 result = (gint64)((guint64)min + above);
	Value made = value_with_take(value_ref(wanted), "result", value_int(result));
	return value_with_take(made, "id", value_string_printf("%" G_GINT64_FORMAT, result));
}

/* "result,min,max[,seed]" */
static Value import_integer(const char *id, Diags *diags) {
	g_auto(GStrv) parts = g_strsplit(id, ",", 4);
	guint n = g_strv_length(parts);
	gint64 numbers[3];
	gboolean fine = n >= 3;
	for (guint i = 0; fine && i < 3; i++)
		fine = g_ascii_string_to_signed(
			parts[i], 10, G_MININT64, G_MAXINT64, &numbers[i], NULL);
	if (!fine)
		return plain_fail(diags, "Invalid import id",
			"random_integer is imported by \"result,min,max\" or "
			"\"result,min,max,seed\", not by \"%s\".",
			id);
	return value_object_take("id", value_string(parts[0]), "result", value_int(numbers[0]),
		"min", value_int(numbers[1]), "max", value_int(numbers[2]), "seed",
		value_string(n > 3 ? parts[3] : NULL), NULL);
}

/* ---- random_pet, random_shuffle, random_uuid ---- */

static const char *any_word(const char *const *words, gsize n) {
	return words[random_below(n, NULL)];
}

static Value create_pet(Value wanted, GCancellable *cancellable, Diags *diags) {
	gint64 n = value_get_int(wanted, "length", 2);
	const char *separator = value_get_text(wanted, "separator");
	const char *prefix = value_get_text(wanted, "prefix");
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	if (prefix && *prefix)
		g_ptr_array_add(words, (char *)prefix);
	for (; n > 2; n--)
		g_ptr_array_add(words, (char *)any_word(pet_adverbs, G_N_ELEMENTS(pet_adverbs)));
	if (n > 1)
		g_ptr_array_add(
			words, (char *)any_word(pet_adjectives, G_N_ELEMENTS(pet_adjectives)));
	g_ptr_array_add(words, (char *)any_word(pet_names, G_N_ELEMENTS(pet_names)));
	g_ptr_array_add(words, NULL);
	return value_with_take(value_ref(wanted), "id",
		value_string_take(g_strjoinv(separator ? separator : "-", (char **)words->pdata)));
}

static Value shuffled(Value input, gsize n, GRand *seeded) {
	gsize length = value_length(input);
	g_autoptr(ValueBuilder) result = value_builder_new(VALUE_LIST, type_string());
	g_autofree gsize *order = g_new(gsize, length + 1);
	while (length > 0 && value_builder_length(result) < n) {
		for (gsize i = 0; i < length; i++)
			order[i] = i;
		for (gsize i = length; i > 1; i--) {
			gsize other = (gsize)random_below(i, seeded), kept = order[i - 1];
			order[i - 1] = order[other];
			order[other] = kept;
		}
		for (gsize i = 0; i < length && value_builder_length(result) < n; i++)
			value_builder_add_take(result, value_ref(value_at(input, order[i])));
	}
	return value_builder_end(g_steal_pointer(&result));
}

static Value create_shuffle(Value wanted, GCancellable *cancellable, Diags *diags) {
	Value input = value_get(wanted, "input");
	gint64 n = value_get_int(wanted, "result_count", (gint64)value_length(input));
	GRand *seeded = rand_of(wanted);
	Value made =
		value_with_take(value_ref(wanted), "result", shuffled(input, (gsize)n, seeded));
	rand_free(seeded);
	return value_with_take(made, "id", value_string("-"));
}

static Value with_uuid(Value wanted, const char *uuid) {
	Value made = value_with_take(value_ref(wanted), "id", value_string(uuid));
	return value_with_take(made, "result", value_string(uuid));
}

static Value create_uuid(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autofree char *uuid = g_uuid_string_random();
	return with_uuid(wanted, uuid);
}

/* Version 7 (RFC 9562): milliseconds in front, chance behind. */
static Value create_uuid7(Value wanted, GCancellable *cancellable, Diags *diags) {
	guint8 bytes[16];
	random_bytes(bytes, sizeof bytes);
	guint64 now = (guint64)g_get_real_time() / 1000;
	for (guint i = 0; i < 6; i++)
		bytes[i] = (guint8)(now >> (40 - 8 * i));
	bytes[6] = (guint8)((bytes[6] & 0x0f) | 0x70);
	bytes[8] = (guint8)((bytes[8] & 0x3f) | 0x80);
	g_autofree char *hex = hex_of(bytes, sizeof bytes);
	g_autofree char *uuid = g_strdup_printf(
		"%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return with_uuid(wanted, uuid);
}

static Value import_uuid(const char *id, Diags *diags) {
	g_auto(Value) nothing = value_empty_object();
	return g_uuid_string_is_valid(id)
		       ? with_uuid(nothing, id)
		       : plain_fail(diags, "Invalid import id", "\"%s\" is no UUID.", id);
}

static const PlainType types[] = {
	{"random_bytes", .create = create_bytes, .import = import_bytes},
	{"random_id", .create = create_id, .import = import_id},
	{"random_integer", .create = create_integer, .import = import_integer},
	{"random_password", .create = create_password, .import = import_password},
	{"random_pet", .create = create_pet},
	{"random_shuffle", .create = create_shuffle},
	{"random_string", .create = create_string, .import = import_string},
	{"random_uuid", .create = create_uuid, .import = import_uuid},
	{"random_uuid4", .create = create_uuid, .import = import_uuid},
	{"random_uuid7", .create = create_uuid7, .import = import_uuid},
	{NULL},
};

PLAIN_PROVIDER(random, "3.8.1", types);
