/* terrarium open: shows the page of a load balancer in the browser, or its URL where there is none.
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/cli.h"

/* The URL of the balancer of that name (NULL: the only one). Caller frees. */
static char *find_url(const char *name, GError **error) {
	g_autoptr(GPtrArray) places = cli_places(error);
	g_autofree char *url = NULL;
	guint found = 0;
	for (guint p = 0; places && p < places->len; p++) {
		g_autoptr(GError) local = NULL;
		g_auto(Value) balancers = cli_api_list(places->pdata[p], "elbv2",
			"DescribeLoadBalancers", value_empty_object(), "LoadBalancers", "Marker",
			"NextMarker", &local);
		for (gsize i = 0; i < value_length(balancers); i++) {
			Value each = value_at(balancers, i);
			if ((name && g_strcmp0(value_get_text(each, "LoadBalancerName"), name) !=
					     0) ||
				g_strcmp0(value_get_text(each, "Scheme"), "internal") == 0)
				continue;
			g_free(url);
			url = g_strdup_printf("http://%s/", value_get_text(each, "DNSName"));
			found++;
		}
	}
	if (found == 1)
		return g_steal_pointer(&url);
	if (error && !*error)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			found > 1 ? "there are several load balancers: say which, terrarium open "
				    "NAME."
				  : "there is no %sload balancer for the world.",
			name ? "such " : "");
	return NULL;
}

static int run(int argc, char **argv) {
	g_auto(GStrv) names = NULL;
	const GOptionEntry entries[] = {
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &names, NULL, "[BALANCER]"},
		{NULL}};
	if (!cli_parse(&argc, &argv, entries,
		    "Opens the page of a load balancer in the browser, and prints its URL."))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *url = find_url(names ? names[0] : NULL, &error);
	if (!url)
		return cli_fail("%s", error->message);
	printf("%s\n", url);
	g_autofree char *opener = g_find_program_in_path("xdg-open");
	const char *display = g_getenv("DISPLAY"), *wayland = g_getenv("WAYLAND_DISPLAY");
	if (!opener || (!display && !wayland))
		return 0;
	const char *command[] = {opener, url, NULL};
	if (!g_spawn_async(NULL, (char **)command, NULL,
		    G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
		    &error))
		return cli_fail("%s", error->message);
	return 0;
}

const CliCommand cli_command_open = {"open", "Open the page of a load balancer", run};
