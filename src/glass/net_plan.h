/* Inside the room: the network as a list of items to be made and unmade; see net.h. */
#pragma once

#include "glass/net.h"

typedef enum {
	NET_ITEM_NAMESPACE, /* text: the name */
	NET_ITEM_SYSCTL, /* lines "path value" below /proc/sys/net */
	NET_ITEM_RULES, /* nft's input */
	NET_ITEM_LINK, /* lines for ip -batch */
} NetItemKind;

/* One thing in one namespace. Making it twice is harmless; `undo` may find nothing to undo. */
typedef struct {
	char *key; /* unique; two plans have the same thing if key and text agree */
	NetItemKind kind;
	int phase;
	char *netns; /* where; NULL: the edge */
	char *make, *undo; /* undo NULL: goes with its namespace, or is replaced as a whole */
} NetItem;

void net_item_free(NetItem *item);

/* In the order in which they are to be made. NULL with an error for a state that contradicts
 * itself. */
GPtrArray *net_plan(const NetState *state, GError **error);

/* The names of devices: of an interface in its VPC, and of a VPC in the edge. Caller frees. */
char *net_device(char prefix, const char *id);

/* Look-ups by id; NULL if unknown. */
const NetSubnet *net_find_subnet(const NetState *state, const char *id);
const NetInterface *net_find_interface(const NetState *state, const char *id);
const NetNatGateway *net_nat_of(const NetState *state, const NetInterface *interface);
gboolean net_has_internet_gateway(const NetState *state, const char *vpc);
/* The namespace that an interface is in: its owner's, or its NAT gateway's; NULL: none. */
const char *net_interface_netns(const NetState *state, const NetInterface *interface);
gboolean net_is_cidr(const char *text);
