# Which certificate goes with which host: a full name goes before a pattern,
# and of several patterns the one that was added last wins.

# As the bank sends it: a PKCS#12 bundle with the chain and the key, and a
# passphrase by another way.
certificate "clearing" {
  host       = "clearing.bank.example"
  pkcs12     = "certs/clearing.p12"
  passphrase = secret.clearing_p12
  ca         = "certs/bank-ca.pem"
  added      = "2026-02-10"

  system_roots = false # only the bank's own CA may sign its servers
}

secret "clearing_p12" {
  env = "CLEARING_P12_PASSPHRASE"
}

# Every host of ours that has no certificate of its own.

certificate "payments" {
  host  = "*.${local.domain}"
  cert  = "certs/payments-2025.crt"
  key   = "certs/payments-2025.key"
  added = "2025-06-01"
}

# Stands beside "payments", whose pattern covers the first of these hosts too:
# a full name goes first, whatever was added when. Its key is encrypted.
certificate "cards" {
  hosts      = ["cards.${local.domain}", "{auth,capture}.cards.example"]
  cert       = "certs/cards.crt"
  key        = "certs/cards.key"
  passphrase = secret.cards_key
  added      = "2025-03-01T09:00:00Z"
}

secret "cards_key" {
  file = "/run/secrets/cards_key"
}

# What no other certificate is for, and a request demands one (mtls = true).
certificate "company" {
  pem     = "certs/company.pem" # chain and key in one file
  primary = true
}

# No client certificate: the partner's servers come from a CA of their own.
certificate "ledger-ca" {
  host = "*.ledger.example"
  ca   = "certs/ledger-ca.pem"
}
