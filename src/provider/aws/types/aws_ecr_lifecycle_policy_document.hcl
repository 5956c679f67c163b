data "aws_ecr_lifecycle_policy_document" {
  service = "ecr"
  schema {
    json = computed(string)
    list "rule" {
      priority    = required(number)
      description = optional(string)
      list "selection" "0..1" {
        tag_status       = required(string, one_of("tagged", "untagged", "any"))
        count_type       = required(string, one_of("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"))
        count_number     = required(number)
        count_unit       = optional(string)
        tag_pattern_list = optional(list(string))
        tag_prefix_list  = optional(list(string))
        storage_class    = optional(string, unsupported("images are not archived here"))
      }
      list "action" "0..1" {
        type                 = required(string, one_of("expire", "transition"))
        target_storage_class = optional(string, unsupported("images are not archived here"))
      }
    }
  }
  read {
    let {
      rules = [for r in self.rule : merge(
        { rulePriority = r.priority, action = { type = fallback(r.action[0].type, "expire") } },
        r.description == null ? {} : { description = r.description },
        { for s in fallback(r.selection, []) : "selection" => merge(
          { tagStatus = s.tag_status, countType = s.count_type, countNumber = s.count_number },
          s.count_unit == null ? {} : { countUnit = s.count_unit },
          nonempty(s.tag_pattern_list) == null ? {} : { tagPatternList = s.tag_pattern_list },
          nonempty(s.tag_prefix_list) == null ? {} : { tagPrefixList = s.tag_prefix_list },
        ) },
      )]
    }
    let { text = jsonencode({ rules = rules }) }
    set { id = sha256(text) }
    state = { json = text }
  }
}
