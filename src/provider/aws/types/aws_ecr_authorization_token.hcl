data "aws_ecr_authorization_token" {
  service = "ecr"
  schema {
    registry_id         = optional(string)
    authorization_token = computed(string, sensitive)
    expires_at          = computed(string)
    password            = computed(string, sensitive)
    proxy_endpoint      = computed(string)
    user_name           = computed(string)
  }
  read {
    call "GetAuthorizationToken" {
      request = { registryIds = self.registry_id == null ? null : [self.registry_id] }
      id      = provider.region
    }
    let { data = result.authorizationData[0] }
    state = {
      authorization_token = data.authorizationToken
      expires_at          = timeadd("1970-01-01T00:00:00Z", "${floor(data.expiresAt)}s")
      proxy_endpoint      = data.proxyEndpoint
      user_name           = split(":", base64decode(data.authorizationToken))[0]
      password            = split(":", base64decode(data.authorizationToken))[1]
    }
  }
}
