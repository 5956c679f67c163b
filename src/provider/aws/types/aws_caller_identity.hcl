data "aws_caller_identity" {
  service = "sts"
  schema {
    account_id = computed(string)
    arn        = computed(string)
    user_id    = computed(string)
  }
  read {
    call "GetCallerIdentity" {
      id = result.Account
    }
    state = {
      account_id = result.Account
      arn        = result.Arn
      user_id    = result.UserId
    }
  }
}
