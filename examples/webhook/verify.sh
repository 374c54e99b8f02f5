#!/usr/bin/env bash
# Verifies a webhook: verify.sh ID TIMESTAMP SIGNATURE < body, with the headers webhook-id, webhook-timestamp and
# webhook-signature, and the signing secret in SIGNING_SECRET. Exit code 0 if it is genuine and at most 5 minutes old.
# While a key is replaced there are several signatures, with spaces between them: one of them has to be right.
# While openssl runs, `ps` shows the key to other users of the machine: a program of yours had better use a library.
set -euo pipefail
id=$1 timestamp=$2 signatures=$3
case $SIGNING_SECRET in
  whsec_*) key=$(printf '%s\n' "${SIGNING_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n') ;;
  *) key=$(printf '%s' "$SIGNING_SECRET" | od -An -v -tx1 | tr -d ' \n') ;;
esac
age=$(($(date +%s) - timestamp))
want=v1,$({ printf '%s.%s.' "$id" "$timestamp" && cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
[[ " $signatures " == *" $want "* ]] || { echo "the signature is wrong" >&2; exit 1; }
((age <= 300 && age >= -300)) || { echo "the message is ${age}s old" >&2; exit 1; }
