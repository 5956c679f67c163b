resource "aws_ecr_repository_policy" {
  service = "ecr"
  schema {
    repository  = required(string, force_new)
    policy      = required(string, json(), equal("policy"))
    registry_id = computed(string)
  }
  create {
    call "SetRepositoryPolicy" {
      request = { repositoryName = self.repository, policyText = self.policy }
      id      = result.repositoryName
      retry "InvalidParameterException" {
        message = "Invalid repository policy provided"
        timeout = "2m"
      }
    }
  }
  read {
    call "GetRepositoryPolicy" {
      request = { repositoryName = self.id }
      gone    = ["RepositoryPolicyNotFoundException", "RepositoryNotFoundException"]
    }
    state = {
      repository  = result.repositoryName
      registry_id = result.registryId
      policy      = result.policyText
    }
  }
  update {
    call "SetRepositoryPolicy" {
      when    = changed("policy")
      request = { repositoryName = self.id, registryId = self.registry_id, policyText = self.policy }
      retry "InvalidParameterException" {
        message = "Invalid repository policy provided"
        timeout = "2m"
      }
    }
  }
  delete {
    call "DeleteRepositoryPolicy" {
      request = { repositoryName = self.id, registryId = self.registry_id }
      gone    = ["RepositoryPolicyNotFoundException", "RepositoryNotFoundException"]
    }
  }
}
