#!/bin/sh
# Makes a CA and what a TLS server may show, good for a day: sh make-certs.sh FOLDER
#   ca.pem                    the CA
#   good.{key,pem}            for id.test, localhost, 127.0.0.1 and ::1
#   wronghost.{key,pem}       for other.test
#   expired.{key,pem}         for id.test, in January 2020
#   selfsigned.{key,pem}      for id.test, vouched for by nobody
set -eu
mkdir -p "$1" && cd "$1"
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
# shellcheck disable=SC2086
{
  openssl req -x509 $key -keyout ca.key -out ca.pem -days 1 -subj "/CN=test CA" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -x509 $key -keyout selfsigned.key -out selfsigned.pem -days 1 -subj /CN=self \
    -addext subjectAltName=DNS:id.test -addext basicConstraints=critical,CA:FALSE
}
cat > ca.cnf <<END
[ca]
default_ca = test
[test]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
: > index
certificate() { # name, names in it, when it begins and ends
  printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2" > extensions
  # shellcheck disable=SC2086
  openssl req $key -keyout "$1.key" -out request -subj "/CN=$1"
  openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in request -out "$1.pem" -extfile extensions $3
}
certificate good DNS:id.test,DNS:localhost,IP:127.0.0.1,IP:::1 "-days 1"
certificate wronghost DNS:other.test "-days 1"
certificate expired DNS:id.test "-startdate 200101000000Z -enddate 200201000000Z"
