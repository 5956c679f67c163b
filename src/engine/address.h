/*
 * Addresses of resources and modules as Terraform writes them:
 * module.a["x"].data.aws_region.here[0].
 */
#pragma once

#include "base/diag.h"
#include "value/value.h"

/* "" for no key, [0] for a number, ["a"] for a string. Caller frees. */
char *address_key(Value key);
/* "module.a[0].aws_vpc.main[1]" from its parts; `module` is "" for the root. Caller frees. */
char *address_join(
	const char *module, gboolean managed, const char *type, const char *name, Value key);

/* An address taken apart. A module's address has no type. */
typedef struct {
	char *module; /* "module.a[0]"; "" for the root */
	char *module_config; /* the same without keys: "module.a" */
	gboolean managed;
	char *type, *name;
	gboolean has_key;
	Value key;
} Address;

/* Takes the text of an address apart. NULL, and an error that says what is wrong. Caller frees. */
Address *address_parse(const char *text, Diags *diags);
void address_free(Address *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Address, address_free)

/* Whether `target` (of a module, a resource or an instance) means the resource instance with that
 * full address. */
gboolean address_covers(const Address *target, const char *instance);
/* "module.a.aws_vpc.main": an address without any keys. Caller frees. */
char *address_without_keys(const char *text);
