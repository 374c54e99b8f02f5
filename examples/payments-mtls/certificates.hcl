# Which certificate goes with which host: a full name goes before a pattern,
# and of several patterns the one that was added last wins.

certificate "clearing" {
  host  = "clearing.bank.example"
  pem   = "certs/clearing.pem" # chain and key in one file
  ca    = "certs/bank-ca.pem"
  added = "2026-02-10"

  system_roots = false # only the bank's own CA may sign its servers
}

certificate "payments" {
  host  = "*.${local.domain}"
  cert  = "certs/payments-2025.crt"
  key   = "certs/payments-2025.key"
  added = "2025-06-01"
}

# Took over from "payments" for the card network alone, and for all it serves.
certificate "cards" {
  hosts = ["cards.${local.domain}", "{auth,capture}.cards.example"]
  cert  = "certs/cards.crt"
  key   = "certs/cards.key"
  added = "2026-03-01T09:00:00Z"
}

# What no other certificate is for, and a request demands one (mtls = true).
certificate "company" {
  pem     = "certs/company.pem"
  primary = true
}

# No client certificate: the partner's servers come from a CA of their own.
certificate "ledger-ca" {
  host = "*.ledger.example"
  ca   = "certs/ledger-ca.pem"
}
