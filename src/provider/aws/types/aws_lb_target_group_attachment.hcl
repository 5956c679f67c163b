resource "aws_lb_target_group_attachment" {
  service = "elbv2"
  alias   = ["aws_alb_target_group_attachment"]
  schema {
    availability_zone = optional(string, force_new)
    port              = optional(number, force_new, range(1, 65535))
    quic_server_id    = optional(string, unsupported("there are no network load balancers"))
    target_group_arn  = required(string, force_new, arn())
    target_id         = required(string, force_new)
  }
  create {
    call "RegisterTargets" {
      request = {
        TargetGroupArn = self.target_group_arn
        Targets        = [{ Id = self.target_id, Port = self.port, AvailabilityZone = nonempty(self.availability_zone) }]
      }
      id = unique_id("${self.target_group_arn}-")
    }
  }
  read {
    call "DescribeTargetHealth" {
      request = {
        TargetGroupArn = self.target_group_arn
        Targets        = [{ Id = self.target_id, Port = self.port, AvailabilityZone = nonempty(self.availability_zone) }]
      }
      gone = ["TargetGroupNotFound", "InvalidTarget"]
    }
    gone {
      when = contains(["Target.NotRegistered", "Target.DeregistrationInProgress"], fallback(result.TargetHealthDescriptions[0].TargetHealth.Reason, ""))
    }
    state = {
      target_group_arn = self.target_group_arn
      target_id        = self.target_id
    }
  }
  delete {
    call "DeregisterTargets" {
      request = {
        TargetGroupArn = self.target_group_arn
        Targets        = [{ Id = self.target_id, Port = self.port, AvailabilityZone = nonempty(self.availability_zone) }]
      }
      gone = ["TargetGroupNotFound", "InvalidTarget"]
    }
  }
}
