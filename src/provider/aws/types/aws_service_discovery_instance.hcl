resource "aws_service_discovery_instance" {
  service = "servicediscovery"
  schema {
    instance_id = required(string, force_new, length(1, 64), pattern("^[0-9a-zA-Z_/:.@-]+$"))
    service_id  = required(string, force_new)
    attributes  = required(map(string))
  }
  create {
    call "RegisterInstance" "register" {
      request = {
        ServiceId        = self.service_id
        InstanceId       = self.instance_id
        Attributes       = self.attributes
        CreatorRequestId = unique_id("terraform-")
      }
      id = self.instance_id
    }
    wait "GetOperation" {
      request = { OperationId = register.OperationId }
      use "discovery_operation" {}
    }
  }
  read {
    call "GetInstance" {
      request = { ServiceId = self.service_id, InstanceId = self.instance_id }
      gone    = ["InstanceNotFound", "ServiceNotFound"]
    }
    state = {
      instance_id = result.Instance.Id
      // What a registration by the id of an EC2 instance adds of its own accord.
      attributes = { for k, v in result.Instance.Attributes : k => v if k != "AWS_INSTANCE_IPV4" || lookup(fallback(self.attributes, {}), "AWS_EC2_INSTANCE_ID", "") == "" }
    }
  }
  update {
    call "RegisterInstance" "register" {
      when = changed("attributes")
      request = {
        ServiceId        = self.service_id
        InstanceId       = self.instance_id
        Attributes       = self.attributes
        CreatorRequestId = unique_id("terraform-")
      }
    }
    wait "GetOperation" {
      when    = register != null
      request = { OperationId = register.OperationId }
      use "discovery_operation" {}
    }
  }
  delete {
    call "DeregisterInstance" "deregister" {
      request = { ServiceId = self.service_id, InstanceId = self.instance_id }
      gone    = ["InstanceNotFound", "ServiceNotFound"]
    }
    wait "GetOperation" {
      request = { OperationId = deregister.OperationId }
      use "discovery_operation" {}
    }
  }
  import {
    let { parts = split("/", self.id) }
    error {
      when    = length(parts) < 2
      summary = "Unexpected format of ID"
      detail  = "\"${self.id}\" should be SERVICE_ID/INSTANCE_ID."
    }
    set {
      service_id  = parts[0]
      instance_id = join("/", slice(parts, 1, length(parts)))
      id          = join("/", slice(parts, 1, length(parts)))
    }
  }
}
