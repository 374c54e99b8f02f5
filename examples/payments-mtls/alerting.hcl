# Who is told. Routes are tried in order; the first that matches is taken,
# unless it continues.

secret "slack_token" {
  env = "SLACK_TOKEN"
}

secret "cards_webhook" {
  file = "/run/secrets/cards_webhook"
}

receiver "slack" "oncall" {
  token   = secret.slack_token
  channel = "#payments-oncall"
}

receiver "slack" "noise" {
  token   = secret.slack_token
  channel = "#payments-monitoring"
}

receiver "slack" "cards" {
  webhook_url = secret.cards_webhook
}

# Critical: whoever is on call, whatever the team. The team's own channel too.
route {
  match     = { severity = "critical" }
  receivers = [receiver.slack.oncall]
  continue  = true
}

route {
  match     = { team = "cards*" }
  receivers = [receiver.slack.cards]
}

route {
  receivers = [receiver.slack.noise]
}
