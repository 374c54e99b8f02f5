# Read by the service and by people who run commands by hand: paths are absolute
# or start here, in /etc/watchword.

settings {
  state    = "/var/lib/watchword/watchword.db"
  location = "fra1"
}

secret "slack_token" {
  file = "slack-token"
}

certificate "acme" {
  host = "*.acme.example"
  cert = "certs/acme.crt"
  key  = "certs/acme.key"
}

check "orders" {
  schedule = "@every 1m"

  request {
    url = "https://orders.acme.example/health"
  }
  expect = [
    status == 200,
    tls.days_left > 14,
  ]
}

receiver "slack" "oncall" {
  token   = secret.slack_token
  channel = "#oncall"
}
