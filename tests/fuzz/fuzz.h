/* What the fuzzers share. */
#pragma once

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The line that begins at *data, without its end; *data and *size go on behind it. Caller frees. */
char *fuzz_line(const uint8_t **data, size_t *size);
/* A new folder in memory, of the process that calls first; it is removed when that ends. */
const char *fuzz_folder(void);
/* Writes a file there. Caller frees the path. */
char *fuzz_file(const char *name, const void *data, size_t size);
