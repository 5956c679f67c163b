/*
 * Unpacking one image layer into a folder that overlayfs can take as a lower layer.
 */
#pragma once

#include <gio/gio.h>

/* Unpacks the tar (plain, gzip or zstd) that `archive` reads into `folder`, which exists and is
 * empty. Whiteouts become overlay's own (character device 0:0; user.overlay.opaque, so the overlay
 * is to be mounted with userxattr); device nodes are left out, as nobody may make them in a user
 * namespace. Entries that would leave the folder fail the whole, and what was unpacked until then
 * stays for the caller to remove.
 *
 * Changes the process's working directory, umask and locale: call it in a process of its own, as
 * root of the user namespace whose ids the files are to have. */
gboolean unpack_layer(int archive, const char *folder, GError **error);
