# Team clearing: the bank's API, the partner's ledger, and a host that no
# certificate of ours is for.

check "clearing-window" {
  description = "The bank accepts files before the cut-off at 17:00"
  schedule    = "0 8-17 * * MON-FRI"
  splay       = "2m"
  labels      = { team = "clearing" }

  request {
    url   = "https://clearing.bank.example/api/status"
    query = { currency = "EUR" }
  }
  expect = [
    status == 200,
    contains(["open", "closing"], json.window),
  ]
}

check "ledger" {
  labels = { team = "clearing" }

  request {
    url              = "https://books.ledger.example/ping"
    follow_redirects = false
  }
  expect = [status == 204]
}

# mtls = true demands a certificate: none is for this host, so it is the
# primary that goes along.
check "settlement" {
  labels = { team = "clearing" }

  request {
    url  = "https://settlement.central.example/v1/position"
    mtls = true
  }
}

# The next gateway is tried out under its later name before DNS points at it.
check "gateway-next" {
  labels  = { team = "clearing" }
  enabled = var.env == "live"

  request {
    url         = "https://gateway.${local.domain}/health"
    connect_to  = "10.20.0.15:443"
    certificate = certificate.payments
  }
}
