#!/bin/sh
# Makes a Debian 12 (or later) machine, Raspberry Pi OS included, a Hearthline gateway. As root:
#
#   install.sh WHEEL              from a wheel: hearthline-….whl; what it needs comes from PyPI
#   install.sh --no-system WHEEL  only /opt/hearthline: no packages, no user, no service (for images and tests)
#
# Running it again upgrades: settings, identity and spool stay. ROOT=/path puts everything under another root.
# Afterwards: hearthline gateway enrol --server https://… CODE
set -eu

ROOT="${ROOT:-}"
HERE="$(cd "$(dirname "$0")" && pwd -P)"
PYTHON="${PYTHON:-python3}"
SYSTEM=1

say() { printf 'hearthline: %s\n' "$*"; }
die() { printf 'hearthline: %s\n' "$*" >&2; exit 1; }

arguments() {
    while [ $# -gt 0 ]; do
        case "$1" in
            --no-system) SYSTEM="" ;;
            -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
            -*) die "unknown option $1" ;;
            *) WHEEL="$1" ;;
        esac
        shift
    done
    [ -n "${WHEEL:-}" ] || die "which wheel? install.sh hearthline-….whl"
    [ -f "$WHEEL" ] || die "there is no $WHEEL"
}

packages() {
    say "Bluetooth and Python from the system's packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends bluez dbus python3 python3-venv rfkill tzdata ca-certificates >/dev/null
}

old_python() { "$PYTHON" -c 'import sys; sys.exit(sys.version_info >= (3, 11))'; }

user() {
    getent passwd hearthline >/dev/null ||
        useradd --system --user-group --home-dir /var/lib/hearthline --shell /usr/sbin/nologin hearthline
    usermod -aG bluetooth hearthline
    install -d -o hearthline -g hearthline -m 0700 /var/lib/hearthline
}

# Built beside the one in use, and put in its place in one step: a loss of power leaves one that works.
software() {
    base="$ROOT/opt/hearthline"
    install -d -m 0755 "$base"
    new="$base/venv-$(date +%Y%m%d%H%M%S)-$$"
    say "installing $(basename "$WHEEL")"
    "$PYTHON" -m venv "$new"
    "$new/bin/pip" install --quiet --disable-pip-version-check "$WHEEL[gateway]" || {
        rm -rf "$new"
        die "the software could not be installed; what was installed before is as it was"
    }
    "$new/bin/python" -c 'import gateway.__main__' || {
        rm -rf "$new"
        die "the software does not start; what was installed before is as it was"
    }
    ln -s "$(basename "$new")" "$base/venv.new"
    mv -T "$base/venv.new" "$base/venv"
    for old in "$base"/venv-*; do
        [ "$old" = "$new" ] || rm -rf "$old"
    done
}

files() {
    cat >"$ROOT/opt/hearthline/defaults.env.new" <<'ENV'
# Written by install.sh at every run. Your own settings go into /etc/hearthline/gateway.env.
HEARTHLINE_GATEWAY_IDENTITY=/var/lib/hearthline/identity.json
HEARTHLINE_GATEWAY_SPOOL=/var/lib/hearthline/spool.sqlite3
HEARTHLINE_GATEWAY_KEYS=/var/lib/hearthline/keys.json
HEARTHLINE_GATEWAY_METRICS_PORT=9468
ENV
    mv "$ROOT/opt/hearthline/defaults.env.new" "$ROOT/opt/hearthline/defaults.env"
    install -d -m 0755 "$ROOT/etc/hearthline" "$ROOT/usr/local/bin" "$ROOT/etc/systemd/system"
    [ -e "$ROOT/etc/hearthline/gateway.env" ] || cat >"$ROOT/etc/hearthline/gateway.env" <<'ENV'
# Settings of this box, one a line: HEARTHLINE_GATEWAY_…=…   docs/gateway.md lists them.
ENV
    chmod 0640 "$ROOT/etc/hearthline/gateway.env"
    [ -z "$SYSTEM" ] || chown root:hearthline "$ROOT/etc/hearthline/gateway.env"
    install -m 0755 "$HERE/hearthline" "$ROOT/usr/local/bin/hearthline"
    install -m 0644 "$HERE/hearthline-gateway.service" "$ROOT/etc/systemd/system/hearthline-gateway.service"
    [ ! -f "$HERE/../../docs/gateway.md" ] || install -m 0644 "$HERE/../../docs/gateway.md" "$ROOT/opt/hearthline/gateway.md"
}

service() {
    rfkill unblock bluetooth 2>/dev/null || true
    systemctl daemon-reload
    systemctl enable --quiet --now bluetooth
    systemctl enable --quiet hearthline-gateway
    if [ -e /var/lib/hearthline/identity.json ]; then
        systemctl restart hearthline-gateway
        say "running; look: hearthline gateway doctor"
    else
        say "next: hearthline gateway enrol --server https://… CODE, then: systemctl start hearthline-gateway"
    fi
}

arguments "$@"
if [ -n "$SYSTEM" ]; then
    [ "$(id -u)" = 0 ] || die "run this as root: sudo $0 $WHEEL"
    [ -z "$ROOT" ] || die "with ROOT use --no-system"
    packages
    user
fi
! old_python || die "Python 3.11 or later is needed: Debian 12, or Raspberry Pi OS of 2023-10 or later"
software
files
[ -z "$SYSTEM" ] || service
