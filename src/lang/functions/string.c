/* String functions. Regular expressions are RE2's in Terraform, PCRE2's here: the same syntax but
 * for what RE2 lacks. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "lang/functions/functions.h"

FUNCTION(chomp) {
	g_autofree char *text = g_strdup(value_text(arguments[0]));
	gsize length = strlen(text);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	return value_string(text);
}

FUNCTION(endswith) {
	return value_bool(g_str_has_suffix(value_text(arguments[0]), value_text(arguments[1])));
}

FUNCTION(startswith) {
	return value_bool(g_str_has_prefix(value_text(arguments[0]), value_text(arguments[1])));
}

FUNCTION(strcontains) {
	return value_bool(strstr(value_text(arguments[0]), value_text(arguments[1])) != NULL);
}

FUNCTION(indent) {
	gint64 spaces = value_to_int(arguments[0], 0);
	GString *out = g_string_new(NULL);
	for (const char *at = value_text(arguments[1]); *at; at++) {
		g_string_append_c(out, *at);
		for (gint64 i = 0; *at == '\n' && i < spaces; i++)
			g_string_append_c(out, ' ');
	}
	return value_string_take(g_string_free(out, FALSE));
}

FUNCTION(join) {
	GString *out = g_string_new(NULL);
	guint pieces = 0;
	for (guint i = 1; i < n; i++)
		for (gsize j = 0; j < value_length(arguments[i]); j++) {
			const char *text = value_text(value_at(arguments[i], j));
			if (!text) {
				g_string_free(out, TRUE);
				return lang_function_fail(blame, (int)i, problem,
					"element %" G_GSIZE_FORMAT
					" is null; cannot concatenate null values",
					j);
			}
			if (pieces++ > 0)
				g_string_append(out, value_text(arguments[0]));
			g_string_append(out, text);
		}
	return value_string_take(g_string_free(out, FALSE));
}

FUNCTION(lower) {
	return value_string_take(g_utf8_strdown(value_text(arguments[0]), -1));
}

FUNCTION(upper) {
	return value_string_take(g_utf8_strup(value_text(arguments[0]), -1));
}

FUNCTION(title) {
	GString *out = g_string_new(NULL);
	gunichar before = ' ';
	for (const char *at = value_text(arguments[0]); *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		gboolean starts = !g_unichar_isalnum(before) && before != '_' && before != '\'';
		g_string_append_unichar(out, starts ? g_unichar_totitle(c) : c);
		before = c;
	}
	return value_string_take(g_string_free(out, FALSE));
}

FUNCTION(strrev) {
	g_autofree char *normal = g_utf8_normalize(value_text(arguments[0]), -1, G_NORMALIZE_NFC);
	return value_string_take(g_utf8_strreverse(normal, -1));
}

FUNCTION(split) {
	const char *separator = value_text(arguments[0]), *text = value_text(arguments[1]);
	ValueBuilder *list = value_builder_new(VALUE_LIST, type_string());
	if (!*separator) {
		for (const char *at = text; *at; at = g_utf8_next_char(at))
			value_builder_add_take(
				list, value_string_sized(at, (gsize)(g_utf8_next_char(at) - at)));
		return value_builder_end(list);
	}
	g_auto(GStrv) parts = *text ? g_strsplit(text, separator, -1) : NULL;
	for (char **part = parts; part && *part; part++)
		value_builder_add_take(list, value_string(*part));
	if (!*text)
		value_builder_add_take(list, value_string(""));
	return value_builder_end(list);
}

FUNCTION(substr) {
	const char *text = value_text(arguments[0]);
	gint64 characters = g_utf8_strlen(text, -1);
	gint64 offset = value_to_int(arguments[1], 0), length = value_to_int(arguments[2], 0);
	if (offset < 0)
		offset = MAX(0, characters + offset);
	offset = MIN(offset, characters);
	gint64 end = length < 0 ? characters : MIN(characters, offset + length);
	return value_string_take(g_utf8_substring(text, offset, end));
}

/* Takes off both ends the characters of `cutset`. */
static Value trimmed(const char *text, const char *cutset) {
	const char *start = text, *end = text + strlen(text);
	while (start < end && g_utf8_strchr(cutset, -1, g_utf8_get_char(start)))
		start = g_utf8_next_char(start);
	while (end > start) {
		const char *last = g_utf8_prev_char(end);
		if (!g_utf8_strchr(cutset, -1, g_utf8_get_char(last)))
			break;
		end = last;
	}
	return value_string_sized(start, (gsize)(end - start));
}

FUNCTION(trim) {
	return trimmed(value_text(arguments[0]), value_text(arguments[1]));
}

FUNCTION(trimspace) {
	return trimmed(value_text(arguments[0]), " \t\n\v\f\r\302\205\302\240");
}

FUNCTION(trimprefix) {
	const char *text = value_text(arguments[0]), *prefix = value_text(arguments[1]);
	return value_string(g_str_has_prefix(text, prefix) ? text + strlen(prefix) : text);
}

FUNCTION(trimsuffix) {
	const char *text = value_text(arguments[0]), *suffix = value_text(arguments[1]);
	gsize length = strlen(text);
	return value_string_sized(
		text, g_str_has_suffix(text, suffix) ? length - strlen(suffix) : length);
}

/* ---- regular expressions ---- */

static pcre2_code *compile(const char *pattern, char **problem) {
	int number;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &number, &offset, NULL);
	if (!code) {
		PCRE2_UCHAR message[120];
		pcre2_get_error_message(number, message, sizeof message);
		*problem = g_strdup_printf(
			"invalid regexp pattern: %s in %s", (char *)message, pattern);
	}
	return code;
}

static Value group_value(const char *text, const PCRE2_SIZE *offsets, guint32 group) {
	if (offsets[2 * group] == PCRE2_UNSET)
		return value_null(type_string());
	return value_string_sized(
		text + offsets[2 * group], offsets[2 * group + 1] - offsets[2 * group]);
}

static Value named_groups(
	pcre2_code *code, const char *text, const PCRE2_SIZE *offsets, guint32 n_names) {
	PCRE2_SPTR table;
	guint32 size;
	pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
	pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	ValueBuilder *object = value_builder_new(VALUE_OBJECT, NULL);
	for (guint32 i = 0; i < n_names; i++) {
		const guint8 *entry = table + i * size;
		guint32 group = (guint32)entry[0] << 8 | entry[1];
		value_builder_set_take(
			object, (const char *)entry + 2, group_value(text, offsets, group));
	}
	return value_builder_end(object);
}

/* What a match gives: its text, or its groups as a tuple or, if they have names, an object. */
static Value match_value(pcre2_code *code, const char *text, pcre2_match_data *match) {
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
	guint32 groups, names;
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &names);
	if (names > 0)
		return named_groups(code, text, offsets, names);
	if (groups == 0)
		return group_value(text, offsets, 0);
	ValueBuilder *tuple = value_builder_new(VALUE_TUPLE, NULL);
	for (guint32 i = 1; i <= groups; i++)
		value_builder_add_take(tuple, group_value(text, offsets, i));
	return value_builder_end(tuple);
}

FUNCTION(regex) {
	pcre2_code *code = compile(value_text(arguments[0]), problem);
	*blame = 0;
	if (!code)
		return VALUE_NOTHING;
	const char *text = value_text(arguments[1]);
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
	int found = pcre2_match(
		code, (PCRE2_SPTR)text, value_text_length(arguments[1]), 0, 0, match, NULL);
	Value result = found > 0 ? match_value(code, text, match) : VALUE_NOTHING;
	if (found <= 0)
		lang_function_fail(
			blame, -1, problem, "pattern did not match any part of the given string");
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	return result;
}

FUNCTION(regexall) {
	pcre2_code *code = compile(value_text(arguments[0]), problem);
	*blame = 0;
	if (!code)
		return VALUE_NOTHING;
	const char *text = value_text(arguments[1]);
	gsize length = value_text_length(arguments[1]), at = 0;
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
	ValueBuilder *list = value_builder_new(VALUE_LIST, type_any());
	while (at <= length &&
		pcre2_match(code, (PCRE2_SPTR)text, length, at, 0, match, NULL) > 0) {
		const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
		value_builder_add_take(list, match_value(code, text, match));
		at = offsets[1] > offsets[0] ? offsets[1] : offsets[1] + 1;
	}
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	return value_builder_end(list);
}

/* Go's replacement syntax ($1, ${1}, ${name}) as PCRE2's, where a dollar sign is $$ in both. */
static char *replaced_by_pattern(
	const char *text, const char *pattern, const char *with, char **problem) {
	pcre2_code *code = compile(pattern, problem);
	if (!code)
		return NULL;
	PCRE2_SIZE size = strlen(text) * 2 + strlen(with) + 64;
	for (;;) {
		g_autofree char *out = g_malloc(size + 1);
		PCRE2_SIZE length = size;
		int done = pcre2_substitute(code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0,
			PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH |
				PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_UNKNOWN_UNSET,
			NULL, NULL, (PCRE2_SPTR)with, PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)out,
			&length);
		if (done == PCRE2_ERROR_NOMEMORY) {
			size = length;
			continue;
		}
		pcre2_code_free(code);
		if (done < 0)
			*problem = g_strdup("invalid replacement");
		return done < 0 ? NULL : g_steal_pointer(&out);
	}
}

FUNCTION(replace) {
	const char *text = value_text(arguments[0]), *what = value_text(arguments[1]);
	const char *with = value_text(arguments[2]);
	gsize length = strlen(what);
	if (length > 1 && what[0] == '/' && what[length - 1] == '/') {
		g_autofree char *pattern = g_strndup(what + 1, length - 2);
		char *replaced = replaced_by_pattern(text, pattern, with, problem);
		*blame = 1;
		return replaced ? value_string_take(replaced) : VALUE_NOTHING;
	}
	if (length == 0)
		return value_string(text);
	g_auto(GStrv) parts = g_strsplit(text, what, -1);
	return value_string_take(*text ? g_strjoinv(with, parts) : g_strdup(""));
}

/* ---- format ---- */

typedef struct {
	gboolean plus, blank, minus, zero, sharp;
	int width, precision; /* -1: none */
	char verb;
} Directive;

/* Pads to the directive's width. */
static void append_padded(GString *out, const Directive *directive, const char *text) {
	glong length = g_utf8_strlen(text, -1);
	glong missing = MAX(0, directive->width - length);
	gboolean sign = directive->zero && !directive->minus && (*text == '-' || *text == '+');
	if (sign)
		g_string_append_c(out, *text++);
	for (glong i = 0; !directive->minus && i < missing; i++)
		g_string_append_c(out, directive->zero ? '0' : ' ');
	g_string_append(out, text);
	for (glong i = 0; directive->minus && i < missing; i++)
		g_string_append_c(out, ' ');
}

static char *format_integer(const Directive *directive, Value value, char **problem) {
	g_auto(Value) number = value_convert(value, type_number(), problem);
	if (*problem)
		return NULL;
	g_auto(Value) whole = value_compare_numbers(number, value_int(0)) < 0 ? value_ceil(number)
									      : value_floor(number);
	gint64 integer = value_to_int(whole, 0);
	const char *sign = directive->plus && integer >= 0    ? "+"
			   : directive->blank && integer >= 0 ? " "
							      : "";
	gboolean negative = integer < 0;
	guint64 magnitude = negative ? (guint64)0 - (guint64)integer : (guint64)integer;
	switch (directive->verb) {
	case 'b': {
		GString *bits = g_string_new(NULL);
		do
			g_string_prepend_c(bits, magnitude & 1 ? '1' : '0');
		while (magnitude >>= 1);
		g_string_prepend(bits, negative ? "-" : sign);
		return g_string_free(bits, FALSE);
	}
	case 'o':
		return g_strdup_printf(
			"%s%" G_GINT64_MODIFIER "o", negative ? "-" : sign, magnitude);
	case 'x':
		return g_strdup_printf("%s%s%" G_GINT64_MODIFIER "x", negative ? "-" : sign,
			directive->sharp ? "0x" : "", magnitude);
	case 'X':
		return g_strdup_printf("%s%s%" G_GINT64_MODIFIER "X", negative ? "-" : sign,
			directive->sharp ? "0X" : "", magnitude);
	default: {
		g_autofree char *text = value_number_to_string(whole);
		return g_strdup_printf("%s%s", sign, text);
	}
	}
}

static char *format_float(const Directive *directive, Value value, char **problem) {
	g_auto(Value) number = value_convert(value, type_number(), problem);
	if (*problem)
		return NULL;
	double real = value_to_double(number, 0);
	if (g_ascii_tolower(directive->verb) == 'g' && directive->precision < 0) {
		g_autofree char *text = value_number_to_string(number);
		return g_strdup_printf("%s%s", directive->plus && real >= 0 ? "+" : "", text);
	}
	char format[32], buffer[400];
	g_snprintf(format, sizeof format, "%%%s.%d%c", directive->plus ? "+" : "",
		directive->precision < 0 ? 6 : MIN(directive->precision, 300), directive->verb);
	g_ascii_formatd(buffer, sizeof buffer, format, real);
	return g_strdup(buffer);
}

static char *format_text(const Directive *directive, Value value, char **problem) {
	g_auto(Value) text = value_convert(value, type_string(), problem);
	if (*problem)
		return NULL;
	if (!value_text(text)) {
		*problem =
			g_strdup("unsupported value for a string: null value cannot be formatted");
		return NULL;
	}
	g_auto(Value) cut = VALUE_NOTHING;
	if (directive->precision >= 0)
		cut = value_string_take(g_utf8_substring(value_text(text), 0,
			MIN(directive->precision, g_utf8_strlen(value_text(text), -1))));
	Value shown = directive->precision >= 0 ? cut : text;
	if (directive->verb == 'q')
		return value_to_json(shown, VALUE_JSON_COMPACT);
	return g_strdup(value_text(shown));
}

/* %v: the value's own form. */
static char *format_natural(const Directive *directive, Value value, char **problem) {
	ValueKind kind = value_kind(value);
	if (directive->sharp || kind > VALUE_STRING)
		return value_to_json(value, VALUE_JSON_ESCAPE_HTML);
	if (kind == VALUE_NULL)
		return g_strdup("null");
	g_auto(Value) text = value_convert(value, type_string(), problem);
	return g_strdup(value_text(text));
}

static char *format_one(const Directive *directive, Value value, char **problem) {
	switch (directive->verb) {
	case 'd':
	case 'b':
	case 'o':
	case 'x':
	case 'X':
		return format_integer(directive, value, problem);
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
		return format_float(directive, value, problem);
	case 's':
	case 'q':
		return format_text(directive, value, problem);
	case 't': {
		g_auto(Value) boolean = value_convert(value, type_bool(), problem);
		return *problem ? NULL : g_strdup(value_to_bool(boolean) ? "true" : "false");
	}
	case 'v':
		return format_natural(directive, value, problem);
	default:
		*problem = g_strdup_printf("unsupported format verb '%c'", directive->verb);
		return NULL;
	}
}

/* Behind the percent sign: flags, width, precision, an explicit argument [n], the verb. */
static const char *parse_directive(const char *at, Directive *directive, guint *next) {
	*directive = (Directive){.precision = -1};
	for (; *at && strchr("+ -0#", *at); at++) {
		directive->plus |= *at == '+';
		directive->blank |= *at == ' ';
		directive->minus |= *at == '-';
		directive->zero |= *at == '0';
		directive->sharp |= *at == '#';
	}
	char *end;
	directive->width = (int)MIN(g_ascii_strtoull(at, &end, 10), 10000);
	at = end;
	if (*at == '.') {
		directive->precision = (int)MIN(g_ascii_strtoull(at + 1, &end, 10), 10000);
		at = end;
	}
	if (*at == '[') {
		*next = (guint)g_ascii_strtoull(at + 1, &end, 10) - 1;
		at = *end == ']' ? end + 1 : end;
	}
	directive->verb = *at;
	return *at ? at + 1 : at;
}

/* format with the arguments from index 1 on. NULL and *problem on errors. */
static char *format_all(const Value *arguments, guint n, int *blame, char **problem) {
	g_autoptr(GString) out = g_string_new(NULL);
	guint next = 0, highest = 0;
	for (const char *at = value_text(arguments[0]); *at;) {
		if (*at != '%') {
			g_string_append_c(out, *at++);
			continue;
		}
		if (at[1] == '%') {
			g_string_append_c(out, '%');
			at += 2;
			continue;
		}
		Directive directive;
		at = parse_directive(at + 1, &directive, &next);
		if (next + 1 >= n) {
			lang_function_fail(blame, -1, problem,
				"not enough arguments for \"%%%c\": need index %u but have %u "
				"total",
				directive.verb, next + 1, n - 1);
			return NULL;
		}
		g_autofree char *text = format_one(&directive, arguments[next + 1], problem);
		*blame = -1;
		if (*problem)
			return NULL;
		append_padded(out, &directive, text);
		next++;
		highest = MAX(highest, next);
	}
	if (highest + 1 < n) {
		lang_function_fail(blame, (int)highest + 1, problem,
			"too many arguments; only %u used by format string", highest);
		return NULL;
	}
	return g_strdup(out->str);
}

FUNCTION(format) {
	char *text = format_all(arguments, n, blame, problem);
	return text ? value_string_take(text) : VALUE_NOTHING;
}

FUNCTION(formatlist) {
	gsize length = 0;
	gboolean any_list = FALSE;
	for (guint i = 1; i < n; i++) {
		if (!value_is_sequence(arguments[i]))
			continue;
		if (any_list && value_length(arguments[i]) != length)
			return lang_function_fail(blame, (int)i, problem,
				"argument %u has length %" G_GSIZE_FORMAT
				", which is inconsistent with argument 1 of length "
				"%" G_GSIZE_FORMAT,
				i, value_length(arguments[i]), length);
		any_list = TRUE;
		length = value_length(arguments[i]);
	}
	if (!any_list)
		length = 1;
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_LIST, type_string());
	g_autofree Value *row = g_new(Value, n);
	for (gsize i = 0; i < length; i++) {
		for (guint j = 0; j < n; j++)
			row[j] = j > 0 && value_is_sequence(arguments[j])
					 ? value_at(arguments[j], i)
					 : arguments[j];
		char *text = format_all(row, n, blame, problem);
		if (!text)
			return VALUE_NOTHING;
		value_builder_add_take(list, value_string_take(text));
	}
	return value_builder_end(g_steal_pointer(&list));
}

const LangFunctionSpec lang_string_specs[] = {
	{"chomp", call_chomp, "str:s", 's'},
	{"endswith", call_endswith, "str:s suffix:s", 'b'},
	{"format", call_format, "format:s *args:a!", 's'},
	{"formatlist", call_formatlist, "format:s *args:a!", 'S'},
	{"indent", call_indent, "spaces:n str:s", 's'},
	{"join", call_join, "separator:s *lists:S", 's'},
	{"lower", call_lower, "str:s", 's'},
	{"regex", call_regex, "pattern:s string:s", 'a'},
	{"regexall", call_regexall, "pattern:s string:s", 'a'},
	{"replace", call_replace, "str:s substr:s replace:s", 's'},
	{"split", call_split, "separator:s str:s", 'S'},
	{"startswith", call_startswith, "str:s prefix:s", 'b'},
	{"strcontains", call_strcontains, "str:s substr:s", 'b'},
	{"strrev", call_strrev, "str:s", 's'},
	{"substr", call_substr, "str:s offset:n length:n", 's'},
	{"title", call_title, "str:s", 's'},
	{"trim", call_trim, "str:s cutset:s", 's'},
	{"trimprefix", call_trimprefix, "str:s prefix:s", 's'},
	{"trimspace", call_trimspace, "str:s", 's'},
	{"trimsuffix", call_trimsuffix, "str:s suffix:s", 's'},
	{"upper", call_upper, "str:s", 's'},
	{NULL},
};
