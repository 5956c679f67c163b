/*
 * What is kept of a balancer's process for the next region: its pid, the ports whose sockets it
 * has, and which configuration it was given. Written before HAProxy is asked to take that over, so
 * that what it says of itself can be held against the record.
 */
#include "glass/balancer_internal.h"

#include <glib/gstdio.h>

#define RECORD "balancer.ini"

char *balancer_path(Glass *glass, const char *id, const char *name) {
	return g_build_filename(glass_home(glass), BALANCER_FOLDER, id, name, NULL);
}

gboolean balancer_record_write(Glass *glass, const char *id, const GlassProcess *process,
	const GArray *published, int generation, const char *signature, GError **error) {
	g_autoptr(GKeyFile) record = g_key_file_new();
	g_autofree char *path = balancer_path(glass, id, RECORD);
	g_autofree int *ports = g_new0(int, published->len + 1);
	for (guint i = 0; i < published->len; i++)
		ports[i] = g_array_index(published, BalancerPublished, i).port;
	g_key_file_set_integer(record, "process", "pid", glass_process_pid(process));
	g_key_file_set_uint64(record, "process", "start", glass_process_start(process));
	g_key_file_set_integer_list(record, "process", "ports", ports, published->len);
	g_key_file_set_integer(record, "configuration", "generation", generation);
	g_key_file_set_string(record, "configuration", "signature", signature);
	return g_key_file_save_to_file(record, path, error);
}

GlassProcess *balancer_record_adopt(
	Glass *glass, const char *id, GKeyFile **record, GlassProcessEnded ended, gpointer data) {
	g_autofree char *path = balancer_path(glass, id, RECORD);
	*record = g_key_file_new();
	if (!g_key_file_load_from_file(*record, path, G_KEY_FILE_NONE, NULL))
		return NULL;
	pid_t pid = g_key_file_get_integer(*record, "process", "pid", NULL);
	guint64 begun = g_key_file_get_uint64(*record, "process", "start", NULL);
	return pid > 0 ? glass_process_adopt(glass, pid, begun, ended, data, NULL) : NULL;
}

void balancer_folder_remove(Glass *glass, const char *id) {
	g_autofree char *path = balancer_path(glass, id, NULL);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	for (const char *name; folder && (name = g_dir_read_name(folder));) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_remove(file);
	}
	g_rmdir(path);
}
