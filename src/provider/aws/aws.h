/*
 * The aws provider's own header: a configured provider, and a run of one operation of a resource
 * type.
 */
#pragma once

#include "provider/aws/type.h"
#include "provider/provider.h"
#include "value/convert.h"
#include "value/json.h"
#include "wire/client.h"

extern const ProviderClass provider_aws_class;

/* Where all services are, instead of AWS's own endpoints ("http://127.0.0.1:4566"); what the
 * configuration says of endpoints, profiles and roles to assume has no effect then. To be set
 * before a provider is configured; NULL: real AWS. */
void provider_aws_set_endpoint(const char *url);
/* The key pair for that endpoint where none is configured (a strict region's root); it is
 * "terrarium" otherwise. */
void provider_aws_set_keys(const char *access_key_id, const char *secret_access_key);

typedef struct {
	Provider base;
	char *region;
	char *access_key, *secret_key, *token;
	Value default_tags; /* object of name -> text, or null; unknown during plan if not known yet
			     */
	Value ignored_tags; /* {keys, key_prefixes} */
	Value allowed_accounts, forbidden_accounts;
	GMutex lock; /* guards what follows */
	GHashTable *clients; /* region -> WireClient */
	char *account_id; /* NULL until first asked for */
} AwsProvider;

/* The client for a region (NULL or "": the provider's own). Owned by the provider. */
WireClient *aws_client(AwsProvider *provider, const char *region);
/* The account that the credentials belong to, asked of STS once; NULL with the error set. Borrowed.
 */
const char *aws_account_id(AwsProvider *provider, GError **error);
/* "aws", "aws-cn" or "aws-us-gov": of a region. */
const char *aws_partition(const char *region);
const char *aws_dns_suffix(const char *region);
/* The region on this machine that calls go to; NULL: they go to AWS. */
const char *aws_local_endpoint(void);

/* ---- runs (program.c) ---- */

typedef enum {
	AWS_DONE,
	AWS_GONE, /* the object is not there (any more) */
	AWS_FAILED, /* errors are in diags */
} AwsOutcome;

/* One operation being carried out. Expressions of its program see self, prior, config, result,
 * provider, each, and the names that its steps made. */
typedef struct {
	AwsProvider *provider;
	const AwsType *type;
	const char *verb; /* "creating": for messages */
	GCancellable *cancellable; /* or NULL */
	Diags *diags;
	Value self; /* what is wanted, or known so far; steps complete it */
	Value prior;
	Value config;
	Value result; /* of the latest call */
	Value names; /* object: results with names, lets, each */
	Value state; /* what `state = {…}` gave: an object, or null */
	gboolean pure; /* planning and validating: calls are not allowed, unknowns may occur */
	const ProviderKeeper *keeper; /* while creating: is told when there is an id; or NULL */
	ValueBuilder *replace; /* while planning a change: paths that force replacement; or NULL */
} AwsRun;

void aws_run_clear(AwsRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AwsRun, aws_run_clear)

/* Carries out the steps of a body in order, then evaluates its `state`, if it has one. */
AwsOutcome aws_run_body(AwsRun *run, const LangBody *body);
/* Evaluates an expression in the run; errors go to run->diags (the program's file is named). */
Value aws_run_eval(AwsRun *run, const LangExpr *expr);
/* What is known of self, in the schema's shape: null while it has no id. */
Value aws_run_known(AwsRun *run);
/* Sets a name that expressions see. Takes the value. */
void aws_run_name_take(AwsRun *run, const char *name, Value value);

/* ---- functions (functions.c) ---- */

/* Those that programs have besides the language's own: const char* -> const LangFunction*. */
GHashTable *aws_functions(void);
/* Adds one that is written in the language: `function "name" { parameters = […], value = … }`.
 * While types are loaded only. */
void aws_functions_add(const LangBlock *block, Diags *diags);

/* Puts what is in the parts (name -> LangBody*) in the place of each `use` in a body (part.c). */
void aws_parts_put(LangBody *body, GHashTable *parts, Diags *diags);
/* The text of a policy document, from the arguments of aws_iam_policy_document; NULL and *problem.
 */
char *aws_policy_document(Value config, char **problem);

/* ---- values and schemas (shape.c) ---- */

/* `value` (an object, as a program made it) with the block's type: what is missing is null or
 * empty, what the schema lacks is dropped. VALUE_NOTHING and *problem (caller frees) if it does not
 * fit. */
Value aws_shape(const AwsBlock *block, Value value, char **problem);
/* The value of a nested block that is not there: null, or an empty collection. */
Value aws_shape_absent(const SchemaNestedBlock *nested);
/* Whether two values of an attribute are the same by its rule. Known values. */
gboolean aws_equal(AwsEquality equality, Value wanted, Value real);
/* The value with every unknown in it made null. */
Value aws_without_unknowns(Value value);
/* The value with null members of objects left out, deep; unmarked. */
Value aws_without_nulls(Value value);

/* ---- planning and validation (plan.c, validate.c) ---- */

/* As a Provider's plan and validate (provider/provider.h), by the type's schema and its `plan`
 * and `validate` steps. */
gboolean aws_plan(AwsProvider *provider, const AwsType *type, Value prior, Value config,
	Value proposed, ProviderPlan *plan, Diags *diags);
void aws_validate(AwsProvider *provider, const AwsType *type, Value config, Diags *diags);

/* ---- tags (tags.c) ---- */

/* tags_all as it will be: the provider's default tags under the resource's own. */
Value aws_tags_all(const AwsProvider *provider, Value tags);
/* `state` with tags and tags_all told apart: what the defaults gave is in tags_all only, unless
 * `before` (null: nothing) had it in tags. Takes state. */
Value aws_tags_split_take(const AwsProvider *provider, Value state_taken, Value before);
/* Changes the tags at the service to run->self's, where they differ from run->prior's. */
AwsOutcome aws_tags_update(AwsRun *run);
/* Lists the tags at the service into run->state, for types that must ask for them. */
AwsOutcome aws_tags_read(AwsRun *run);
