/*
 * Who works on a state: a lock of the kernel's on a file beside it, which ends with its holder
 * however that dies, and a file that says who it is.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "engine/state_parts.h"
#include "value/json.h"

struct StateLock {
	int fd;
	char *info; /* path of the file that says who holds it */
};

static char *lock_details(const char *path, const char *info) {
	g_autofree char *text = NULL;
	g_file_get_contents(info, &text, NULL, NULL);
	g_auto(Value) json = text ? value_from_json(text, -1, NULL) : VALUE_NOTHING;
	return g_strdup_printf(
		"Error message: resource temporarily unavailable\n"
		"Lock Info:\n  ID:        %s\n  Path:      %s\n  Operation: %s\n"
		"  Who:       %s\n  Version:   %s\n  Created:   %s\n  Info:      \n\n"
		"Terrarium acquires a state lock to protect the state from being written "
		"by multiple users at the same time. Please resolve the issue above and "
		"try again. For most commands, you can disable locking with the "
		"\"-lock=false\" flag, but this is not recommended.",
		value_text_or(value_get(json, "ID"), ""), path,
		value_text_or(value_get(json, "Operation"), ""),
		value_text_or(value_get(json, "Who"), ""),
		value_text_or(value_get(json, "Version"), ""),
		value_text_or(value_get(json, "Created"), ""));
}

static void write_lock_info(const char *info, const char *path, const char *operation) {
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *created = g_date_time_format(now, "%Y-%m-%d %H:%M:%S.%f +0000 UTC");
	g_autofree char *id = g_uuid_string_random();
	g_auto(Value) json = value_object_take("ID", value_string(id), "Operation",
		value_string(operation), "Who",
		value_string_printf(
			"%s@%s (process %d)", g_get_user_name(), g_get_host_name(), (int)getpid()),
		"Version", value_string(TERRARIUM_VERSION), "Created", value_string(created),
		"Path", value_string(path), NULL);
	g_autofree char *text = value_to_json(json, VALUE_JSON_COMPACT);
	g_file_set_contents(info, text, -1, NULL);
}

StateLock *state_lock(const char *path, const char *operation, guint timeout_s, GError **error) {
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *lock_path = g_strconcat(path, ".lock", NULL);
	g_autofree char *info = g_strconcat(path, ".lock.info", NULL);
	if (g_mkdir_with_parents(dir, 0755) < 0) {
		state_fail_errno(error, "make the folder", dir);
		return NULL;
	}
	int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		state_fail_errno(error, "open", lock_path);
		return NULL;
	}
	/* The kernel's lock ends with its holder, however that dies. */
	struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	gint64 deadline = g_get_monotonic_time() + timeout_s * G_USEC_PER_SEC;
	while (fcntl(fd, F_OFD_SETLK, &request) < 0) {
		if (g_get_monotonic_time() < deadline) {
			g_usleep(G_USEC_PER_SEC / 10);
			continue;
		}
		g_autofree char *details = lock_details(path, info);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s", details);
		close(fd);
		return NULL;
	}
	write_lock_info(info, path, operation);
	StateLock *lock = g_new0(StateLock, 1);
	lock->fd = fd;
	lock->info = g_steal_pointer(&info);
	return lock;
}

void state_unlock(StateLock *lock) {
	if (!lock)
		return;
	g_unlink(lock->info);
	close(lock->fd);
	g_free(lock->info);
	g_free(lock);
}
