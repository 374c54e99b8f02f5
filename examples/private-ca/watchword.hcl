# Client certificates of a CA of our own, in three formats. README.md makes them.

variable "port" {
  type        = number
  default     = 8443
  description = "Where the API of the README listens on this machine"
}

secret "passphrase" {
  file = "pki/passphrase"
}

# One PEM file with everything in it.
certificate "orders" {
  host = "orders.acme.example"
  pem  = "pki/orders.pem"
  ca   = "pki/root.crt"
}

# Two PEM files; the key is encrypted.
certificate "billing" {
  host       = "billing.acme.example"
  cert       = "pki/billing.crt"
  key        = "pki/billing.key"
  passphrase = secret.passphrase
  ca         = "pki/root.crt"
}

# A PKCS#12 bundle. It is for all other hosts of the domain.
certificate "partner" {
  host       = "*.acme.example"
  pkcs12     = "pki/partner.p12"
  passphrase = secret.passphrase
  ca         = "pki/root.crt"
}

defaults {
  schedule = "@every 1m"

  # DNS knows none of these hosts: all of them are on this machine.
  request {
    connect_to = "127.0.0.1:${var.port}"
  }
  expect = [
    status == 200,
    tls.client_certificate_requested,
  ]
}

check "orders" {
  request {
    url = "https://orders.acme.example/"
  }
}

check "billing" {
  request {
    url = "https://billing.acme.example/"
  }
}

check "partner" {
  request {
    url = "https://partner.acme.example/"
  }
}

check "refuses-strangers" {
  request {
    url  = "https://orders.acme.example/"
    mtls = false
  }
  expect_failure = ["client_cert_required"]
}
