/*
 * libFuzzer: any bytes as a layer, unpacked into a folder in memory. Nothing may appear beside the
 * folder. While it unpacks, the process has nobody's rights to files, so that an escape harms
 * nothing.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "glass/unpack.h"

#define NOBODY 65534
#define LARGEST_FILE (1 << 20)

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
	return place->level ? remove(path) : 0;
}

static int open_folder_first(
	const char *path, const struct stat *status, int kind, struct FTW *place) {
	if (kind == FTW_DNR || kind == FTW_D)
		chmod(path, 0700);
	return 0;
}

static void look_for_escapes(void) {
	g_autoptr(GDir) dir = g_dir_open(fuzz_folder(), 0, NULL);
	g_assert_nonnull(dir);
	for (const char *name; (name = g_dir_read_name(dir));)
		g_assert_cmpstr(name, ==, "layer");
}

static const char *layer_folder(void) {
	static char *path;
	if (path)
		return path;
	path = g_build_filename(fuzz_folder(), "layer", NULL);
	g_assert_cmpint(mkdir(path, 0755), ==, 0);
	/* The names beside it are to be writable, else nobody could see an escape. */
	chmod(fuzz_folder(), 0777);
	const struct rlimit limit = {LARGEST_FILE, LARGEST_FILE};
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static int start = -1; /* the working directory, which unpacking changes */
	if (start < 0)
		start = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *folder = layer_folder();
	chown(folder, geteuid() ? geteuid() : NOBODY, (gid_t)-1);
	int archive = memfd_create("layer", MFD_CLOEXEC);
	g_assert_cmpint(write(archive, data, size), ==, (ssize_t)size);
	lseek(archive, 0, SEEK_SET);
	g_autoptr(GError) error = NULL;
	gboolean root = geteuid() == 0;
	if (root)
		setfsuid(NOBODY);
	gboolean fine = unpack_layer(archive, folder, &error);
	g_assert_true(!fine == !!error);
	if (root)
		setfsuid(0);
	close(archive);
	g_assert_cmpint(fchdir(start), ==, 0);
	look_for_escapes();
	nftw(folder, open_folder_first, 16, FTW_PHYS);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
