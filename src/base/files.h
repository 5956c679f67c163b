/* What GLib lacks for files. */
#pragma once

/* Removes a file, or a folder with all that is in it. Follows no link; nothing happens if it is not
 * there, and what cannot be removed stays. */
void files_remove(const char *path);
