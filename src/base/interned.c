/*
 * Under AddressSanitizer only: what GLib interns lives as long as the process, and its table, when
 * it grows, leaves the older one to whoever still reads it. These stand before GLib's own functions
 * and tell LeakSanitizer not to count what they allocate, so that every leak that it does report is
 * one. (A suppression by name does not work: GLib is built without frame pointers.)
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/lsan_interface.h>

#define UNCOUNTED(type, name, parameter)                                                           \
	type name(const char *parameter) {                                                         \
		static type (*real)(const char *);                                                 \
		if (!real)                                                                         \
			real = (type(*)(const char *))dlsym(RTLD_NEXT, #name);                     \
		__lsan_disable();                                                                  \
		type result = real(parameter);                                                     \
		__lsan_enable();                                                                   \
		return result;                                                                     \
	}

UNCOUNTED(const char *, g_intern_string, text)
UNCOUNTED(const char *, g_intern_static_string, text)
UNCOUNTED(GQuark, g_quark_from_string, text)
UNCOUNTED(GQuark, g_quark_from_static_string, text)

/* GLib makes the first table while it is loaded: before our constructor, after what stands here. */
static void before_libraries(int argc, char **argv, char **environment) {
	__lsan_disable();
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(
	int, char **, char **) = before_libraries;

__attribute__((constructor)) static void after_libraries(void) {
	__lsan_enable();
}
