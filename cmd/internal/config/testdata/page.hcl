settings {
  listen   = "127.0.0.1:9780"          # non-loopback needs a web config with authentication
  state    = "watchword.db"
  location = "fra1"                    # label `location` on every metric and alert
  timezone = "UTC"                     # for cron schedules and maintenance
}

variable "env" {
  type    = string
  default = "prod"                     # --var env=staging, --var-file, WATCHWORD_VAR_env
}
locals {
  api = "https://api.${var.env}.acme.com"
}

secret "probe_password" { env  = "PROBE_PASSWORD" }
secret "acme_key"       { file = "/run/secrets/acme_key" }
secret "slack_token"    { command = ["vault", "kv", "get", "-field=token", "kv/slack"] }
secret "partner_key"    { age_file = "partner_key.age" }     # encrypted at rest, opened with --age-identity

certificate "acme-wildcard" {
  host       = "*.acme.com"
  cert       = "acme.crt"
  key        = "acme.key"
  passphrase = secret.acme_key
  ca         = "acme-ca.pem"
  added      = "2026-03-01T09:00:00Z"
}
certificate "partner" {
  hosts  = ["partner.example", "*.partner.example"]
  pkcs12 = "partner.p12"
  passphrase = secret.partner_key
}
certificate "company" {
  pem     = "company.pem"              # certificate chain and key in one file
  primary = true                       # at most one
}

defaults {
  schedule = "@every 1m"
  timeout  = "10s"
  alert { after = 2 }
}

group "orders" {
  labels = { team = "orders" }

  check "health" {
    schedule = "*/5 * * * *"
    request {
      url     = "${local.api}/orders/health"
      headers = { Accept = "application/json" }
    }
    expect = [
      status == 200,
      json.database == "up",
      tls.days_left > 14,
    ]
    degraded_if = [timing.total > 0.8]
  }

  check "checkout" {
    description = "A customer can log in, order and cancel"
    depends_on  = [check.orders.health]
    alert { severity = "critical" }

    step "login" {
      request {
        method = "POST"
        url    = "${local.api}/login"
        json   = { user = "probe", password = secret.probe_password }
      }
      expect = [status == 200]
    }
    step "order" {
      request {
        method       = "POST"
        url          = "${local.api}/orders"
        bearer_token = step.login.json.token
        json         = { sku = "probe-1", reference = uuid() }
        mtls         = true            # a certificate must go along: chosen by host, else the primary
      }
      expect = [status == 201, matches(json.id, "^ord_")]
    }
    step "cancel" {
      always = true                    # runs even when an earlier step failed, if its values are known
      request {
        method       = "DELETE"
        url          = "${local.api}/orders/${step.order.json.id}"
        bearer_token = step.login.json.token
      }
    }
  }
}

check "edge" {
  for_each = { fra = "fra.acme.com", nyc = "nyc.acme.com" }    # edge[fra] and edge[nyc]; check.edge["fra"] in expressions
  request { url = "https://${each.value}/ping" }
}

receiver "slack" "oncall" {
  token   = secret.slack_token
  channel = "#oncall"
}

check "orders-refuses-strangers" {
  request {
    url  = "https://orders.acme.com/"
    mtls = false
  }
  expect_failure = ["client_cert_required"]     # passes only if the API refuses whoever shows no certificate
}

receiver "alertmanager" "main" { url = "http://127.0.0.1:9093" }

route {
  match     = { severity = "critical" }
  receivers = [receiver.slack.oncall, receiver.alertmanager.main]
}
route { receivers = [receiver.alertmanager.main] }             # no match: everything that is left

maintenance "deploy" {
  schedule = "0 2 * * SUN"
  duration = "2h"
  timezone = "Europe/Berlin"
  match    = { team = "orders" }
}
