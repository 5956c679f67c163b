/*
 * A resource type or data source of the aws provider, as its .hcl file describes it: the schema,
 * and for each operation the steps that make it (docs/resource-types.md tells how to write one).
 * Types are parsed from the text that is compiled into the binary when they are first asked for,
 * and then live as long as the process; all of it is read-only afterwards, so threads may share it.
 */
#pragma once

#include "lang/lang.h"
#include "provider/schema.h"

/* How two values of an attribute are judged equal, beyond being the same. */
typedef enum {
	AWS_EQUAL_EXACT,
	AWS_EQUAL_JSON, /* the same JSON, however written */
	AWS_EQUAL_POLICY, /* the same IAM policy: JSON where a list of one equals its element */
	AWS_EQUAL_CASE, /* upper and lower case are one */
	AWS_EQUAL_PREFIX, /* the wanted value is a prefix of the real one at a dot: engine_version
			   */
	AWS_EQUAL_CONTAINERS, /* ECS container definitions, with the service's defaults filled in */
	AWS_EQUAL_DOT, /* a trailing dot does not matter: DNS names */
	AWS_EQUAL_PROTOCOL, /* a protocol by name or number: "tcp", "6"; "all", "-1" */
	AWS_EQUAL_ARN_NAME, /* an ARN equals the name or the path that it ends with */
} AwsEquality;

/* What a schema line says of an attribute beyond Terraform's own schema. */
typedef struct {
	gboolean force_new;
	AwsEquality equality;
	LangExpr *fallback; /* default(…): the value where none is set; or NULL */
	GPtrArray *
		checks; /* of LangExpr*: one_of(…), range(…), length(…), pattern(…), … as written */
	const char *unsupported; /* refused when set, with this reason; or NULL */
	const char **changes_with; /* unknown again when one of these changes; NULL-terminated, or
				      NULL */
	const char *
		*conflicts; /* attributes that may not be set beside it; NULL-terminated, or NULL */
	gboolean local_only; /* never comes back from the API: keeps what state has (force_destroy)
			      */
} AwsAttribute;

typedef struct AwsBlock AwsBlock;
typedef struct {
	gboolean force_new;
	gboolean kept_when_absent; /* what the service fills in is no difference where no block is
				      written */
	const char *unsupported;
	AwsBlock *block;
} AwsNestedBlock;

/* Beside a SchemaBlock: the same attributes and blocks in the same order. */
struct AwsBlock {
	SchemaBlock *schema;
	GPtrArray *attributes; /* of AwsAttribute* */
	GPtrArray *blocks; /* of AwsNestedBlock* */
};

typedef struct {
	const char *name; /* "aws_vpc" */
	const char *service; /* of calls that name none */
	gboolean is_data;
	Schema *schema;
	AwsBlock *block;
	gboolean has_tags; /* tags and tags_all */
	/* Bodies of the operations, NULL where there is none. */
	LangBody *create, *read, *update, *delete, *import;
	LangBody *tags; /* how tags are changed and listed where that takes calls of their own */
	LangBody *validate;
	LangBody *plan;
} AwsType;

/* By name, or NULL. Aborts on a type file with errors: the tests parse them all. */
const AwsType *aws_type(const char *name, gboolean data);
/* Names of all types, sorted, NULL-terminated. */
const char *const *aws_type_names(gboolean data);
/* The body of `service "<name>" { … }` in services.hcl, or NULL. */
LangBody *aws_service_body(const char *name);
/* The provider block itself (provider.hcl). */
const AwsType *aws_provider_type(void);

/* The embedded files (made by tools/embed from src/provider/aws/, ended by a NULL name). */
typedef struct {
	const char *name;
	const char *text;
	gsize length;
} AwsTypeFile;
extern const AwsTypeFile aws_type_files[];

/* Parses type files (ended by a NULL name), which may use each other's parts, into `types` (of
 * AwsType*) and `services` (name -> LangBody*); FALSE with errors in diags. */
gboolean aws_type_files_parse(
	const AwsTypeFile *files, GPtrArray *types, GHashTable *services, Diags *diags);
/* The same of one text. */
gboolean aws_types_parse(const char *filename, const char *text, gsize length, GPtrArray *types,
	GHashTable *services, Diags *diags);
