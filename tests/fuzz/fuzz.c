/* What the fuzzers share: a broken promise of a function (g_critical) is a finding. */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/dev/shm/fuzz-XXXXXX";
static pid_t owner;

static void report(const char *domain, GLogLevelFlags level, const char *message, gpointer data) {
	if (!(level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)))
		return;
	fprintf(stderr, "%s: %s\n", domain ? domain : "critical", message);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
	g_log_set_default_handler(report, NULL);
	return 0;
}

char *fuzz_line(const uint8_t **data, size_t *size) {
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t length = end ? (size_t)(end - *data) : *size;
	char *line = g_strndup((const char *)*data, length);
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return line;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
	return remove(path);
}

static void remove_folder(void) {
	if (getpid() == owner)
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
	if (!owner) {
		g_assert_nonnull(mkdtemp(folder));
		owner = getpid();
		atexit(remove_folder);
	}
	return folder;
}

char *fuzz_file(const char *name, const void *data, size_t size) {
	char *path = g_build_filename(fuzz_folder(), name, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
	close(fd);
	return path;
}
