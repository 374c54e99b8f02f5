# The configuration of the demo. The names end in .test, which exists nowhere:
# connect_to leads every request to the demo's own API on loopback, while the
# certificate is chosen, and the server verified, by the name in the URL.

variable "listen" { type = string }
variable "api" { type = string }
variable "partner" { type = string }
variable "slack_api" { type = string }

settings {
  listen   = var.listen
  location = "demo"
}

secret "slack_token" { env = "DEMO_SLACK_TOKEN" }

# Goes along with every request to a host that ends in .acme.test …
certificate "acme-wildcard" {
  host  = "*.acme.test"
  pem   = "acme-wildcard.pem"
  ca    = "acme-ca.pem"
  added = "2026-03-01"
}

# … but not with reports.acme.test: an exact host beats a pattern. This one
# has six days left.
certificate "reports" {
  host = "reports.acme.test"
  pem  = "reports.pem"
  ca   = "acme-ca.pem"
}

# Issued by a CA that the partner does not know.
certificate "partner" {
  host = "api.partner.test"
  pem  = "partner.pem"
  ca   = "partner-ca.pem"
}

defaults {
  schedule = "@every 3s"
  timeout  = "2s"
  alert { after = 2 }
  request { connect_to = var.api }
}

check "orders" {
  description = "Passes, with the wildcard certificate"
  request { url = "https://orders.acme.test/health" }
  expect = [status == 200, json.database == "up", tls.days_left > 14]
}

check "search" {
  description = "Answers slowly for a while"
  request { url = "https://search.acme.test/health" }
  degraded_if = [timing.total > 0.25]
}

check "payments" {
  description = "Loses its database for a while"
  labels      = { team = "payments" }
  alert {
    severity     = "critical"
    remind_every = "20s"
  }
  request { url = "https://payments.acme.test/health" }
  expect = [status == 200, json.database == "up"]
}

check "reports" {
  description = "Passes, with a certificate that is about to expire"
  request { url = "https://reports.acme.test/health" }
}

check "partner" {
  description = "Is refused: the partner does not know the issuer of our certificate"
  request {
    url        = "https://api.partner.test/status"
    connect_to = var.partner
  }
}

check "strangers-are-refused" {
  description = "Passes because the API refuses whoever shows no certificate"
  request {
    url  = "https://orders.acme.test/health"
    mtls = false
  }
  expect_failure = ["client_cert_required"]
}

receiver "slack" "demo" {
  token   = secret.slack_token
  channel = "#alerts"
  api_url = var.slack_api
}
