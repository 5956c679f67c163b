/*
 * Egress: the edge namespace's way to the world, pasta. Relies on pasta being started inside the
 * glass's pid namespace (so it dies with it) but in the host's network namespace. Must never open a
 * way from the inside to the host's loopback or from the host to the inside: all of pasta's port
 * forwarding and its gateway mapping are off.
 */
#include "glass/enter.h"
#include "glass/net.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

/* Private addresses are VPCs' own, as on AWS: none of them is ever looked for outside. Interfaces
 * towards VPCs start with "v". pasta sends segments without flags that conntrack calls
 * invalid and NAT passes by: they must not reach this namespace's own sockets. Link-local and
 * loopback addresses never leave. What comes from a VPC reaches no socket of this namespace; what
 * goes to one can only go to its public addresses, and its security groups judge it. */
static const char edge_rules[] =
	"table ip terrarium_edge {\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority -100; policy accept;\n"
	"		iifname \"eth0\" ct state invalid drop\n"
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority 0; policy accept;\n"
	"		iifname \"v*\" drop\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority 0; policy drop;\n"
	"		ct state established,related accept\n"
	"		ip daddr { 127.0.0.0/8, 169.254.0.0/16 } drop\n"
	"		oifname \"eth0\" ip daddr { 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, "
	"192.168.0.0/16 } drop\n"
	"		iifname \"v*\" accept\n"
	"		oifname \"v*\" accept\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority 100; policy accept;\n"
	"		iifname \"v*\" oifname != \"v*\" masquerade\n"
	"	}\n"
	"}\n";

static gboolean run(const char *const *argv, const char *input, GError **error) {
	GlassOutput output = {0};
	if (!glass_program(NULL, argv, NULL, input, input ? strlen(input) : 0, &output, error))
		return FALSE;
	gboolean ok = output.status == 0;
	if (!ok)
		g_set_error(error, GLASS_ERROR,
			output.status == 127 ? GLASS_ERROR_UNSUPPORTED : GLASS_ERROR_FAILED,
			"%s: %.*s", argv[0], (int)MIN(output.errors->len, 400),
			(const char *)output.errors->data);
	glass_output_clear(&output);
	return ok;
}

static GBytes *prepare_edge(gpointer data, GError **error) {
	if (!run((const char *const[]){"nft", "-f", "-", NULL}, edge_rules, error))
		return NULL;
	if (!g_file_set_contents_full(
		    "/proc/sys/net/ipv4/ip_forward", "1", 1, G_FILE_SET_CONTENTS_NONE, 0644, error))
		return NULL;
	return g_bytes_new(NULL, 0);
}

static GBytes *start_pasta(gpointer data, GError **error) {
	const char *const argv[] = {"pasta", "--config-net", "-q", "-t", "none", "-u", "none", "-T",
		"none", "-U", "none", "--no-map-gw", "--dns-forward", NET_EDGE_RESOLVER, "-I",
		"eth0", "-P", "/run/pasta.pid", "--netns", "/run/netns/" NET_EDGE, NULL};
	return run(argv, NULL, error) ? g_bytes_new(NULL, 0) : NULL;
}

gboolean glass_egress_start(Glass *glass, GError **error) {
	g_autoptr(GBytes) edge = glass_job_sync(glass, NULL, prepare_edge, NULL, error);
	if (!edge)
		return FALSE;
	g_autoptr(GBytes) pasta =
		glass_job_flags(glass, GLASS_ENTER_ALL & ~CLONE_NEWNET, start_pasta, NULL, error);
	return pasta != NULL;
}
