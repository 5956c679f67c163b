/*
 * The network of the glass: VPCs as network namespaces that route, network interfaces as veth
 * pairs, security groups and network ACLs as nftables, internet and NAT gateways through the edge
 * namespace. What is wanted is declared whole (NetState) and applied as a difference to what is;
 * what is, is remembered inside the glass, so that a new process goes on where the last one was.
 *
 * Names of network namespaces: a VPC's is its id, an owner's is the owner's name. IPv4 only.
 */
#pragma once

#include "glass/glass.h"

#define NET_EDGE "edge" /* the namespace that reaches the world */

/* In every VPC these answer whatever the security groups say; open sockets on them with
 * glass_listen in the VPC's namespace (and on net_vpc_resolver). */
#define NET_ADDRESS_RESOLVER "169.254.169.253"
#define NET_ADDRESS_METADATA "169.254.169.254"
#define NET_ADDRESS_TASK_METADATA "169.254.170.2"
/* Where the edge's own namespace resolves public names (pasta forwards to the host's resolver). The
 * region needs it not: it resolves public names from outside. */
#define NET_EDGE_RESOLVER "169.254.1.53"

/* Any pointer inside may be NULL for "none". Strings and arrays are owned by the state. */
typedef struct {
	char *id;
	char **cidrs;
} NetVpc;

typedef struct {
	char *id, *vpc, *cidr, *zone;
	char *route_table; /* id */
	char *acl; /* id; NULL: everything is allowed */
} NetSubnet;

typedef enum {
	NET_ROUTE_LOCAL,
	NET_ROUTE_INTERNET_GATEWAY,
	NET_ROUTE_NAT_GATEWAY,
	NET_ROUTE_INTERFACE,
	NET_ROUTE_BLACKHOLE,
} NetRouteKind;

typedef struct {
	char *cidr;
	NetRouteKind kind;
	char *target; /* id of the gateway or interface */
} NetRoute;

typedef struct {
	char *id, *vpc;
	GPtrArray *routes; /* of NetRoute; the local one need not be given */
} NetRouteTable;

typedef struct {
	char *id, *subnet;
	char *mac; /* or NULL */
	char **addresses; /* private, the primary one first */
	char **public_addresses; /* beside `addresses`; "" or a short array: none */
	char **security_groups; /* ids */
	char *owner; /* whose namespace it is in; NULL: not attached */
	int index; /* 0: eth0 and the owner's default route */
	gboolean no_source_dest_check;
} NetInterface;

typedef struct {
	gboolean egress;
	int protocol; /* number; -1: all */
	int from_port, to_port; /* ICMP: type and code, -1: all. TCP and UDP: -1 all */
	/* One of these: */
	char *cidr; /* IPv4; an IPv6 one matches nothing, as there is no IPv6 */
	char *group; /* id of a security group of the same VPC */
	char **prefix_list; /* CIDRs */
} NetRule;

typedef struct {
	char *id, *vpc;
	GPtrArray *rules; /* of NetRule */
} NetSecurityGroup;

typedef struct {
	int number;
	gboolean egress, deny;
	int protocol, from_port, to_port; /* as in NetRule */
	char *cidr;
} NetAclRule;

typedef struct {
	char *id, *vpc;
	GPtrArray *rules; /* of NetAclRule; what matches none is denied */
} NetAcl;

typedef struct {
	char *id, *vpc;
} NetInternetGateway;

typedef struct {
	char *id;
	char *interface; /* its NetInterface, which has no owner and no security groups */
} NetNatGateway;

typedef struct {
	GPtrArray *vpcs, *subnets, *route_tables, *interfaces, *security_groups, *acls,
		*internet_gateways, *nat_gateways;
} NetState;

NetState *net_state_new(void);
void net_state_free(NetState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetState, net_state_free)
/* Each adds an object whose strings are copied, and returns it for the rest to be filled in with
 * allocated members (the state frees them). */
NetVpc *net_state_vpc(NetState *state, const char *id, const char *const *cidrs);
NetSubnet *net_state_subnet(NetState *state, const char *id, const char *vpc, const char *cidr,
	const char *zone, const char *route_table);
NetRouteTable *net_state_route_table(NetState *state, const char *id, const char *vpc);
void net_route_table_route(
	NetRouteTable *table, const char *cidr, NetRouteKind kind, const char *target);
NetInterface *net_state_interface(NetState *state, const char *id, const char *subnet,
	const char *owner, const char *address, const char *const *security_groups);
/* Gives address number `position` of an interface a public one (an Elastic IP, or one of its own).
 */
void net_interface_public(NetInterface *interface, guint position, const char *address);
NetSecurityGroup *net_state_security_group(NetState *state, const char *id, const char *vpc);
NetRule *net_security_group_rule(NetSecurityGroup *group, gboolean egress, int protocol,
	int from_port, int to_port, const char *cidr, const char *group_id);
NetAcl *net_state_acl(NetState *state, const char *id, const char *vpc);
void net_acl_rule(NetAcl *acl, int number, gboolean egress, gboolean deny, int protocol,
	int from_port, int to_port, const char *cidr);
void net_state_internet_gateway(NetState *state, const char *id, const char *vpc);
void net_state_nat_gateway(NetState *state, const char *id, const char *interface);

/* Makes the network be as `state` says; `state` need only live for this call. Calls that overlap
 * run one after the other. Established connections go on when rules change, as on AWS. Fails for a
 * state that contradicts itself (an unknown id, a bad CIDR) before anything is changed. */
void net_apply_async(
	Glass *glass, const NetState *state, GAsyncReadyCallback callback, gpointer data);
gboolean net_apply_finish(GAsyncResult *result, GError **error);
gboolean net_apply_sync(Glass *glass, const NetState *state, GError **error);

/* The nftables of one VPC as they would be applied: for tests. Caller frees. */
char *net_vpc_ruleset(const NetState *state, const char *vpc, GError **error);

/* The VPC's resolver ("10.0.0.2": the first CIDR's base + 2). NULL for a bad CIDR. Caller frees. */
char *net_vpc_resolver(const char *cidr);
