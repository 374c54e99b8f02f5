# A customer logs in, orders and cancels, in several places; and what must run
# for that to be of any use.

variable "domain" {
  type    = string
  default = "acme.example"
}

secret "probe_password" {
  env = "PROBE_PASSWORD"
}

certificate "acme" {
  host = "*.acme.example"
  cert = "certs/acme.crt"
  key  = "certs/acme.key"
}

group "orders" {
  schedule = "@every 5m"
  timeout  = "10s"
  labels   = { team = "orders" }

  # Merged into the request of every check and step below.
  request {
    headers = { Accept = "application/json" }
  }

  check "health" {
    schedule = "@every 1m"

    request {
      url = "https://orders.${var.domain}/health"
    }
    expect = [status == 200, json.database == "up"]
  }

  check "checkout" {
    description = "A customer can log in, order and cancel, in ${each.key}"
    for_each    = { fra = "fra.${var.domain}", nyc = "nyc.${var.domain}" }
    labels      = { region = each.key }
    depends_on  = [check.orders.health]

    # One more try when the connection fails, not when the answer is wrong.
    retry {
      attempts = 2
      delay    = "2s"
      only_on  = ["connect", "timeout"]
    }
    alert {
      severity = "critical"
    }

    step "login" {
      request {
        method = "POST"
        url    = "https://${each.value}/login"
        json   = { user = "probe", password = secret.probe_password }
      }
      expect = [status == 200]
    }

    step "order" {
      request {
        method       = "POST"
        url          = "${step.login.json.shop}/orders"
        bearer_token = step.login.json.token
        json         = { sku = "probe-1", reference = uuid() }
        mtls         = true
      }
      expect = [
        status == 201,
        matches(json.id, "^ord_"),
        json.owner == step.login.json.user,
        json.reference == jsondecode(request.body).reference,
      ]
      degraded_if = [timing.total + step.login.timing.total > 2]
    }

    # Cleans up whatever came of the order, as long as it has an id.
    step "cancel" {
      always = true

      request {
        method       = "DELETE"
        url          = "${step.login.json.shop}/orders/${step.order.json.id}"
        bearer_token = step.login.json.token
      }
      expect = [status == 204]
    }
  }
}
