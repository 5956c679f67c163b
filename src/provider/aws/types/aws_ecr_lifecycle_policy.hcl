resource "aws_ecr_lifecycle_policy" {
  service = "ecr"
  schema {
    repository  = required(string, force_new)
    policy      = required(string, json(), equal("json"))
    registry_id = computed(string)
  }
  create {
    call "PutLifecyclePolicy" {
      request = { repositoryName = self.repository, lifecyclePolicyText = self.policy }
      id      = result.repositoryName
    }
  }
  read {
    call "GetLifecyclePolicy" {
      request = { repositoryName = self.id }
      gone    = ["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"]
    }
    state = {
      repository  = result.repositoryName
      registry_id = result.registryId
      policy      = result.lifecyclePolicyText
    }
  }
  update {
    call "PutLifecyclePolicy" {
      when    = changed("policy")
      request = { repositoryName = self.id, registryId = self.registry_id, lifecyclePolicyText = self.policy }
    }
  }
  delete {
    call "DeleteLifecyclePolicy" {
      request = { repositoryName = self.id, registryId = self.registry_id }
      gone    = ["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"]
    }
  }
}
