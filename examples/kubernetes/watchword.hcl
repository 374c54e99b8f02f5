# Mounted as a ConfigMap at /etc/watchword. The paths are those of the volumes
# in deployment.yaml: a folder for each Secret.

settings {
  listen   = "0.0.0.0:9780"
  state    = "/var/lib/watchword/watchword.db"
  location = "cluster-1"
}

secret "slack_token" { file = "/var/run/secrets/watchword/slack/token" }

receiver "slack" "oncall" {
  token   = secret.slack_token
  channel = "#oncall"
}

# cert-manager writes a new certificate and key into the Secret, and Kubernetes
# swaps the whole folder: watchword takes both at once, without a restart.
certificate "payments" {
  host = "*.payments.example"
  cert = "/var/run/secrets/watchword/payments/tls.crt"
  key  = "/var/run/secrets/watchword/payments/tls.key"
  ca   = "/var/run/secrets/watchword/payments/ca.crt" # of the private CA that the servers come from too
}

certificate "partner" {
  host = "api.partner.example"
  cert = "/var/run/secrets/watchword/partner/tls.crt"
  key  = "/var/run/secrets/watchword/partner/tls.key"
}

defaults {
  schedule = "@every 1m"
  timeout  = "10s"
}

check "ledger" {
  request { url = "https://ledger.payments.example/healthz" }
  expect = [status == 200]
}

check "partner" {
  request { url = "https://api.partner.example/v1/status" }
  expect = [status == 200, json.state == "up"]
}
