# Team cards: the certificate "cards" goes along by host.

locals {
  cards = "https://cards.${local.domain}"
}

check "cards-health" {
  description = "The card gateway answers and reaches its database"
  labels      = { team = "cards" }

  request {
    url = "${local.cards}/health"
  }
  expect = [
    status == 200,
    json.database == "up",
    tls.days_left > 14,
    tls.client_certificate_requested,
  ]
}

secret "cards_password" {
  env = "CARDS_PROBE_PASSWORD"
}

check "cards-authorize" {
  description = "A test card can be authorized"
  schedule    = "*/5 6-22 * * *"
  timeout     = "15s"
  labels      = { team = "cards" }
  runbook     = "https://wiki.payments.example/cards/authorize"

  request {
    method = "POST"
    url    = "https://auth.cards.example/v2/authorizations"
    json = {
      card      = "4111111111111111"
      amount    = { value = 100, currency = "EUR" }
      reference = uuid()
    }
    basic_auth = {
      username = "probe"
      password = secret.cards_password
    }
    max_body = "64KiB"
  }
  expect = [
    status == 201,
    matches(json.id, "^auth_[0-9a-f]+$"),
    json.reference == jsondecode(request.body).reference,
  ]
  degraded_if = [timing.wait > 2]

  alert {
    severity = "critical"
  }
}

# A gateway that lets in whoever shows no certificate is an incident as well.
check "cards-refuses-strangers" {
  schedule = "@hourly"
  labels   = { team = "cards" }

  request {
    url  = "${local.cards}/health"
    mtls = false
  }
  expect_failure = ["client_cert_required"]

  alert {
    after    = 1
    severity = "critical"
  }
}
