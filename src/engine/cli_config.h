/*
 * Terraform's CLI configuration, as far as it concerns module registries: `host` and `credentials`
 * blocks of ~/.terraformrc (or of the file that TF_CLI_CONFIG_FILE names), the tokens that
 * `terraform login` keeps, and TF_TOKEN_… variables. What cannot be read counts as not there.
 */
#pragma once

/* The URL of a host's service as the configuration overrides it; NULL: it does not. Caller frees.
 */
char *cli_config_service(const char *host, const char *service);
/* The token for a host, or NULL. Caller frees. */
char *cli_config_token(const char *host);
