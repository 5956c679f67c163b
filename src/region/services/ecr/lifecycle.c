/*
 * ECR's lifecycle policies: which images a policy's rules expire, and their removal. AWS acts
 * within a day of an image becoming due; here the rules are looked at each hour and when the region
 * starts.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecr/internal.h"
#include "value/json.h"

extern const RegionService region_ecr_lifecycle;

#define SWEEP_S 3600
#define MOST_WILDCARDS 4

/* ---- what a policy may say ---- */

static gboolean invalid(GError **error, const char *why) {
	wire_error_set(error, "InvalidParameterException",
		"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
		"'Lifecycle policy validation failure: %s'",
		why);
	return FALSE;
}

static gboolean is_one_of(const char *text, const char *const *choices) {
	return text && g_strv_contains(choices, text);
}

static gboolean check_tags(Value selection, GError **error) {
	static const char *const statuses[] = {"tagged", "untagged", "any", NULL};
	const char *status = value_get_text(selection, "tagStatus");
	Value patterns = value_get(selection, "tagPatternList");
	gsize lists = (value_length(patterns) > 0) +
		      (value_length(value_get(selection, "tagPrefixList")) > 0);
	if (!is_one_of(status, statuses))
		return invalid(error, "tagStatus must be one of tagged, untagged, any");
	if (g_str_equal(status, "tagged") && lists != 1)
		return invalid(
			error, "tagStatus tagged needs either tagPrefixList or tagPatternList");
	if (!g_str_equal(status, "tagged") && lists != 0)
		return invalid(error, "only tagStatus tagged may have tags");
	for (gsize i = 0; i < value_length(patterns); i++) {
		const char *pattern = value_text_or(value_at(patterns, i), "");
		g_auto(GStrv) pieces = g_strsplit(pattern, "*", -1);
		if (g_strv_length(pieces) > MOST_WILDCARDS + 1)
			return invalid(error, "a tag pattern may have four wildcards at most");
	}
	return TRUE;
}

static gboolean check_count(Value selection, GError **error) {
	static const char *const types[] = {"imageCountMoreThan", "sinceImagePushed", NULL};
	const char *type = value_get_text(selection, "countType");
	if (g_strcmp0(type, "sinceImagePulled") == 0 ||
		g_strcmp0(type, "sinceImageTransitioned") == 0)
		return invalid(error, "Terrarium does not implement this countType");
	if (!is_one_of(type, types))
		return invalid(error, "countType must be imageCountMoreThan or sinceImagePushed");
	gboolean by_age = g_str_equal(type, "sinceImagePushed");
	if (by_age && g_strcmp0(value_get_text(selection, "countUnit"), "days") != 0)
		return invalid(error, "sinceImagePushed needs countUnit days");
	if (!by_age && value_has(selection, "countUnit"))
		return invalid(error, "imageCountMoreThan has no countUnit");
	if (value_get_int(selection, "countNumber", 0) < 1)
		return invalid(error, "countNumber must be a positive integer");
	return TRUE;
}

static gboolean check_rule(Value rule, GError **error) {
	Value selection = value_get(rule, "selection");
	if (value_get_int(rule, "rulePriority", 0) < 1)
		return invalid(error, "rulePriority must be a positive integer");
	if (!value_is_mapping(selection))
		return invalid(error, "a rule needs a selection");
	const char *action = value_text(value_get_path(rule, "action", "type", NULL));
	if (g_strcmp0(action, "transition") == 0)
		return invalid(error, "Terrarium does not implement the action transition");
	if (g_strcmp0(action, "expire") != 0)
		return invalid(error, "a rule's action must be of type expire");
	return check_tags(selection, error) && check_count(selection, error);
}

/* Priorities are unique, and `any` comes last. */
static gboolean check_order(Value rules, GError **error) {
	for (gsize i = 0; i < value_length(rules); i++)
		for (gsize j = 0; j < value_length(rules); j++) {
			Value a = value_at(rules, i), b = value_at(rules, j);
			gint64 before = value_get_int(a, "rulePriority", 0);
			gint64 after = value_get_int(b, "rulePriority", 0);
			const char *status =
				value_text(value_get_path(a, "selection", "tagStatus", NULL));
			if (i != j && before == after)
				return invalid(error, "each rule must have its own rulePriority");
			if (before < after && g_strcmp0(status, "any") == 0)
				return invalid(error,
					"a rule with tagStatus any must have the lowest priority");
		}
	return TRUE;
}

/* The policy's rules, or VALUE_NOTHING. */
static Value parse_rules(const char *text, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) policy = value_from_json(text, -1, &local);
	Value rules = value_get(policy, "rules");
	if (local || value_length(rules) == 0) {
		invalid(error, local ? local->message : "a policy needs rules");
		return VALUE_NOTHING;
	}
	for (gsize i = 0; i < value_length(rules); i++)
		if (!check_rule(value_at(rules, i), error))
			return VALUE_NOTHING;
	return check_order(rules, error) ? value_ref(rules) : VALUE_NOTHING;
}

/* ---- what it does ---- */

typedef struct {
	Value record;
	const GPtrArray *tags; /* NULL: untagged */
	gint64 priority; /* of the rule that expires it; 0: none */
	gboolean claimed; /* a rule with a higher priority selects it by its tags */
} Candidate;

static void candidate_clear(gpointer data) {
	value_clear(&((Candidate *)data)->record);
}

static gint64 number_of(const Candidate *candidate) {
	return value_get_int(candidate->record, "number", 0);
}

static int newest_first(gconstpointer a, gconstpointer b) {
	gint64 first = number_of(a), second = number_of(b);
	return (first < second) - (first > second);
}

static gboolean has_tag(const GPtrArray *tags, const char *pattern) {
	for (guint i = 0; tags && i < tags->len; i++)
		if (text_wildcard_match(pattern, g_ptr_array_index(tags, i)))
			return TRUE;
	return FALSE;
}

/* Every element of the lists must be met by one of the tags. */
static gboolean selects(Value selection, const GPtrArray *tags) {
	const char *status = value_get_text(selection, "tagStatus");
	if (!g_str_equal(status, "any") && g_str_equal(status, "tagged") != (tags != NULL))
		return FALSE;
	Value patterns = value_get(selection, "tagPatternList");
	Value prefixes = value_get(selection, "tagPrefixList");
	for (gsize i = 0; i < value_length(patterns); i++)
		if (!has_tag(tags, value_text_or(value_at(patterns, i), "")))
			return FALSE;
	for (gsize i = 0; i < value_length(prefixes); i++) {
		g_autofree char *pattern =
			g_strdup_printf("%s*", value_text_or(value_at(prefixes, i), ""));
		if (!has_tag(tags, pattern))
			return FALSE;
	}
	return TRUE;
}

static void apply_rule(Value rule, GArray *candidates, double now) {
	Value selection = value_get(rule, "selection");
	gboolean by_age =
		g_strcmp0(value_get_text(selection, "countType"), "sinceImagePushed") == 0;
	gint64 count = value_get_int(selection, "countNumber", 0);
	gint64 seen = 0;
	for (guint i = 0; i < candidates->len; i++) {
		Candidate *each = &g_array_index(candidates, Candidate, i);
		if (!selects(selection, each->tags))
			continue;
		double pushed = value_to_double(value_get(each->record, "pushedAt"), 0);
		gboolean due = by_age ? now - pushed > (double)count * 86400 : ++seen > count;
		if (due && !each->claimed)
			each->priority = value_get_int(rule, "rulePriority", 0);
		each->claimed = TRUE;
	}
}

static int by_priority(gconstpointer a, gconstpointer b) {
	gint64 first = value_get_int(*(const Value *)a, "rulePriority", 0);
	gint64 second = value_get_int(*(const Value *)b, "rulePriority", 0);
	return (first > second) - (first < second);
}

static GArray *candidates_of(
	Region *region, StoreScope scope, const char *repository, GHashTable *tags) {
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
	g_array_set_clear_func(candidates, candidate_clear);
	g_autofree char *prefix = ecr_key(repository, "");
	g_auto(StoreIter) iter = store_iter_prefix(region_store(region), scope, ECR_IMAGES, prefix);
	const char *id;
	Value image;
	while (store_iter_next(&iter, &id, &image)) {
		Candidate candidate = {.record = value_ref(image),
			.tags = g_hash_table_lookup(tags, id + strlen(prefix))};
		g_array_append_val(candidates, candidate);
	}
	g_array_sort(candidates, newest_first);
	return candidates;
}

/* An image of an index stays as long as the index does. */
static void spare_parts(GArray *candidates) {
	g_autoptr(GHashTable) parts = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < candidates->len; i++) {
		const Candidate *each = &g_array_index(candidates, Candidate, i);
		Value manifests = value_get(each->record, "manifests");
		for (gsize j = 0; each->priority == 0 && j < value_length(manifests); j++)
			g_hash_table_add(parts, (char *)value_text(value_at(manifests, j)));
	}
	for (guint i = 0; i < candidates->len; i++) {
		Candidate *each = &g_array_index(candidates, Candidate, i);
		if (g_hash_table_contains(parts, value_get_text(each->record, "digest")))
			each->priority = 0;
	}
}

/* The repository's images, newest first, with the rule that expires each. Caller unrefs; `tags`
 * must outlive it. */
static GArray *evaluate(
	Region *region, StoreScope scope, const char *repository, Value rules, GHashTable *tags) {
	GArray *candidates = candidates_of(region, scope, repository, tags);
	g_autoptr(GArray) ordered = g_array_new(FALSE, FALSE, sizeof(Value));
	for (gsize i = 0; i < value_length(rules); i++) {
		Value rule = value_at(rules, i);
		g_array_append_val(ordered, rule);
	}
	g_array_sort(ordered, by_priority);
	double now = (double)region_now(region) / G_USEC_PER_SEC;
	for (guint i = 0; i < ordered->len; i++)
		apply_rule(g_array_index(ordered, Value, i), candidates, now);
	spare_parts(candidates);
	return candidates;
}

/* ---- expiry ---- */

static void expire(Region *region, StoreScope scope, const char *repository, Value policy) {
	Store *store = region_store(region);
	g_auto(Value) rules = parse_rules(value_get_text(policy, "lifecyclePolicyText"), NULL);
	g_autoptr(GHashTable) tags = ecr_tags_by_digest(region, scope, repository);
	g_autoptr(GArray) images = evaluate(region, scope, repository, rules, tags);
	if (!store_begin(store, NULL))
		return;
	for (guint i = 0; i < images->len; i++) {
		const Candidate *each = &g_array_index(images, Candidate, i);
		if (each->priority > 0)
			ecr_image_delete(
				region, scope, repository, value_get_text(each->record, "digest"));
	}
	store_put_take(store, scope, ECR_LIFECYCLES, repository,
		value_with_take(value_ref(policy), "lastEvaluatedAt", region_timestamp(region)));
	store_commit(store, NULL);
}

static void sweep(Region *region, gpointer data) {
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, ECR_LIFECYCLES);
	const char *repository;
	Value policy;
	while (store_iter_next(&iter, &repository, &policy))
		expire(region, store_iter_scope(&iter), repository, policy);
	region_wake_after(region, ECR_EXPIRY, SWEEP_S);
}

static gboolean start(Region *region, GError **error) {
	region_controller_add(region, ECR_EXPIRY, sweep, NULL);
	region_wake(region, ECR_EXPIRY);
	return TRUE;
}

/* ---- calls ---- */

static Value put_policy(RegionCall *call, Value input, GError **error) {
	Value text = value_get(input, "lifecyclePolicyText");
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_auto(Value) rules = parse_rules(value_text(text), error);
	if (value_is_null(rules))
		return VALUE_NOTHING;
	store_put_take(region_store(call->region), ecr_scope(call, input), ECR_LIFECYCLES,
		value_get_text(input, "repositoryName"),
		value_object_take("lifecyclePolicyText", value_ref(text), NULL));
	return value_with_take(ecr_answer(call, input), "lifecyclePolicyText", value_ref(text));
}

static Value stored_policy(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	Value policy = store_get(region_store(call->region), scope, ECR_LIFECYCLES, name);
	if (value_is_null(policy))
		wire_error_set(error, "LifecyclePolicyNotFoundException",
			"Lifecycle policy does not exist for the repository with name '%s' in the "
			"registry with id '%s'",
			name, scope.account);
	return policy;
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = stored_policy(call, input, error);
	if (value_is_null(policy))
		return VALUE_NOTHING;
	g_auto(Value) answer = ecr_answer(call, input);
	return value_merge(answer, policy);
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	Value answer = get_policy(call, input, error);
	if (!value_is_null(answer))
		store_delete(region_store(call->region), ecr_scope(call, input), ECR_LIFECYCLES,
			value_get_text(input, "repositoryName"));
	return answer;
}

/* A preview is of the text given, or of the policy; it is worked out when it is asked for. */
static Value start_preview(RegionCall *call, Value input, GError **error) {
	g_auto(Value) text = value_ref(value_get(input, "lifecyclePolicyText"));
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	if (value_is_null(text)) {
		g_auto(Value) policy = stored_policy(call, input, error);
		text = value_ref(value_get(policy, "lifecyclePolicyText"));
	}
	if (value_is_null(text))
		return VALUE_NOTHING;
	g_auto(Value) rules = parse_rules(value_text(text), error);
	if (value_is_null(rules))
		return VALUE_NOTHING;
	store_put(region_store(call->region), ecr_scope(call, input), ECR_PREVIEWS,
		value_get_text(input, "repositoryName"), text);
	Value answer =
		value_with_take(ecr_answer(call, input), "status", value_string("IN_PROGRESS"));
	return value_with_take(answer, "lifecyclePolicyText", value_steal(&text));
}

static Value preview_of(const Candidate *image) {
	g_autoptr(ValueBuilder) tags = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; image->tags && i < image->tags->len; i++)
		value_builder_add_take(tags, value_string(g_ptr_array_index(image->tags, i)));
	return value_object_take("imageDigest", value_ref(value_get(image->record, "digest")),
		"imageTags", value_builder_end(g_steal_pointer(&tags)), "imagePushedAt",
		value_ref(value_get(image->record, "pushedAt")), "action",
		value_object_take("type", value_string("EXPIRE"), NULL), "appliedRulePriority",
		value_int(image->priority), NULL);
}

static Value get_preview(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "repositoryName");
	StoreScope scope = ecr_scope(call, input);
	if (!ecr_check_repository(call, input, error))
		return VALUE_NOTHING;
	g_auto(Value) text = store_get(region_store(call->region), scope, ECR_PREVIEWS, name);
	if (value_is_null(text)) {
		wire_error_set(error, "LifecyclePolicyPreviewNotFoundException",
			"There is no dry run for this repository");
		return VALUE_NOTHING;
	}
	g_auto(Value) rules = parse_rules(value_text(text), NULL);
	g_autoptr(GHashTable) tags = ecr_tags_by_digest(call->region, scope, name);
	g_autoptr(GArray) images = evaluate(call->region, scope, name, rules, tags);
	g_autoptr(ValueBuilder) results = value_builder_new(VALUE_TUPLE, NULL);
	for (guint i = 0; i < images->len; i++)
		if (g_array_index(images, Candidate, i).priority > 0)
			value_builder_add_take(
				results, preview_of(&g_array_index(images, Candidate, i)));
	gint64 total = (gint64)value_builder_length(results);
	g_auto(Value) page = ecr_page(
		input, "previewResults", value_builder_end(g_steal_pointer(&results)), error);
	if (value_is_null(page))
		return VALUE_NOTHING;
	g_auto(Value) answer =
		value_with_take(ecr_answer(call, input), "lifecyclePolicyText", value_steal(&text));
	answer = value_with_take(value_steal(&answer), "status", value_string("COMPLETE"));
	answer = value_with_take(value_steal(&answer), "summary",
		value_object_take("expiringImageTotalCount", value_int(total), NULL));
	return value_merge(answer, page);
}

static const RegionOperation operations[] = {
	{"PutLifecyclePolicy", put_policy, FALSE},
	{"GetLifecyclePolicy", get_policy, TRUE},
	{"DeleteLifecyclePolicy", delete_policy, FALSE},
	{"StartLifecyclePolicyPreview", start_preview, FALSE},
	{"GetLifecyclePolicyPreview", get_preview, TRUE},
	{NULL, NULL, FALSE},
};

const RegionService region_ecr_lifecycle = {
	.name = "ecr", .operations = operations, .start = start};
