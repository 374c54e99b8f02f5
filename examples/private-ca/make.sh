#!/bin/sh
# Makes all that README.md makes step by step, in pki/ beside this script.
set -eu
cd "$(dirname "$0")"

umask 077
mkdir pki
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pki/root.key
openssl req -new -x509 -config ca.cnf -extensions root -days 3650 -key pki/root.key -out pki/root.crt

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pki/issuing.key
openssl req -new -config ca.cnf -subj "/O=Acme/CN=Acme Issuing CA" -key pki/issuing.key -out pki/issuing.csr
openssl x509 -req -in pki/issuing.csr -CA pki/root.crt -CAkey pki/root.key -days 1825 -extfile ca.cnf -extensions issuing -out pki/issuing.crt

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pki/server.key
openssl req -new -config ca.cnf -subj "/CN=acme.example" -key pki/server.key -out pki/server.csr
openssl x509 -req -in pki/server.csr -CA pki/issuing.crt -CAkey pki/issuing.key -days 397 -extfile ca.cnf -extensions server -out pki/server.crt

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pki/orders.key
openssl req -new -config ca.cnf -subj "/O=Acme/CN=orders probe" -key pki/orders.key -out pki/orders.csr
openssl x509 -req -in pki/orders.csr -CA pki/issuing.crt -CAkey pki/issuing.key -days 397 -extfile ca.cnf -extensions client -out pki/orders.crt
cat pki/orders.crt pki/issuing.crt pki/orders.key > pki/orders.pem

openssl rand -base64 24 > pki/passphrase
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -aes256 -pass file:pki/passphrase -out pki/billing.key
openssl req -new -config ca.cnf -subj "/O=Acme/CN=billing probe" -key pki/billing.key -passin file:pki/passphrase -out pki/billing.csr
openssl x509 -req -in pki/billing.csr -CA pki/issuing.crt -CAkey pki/issuing.key -days 397 -extfile ca.cnf -extensions client -out pki/billing.leaf
cat pki/billing.leaf pki/issuing.crt > pki/billing.crt

openssl genpkey -algorithm Ed25519 -out pki/partner.key
openssl req -new -config ca.cnf -subj "/O=Acme/CN=partner probe" -key pki/partner.key -out pki/partner.csr
openssl x509 -req -in pki/partner.csr -CA pki/issuing.crt -CAkey pki/issuing.key -days 397 -extfile ca.cnf -extensions client -out pki/partner.crt
openssl pkcs12 -export -in pki/partner.crt -inkey pki/partner.key -certfile pki/issuing.crt -passout file:pki/passphrase -out pki/partner.p12
