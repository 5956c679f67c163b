/* The log of an instance's server, read where the server writes it. Markers are places in it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/services/rds/internal.h"

#define PORTION (1024 * 1024) /* the most that RDS gives at once */

static const char *log_name(Value instance) {
	return g_strcmp0(value_get_text(instance, "Engine"), "postgres") == 0
		       ? "error/postgresql.log"
		       : "error/mysql-error.log";
}

/* The log, open; -1: there is none (yet). */
static int open_log(RegionCall *call, Value instance, struct stat *about) {
	g_autofree char *path = rds_log_path(call->region, instance);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, about) == 0)
		return fd;
	close(fd);
	return -1;
}

Value rds_describe_log_files(RegionCall *call, Value input, GError **error) {
	static const char *const no_filters[] = {NULL};
	g_auto(Value) instance =
		rds_instance(call, value_get_text(input, "DBInstanceIdentifier"), error);
	if (value_is_null(instance) ||
		!rds_check_filters(value_get(input, "Filters"), no_filters, error))
		return VALUE_NOTHING;
	const char *part = value_get_text(input, "FilenameContains");
	const char *name = log_name(instance);
	g_autoptr(ValueBuilder) files = value_builder_new(VALUE_TUPLE, NULL);
	struct stat about;
	int fd = open_log(call, instance, &about);
	if (fd >= 0) {
		close(fd);
		gint64 written = (gint64)about.st_mtim.tv_sec * 1000;
		if (about.st_size >= value_get_int(input, "FileSize", 0) &&
			written >= value_get_int(input, "FileLastWritten", 0) &&
			(!part || strstr(name, part)))
			value_builder_add_take(
				files, value_object_take("LogFileName", value_string(name),
					       "LastWritten", value_int(written), "Size",
					       value_int(about.st_size), NULL));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&files));
	return rds_page(call, input, "DescribeDBLogFiles", all, error);
}

/* How many of the bytes hold the last (or first) `lines` lines. */
static gsize last_lines(const char *bytes, gsize length, gint64 lines) {
	gsize at = length;
	while (at > 0 && (bytes[at - 1] != '\n' || at == length || lines-- > 1))
		at--;
	return length - at;
}

static gsize first_lines(const char *bytes, gsize length, gint64 lines) {
	gsize at = 0;
	while (at < length && lines > 0)
		lines -= bytes[at++] == '\n';
	return at;
}

static Value portion(int fd, gint64 size, const char *marker, gint64 lines) {
	gint64 from = marker ? g_ascii_strtoll(marker, NULL, 10) : MAX(0, size - PORTION);
	g_autofree char *bytes = g_malloc(PORTION);
	gssize got = pread(fd, bytes, PORTION, CLAMP(from, 0, size));
	gsize length = got > 0 ? (gsize)got : 0, skip = 0;
	if (!marker)
		skip = length - last_lines(bytes, length, lines);
	else
		length = first_lines(bytes, length, lines);
	g_autofree char *text = g_utf8_make_valid(bytes + skip, (gssize)(length - skip));
	gint64 end = CLAMP(from, 0, size) + (gint64)length;
	return value_object_take("LogFileData", value_string(text), "Marker",
		value_string_printf("%" G_GINT64_FORMAT, end), "AdditionalDataPending",
		value_bool(end < size), NULL);
}

Value rds_download_log(RegionCall *call, Value input, GError **error) {
	g_auto(Value) instance =
		rds_instance(call, value_get_text(input, "DBInstanceIdentifier"), error);
	if (value_is_null(instance))
		return VALUE_NOTHING;
	const char *name = value_get_text(input, "LogFileName");
	struct stat about;
	int fd = g_strcmp0(name, log_name(instance)) == 0 ? open_log(call, instance, &about) : -1;
	if (fd < 0) {
		wire_error_set(error, "DBLogFileNotFoundFault",
			"DBLog File: %s, is not found on "
			"the DB instance",
			name);
		return VALUE_NOTHING;
	}
	gint64 lines = value_get_int(input, "NumberOfLines", 10000);
	Value output =
		portion(fd, about.st_size, value_get_text(input, "Marker"), CLAMP(lines, 1, 10000));
	close(fd);
	return output;
}
