# The daemon, what every check has, and the certificates. The teams' checks
# are in teams/, where messages go is in alerting.hcl.

settings {
  location           = var.location
  timezone           = "Europe/Berlin"
  grafana_url        = "https://grafana.payments.example"
  source_url         = "https://git.payments.example/monitoring/blob/main"
  certificate_expiry = ["45d", "14d", "7d", "1d"]
}

variable "env" {
  type        = string
  default     = "live"
  description = "Part of every host name"
}

variable "location" {
  type    = string
  default = "fra1"
}

locals {
  domain = "${var.env}.payments.example"
}

defaults {
  schedule = "@every 1m"
  timeout  = "5s"
  labels   = { env = var.env }

  request {
    headers = {
      Accept     = "application/json"
      User-Agent = "watchword (payments)"
    }
  }
  degraded_if = [timing.total > 1.5]

  alert {
    after         = 2
    recover_after = 2
    remind_every  = "4h"
  }
}
