resource "aws_lb_listener" {
  service = "elbv2"
  alias   = ["aws_alb_listener"]
  schema {
    alpn_policy              = optional(string, unsupported("there are no TLS listeners"))
    arn                      = computed(string)
    certificate_arn          = optional(string, unsupported("there are no TLS listeners"))
    load_balancer_arn        = required(string, force_new, arn())
    port                     = optional(number, range(1, 65535))
    protocol                 = optional(string, computed, one_of("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"))
    ssl_policy               = optional(string, unsupported("there are no TLS listeners"))
    tcp_idle_timeout_seconds = optional(number, unsupported("there are no network load balancers"))
    tags                     = tags()
    routing_http_request_x_amzn_mtls_clientcert_header_name               = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_mtls_clientcert_issuer_header_name        = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_mtls_clientcert_leaf_header_name          = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_mtls_clientcert_serial_number_header_name = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_mtls_clientcert_subject_header_name       = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_mtls_clientcert_validity_header_name      = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_tls_cipher_suite_header_name              = optional(string, unsupported("there are no TLS listeners"))
    routing_http_request_x_amzn_tls_version_header_name                   = optional(string, unsupported("there are no TLS listeners"))
    routing_http_response_access_control_allow_credentials_header_value   = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_access_control_allow_headers_header_value       = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_access_control_allow_methods_header_value       = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_access_control_allow_origin_header_value        = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_access_control_expose_headers_header_value      = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_access_control_max_age_header_value             = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_content_security_policy_header_value            = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_strict_transport_security_header_value          = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_x_content_type_options_header_value             = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_x_frame_options_header_value                    = optional(string, unsupported("headers of listeners are not changed"))
    routing_http_response_server_enabled                                  = optional(bool, computed)
    timeouts "create" "read" "update" {}
    list "default_action" "1.." {
      use "listener_action" {}
    }
    list "mutual_authentication" "0..1" "unsupported: there are no TLS listeners" {
      advertise_trust_store_ca_names   = optional(string)
      ignore_client_certificate_expiry = optional(bool)
      mode                             = required(string)
      trust_store_arn                  = optional(string)
    }
  }
  validate {
    error {
      when    = self.protocol != null && self.protocol != "HTTP"
      summary = "Unsupported protocol"
      detail  = "protocol = \"${fallback(self.protocol, "")}\" is not supported: Terrarium has HTTP listeners only."
    }
  }
  create {
    call "CreateListener" {
      request = {
        LoadBalancerArn = self.load_balancer_arn
        Port            = self.port
        Protocol        = fallback(self.protocol, "HTTP")
        DefaultActions = listener_actions(self.default_action)
        Tags = tag_list(self.tags_all)
      }
      id = result.Listeners[0].ListenerArn
    }
  }
  read {
    call "DescribeListeners" {
      request = { ListenerArns = [self.id] }
      gone    = ["ListenerNotFound", "LoadBalancerNotFound"]
    }
    gone { when = result.Listeners[0] == null }
    let {
      listener = result.Listeners[0]
    }
    call "DescribeListenerAttributes" "attributes" {
      request = { ListenerArn = self.id }
      gone    = ["ListenerNotFound"]
    }
    state = {
      id                                   = listener.ListenerArn
      arn                                  = listener.ListenerArn
      load_balancer_arn                    = listener.LoadBalancerArn
      port                                 = listener.Port
      protocol                             = listener.Protocol
      routing_http_response_server_enabled = [for a in attributes.Attributes : a.Value if a.Key == "routing.http.response.server.enabled"][0] == "true"
      default_action = listener_action_blocks(listener.DefaultActions, self.default_action)
    }
  }
  update {
    call "ModifyListener" {
      when = changed("port", "protocol", "default_action")
      request = {
        ListenerArn = self.id
        Port        = self.port
        Protocol    = self.protocol
        DefaultActions = listener_actions(self.default_action)
      }
    }
    call "ModifyListenerAttributes" {
      when    = changed("routing_http_response_server_enabled")
      request = { ListenerArn = self.id, Attributes = [{ Key = "routing.http.response.server.enabled", Value = tostring(self.routing_http_response_server_enabled) }] }
    }
  }
  delete {
    call "DeleteListener" {
      request = { ListenerArn = self.id }
      gone    = ["ListenerNotFound"]
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_lb_listener" {
  service = "elbv2"
  alias   = ["aws_alb_listener"]
  schema {
    alpn_policy       = computed(string)
    arn               = optional(string, computed)
    certificate_arn   = computed(string)
    load_balancer_arn = optional(string, computed)
    port              = optional(number, computed)
    protocol          = computed(string)
    ssl_policy        = computed(string)
    tags              = computed(map(string))
    default_action = computed(list(object({
      order            = number
      target_group_arn = string
      type             = string
      authenticate_cognito = list(object({
        authentication_request_extra_params = map(string)
        on_unauthenticated_request          = string
        scope                               = string
        session_cookie_name                 = string
        session_timeout                     = number
        user_pool_arn                       = string
        user_pool_client_id                 = string
        user_pool_domain                    = string
      }))
      authenticate_oidc = list(object({
        authentication_request_extra_params = map(string)
        authorization_endpoint              = string
        client_id                           = string
        client_secret                       = string
        issuer                              = string
        on_unauthenticated_request          = string
        scope                               = string
        session_cookie_name                 = string
        session_timeout                     = number
        token_endpoint                      = string
        user_info_endpoint                  = string
      }))
      fixed_response = list(object({ content_type = string, message_body = string, status_code = string }))
      forward = list(object({
        stickiness   = list(object({ duration = number, enabled = bool }))
        target_group = set(object({ arn = string, weight = number }))
      }))
      jwt_validation = list(object({
        additional_claim = set(object({ format = string, name = string, values = set(string) }))
        issuer           = string
        jwks_endpoint    = string
      }))
      redirect = list(object({ host = string, path = string, port = string, protocol = string, query = string, status_code = string }))
    })))
    mutual_authentication = computed(list(object({ advertise_trust_store_ca_names = string, ignore_client_certificate_expiry = bool, mode = string, trust_store_arn = string })))
    timeouts "read" {}
  }
  read {
    error {
      when    = nonempty(self.arn) == null && (nonempty(self.load_balancer_arn) == null || self.port == null)
      summary = "Missing listener"
      detail  = "Either arn, or load_balancer_arn and port must be given."
    }
    call "DescribeListeners" {
      request = {
        ListenerArns    = nonempty(self.arn) == null ? null : [self.arn]
        LoadBalancerArn = nonempty(self.arn) == null ? self.load_balancer_arn : null
      }
      paginate = { input = "Marker", output = "NextMarker", items = "Listeners" }
    }
    let {
      found = [for l in result.Listeners : l if self.port == null || l.Port == self.port]
    }
    error {
      when    = length(found) != 1
      summary = "No listener found"
      detail  = "${length(found)} listeners match the data source; one is needed."
    }
    call "DescribeTags" {
      request = { ResourceArns = [found[0].ListenerArn] }
      id      = found[0].ListenerArn
    }
    state = {
      id                = found[0].ListenerArn
      arn               = found[0].ListenerArn
      load_balancer_arn = found[0].LoadBalancerArn
      port              = found[0].Port
      protocol          = found[0].Protocol
      # Of listeners with TLS alone.
      mutual_authentication = []
      tags              = tag_map(result.TagDescriptions[0].Tags)
      default_action = [for a in found[0].DefaultActions : {
        type             = a.Type
        order            = a.Order
        target_group_arn = a.TargetGroupArn
        # Of actions that the region refuses, none can be there.
        authenticate_cognito = []
        authenticate_oidc    = []
        jwt_validation       = []
        forward = [for f in [a.ForwardConfig] : {
          target_group = [for g in f.TargetGroups : { arn = g.TargetGroupArn, weight = g.Weight }]
          stickiness   = [for s in [f.TargetGroupStickinessConfig] : { enabled = fallback(s.Enabled, false), duration = fallback(s.DurationSeconds, 0) } if s != null]
        } if f != null]
        redirect = [for r in [a.RedirectConfig] : {
          host = r.Host, path = r.Path, port = r.Port, protocol = r.Protocol, query = r.Query, status_code = r.StatusCode
        } if r != null]
        fixed_response = [for f in [a.FixedResponseConfig] : {
          content_type = f.ContentType, message_body = f.MessageBody, status_code = f.StatusCode
        } if f != null]
      }]
    }
  }
}
