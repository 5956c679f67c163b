/* The XML bodies of the query and ec2 protocols, written by hand and read with libxml2. */
#include <libxml/parser.h>
#include <string.h>

#include "wire/codec.h"

/* ---- writing ---- */

void wire_xml_text(GString *out, const char *text, gsize length) {
	for (const char *at = text; at < text + length; at++) {
		switch (*at) {
		case '&':
			g_string_append(out, "&amp;");
			break;
		case '<':
			g_string_append(out, "&lt;");
			break;
		case '>':
			g_string_append(out, "&gt;");
			break;
		case '"':
			g_string_append(out, "&quot;");
			break;
		case '\r':
			g_string_append(out, "&#xD;");
			break;
		default:
			/* Control characters have no place in XML 1.0. */
			if ((guchar)*at >= 0x20 || *at == '\n' || *at == '\t')
				g_string_append_c(out, *at);
		}
	}
}

static void encode(GString *out, const char *tag, const Member *member, Value value, gboolean ec2);

static void open_tag(GString *out, const char *tag) {
	g_string_append_printf(out, "<%s>", tag);
}

static void close_tag(GString *out, const char *tag) {
	g_string_append_printf(out, "</%s>", tag);
}

static const char *tag_of(const Member *member) {
	return member->location_name ? member->location_name : member->name;
}

void wire_xml_encode(GString *out, const WireShape *shape, Value value, gboolean ec2) {
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		const Member *member = wire_member(shape, key);
		if (!member)
			g_critical("%s has no member %s", shape->name, key);
		else if (!value_is_null(element) && !member->xml_attribute)
			encode(out, tag_of(member), member, element, ec2);
	}
}

/* `<Grantee xmlns:xsi="…" xsi:type="Group">`: members that are attributes. */
static void open_structure(GString *out, const char *tag, const WireShape *shape, Value value) {
	g_string_append_printf(out, "<%s", tag);
	for (guint i = 0; i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		const char *text = value_get_text(value, member->name);
		if (!member->xml_attribute || !text)
			continue;
		if (g_str_has_prefix(tag_of(member), "xsi:"))
			g_string_append(
				out, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
		g_string_append_printf(out, " %s=\"", tag_of(member));
		wire_xml_text(out, text, strlen(text));
		g_string_append_c(out, '"');
	}
	g_string_append_c(out, '>');
}

static void encode_list(
	GString *out, const char *tag, const Member *member, Value value, gboolean ec2) {
	const Member *element = &member->shape->element;
	gboolean flat = member->flattened || member->shape->flattened;
	const char *inner = flat ? tag : element->location_name ? element->location_name : "member";
	if (!flat)
		open_tag(out, tag);
	for (gsize i = 0; i < value_length(value); i++)
		encode(out, inner, element, value_at(value, i), ec2);
	if (!flat)
		close_tag(out, tag);
}

static void encode_map(
	GString *out, const char *tag, const Member *member, Value value, gboolean ec2) {
	const WireShape *shape = member->shape;
	gboolean flat = member->flattened || shape->flattened;
	const char *entry = flat ? tag : "entry";
	const char *key_tag = shape->key.location_name ? shape->key.location_name : "key";
	const char *value_tag =
		shape->element.location_name ? shape->element.location_name : "value";
	if (!flat)
		open_tag(out, tag);
	for (gsize i = 0; i < value_length(value); i++) {
		const char *key = value_key_at(value, i);
		open_tag(out, entry);
		open_tag(out, key_tag);
		wire_xml_text(out, key, strlen(key));
		close_tag(out, key_tag);
		encode(out, value_tag, &shape->element, value_at(value, i), ec2);
		close_tag(out, entry);
	}
	if (!flat)
		close_tag(out, tag);
}

static void encode_scalar(GString *out, const WireShape *shape, Value value) {
	g_autofree char *text = NULL;
	if (value_kind(value) == VALUE_BOOL)
		text = g_strdup(value_to_bool(value) ? "true" : "false");
	else if (shape->type == SHAPE_TIMESTAMP)
		text = wire_time_iso8601(value_to_double(value, 0));
	else if (value_kind(value) == VALUE_NUMBER)
		text = value_number_to_string(value);
	else if (shape->type == SHAPE_BLOB)
		text = g_base64_encode(
			(const guchar *)value_text_or(value, ""), value_text_length(value));
	if (text)
		g_string_append(out, text);
	else
		wire_xml_text(out, value_text_or(value, ""), value_text_length(value));
}

static void encode(GString *out, const char *tag, const Member *member, Value value, gboolean ec2) {
	const WireShape *shape = member->shape;
	if (shape->type == SHAPE_LIST) {
		encode_list(out, tag, member, value, ec2);
		return;
	}
	if (shape->type == SHAPE_MAP) {
		encode_map(out, tag, member, value, ec2);
		return;
	}
	if (shape->type == SHAPE_STRUCTURE) {
		open_structure(out, tag, shape, value);
		wire_xml_encode(out, shape, value, ec2);
	} else {
		open_tag(out, tag);
		encode_scalar(out, shape, value);
	}
	close_tag(out, tag);
}

/* ---- reading ---- */

static Value decode(const Member *member, xmlNode *node, gboolean ec2);

static gboolean is_element(const xmlNode *node, const char *name) {
	return node->type == XML_ELEMENT_NODE &&
	       (!name || strcmp((const char *)node->name, name) == 0);
}

static xmlNode *child(xmlNode *node, const char *name) {
	for (xmlNode *each = node ? node->children : NULL; each; each = each->next)
		if (is_element(each, name))
			return each;
	return NULL;
}

static char *text_of(xmlNode *node) {
	xmlChar *content = xmlNodeGetContent(node);
	char *text = g_strdup(content ? (const char *)content : "");
	xmlFree(content);
	return text;
}

static void decode_attribute(ValueBuilder *object, const Member *member, xmlNode *node) {
	const char *colon = strchr(tag_of(member), ':');
	xmlChar *text = xmlGetProp(node, (const xmlChar *)(colon ? colon + 1 : tag_of(member)));
	if (text)
		value_builder_set_take(object, member->name, value_string((const char *)text));
	xmlFree(text);
}

static Value decode_structure(const WireShape *shape, xmlNode *node, gboolean ec2) {
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	for (guint i = 0; i < shape->members->len; i++) {
		const Member *member = &g_array_index(shape->members, Member, i);
		gboolean flat = member->shape->type == SHAPE_LIST &&
				(member->flattened || member->shape->flattened);
		if (member->xml_attribute) {
			decode_attribute(object, member, node);
			continue;
		}
		xmlNode *found = child(node, tag_of(member));
		if (!found)
			continue;
		if (!flat) {
			value_builder_set_take(object, member->name, decode(member, found, ec2));
			continue;
		}
		g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
		for (xmlNode *each = found; each; each = each->next)
			if (is_element(each, tag_of(member)))
				value_builder_add_take(
					list, decode(&member->shape->element, each, ec2));
		value_builder_set_take(
			object, member->name, value_builder_end(g_steal_pointer(&list)));
	}
	return value_builder_end(g_steal_pointer(&object));
}

static Value decode_list(const WireShape *shape, xmlNode *node, gboolean ec2) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	for (xmlNode *each = node->children; each; each = each->next)
		if (is_element(each, NULL))
			value_builder_add_take(list, decode(&shape->element, each, ec2));
	return value_builder_end(g_steal_pointer(&list));
}

static Value decode_map(const WireShape *shape, xmlNode *node, gboolean ec2) {
	const char *key_tag = shape->key.location_name ? shape->key.location_name : "key";
	const char *value_tag =
		shape->element.location_name ? shape->element.location_name : "value";
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_OBJECT, NULL);
	for (xmlNode *entry = node->children; entry; entry = entry->next) {
		xmlNode *key = is_element(entry, NULL) ? child(entry, key_tag) : NULL;
		xmlNode *value = key ? child(entry, value_tag) : NULL;
		if (!value)
			continue;
		g_autofree char *text = text_of(key);
		value_builder_set_take(map, text, decode(&shape->element, value, ec2));
	}
	return value_builder_end(g_steal_pointer(&map));
}

static Value decode(const Member *member, xmlNode *node, gboolean ec2) {
	const WireShape *shape = member->shape;
	if (shape->type == SHAPE_STRUCTURE)
		return decode_structure(shape, node, ec2);
	if (shape->type == SHAPE_LIST)
		return decode_list(shape, node, ec2);
	if (shape->type == SHAPE_MAP)
		return decode_map(shape, node, ec2);
	g_autofree char *text = text_of(node);
	switch (shape->type) {
	case SHAPE_BOOLEAN:
		return value_bool(g_str_equal(text, "true"));
	case SHAPE_INTEGER:
	case SHAPE_FLOAT:
		return value_number_parse(text);
	case SHAPE_TIMESTAMP:
		return wire_time_parse(text);
	case SHAPE_BLOB: {
		gsize size;
		g_autofree guchar *bytes = g_base64_decode(text, &size);
		return value_string_sized((const char *)bytes, size);
	}
	default:
		return value_string(text);
	}
}

static xmlDoc *parse(const char *text, gsize length) {
	return xmlReadMemory(text, (int)length, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

Value wire_xml_decode(const WireShape *shape, const char *wrapper, const char *text, gsize length,
	gboolean ec2, GError **error) {
	xmlDoc *document = parse(text, length);
	xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
	xmlNode *node = root && wrapper ? child(root, wrapper) : root;
	g_auto(Value) value = VALUE_NOTHING;
	if (!root)
		g_set_error(error, WIRE_ERROR, WIRE_ERROR_MALFORMED, "the answer is no XML");
	else
		value = shape && node ? decode_structure(shape, node, ec2) : value_empty_object();
	xmlFreeDoc(document);
	return value_steal(&value);
}

char *wire_xml_root_text(const char *text, gsize length) {
	xmlDoc *document = parse(text, length);
	xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
	char *content = root ? text_of(root) : NULL;
	xmlFreeDoc(document);
	return content;
}

/* <ErrorResponse><Error>…, <Response><Errors><Error>…, <Error>… */
gboolean wire_xml_error(const char *text, gsize length, char **code, char **message) {
	xmlDoc *document = parse(text, length);
	xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
	xmlNode *errors = child(root, "Errors");
	xmlNode *error = child(errors ? errors : root, "Error");
	if (!error)
		error = root;
	xmlNode *code_node = child(error, "Code"), *message_node = child(error, "Message");
	if (code_node)
		*code = text_of(code_node);
	if (message_node)
		*message = text_of(message_node);
	xmlFreeDoc(document);
	return *code != NULL;
}
