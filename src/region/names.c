/* Identifiers, ARNs, pages of lists, and tags: what every service needs. See region.h. */
#include <string.h>

#include "base/text.h"
#include "region/region.h"

/* ---- identifiers ---- */

char *region_ec2_id(const char *prefix) {
	/* 68 random bits: that two are equal need not be thought of. */
	g_autofree char *digits = text_random_hex(17);
	return g_strdup_printf("%s-%s", prefix, digits);
}

char *region_arn(StoreScope scope, const char *service, const char *resource, ...) {
	va_list arguments;
	va_start(arguments, resource);
	g_autofree char *path = g_strdup_vprintf(resource, arguments);
	va_end(arguments);
	return g_strdup_printf("arn:aws:%s:%s:%s:%s", service, scope.region, scope.account, path);
}

static void give(char **out, const char *text) {
	if (out)
		*out = g_strdup(text);
}

gboolean region_arn_parse(
	const char *arn, char **service, char **region_name, char **account, char **resource) {
	g_auto(GStrv) parts = g_strsplit(arn ? arn : "", ":", 6);
	if (g_strv_length(parts) != 6 || !g_str_equal(parts[0], "arn") || !*parts[2] || !*parts[5])
		return FALSE;
	give(service, parts[2]);
	give(region_name, parts[3]);
	give(account, parts[4]);
	give(resource, parts[5]);
	return TRUE;
}

/* ---- lists ---- */

#define TOKEN_PREFIX "terrarium:"

/* A token says behind how many items the next page begins: base64, as callers must not read it. */
static char *make_token(gsize start) {
	g_autofree char *text = g_strdup_printf(TOKEN_PREFIX "%" G_GSIZE_FORMAT, start);
	return g_base64_encode((const guchar *)text, strlen(text));
}

static gboolean read_token(const char *token, gsize *start) {
	gsize length;
	g_autofree guchar *bytes = g_base64_decode(token, &length);
	g_autofree char *text = g_strndup((const char *)bytes, length);
	if (!g_str_has_prefix(text, TOKEN_PREFIX))
		return FALSE;
	guint64 number;
	if (!g_ascii_string_to_unsigned(
		    text + strlen(TOKEN_PREFIX), 10, 0, G_MAXINT64, &number, NULL))
		return FALSE;
	*start = (gsize)number;
	return TRUE;
}

Value region_page(Value items, gint64 max, const char *token, const char *code, char **next_token,
	GError **error) {
	gsize start = 0;
	*next_token = NULL;
	if (token && !read_token(token, &start)) {
		wire_error_set(error, code, "The pagination token is not valid.");
		return VALUE_NOTHING;
	}
	gsize length = value_length(items);
	gsize end = max > 0 && start < length && (gsize)max < length - start ? start + (gsize)max
									     : length;
	g_autoptr(ValueBuilder) page = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = start; i < end; i++)
		value_builder_add_take(page, value_ref(value_at(items, i)));
	if (end < length)
		*next_token = make_token(end);
	return value_builder_end(g_steal_pointer(&page));
}

Value region_page_answer(Value input, const RegionPaging *paging, const char *member,
	Value items_taken, GError **error) {
	g_auto(Value) items = items_taken;
	g_autofree char *next = NULL;
	g_autoptr(GError) local = NULL;
	Value page = region_page(items, value_get_int(input, paging->size, paging->most),
		value_get_text(input, paging->token), paging->code, &next, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	Value output = value_object_take(member, page, NULL);
	return next ? value_with_take(output, paging->next, value_string(next)) : output;
}

/* ---- tags ---- */

#define TAGS "tags"

Value region_tags(Region *region, StoreScope scope, const char *resource) {
	Value tags = store_get(region_store(region), scope, TAGS, resource);
	return value_is_null(tags) ? value_empty_object() : tags;
}

void region_tags_set(Region *region, StoreScope scope, const char *resource, Value tags) {
	if (value_length(tags) == 0)
		return;
	g_auto(Value) before = region_tags(region, scope, resource);
	store_put_take(region_store(region), scope, TAGS, resource, value_merge(before, tags));
}

void region_tags_remove(Region *region, StoreScope scope, const char *resource, const char *key) {
	Value tags = region_tags(region, scope, resource);
	if (!value_has(tags, key)) {
		value_unref(tags);
		return;
	}
	g_auto(Value) left = value_without_take(tags, key);
	if (value_length(left) == 0)
		region_tags_clear(region, scope, resource);
	else
		store_put(region_store(region), scope, TAGS, resource, left);
}

void region_tags_clear(Region *region, StoreScope scope, const char *resource) {
	store_delete(region_store(region), scope, TAGS, resource);
}

Value region_tags_from_list(Value list, const char *key_name, const char *value_name) {
	g_autoptr(ValueBuilder) tags = value_builder_new(VALUE_OBJECT, NULL);
	for (gsize i = 0; i < value_length(list); i++) {
		Value tag = value_at(list, i);
		const char *key = value_get_text(tag, key_name);
		if (key)
			value_builder_set_take(tags, key,
				value_string(value_text_or(value_get(tag, value_name), "")));
	}
	return value_builder_end(g_steal_pointer(&tags));
}

Value region_tags_to_list(Value tags, const char *key_name, const char *value_name) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(tags); i++)
		value_builder_add_take(
			list, value_object_take(key_name, value_string(value_key_at(tags, i)),
				      value_name, value_ref(value_at(tags, i)), NULL));
	return value_builder_end(g_steal_pointer(&list));
}
