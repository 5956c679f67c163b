data "aws_region" {
  service = "ec2"
  schema {
    name        = optional(string, computed, deprecated("use region instead"))
    endpoint    = optional(string, computed, conflicts("name"))
    description = computed(string)
  }
  read {
    let {
      descriptions = {
        af-south-1     = "Africa (Cape Town)"
        ap-east-1      = "Asia Pacific (Hong Kong)"
        ap-northeast-1 = "Asia Pacific (Tokyo)"
        ap-northeast-2 = "Asia Pacific (Seoul)"
        ap-northeast-3 = "Asia Pacific (Osaka)"
        ap-south-1     = "Asia Pacific (Mumbai)"
        ap-south-2     = "Asia Pacific (Hyderabad)"
        ap-southeast-1 = "Asia Pacific (Singapore)"
        ap-southeast-2 = "Asia Pacific (Sydney)"
        ap-southeast-3 = "Asia Pacific (Jakarta)"
        ap-southeast-4 = "Asia Pacific (Melbourne)"
        ca-central-1   = "Canada (Central)"
        ca-west-1      = "Canada West (Calgary)"
        cn-north-1     = "China (Beijing)"
        cn-northwest-1 = "China (Ningxia)"
        eu-central-1   = "Europe (Frankfurt)"
        eu-central-2   = "Europe (Zurich)"
        eu-north-1     = "Europe (Stockholm)"
        eu-south-1     = "Europe (Milan)"
        eu-south-2     = "Europe (Spain)"
        eu-west-1      = "Europe (Ireland)"
        eu-west-2      = "Europe (London)"
        eu-west-3      = "Europe (Paris)"
        il-central-1   = "Israel (Tel Aviv)"
        me-central-1   = "Middle East (UAE)"
        me-south-1     = "Middle East (Bahrain)"
        sa-east-1      = "South America (Sao Paulo)"
        us-east-1      = "US East (N. Virginia)"
        us-east-2      = "US East (Ohio)"
        us-gov-east-1  = "AWS GovCloud (US-East)"
        us-gov-west-1  = "AWS GovCloud (US-West)"
        us-west-1      = "US West (N. California)"
        us-west-2      = "US West (Oregon)"
      }
      # "ec2.eu-west-1.amazonaws.com" names its region.
      of_endpoint = config.endpoint == null ? null : split(".", config.endpoint)[1]
    }
    let { found = fallback(config.name, config.region, of_endpoint, provider.region) }
    error {
      when    = config.endpoint != null && config.endpoint != "ec2.${of_endpoint}.${provider.dns_suffix}"
      summary = "Your query returned no results"
      detail  = "No region has the endpoint ${fallback(config.endpoint, "")}."
    }
    state = {
      id          = found
      region      = found
      name        = found
      endpoint    = "ec2.${found}.${provider.dns_suffix}"
      description = lookup(descriptions, found, found)
    }
  }
}
