#!/bin/sh
# Before the first start: passwords, a CA of our own, the broker's certificate, users and ACL. Running again changes
# nothing that exists. With CLINIC and GATEWAY as arguments: makes (or renews) that gateway's user and prints its URL.
#
#   /deploy/secrets/   passwords, ca.crt, ca.key, env (the lines for your shell); owned by whoever owns /deploy
#   /broker/           what Mosquitto reads: configuration, server key, hashed passwords, ACL; owned by its user
set -eu
umask 077
DEPLOY="${DEPLOY_DIR:-/deploy}"
BROKER="${BROKER_DIR:-/broker}"
SECRETS="$DEPLOY/secrets"
PG_PORT="${HEARTHLINE_POSTGRES_PORT:-5432}"
MQTT_PORT="${HEARTHLINE_MOSQUITTO_PORT:-8883}"

need_openssl() {
    command -v openssl >/dev/null || apk add --no-cache openssl >/dev/null || {
        echo "prepare: openssl could not be installed; is the network reachable from Docker?" >&2
        exit 1
    }
}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

secret() { # NAME
    [ -s "$SECRETS/$1.password" ] || random >"$SECRETS/$1.password"
    cat "$SECRETS/$1.password"
}

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

certificates() {
    [ ! -s "$BROKER/server.crt" ] || [ ! -s "$SECRETS/ca.crt" ] || return 0
    need_openssl
    if [ ! -s "$SECRETS/ca.crt" ]; then
        key "$SECRETS/ca.key"
        openssl req -x509 -new -key "$SECRETS/ca.key" -sha256 -days 3650 -subj "/CN=Hearthline local CA" \
            -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
            -out "$SECRETS/ca.crt"
    fi
    key "$BROKER/server.key"
    printf '%s\n' "subjectAltName=DNS:localhost,DNS:mosquitto,IP:127.0.0.1" "basicConstraints=critical,CA:FALSE" \
        "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth" "authorityKeyIdentifier=keyid" >"$BROKER/server.ext"
    openssl req -new -key "$BROKER/server.key" -subj "/CN=localhost" -out "$BROKER/server.csr"
    openssl x509 -req -in "$BROKER/server.csr" -CA "$SECRETS/ca.crt" -CAkey "$SECRETS/ca.key" -sha256 -days 825 \
        -set_serial "0x$(random | cut -c1-32)" -extfile "$BROKER/server.ext" -out "$BROKER/server.crt" 2>/dev/null
    rm -f "$BROKER/server.ext" "$BROKER/server.csr"
}

set_password() { # USER PASSWORD
    printf '%s:%s\n' "$1" "$2" >"$BROKER/line"
    mosquitto_passwd -U "$BROKER/line"
    touch "$BROKER/passwords"
    { awk -F: -v user="$1" '$1 != user' "$BROKER/passwords"; cat "$BROKER/line"; } >"$BROKER/passwords.new"
    mv "$BROKER/passwords.new" "$BROKER/passwords"
    rm -f "$BROKER/line"
}

acl() {
    {
        printf 'user hl-ingest\n'
        printf 'topic read hl/v1/+/+/%s\n' readings status
        printf 'topic write hl/v1/+/+/%s\n' receipts desired
        awk -F: '$1 ~ "/" {
            split($1, part, "/")
            branch = "hl/v1/" part[1] "/" part[2]
            print "\nuser " $1
            print "topic write " branch "/readings\ntopic write " branch "/status"
            print "topic read " branch "/receipts\ntopic read " branch "/desired"
        }' "$BROKER/passwords"
    } >"$BROKER/acl.new"
    mv "$BROKER/acl.new" "$BROKER/acl"
}

# deploy/secrets/env is sourced from the project's root, so that the CA's path is absolute wherever the clone is.
env_file() {
    {
        echo "HEARTHLINE_DATABASE_URL=postgresql://postgres:$(secret postgres)@127.0.0.1:$PG_PORT/postgres"
        echo "HEARTHLINE_MQTT_URL=mqtts://hl-ingest:$(secret hl-ingest)@127.0.0.1:$MQTT_PORT"
        # shellcheck disable=SC2016
        echo 'HEARTHLINE_MQTT_CA="$PWD/deploy/secrets/ca.crt"'
    } >"$SECRETS/env"
}

hand_over() {
    chown -R "$(stat -c %u:%g "$DEPLOY")" "$SECRETS"
    chown -R "${BROKER_USER:-mosquitto}" "$BROKER"
}

check_name() {
    case "$1" in
        '' | -* | *[!a-z0-9-]*) echo "prepare: CLINIC and GATEWAY are lower-case letters, digits and hyphens" >&2; exit 2 ;;
    esac
}

mkdir -p "$SECRETS" "$BROKER"
certificates
cp "$DEPLOY/mosquitto/mosquitto.conf" "$BROKER/mosquitto.conf"
secret postgres >/dev/null
grep -q '^hl-ingest:' "$BROKER/passwords" 2>/dev/null || set_password hl-ingest "$(secret hl-ingest)"
if [ $# -gt 0 ]; then
    check_name "$1"
    check_name "${2:-}"
    password="$(random)"
    set_password "$1/$2" "$password"
    echo "HEARTHLINE_GATEWAY_MQTT_URL=mqtts://$1%2F$2:$password@127.0.0.1:$MQTT_PORT"
fi
acl
env_file
hand_over
