/* The services of the region, one line each. */
#include "region/region.h"

extern const RegionService region_admin;
extern const RegionService region_codebuild; /* waits for EC2's network */
extern const RegionService region_codepipeline;
extern const RegionService region_codepipeline_sources; /* watches objects of S3 */
extern const RegionService region_connections, region_connections_star;
extern const RegionService region_ec2, region_ec2_acls, region_ec2_cidrs, region_ec2_defaults,
	region_ec2_gateways, region_ec2_routes, region_ec2_groups, region_ec2_interfaces,
	region_ec2_names, region_ec2_rules, region_ec2_tags, region_ec2_zones;
extern const RegionService region_dns; /* watches EC2's VPCs */
extern const RegionService region_doors; /* the same */
extern const RegionService region_ecr, region_ecr_images, region_ecr_layers, region_ecr_lifecycle,
	region_ecr_settings, region_ecr_registry, region_ecr_collection;
extern const RegionService region_ecs;
extern const RegionService region_elbv2;
extern const RegionService region_iam_holders, region_iam_keys, region_iam_policies,
	region_iam_profiles, region_iam_roles, region_iam_simulation, region_iam_users;
extern const RegionService region_images;
extern const RegionService region_logs;
extern const RegionService region_rds;
extern const RegionService region_s3, region_s3_settings, region_s3_objects, region_s3_lists,
	region_s3_uploads, region_s3_copies, region_s3_archives, region_s3_acls, region_s3_control;
extern const RegionService region_secretsmanager;
extern const RegionService region_servicediscovery, region_servicediscovery_namespaces,
	region_servicediscovery_services, region_servicediscovery_instances;
extern const RegionService region_ssm;
extern const RegionService region_sts;

const RegionService *const region_services[] = {
	&region_admin,
	&region_codepipeline,
	&region_connections,
	&region_connections_star,
	&region_ec2,
	&region_ec2_acls,
	&region_ec2_cidrs,
	&region_ec2_defaults,
	&region_ec2_gateways,
	&region_ec2_routes,
	&region_ec2_groups,
	&region_ec2_interfaces,
	&region_ec2_names,
	&region_ec2_rules,
	&region_ec2_tags,
	&region_ec2_zones,
	&region_dns,
	&region_doors,
	&region_codebuild,
	&region_ecr,
	&region_ecr_images,
	&region_ecr_layers,
	&region_ecr_lifecycle,
	&region_ecr_settings,
	&region_ecr_registry,
	&region_ecr_collection,
	&region_ecs,
	&region_elbv2,
	&region_iam_holders,
	&region_iam_keys,
	&region_iam_policies,
	&region_iam_profiles,
	&region_iam_roles,
	&region_iam_simulation,
	&region_iam_users,
	&region_images,
	&region_logs,
	&region_rds,
	&region_s3,
	&region_s3_settings,
	&region_s3_objects,
	&region_s3_lists,
	&region_s3_uploads,
	&region_s3_copies,
	&region_s3_archives,
	&region_s3_acls,
	&region_s3_control,
	&region_codepipeline_sources,
	&region_secretsmanager,
	&region_servicediscovery,
	&region_servicediscovery_namespaces,
	&region_servicediscovery_services,
	&region_servicediscovery_instances,
	&region_ssm,
	&region_sts,
	NULL,
};
