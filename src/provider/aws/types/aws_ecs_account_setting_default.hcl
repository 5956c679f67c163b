resource "aws_ecs_account_setting_default" {
  service = "ecs"
  schema {
    name          = required(string, force_new)
    value         = required(string)
    principal_arn = computed(string)
  }
  create {
    call "PutAccountSettingDefault" {
      request = { name = self.name, value = self.value }
      id      = result.setting.principalArn
    }
  }
  read {
    call "ListAccountSettings" {
      request = { name = self.name, effectiveSettings = true }
    }
    gone { when = result.settings[0] == null }
    state = {
      name          = result.settings[0].name
      value         = result.settings[0].value
      principal_arn = result.settings[0].principalArn
    }
  }
  update {
    call "PutAccountSettingDefault" {
      request = { name = self.name, value = self.value }
    }
  }
  delete {
    # There is no call that takes a default away; it goes back to what it is without one.
    call "PutAccountSettingDefault" {
      request = {
        name  = self.name
        value = self.name == "fargateTaskRetirementWaitPeriod" ? "7" : self.name == "tagResourceAuthorization" ? "off" : self.name == "defaultLogDriverMode" ? "non-blocking" : "disabled"
      }
      ignore = ["InvalidParameterException"]
    }
  }
  import {
    set { name = self.id }
  }
}
