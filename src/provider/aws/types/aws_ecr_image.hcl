data "aws_ecr_image" {
  service = "ecr"
  schema {
    repository_name     = required(string)
    registry_id         = optional(string, computed)
    image_digest        = optional(string, computed)
    image_tag           = optional(string)
    most_recent         = optional(bool)
    image_pushed_at     = computed(number)
    image_size_in_bytes = computed(number)
    image_tags          = computed(list(string))
    image_uri           = computed(string)
  }
  read {
    error {
      when    = self.image_digest == null && self.image_tag == null && self.most_recent != true
      summary = "Invalid configuration"
      detail  = "At least one of \"image_digest\", \"image_tag\" or \"most_recent\" must be set."
    }
    call "DescribeRepositories" "repositories" {
      request = { repositoryNames = [self.repository_name], registryId = nonempty(self.registry_id) }
    }
    call "DescribeImages" {
      request = {
        repositoryName = self.repository_name
        registryId     = nonempty(self.registry_id)
        imageIds = (self.image_digest == null && self.image_tag == null ? null
          : [{ imageDigest = nonempty(self.image_digest), imageTag = nonempty(self.image_tag) }])
      }
      paginate = { input = "nextToken", output = "nextToken", items = "imageDetails" }
    }
    let { latest = max(concat([0], [for i in result.imageDetails : i.imagePushedAt])...) }
    let { image = [for i in result.imageDetails : i if self.most_recent != true || i.imagePushedAt == latest][0] }
    error {
      when    = image == null
      summary = "No such image"
      detail  = "The repository \"${self.repository_name}\" has no image that matches."
    }
    set { id = image.imageDigest }
    state = {
      registry_id         = image.registryId
      image_digest        = image.imageDigest
      image_pushed_at     = floor(image.imagePushedAt)
      image_size_in_bytes = fallback(image.imageSizeInBytes, 0)
      image_tags          = fallback(image.imageTags, [])
      image_uri           = "${repositories.repositories[0].repositoryUri}@${image.imageDigest}"
    }
  }
}
