/* The digests that several providers tell of a file. */
#pragma once

#include "value/value.h"

/* `object` with "<prefix>md5", "<prefix>sha256", … of the bytes; SHA-1 is called `sha1_name`. */
Value plain_with_digests_take(Value object_taken, const char *prefix, const char *sha1_name,
	const guint8 *bytes, gsize n);
