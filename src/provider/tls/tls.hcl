resource "tls_private_key" {
  bare           = true
  schema_version = 1
  schema {
    algorithm                     = required(string, force_new, one_of("RSA", "ECDSA", "ED25519"))
    rsa_bits                      = optional(number, default(2048), force_new, range(512, 16384))
    ecdsa_curve                   = optional(string, default("P224"), force_new, one_of("P224", "P256", "P384", "P521"))
    id                            = computed(string)
    private_key_pem               = computed(string, sensitive)
    private_key_pem_pkcs8         = computed(string, sensitive)
    private_key_openssh           = computed(string, sensitive)
    public_key_pem                = computed(string)
    public_key_openssh            = computed(string)
    public_key_fingerprint_md5    = computed(string)
    public_key_fingerprint_sha256 = computed(string)
  }
}

data "tls_public_key" {
  bare = true
  schema {
    private_key_pem               = optional(string, sensitive)
    private_key_openssh           = optional(string, sensitive, unsupported("keys in OpenSSH's form are not read: give private_key_pem"))
    id                            = computed(string)
    algorithm                     = computed(string)
    public_key_der                = computed(string)
    public_key_pem                = computed(string)
    public_key_openssh            = computed(string)
    public_key_fingerprint_md5    = computed(string)
    public_key_fingerprint_sha256 = computed(string)
  }
  validate {
    error {
      when    = config.private_key_pem == null
      summary = "Missing Attribute Configuration"
      detail  = "private_key_pem must be configured."
    }
  }
}

resource "tls_cert_request" {
  bare = true
  schema {
    private_key_pem  = required(string, sensitive, force_new)
    key_algorithm    = optional(string, computed, deprecated("private_key_pem tells it"))
    dns_names        = optional(list(string), force_new)
    ip_addresses     = optional(list(string), force_new)
    uris             = optional(list(string), force_new)
    id               = computed(string)
    cert_request_pem = computed(string)
    use "subject" {}
  }
}

resource "tls_self_signed_cert" {
  bare = true
  schema {
    private_key_pem                              = required(string, sensitive, force_new)
    key_algorithm                                = optional(string, computed, deprecated("private_key_pem tells it"))
    dns_names                                    = optional(list(string), force_new)
    ip_addresses                                 = optional(list(string), force_new)
    uris                                         = optional(list(string), force_new)
    validity_period_hours                        = required(number, force_new, range(0))
    allowed_uses                                 = required(list(string), force_new, one_of("any_extended", "cert_signing", "client_auth", "code_signing", "content_commitment", "crl_signing", "data_encipherment", "decipher_only", "digital_signature", "email_protection", "encipher_only", "ipsec_end_system", "ipsec_tunnel", "ipsec_user", "key_agreement", "key_encipherment", "microsoft_commercial_code_signing", "microsoft_kernel_code_signing", "microsoft_server_gated_crypto", "netscape_server_gated_crypto", "ocsp_signing", "server_auth", "timestamping"))
    early_renewal_hours                          = optional(number, default(0), range(0))
    is_ca_certificate                            = optional(bool, default(false), force_new)
    max_path_length                              = optional(number, force_new)
    set_subject_key_id                           = optional(bool, default(false), force_new)
    set_authority_key_id                         = optional(bool, default(false), force_new)
    name_constraint_permitted_dns_names          = optional(list(string), unsupported("name constraints are not put into certificates"))
    name_constraint_excluded_dns_names           = optional(list(string), unsupported("name constraints are not put into certificates"))
    name_constraint_permitted_dns_names_critical = optional(bool, unsupported("name constraints are not put into certificates"))
    id                                           = computed(string)
    cert_pem                                     = computed(string)
    ready_for_renewal                            = computed(bool)
    validity_start_time                          = computed(string)
    validity_end_time                            = computed(string)
    use "subject" {}
  }
}

resource "tls_locally_signed_cert" {
  bare = true
  schema {
    cert_request_pem                             = required(string, force_new)
    ca_private_key_pem                           = required(string, sensitive, force_new)
    ca_cert_pem                                  = required(string, force_new)
    ca_key_algorithm                             = optional(string, computed, deprecated("ca_private_key_pem tells it"))
    validity_period_hours                        = required(number, force_new, range(0))
    allowed_uses                                 = required(list(string), force_new, one_of("any_extended", "cert_signing", "client_auth", "code_signing", "content_commitment", "crl_signing", "data_encipherment", "decipher_only", "digital_signature", "email_protection", "encipher_only", "ipsec_end_system", "ipsec_tunnel", "ipsec_user", "key_agreement", "key_encipherment", "microsoft_commercial_code_signing", "microsoft_kernel_code_signing", "microsoft_server_gated_crypto", "netscape_server_gated_crypto", "ocsp_signing", "server_auth", "timestamping"))
    early_renewal_hours                          = optional(number, default(0), range(0))
    is_ca_certificate                            = optional(bool, default(false), force_new)
    max_path_length                              = optional(number, force_new)
    set_subject_key_id                           = optional(bool, default(false), force_new)
    set_authority_key_id                         = optional(bool, default(false), force_new)
    name_constraint_permitted_dns_names          = optional(list(string), unsupported("name constraints are not put into certificates"))
    name_constraint_excluded_dns_names           = optional(list(string), unsupported("name constraints are not put into certificates"))
    name_constraint_permitted_dns_names_critical = optional(bool, unsupported("name constraints are not put into certificates"))
    id                                           = computed(string)
    cert_pem                                     = computed(string)
    ready_for_renewal                            = computed(bool)
    validity_start_time                          = computed(string)
    validity_end_time                            = computed(string)
  }
}

// Whom a certificate is about.
part "subject" {
  list "subject" "0..1" force_new {
    common_name         = optional(string, force_new)
    country             = optional(string, force_new)
    email_address       = optional(string, force_new)
    locality            = optional(string, force_new)
    organization        = optional(string, force_new)
    organizational_unit = optional(string, force_new)
    postal_code         = optional(string, force_new)
    province            = optional(string, force_new)
    serial_number       = optional(string, force_new)
    street_address      = optional(list(string), force_new)
  }
}
