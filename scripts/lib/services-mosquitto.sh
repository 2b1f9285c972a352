# shellcheck shell=bash
# Mosquitto: TLS on 127.0.0.1 with a CA of its own, a password for everyone, an ACL by branch, persistence.
#
# A gateway's user name is CLINIC/GATEWAY, or CLINIC/GATEWAY/NUMBER for one that enrolled with a code (written by
# `python -m ingest broker-users`, which takes the same lock on the list of users), and its ACL entries are written out one by one: the substitution %u in a
# pattern works for a name with a slash in Mosquitto 2.0 and is refused in 2.1. Mosquitto answers a subscription to a
# foreign branch with success but delivers nothing from it; a foreign publication is refused ("not authorized").
#
# Persistence is a snapshot every second (autosave_interval). kill -9 therefore may lose the last second of what the
# broker had acknowledged; the gateway keeps every reading until ingest's receipt, and sends it again.

BROKER_HOME="$LOCAL/mosquitto"

mosquitto_up() {
    ! { running mosquitto && mosquitto_ready; } || return 0
    if ! running mosquitto; then
        mkdir -p "$BROKER_HOME/data"
        chmod 700 "$BROKER_HOME"
        settle_port mosquitto "${HEARTHLINE_MOSQUITTO_PORT:-}"
        certificates
        ingest_user
        mosquitto_acl
        mosquitto_config
        owned_by mosquitto "$BROKER_HOME"
        launch mosquitto mosquitto "$BROKER" -c "$SEEN/mosquitto/mosquitto.conf"
    fi
    say "waiting for Mosquitto on port $(port_of mosquitto)"
    await mosquitto 20
}

mosquitto_config() {
    cat >"$BROKER_HOME/mosquitto.conf" <<CONF
# written by scripts/services at every start
per_listener_settings false
listener $(port_of mosquitto) 127.0.0.1
certfile $SEEN/mosquitto/server.crt
keyfile $SEEN/mosquitto/server.key
tls_version tlsv1.2
allow_anonymous false
password_file $SEEN/mosquitto/passwords
acl_file $SEEN/mosquitto/acl
persistence true
persistence_location $SEEN/mosquitto/data/
autosave_interval 1
persistent_client_expiration 14d
# the MQTT 5 receive maximum of ingest shall govern, not Mosquitto's 20
max_inflight_messages 1000
# a queue is bounded in bytes, not in messages; beyond that the gateways' spools hold
max_queued_messages 0
max_queued_bytes 134217728
max_packet_size 266240
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S
CONF
}

mosquitto_ready() { taken "$(port_of mosquitto)"; }

mosquitto_url() { echo "mqtts://hl-ingest:$(secret hl-ingest)@127.0.0.1:$(port_of mosquitto)"; }

# --- certificates: a CA for ten years, a server certificate renewed 30 days before its end ---------------------

certificates() {
    [[ -s $STATE/ca.crt && -s $STATE/ca.key ]] || make_ca
    local crt="$BROKER_HOME/server.crt"
    if ! { openssl x509 -checkend $((30 * 86400)) -noout -in "$crt" &&
        openssl verify -CAfile "$STATE/ca.crt" "$crt"; } >/dev/null 2>&1; then
        make_server_certificate
    fi
}

ec_key() { (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null); }

make_ca() {
    say "making the broker's certificate authority"
    ec_key "$STATE/ca.key"
    openssl req -x509 -new -key "$STATE/ca.key" -sha256 -days 3650 -subj "/CN=Hearthline local CA" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -out "$STATE/ca.crt.new"
    mv "$STATE/ca.crt.new" "$STATE/ca.crt"
}

make_server_certificate() {
    ec_key "$BROKER_HOME/server.key"
    openssl req -new -key "$BROKER_HOME/server.key" -subj "/CN=localhost" -out "$STATE/server.csr"
    openssl x509 -req -in "$STATE/server.csr" -CA "$STATE/ca.crt" -CAkey "$STATE/ca.key" -sha256 -days 825 \
        -set_serial "0x$(openssl rand -hex 16)" -out "$BROKER_HOME/server.crt.new" -extfile <(
            echo "subjectAltName=DNS:localhost,IP:127.0.0.1"
            echo "basicConstraints=critical,CA:FALSE"
            echo "keyUsage=critical,digitalSignature"
            echo "extendedKeyUsage=serverAuth"
            echo "authorityKeyIdentifier=keyid"
        ) 2>/dev/null
    mv "$BROKER_HOME/server.crt.new" "$BROKER_HOME/server.crt"
    rm -f "$STATE/server.csr"
}

# --- users and ACL --------------------------------------------------------------------------------------------

ingest_user() {
    grep -q '^hl-ingest:' "$BROKER_HOME/passwords" 2>/dev/null || set_password hl-ingest "$(secret hl-ingest)"
}

# Hashed by Mosquitto's own tool, from a file: a password never stands on a command line.
set_password() { # USER PASSWORD [USER PASSWORD …]
    local lines="$BROKER_HOME/lines" all="$BROKER_HOME/passwords" tool
    tool="$(dirname "$BROKER" | sed 's,/sbin$,/bin,')/mosquitto_passwd"
    (umask 077; printf '%s:%s\n' "$@" >"$lines")
    owned_by mosquitto "$BROKER_HOME"
    as_user mosquitto "$tool" -U "$SEEN/mosquitto/lines" </dev/null >"$LOGS/passwd.log" 2>&1 9>&- ||
        die "mosquitto_passwd failed: $(tail -n 2 "$LOGS/passwd.log" | tr '\n' ' ')"
    (
        umask 077
        { awk -F: 'NR == FNR { new[$1]; next } !($1 in new)' "$lines" "$all" 2>/dev/null || true; cat "$lines"; } >"$all.new"
    )
    rm -f "$lines"
    owned_by mosquitto "$all.new"
    mv "$all.new" "$all"
}

# The whole ACL follows from the list of users.
mosquitto_acl() {
    local acl="$BROKER_HOME/acl"
    (
        umask 077
        {
            printf '# written by scripts/services from the list of users\nuser hl-ingest\n'
            printf 'topic read hl/v1/+/+/%s\n' readings status
            printf 'topic write hl/v1/+/+/%s\n' receipts desired
            awk -F: '$1 ~ "/" {
                split($1, part, "/")
                branch = "hl/v1/" part[1] "/" part[2]
                print "\nuser " $1
                print "topic write " branch "/readings\ntopic write " branch "/status"
                print "topic read " branch "/receipts\ntopic read " branch "/desired"
            }' "$BROKER_HOME/passwords"
        } >"$acl.new"
    )
    owned_by mosquitto "$acl.new"
    mv "$acl.new" "$acl"
}

# Returns when the broker has begun to reload: whoever connects afterwards meets the new lists.
mosquitto_reload() {
    running mosquitto || return 0
    local log="$LOGS/mosquitto.log" from rounds=100
    from=$(($(wc -c <"$log") + 1))
    kill -HUP "$(pid_of mosquitto)"
    until tail -c "+$from" "$log" | grep -q 'Reloading config'; do
        ((rounds-- > 0)) || die "mosquitto did not reload its users within 5 s. Look into $log."
        sleep 0.05
    done
}

cmd_add_gateway() { # CLINIC GATEWAY [PASSWORD_FILE]
    local clinic="${1:-}" gateway="${2:-}" out="${3:-}" password
    may_add "$clinic" "$gateway"
    password="$(openssl rand -hex 24)"
    add_users "$clinic/$gateway" "$password"
    [[ -z $out ]] || (umask 077; rm -f "$out"; echo "$password" >"$out")
    echo "HEARTHLINE_GATEWAY_MQTT_URL=$(gateway_url "$clinic" "$gateway" "$password")"
}

# Many at once cost one hashing and one reload.
cmd_add_gateways() { # CLINIC GATEWAY …
    local clinic="${1:-}" gateway password users=() lines=()
    shift || true
    (($#)) || set -- ""
    for gateway in "$@"; do
        may_add "$clinic" "$gateway"
        password="$(openssl rand -hex 24)"
        users+=("$clinic/$gateway" "$password")
        lines+=("$gateway=$(gateway_url "$clinic" "$gateway" "$password")")
    done
    add_users "${users[@]}"
    printf '%s\n' "${lines[@]}"
}

may_add() { # CLINIC GATEWAY
    [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,63}$ && $2 =~ ^[a-z0-9][a-z0-9-]{0,63}$ ]] ||
        die "add-gateway needs CLINIC and GATEWAY, each of lower-case letters, digits and hyphens, at most 64 and not starting with a hyphen."
    ! external || die "the broker is one named in the environment: make the gateway's user '$1/$2' there (deploy/README.md)."
    known
}

add_users() { # USER PASSWORD [USER PASSWORD …]
    local list
    prepare
    lock_state
    exec {list}>>"$BROKER_HOME/passwords.lock"
    flock "$list"
    set_password "$@"
    mosquitto_acl
    exec {list}>&-
    mosquitto_reload
    unlock_state
}

gateway_url() { echo "mqtts://$1%2F$2:$3@127.0.0.1:$(port_of mosquitto)"; }
