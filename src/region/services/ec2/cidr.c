/*
 * The address blocks of a VPC: the primary one that it was made with, and those that are associated
 * later (VPC user guide, "VPC CIDR blocks"). Each has a local route in every route table of the
 * VPC.
 */
#include "region/services/ec2/internal.h"

static Value blocks_of(Value vpc) {
	return value_get(vpc, "CidrBlockAssociationSet");
}

static const char *block_at(Value vpc, gsize i) {
	return value_get_text(value_at(blocks_of(vpc), i), "CidrBlock");
}

gboolean ec2_vpc_holds(Value vpc, Ec2Cidr inner) {
	for (gsize i = 0; i < value_length(blocks_of(vpc)); i++) {
		Ec2Cidr outer;
		if (ec2_cidr_parse(block_at(vpc, i), &outer) && ec2_cidr_contains(outer, inner))
			return TRUE;
	}
	return FALSE;
}

gboolean ec2_vpc_is_block(Value vpc, const char *cidr) {
	for (gsize i = 0; i < value_length(blocks_of(vpc)); i++)
		if (g_strcmp0(block_at(vpc, i), cidr) == 0)
			return TRUE;
	return FALSE;
}

char **ec2_vpc_blocks(Value vpc) {
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	for (gsize i = 0; i < value_length(blocks_of(vpc)); i++)
		g_strv_builder_add(all, block_at(vpc, i));
	return g_strv_builder_end(all);
}

Value ec2_vpc_block_new(const char *cidr) {
	g_autofree char *id = region_ec2_id("vpc-cidr-assoc");
	return value_object_take("AssociationId", value_string(id), "CidrBlock", value_string(cidr),
		"CidrBlockState", value_object_take("State", value_string("associated"), NULL),
		NULL);
}

/* ---- associating ---- */

static gboolean check_block(Value vpc, const char *text, GError **error) {
	Ec2Cidr cidr;
	if (!ec2_cidr_parse(text, &cidr) || cidr.length < 16 || cidr.length > 28) {
		wire_error_set(error, "InvalidVpc.Range", "The CIDR '%s' is invalid.", text);
		return FALSE;
	}
	for (gsize i = 0; i < value_length(blocks_of(vpc)); i++) {
		Ec2Cidr other;
		if (!ec2_cidr_parse(block_at(vpc, i), &other) || !ec2_cidr_overlaps(cidr, other))
			continue;
		wire_error_set(error, "CidrConflict",
			"The CIDR '%s' conflicts with another CIDR of the VPC: %s", text,
			block_at(vpc, i));
		return FALSE;
	}
	return TRUE;
}

static Value associate(RegionCall *call, Value input, GError **error) {
	const char *id = value_get_text(input, "VpcId"), *text = value_get_text(input, "CidrBlock");
	g_auto(Value) vpc = ec2_find(call, EC2_VPC, id, "InvalidVpcID.NotFound", "vpc ID", error);
	if (value_is_null(vpc))
		return VALUE_NOTHING;
	if (!text) {
		wire_error_set(error, "UnsupportedOperation",
			"Terrarium associates IPv4 blocks that are given by CidrBlock: there are "
			"neither IPv6 nor address pools (IPAM).");
		return VALUE_NOTHING;
	}
	if (!check_block(vpc, text, error))
		return VALUE_NOTHING;
	g_auto(Value) block = ec2_vpc_block_new(text);
	ec2_put(call, EC2_VPC, id,
		value_with_take(value_ref(vpc), "CidrBlockAssociationSet",
			value_append_take(value_ref(blocks_of(vpc)), value_ref(block))));
	ec2_routes_add_local(call, id, text);
	return value_object_take(
		"VpcId", value_string(id), "CidrBlockAssociation", value_steal(&block), NULL);
}

/* ---- disassociating ---- */

/* The VPC with that association, and where it is; VALUE_NOTHING: there is none. */
static Value find_block(RegionCall *call, const char *association, gsize *index) {
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, EC2_VPC);
	const char *id;
	Value vpc;
	while (store_iter_next(&iter, &id, &vpc))
		for (*index = 0; *index < value_length(blocks_of(vpc)); (*index)++)
			if (g_strcmp0(value_get_text(
					      value_at(blocks_of(vpc), *index), "AssociationId"),
				    association) == 0)
				return value_ref(vpc);
	return VALUE_NOTHING;
}

static gboolean has_subnet(RegionCall *call, const char *vpc, const char *block) {
	Ec2Cidr outer, inner;
	g_auto(StoreIter) iter = store_iter(region_store(call->region), call->scope, EC2_SUBNET);
	const char *id;
	Value subnet;
	while (store_iter_next(&iter, &id, &subnet))
		if (g_strcmp0(value_get_text(subnet, "VpcId"), vpc) == 0 &&
			ec2_cidr_parse(block, &outer) &&
			ec2_cidr_parse(value_get_text(subnet, "CidrBlock"), &inner) &&
			ec2_cidr_contains(outer, inner))
			return TRUE;
	return FALSE;
}

static Value without(Value list, gsize index) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(list); i++)
		if (i != index)
			value_builder_add_take(all, value_ref(value_at(list, i)));
	return value_builder_end(g_steal_pointer(&all));
}

static Value disassociate(RegionCall *call, Value input, GError **error) {
	const char *association = value_get_text(input, "AssociationId");
	gsize index = 0;
	g_auto(Value) vpc = find_block(call, association, &index);
	if (value_is_null(vpc)) {
		wire_error_set(error, "InvalidVpcCidrBlockAssociationID.NotFound",
			"The vpc CIDR block association ID '%s' does not exist", association);
		return VALUE_NOTHING;
	}
	const char *id = value_get_text(vpc, "VpcId"), *text = block_at(vpc, index);
	if (g_strcmp0(text, value_get_text(vpc, "CidrBlock")) == 0) {
		wire_error_set(error, "OperationNotPermitted",
			"The vpc CIDR block with association ID %s may not be disassociated. It is "
			"the primary IPv4 CIDR block of the VPC",
			association);
		return VALUE_NOTHING;
	}
	if (has_subnet(call, id, text)) {
		wire_error_set(error, "InvalidCidrBlock.InUse",
			"The vpc %s currently has a subnet within CIDR block %s", id, text);
		return VALUE_NOTHING;
	}
	Value gone = value_with_take(value_ref(value_at(blocks_of(vpc), index)), "CidrBlockState",
		value_object_take("State", value_string("disassociated"), NULL));
	ec2_put(call, EC2_VPC, id,
		value_with_take(
			value_ref(vpc), "CidrBlockAssociationSet", without(blocks_of(vpc), index)));
	ec2_routes_remove_local(call, id, text);
	return value_object_take("VpcId", value_string(id), "CidrBlockAssociation", gone, NULL);
}

const RegionOperation ec2_cidr_operations[] = {
	{"AssociateVpcCidrBlock", associate},
	{"DisassociateVpcCidrBlock", disassociate},
	{NULL},
};
