# One API behind mutual TLS, checked every minute, told in Slack.

secret "slack_token" {
  env = "SLACK_TOKEN"
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
    json.database == "up",
  ]
}

receiver "slack" "oncall" {
  token   = secret.slack_token
  channel = "#oncall"
}
