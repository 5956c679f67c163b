resource "aws_lb_listener_rule" {
  service = "elbv2"
  alias   = ["aws_alb_listener_rule"]
  schema {
    arn          = computed(string)
    listener_arn = required(string, force_new, arn())
    priority     = optional(number, computed, range(1, 50000))
    tags         = tags()
    list "action" "1.." {
      use "listener_action" {}
    }
    set "condition" "1.." {
      list "host_header" "0..1" {
        regex_values = optional(set(string), unsupported("conditions by regular expressions are not implemented"))
        values       = optional(set(string))
      }
      list "http_header" "0..1" {
        http_header_name = required(string)
        regex_values     = optional(set(string), unsupported("conditions by regular expressions are not implemented"))
        values           = optional(set(string))
      }
      list "http_request_method" "0..1" {
        values = required(set(string))
      }
      list "path_pattern" "0..1" {
        regex_values = optional(set(string), unsupported("conditions by regular expressions are not implemented"))
        values       = optional(set(string))
      }
      set "query_string" {
        key   = optional(string)
        value = required(string)
      }
      list "source_ip" "0..1" {
        ip_address_type = optional(string, unsupported("there are no network load balancers"))
        values          = optional(set(string))
      }
    }
    set "transform" "unsupported: transforms of rules are not implemented" {
      type = required(string)
      list "host_header_rewrite_config" "0..1" {
        list "rewrite" "0..1" {
          regex   = required(string)
          replace = required(string)
        }
      }
      list "url_rewrite_config" "0..1" {
        list "rewrite" "0..1" {
          regex   = required(string)
          replace = required(string)
        }
      }
    }
  }
  create {
    call "DescribeRules" "before" {
      when     = self.priority == null
      request  = { ListenerArn = self.listener_arn }
      paginate = { input = "Marker", output = "NextMarker", items = "Rules" }
    }
    call "CreateRule" {
      request = {
        ListenerArn = self.listener_arn
        Priority    = self.priority != null ? self.priority : max(concat([0], [for r in before.Rules : tonumber(r.Priority) if r.Priority != "default"])...) + 1
        Actions = listener_actions(self.action)
        Conditions = listener_rule_conditions(self.condition)
        Tags = tag_list(self.tags_all)
      }
      id = result.Rules[0].RuleArn
    }
  }
  read {
    call "DescribeRules" {
      request = { RuleArns = [self.id] }
      gone    = ["RuleNotFound", "ListenerNotFound"]
    }
    gone { when = result.Rules[0] == null }
    let {
      rule = result.Rules[0]
    }
    state = {
      id           = rule.RuleArn
      arn          = rule.RuleArn
      listener_arn = replace(regex("^(.*)/[^/]*$", rule.RuleArn)[0], ":listener-rule/", ":listener/")
      priority     = rule.Priority == "default" ? 99999 : tonumber(rule.Priority)
      action = listener_action_blocks(rule.Actions, self.action)
      condition = [for c in rule.Conditions : {
        host_header         = [for h in [c.HostHeaderConfig] : { values = h.Values, regex_values = null } if h != null]
        http_header         = [for h in [c.HttpHeaderConfig] : { http_header_name = h.HttpHeaderName, values = h.Values, regex_values = null } if h != null]
        http_request_method = [for m in [c.HttpRequestMethodConfig] : { values = m.Values } if m != null]
        path_pattern        = [for p in [c.PathPatternConfig] : { values = p.Values, regex_values = null } if p != null]
        query_string        = flatten([for q in [c.QueryStringConfig] : [for v in q.Values : { key = v.Key, value = v.Value }] if q != null])
        source_ip           = [for s in [c.SourceIpConfig] : { ip_address_type = null, values = s.Values } if s != null]
      }]
    }
  }
  update {
    call "SetRulePriorities" {
      when    = changed("priority")
      request = { RulePriorities = [{ RuleArn = self.id, Priority = self.priority }] }
    }
    call "ModifyRule" {
      when = changed("action", "condition")
      request = {
        RuleArn = self.id
        Actions = listener_actions(self.action)
        Conditions = listener_rule_conditions(self.condition)
      }
    }
  }
  delete {
    call "DeleteRule" {
      request = { RuleArn = self.id }
      gone    = ["RuleNotFound"]
    }
  }
  tags {
    resource = self.id
    read     = true
  }
}

data "aws_lb_listener_rule" {
  service = "elbv2"
  alias   = ["aws_alb_listener_rule"]
  schema {
    arn          = optional(string, computed)
    listener_arn = optional(string, computed)
    priority     = optional(number, computed)
    tags         = computed(map(string))
    action = computed(list(object({
      order = number
      type  = string
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
    condition = computed(set(object({
      host_header         = list(object({ regex_values = set(string), values = set(string) }))
      http_header         = list(object({ http_header_name = string, regex_values = set(string), values = set(string) }))
      http_request_method = list(object({ values = set(string) }))
      path_pattern        = list(object({ regex_values = set(string), values = set(string) }))
      query_string        = list(object({ values = set(object({ key = string, value = string })) }))
      source_ip           = list(object({ ip_address_type = string, values = set(string) }))
    })))
    transform = computed(set(object({
      host_header_rewrite_config = list(object({ rewrite = list(object({ regex = string, replace = string })) }))
      type                       = string
      url_rewrite_config         = list(object({ rewrite = list(object({ regex = string, replace = string })) }))
    })))
  }
  read {
    error {
      when    = nonempty(self.arn) == null && (nonempty(self.listener_arn) == null || self.priority == null)
      summary = "Missing listener rule"
      detail  = "Either arn, or listener_arn and priority must be given."
    }
    call "DescribeRules" "rules" {
      request = {
        RuleArns    = nonempty(self.arn) == null ? null : [self.arn]
        ListenerArn = nonempty(self.arn) == null ? self.listener_arn : null
      }
      paginate = { input = "Marker", output = "NextMarker", items = "Rules" }
    }
    let {
      found = [for r in rules.Rules : r if self.priority == null || r.Priority == tostring(self.priority)]
    }
    error {
      when    = length(found) != 1
      summary = "No listener rule found"
      detail  = "${length(found)} rules match the data source; one is needed."
    }
    call "DescribeTags" {
      request = { ResourceArns = [found[0].RuleArn] }
      id      = found[0].RuleArn
    }
    let {
      rule = found[0]
    }
    state = {
      id           = rule.RuleArn
      arn          = rule.RuleArn
      listener_arn = replace(regex("^(.*)/[^/]*$", rule.RuleArn)[0], ":listener-rule/", ":listener/")
      priority     = rule.Priority == "default" ? null : tonumber(rule.Priority)
      tags         = tag_map(result.TagDescriptions[0].Tags)
      action = [for a in rule.Actions : {
        type  = a.Type
        order = a.Order
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
      condition = [for c in rule.Conditions : {
        host_header         = [for h in [c.HostHeaderConfig] : { regex_values = null, values = h.Values } if h != null]
        http_header         = [for h in [c.HttpHeaderConfig] : { http_header_name = h.HttpHeaderName, regex_values = null, values = h.Values } if h != null]
        http_request_method = [for m in [c.HttpRequestMethodConfig] : { values = m.Values } if m != null]
        path_pattern        = [for p in [c.PathPatternConfig] : { regex_values = null, values = p.Values } if p != null]
        query_string        = [for q in [c.QueryStringConfig] : { values = [for v in q.Values : { key = v.Key, value = v.Value }] } if q != null]
        source_ip           = [for s in [c.SourceIpConfig] : { ip_address_type = null, values = s.Values } if s != null]
      }]
      transform = []
    }
  }
}
