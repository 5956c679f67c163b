resource "aws_iam_access_key" {
  service = "iam"
  schema {
    user                              = required(string, force_new)
    pgp_key                           = optional(string, force_new, unsupported("secrets are not encrypted by PGP here: use the secret attribute"))
    status                            = optional(string, default("Active"), one_of("Active", "Inactive"))
    create_date                       = computed(string)
    secret                            = computed(string, sensitive)
    encrypted_secret                  = computed(string)
    encrypted_ses_smtp_password_v4    = computed(string)
    key_fingerprint                   = computed(string)
    ses_smtp_password_v4              = computed(string, sensitive)
  }
  create {
    call "CreateAccessKey" {
      request = { UserName = self.user }
      id      = result.AccessKey.AccessKeyId
      set     = { secret = result.AccessKey.SecretAccessKey }
    }
    call "UpdateAccessKey" {
      when    = self.status == "Inactive"
      request = { UserName = self.user, AccessKeyId = self.id, Status = self.status }
    }
  }
  read {
    call "ListAccessKeys" {
      request  = { UserName = self.user }
      paginate = { input = "Marker", output = "Marker", items = "AccessKeyMetadata" }
      gone     = ["NoSuchEntity"]
    }
    let { own = [for k in result.AccessKeyMetadata : k if k.AccessKeyId == self.id] }
    gone { when = length(own) == 0 }
    state = {
      user        = own[0].UserName
      status      = own[0].Status
      create_date = self.create_date == null ? formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("1970-01-01T00:00:00Z", "${floor(own[0].CreateDate)}s")) : self.create_date
    }
  }
  update {
    call "UpdateAccessKey" {
      when    = changed("status")
      request = { UserName = self.user, AccessKeyId = self.id, Status = self.status }
    }
  }
  delete {
    call "DeleteAccessKey" {
      request = { UserName = self.user, AccessKeyId = self.id }
      gone    = ["NoSuchEntity"]
    }
  }
  import {
    call "GetAccessKeyLastUsed" {
      request = { AccessKeyId = self.id }
      set     = { user = result.UserName }
    }
  }
}
