/* Labels of a parameter's versions: each is on one version at most. */
#include <string.h>

#include "region/services/ssm/internal.h"

#define LABEL_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define MOST_LABELS 10

static gboolean is_valid(const char *label) {
	return *label && !g_ascii_isdigit(*label) && g_ascii_strncasecmp(label, "aws", 3) != 0 &&
	       g_ascii_strncasecmp(label, "ssm", 3) != 0 &&
	       strspn(label, LABEL_CHARACTERS) == strlen(label);
}

static gboolean holds(Value labels, const char *label) {
	for (gsize i = 0; i < value_length(labels); i++)
		if (g_strcmp0(value_text(value_at(labels, i)), label) == 0)
			return TRUE;
	return FALSE;
}

/* `labels` without those in `others`; a new tuple. */
static Value without(Value labels, Value others) {
	g_autoptr(ValueBuilder) left = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(labels); i++)
		if (!holds(others, value_text(value_at(labels, i))))
			value_builder_add_take(left, value_ref(value_at(labels, i)));
	return value_builder_end(g_steal_pointer(&left));
}

/* The asked labels that are well formed, or those that are not. */
static Value sorted_out(Value asked, gboolean valid) {
	g_autoptr(ValueBuilder) some = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(asked); i++)
		if (is_valid(value_text(value_at(asked, i))) == valid)
			value_builder_add_take(some, value_ref(value_at(asked, i)));
	return value_builder_end(g_steal_pointer(&some));
}

/* The parameter that is meant, and the number of the version, borrowed from it. */
static Value find(RegionCall *call, Value input, Value *version, GError **error) {
	g_auto(SsmName) name = {0};
	g_auto(Value) parameter =
		ssm_find(call->region, call->scope, value_get_text(input, "Name"), &name);
	if (value_is_null(parameter) || name.selector)
		return ssm_not_found(value_get_text(input, "Name"), error);
	g_autofree char *number = NULL;
	if (value_has(input, "ParameterVersion"))
		number = value_number_to_string(value_get(input, "ParameterVersion"));
	*version = ssm_version(parameter, number);
	if (value_is_null(*version))
		return ssm_version_not_found(name.name, number, error);
	return value_steal(&parameter);
}

static Value with_labels(Value version, Value labels_taken) {
	return value_with_take(value_ref(version), "Labels", labels_taken);
}

Value ssm_label_version(RegionCall *call, Value input, GError **error) {
	Value target = VALUE_NOTHING;
	g_auto(Value) parameter = find(call, input, &target, error);
	if (value_is_null(parameter))
		return VALUE_NOTHING;
	gint64 number = value_get_int(target, "Version", 0);
	g_auto(Value) valid = sorted_out(value_get(input, "Labels"), TRUE);
	g_auto(Value) labels = without(value_get(target, "Labels"), valid);
	for (gsize i = 0; i < value_length(valid); i++)
		labels = value_append_take(value_steal(&labels), value_ref(value_at(valid, i)));
	if (value_length(labels) > MOST_LABELS) {
		wire_error_set(error, "ParameterVersionLabelLimitExceeded",
			"A parameter version can have a maximum of %d labels. Move one or more "
			"labels to another version and try again.",
			MOST_LABELS);
		return VALUE_NOTHING;
	}
	Value changed = value_ref(parameter), versions = value_get(parameter, "Versions");
	for (gsize i = 0; i < value_length(versions); i++) {
		Value each = value_at(versions, i);
		Value kept = value_get_int(each, "Version", 0) == number
				     ? value_ref(labels)
				     : without(value_get(each, "Labels"), valid);
		changed = ssm_with_version_take(changed, with_labels(each, kept));
	}
	ssm_put_take(call, changed);
	return value_object_take("InvalidLabels", sorted_out(value_get(input, "Labels"), FALSE),
		"ParameterVersion", value_int(number), NULL);
}

Value ssm_unlabel_version(RegionCall *call, Value input, GError **error) {
	Value target = VALUE_NOTHING;
	g_auto(Value) parameter = find(call, input, &target, error);
	if (value_is_null(parameter))
		return VALUE_NOTHING;
	Value asked = value_get(input, "Labels"), had = value_get(target, "Labels");
	g_auto(Value) invalid = without(asked, had);
	Value removed = without(asked, invalid);
	ssm_put_take(call, ssm_with_version_take(
				   value_ref(parameter), with_labels(target, without(had, asked))));
	return value_object_take(
		"RemovedLabels", removed, "InvalidLabels", value_steal(&invalid), NULL);
}
