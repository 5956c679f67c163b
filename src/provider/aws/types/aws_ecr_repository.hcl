resource "aws_ecr_repository" {
  service = "ecr"
  schema {
    name                 = required(string, force_new, length(2, 256))
    image_tag_mutability = optional(string, default("MUTABLE"), one_of("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"))
    force_delete         = optional(bool, default(false), local_only)
    arn                  = computed(string)
    registry_id          = computed(string)
    repository_url       = computed(string)
    tags                 = tags()
    list "encryption_configuration" "0..1" kept force_new {
      encryption_type = optional(string, default("AES256"), force_new, one_of("AES256", "KMS", "KMS_DSSE"))
      kms_key         = optional(string, computed, force_new)
    }
    list "image_scanning_configuration" "0..1" kept {
      scan_on_push = required(bool)
    }
    list "image_tag_mutability_exclusion_filter" "0..5" {
      filter      = required(string, length(1, 128))
      filter_type = required(string, one_of("WILDCARD"))
    }
    timeouts "delete" {}
  }
  create {
    call "CreateRepository" {
      request = {
        repositoryName     = self.name
        imageTagMutability = self.image_tag_mutability
        imageTagMutabilityExclusionFilters = nonempty([for f in config.image_tag_mutability_exclusion_filter : {
          filter = f.filter, filterType = f.filter_type
        }])
        encryptionConfiguration = [for e in config.encryption_configuration : {
          encryptionType = fallback(e.encryption_type, "AES256")
          kmsKey         = nonempty(e.kms_key)
        }][0]
        imageScanningConfiguration = [for s in config.image_scanning_configuration : { scanOnPush = s.scan_on_push }][0]
        tags                       = tag_list(self.tags_all)
      }
      id = result.repository.repositoryName
    }
  }
  read {
    call "DescribeRepositories" {
      request = { repositoryNames = [self.id] }
      gone    = ["RepositoryNotFoundException"]
    }
    let { repository = result.repositories[0] }
    gone { when = repository == null }
    state = {
      name                 = repository.repositoryName
      arn                  = repository.repositoryArn
      registry_id          = repository.registryId
      repository_url       = repository.repositoryUri
      image_tag_mutability = repository.imageTagMutability
      encryption_configuration = [for e in [repository.encryptionConfiguration] : {
        encryption_type = e.encryptionType
        kms_key         = fallback(e.kmsKey, "")
      } if e != null]
      image_scanning_configuration = [for s in [repository.imageScanningConfiguration] : { scan_on_push = s.scanOnPush == true } if s != null]
      image_tag_mutability_exclusion_filter = [for f in repository.imageTagMutabilityExclusionFilters : {
        filter = f.filter, filter_type = f.filterType
      }]
    }
  }
  update {
    call "PutImageTagMutability" {
      when = changed("image_tag_mutability", "image_tag_mutability_exclusion_filter")
      request = {
        repositoryName     = self.id
        registryId         = self.registry_id
        imageTagMutability = self.image_tag_mutability
        imageTagMutabilityExclusionFilters = nonempty([for f in self.image_tag_mutability_exclusion_filter : {
          filter = f.filter, filterType = f.filter_type
        }])
      }
    }
    call "PutImageScanningConfiguration" {
      when = changed("image_scanning_configuration")
      request = {
        repositoryName             = self.id
        registryId                 = self.registry_id
        imageScanningConfiguration = { scanOnPush = self.image_scanning_configuration[0].scan_on_push == true }
      }
    }
  }
  delete {
    call "DeleteRepository" {
      request = { repositoryName = self.id, registryId = self.registry_id, force = self.force_delete == true ? true : null }
      gone    = ["RepositoryNotFoundException"]
    }
    wait "DescribeRepositories" {
      request = { repositoryNames = [self.id] }
      gone    = ["RepositoryNotFoundException"]
      value   = result.repositories[0].repositoryName
      timeout = "20m"
    }
  }
  tags {
    resource = "arn:${provider.partition}:ecr:${self.region}:${provider.account_id}:repository/${self.id}"
    read     = true
  }
}

data "aws_ecr_repository" {
  service = "ecr"
  schema {
    name                   = required(string)
    registry_id            = optional(string, computed)
    arn                    = computed(string)
    repository_url         = computed(string)
    image_tag_mutability   = computed(string)
    most_recent_image_tags = computed(list(string))
    tags                   = computed(map(string))
    list "encryption_configuration" computed {
      encryption_type = computed(string)
      kms_key         = computed(string)
    }
    list "image_scanning_configuration" computed {
      scan_on_push = computed(bool)
    }
    list "image_tag_mutability_exclusion_filter" computed {
      filter      = computed(string)
      filter_type = computed(string)
    }
  }
  read {
    call "DescribeRepositories" {
      request = { repositoryNames = [self.name], registryId = nonempty(self.registry_id) }
      id      = result.repositories[0].repositoryName
    }
    let { repository = result.repositories[0] }
    call "ListTagsForResource" "tagged" {
      request = { resourceArn = repository.repositoryArn }
    }
    call "DescribeImages" "described" {
      request  = { repositoryName = self.name, registryId = nonempty(self.registry_id) }
      paginate = { input = "nextToken", output = "nextToken", items = "imageDetails" }
    }
    let { latest = max(concat([0], [for i in described.imageDetails : i.imagePushedAt])...) }
    state = {
      arn                    = repository.repositoryArn
      registry_id            = repository.registryId
      repository_url         = repository.repositoryUri
      image_tag_mutability   = repository.imageTagMutability
      most_recent_image_tags = fallback([for i in described.imageDetails : i.imageTags if i.imagePushedAt == latest][0], [])
      tags                   = tag_map(tagged.tags)
      encryption_configuration = [for e in [repository.encryptionConfiguration] : {
        encryption_type = e.encryptionType
        kms_key         = fallback(e.kmsKey, "")
      } if e != null]
      image_scanning_configuration = [for s in [repository.imageScanningConfiguration] : { scan_on_push = s.scanOnPush == true } if s != null]
      image_tag_mutability_exclusion_filter = [for f in repository.imageTagMutabilityExclusionFilters : {
        filter = f.filter, filter_type = f.filterType
      }]
    }
  }
}
