data "aws_canonical_user_id" {
  service = "s3"
  schema {
    display_name = computed(string)
  }
  read {
    call "ListBuckets" {
      id = result.Owner.ID
    }
    state = { display_name = fallback(result.Owner.DisplayName, "") }
  }
}
