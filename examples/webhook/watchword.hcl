# Where messages go: a ticket system behind mutual TLS, which verifies who posts.
secret "tickets_token" { env = "TICKETS_TOKEN" }
secret "tickets_signing" { env = "TICKETS_SIGNING_SECRET" }

receiver "webhook" "tickets" {
  url            = "https://tickets.acme.example/hooks/watchword"
  headers        = { Authorization = "Bearer ${secret.tickets_token}" }
  signing_secret = secret.tickets_signing
  timeout        = "5s"
}

# It goes along to the ticket system and to the API alike: both hosts match.
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
  expect = [status == 200, json.database == "up"]
}
