data "aws_ecr_repositories" {
  service = "ecr"
  schema {
    names = computed(set(string))
  }
  read {
    call "DescribeRepositories" {
      paginate = { input = "nextToken", output = "nextToken", items = "repositories" }
      id       = provider.region
    }
    state = { names = [for r in result.repositories : r.repositoryName] }
  }
}
