/* IP network functions, for IPv4 and IPv6: addresses are kept as 16 bytes' worth of big-endian
 * number. */
#include <arpa/inet.h>
#include <string.h>

#include "lang/functions/functions.h"

typedef struct {
	guint8 bytes[16];
	int size; /* 4 or 16 */
	int prefix;
} Network;

static void clear_host_bits(Network *network) {
	for (int bit = network->prefix; bit < network->size * 8; bit++)
		network->bytes[bit / 8] &= (guint8) ~(0x80 >> (bit % 8));
}

static gboolean parse_network(Value text, Network *network, int *blame, char **problem) {
	const char *cidr = value_text(text);
	g_auto(GStrv) parts = g_strsplit(cidr, "/", 2);
	*network = (Network){.size = parts[0] && strchr(parts[0], ':') ? 16 : 4, .prefix = -1};
	guint64 prefix = 0;
	gboolean fine = parts[0] && parts[1] &&
			inet_pton(network->size == 16 ? AF_INET6 : AF_INET, parts[0],
				network->bytes) == 1 &&
			g_ascii_string_to_unsigned(
				parts[1], 10, 0, (guint64)network->size * 8, &prefix, NULL);
	if (!fine) {
		lang_function_fail(blame, -1, problem,
			"invalid CIDR expression: invalid CIDR address: %s", cidr);
		return FALSE;
	}
	network->prefix = (int)prefix;
	return TRUE;
}

static char *address_text(const Network *network) {
	char buffer[INET6_ADDRSTRLEN];
	inet_ntop(network->size == 16 ? AF_INET6 : AF_INET, network->bytes, buffer, sizeof buffer);
	return g_strdup(buffer);
}

static Value network_value(const Network *network) {
	g_autofree char *address = address_text(network);
	return value_string_printf("%s/%d", address, network->prefix);
}

/* Adds `number` to the bits above position `end` (counted from the top). */
static void add_at(Network *network, int end, guint64 number) {
	guint carry = 0;
	for (int bit = end - 1; bit >= 0 && (number || carry); bit--) {
		guint8 mask = (guint8)(0x80 >> (bit % 8));
		guint sum = ((network->bytes[bit / 8] & mask) ? 1 : 0) + (number & 1) + carry;
		if (sum & 1)
			network->bytes[bit / 8] |= mask;
		else
			network->bytes[bit / 8] &= (guint8)~mask;
		carry = sum >> 1;
		number >>= 1;
	}
}

FUNCTION(cidrhost) {
	Network network;
	if (!parse_network(arguments[0], &network, blame, problem))
		return VALUE_NOTHING;
	gint64 host = value_to_int(arguments[1], 0);
	int bits = network.size * 8 - network.prefix;
	guint64 distance = host < 0 ? (guint64)(-host) - 1 : (guint64)host;
	if (bits < 63 && distance >= (G_GUINT64_CONSTANT(1) << bits))
		return lang_function_fail(blame, -1, problem,
			"prefix of %d does not accommodate a host numbered %" G_GINT64_FORMAT,
			network.prefix, host);
	clear_host_bits(&network);
	if (host >= 0) {
		add_at(&network, network.size * 8, (guint64)host);
	} else {
		/* From the end: all host bits set, less the distance. */
		for (int bit = network.prefix; bit < network.size * 8; bit++) {
			int place = network.size * 8 - 1 - bit;
			gboolean set = place >= 64 || !((distance >> place) & 1);
			if (set)
				network.bytes[bit / 8] |= (guint8)(0x80 >> (bit % 8));
		}
	}
	return value_string_take(address_text(&network));
}

FUNCTION(cidrnetmask) {
	Network network;
	if (!parse_network(arguments[0], &network, blame, problem))
		return VALUE_NOTHING;
	if (network.size == 16)
		return lang_function_fail(blame, -1, problem,
			"IPv6 addresses cannot have a netmask: %s", value_text(arguments[0]));
	memset(network.bytes, 0xff, sizeof network.bytes);
	clear_host_bits(&network);
	return value_string_take(address_text(&network));
}

FUNCTION(cidrsubnet) {
	Network network;
	if (!parse_network(arguments[0], &network, blame, problem))
		return VALUE_NOTHING;
	gint64 newbits = value_to_int(arguments[1], 0), number = value_to_int(arguments[2], -1);
	gint64 prefix = network.prefix + newbits;
	if (newbits < 0 || prefix > network.size * 8)
		return lang_function_fail(blame, -1, problem,
			"insufficient address space to extend prefix of %d by %" G_GINT64_FORMAT,
			network.prefix, newbits);
	if (number < 0 || (newbits < 63 && number >= (G_GINT64_CONSTANT(1) << newbits)))
		return lang_function_fail(blame, -1, problem,
			"prefix extension of %" G_GINT64_FORMAT
			" does not accommodate a subnet numbered %" G_GINT64_FORMAT,
			newbits, number);
	clear_host_bits(&network);
	network.prefix = (int)prefix;
	add_at(&network, network.prefix, (guint64)number);
	return network_value(&network);
}

/* The next block of that size behind `end`, or the first. */
FUNCTION(cidrsubnets) {
	Network base;
	if (!parse_network(arguments[0], &base, blame, problem))
		return VALUE_NOTHING;
	clear_host_bits(&base);
	Network next = base;
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_LIST, type_string());
	for (guint i = 1; i < n; i++) {
		gint64 newbits = value_to_int(arguments[i], 0);
		gint64 prefix = base.prefix + newbits;
		if (newbits < 1 || prefix > base.size * 8)
			return lang_function_fail(blame, (int)i, problem,
				newbits < 1 ? "must extend prefix by at least one bit"
					    : "would extend prefix beyond the address size");
		Network current = next;
		current.prefix = (int)prefix;
		clear_host_bits(&current);
		if (memcmp(current.bytes, next.bytes, sizeof current.bytes) != 0)
			add_at(&current, current.prefix, 1);
		Network inside = current;
		inside.prefix = base.prefix;
		clear_host_bits(&inside);
		if (memcmp(inside.bytes, base.bytes, sizeof inside.bytes) != 0)
			return lang_function_fail(blame, (int)i, problem,
				"not enough remaining address space for a subnet with a prefix of "
				"%d bits after %s/%d",
				current.prefix, value_text(arguments[0]), base.prefix);
		value_builder_add_take(list, network_value(&current));
		next = current;
		add_at(&next, current.prefix, 1);
	}
	return value_builder_end(g_steal_pointer(&list));
}

const LangFunctionSpec lang_network_specs[] = {
	{"cidrhost", call_cidrhost, "prefix:s hostnum:n", 's'},
	{"cidrnetmask", call_cidrnetmask, "prefix:s", 's'},
	{"cidrsubnet", call_cidrsubnet, "prefix:s newbits:n netnum:n", 's'},
	{"cidrsubnets", call_cidrsubnets, "prefix:s *newbits:n", 'S'},
	{NULL},
};
