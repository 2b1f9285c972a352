# shellcheck shell=bash
# shellcheck disable=SC2034  # ROOT, SEEN, PG_BIN and BROKER are read by the other parts
#
# Where the programs come from (this host, or a private Debian 13 root), and how to run one of them.
#
# find_source sets ROOT ("/" or the private root), SEEN (where .local is seen by the programs), PG_BIN and BROKER.
# As root, a program gets a mount namespace of its own in which .local is bound to ROOT/srv: so it does not matter
# who may enter the folders above the clone, nothing is left mounted afterwards, and the program itself runs as
# `postgres` or `mosquitto`. Without root the host's programs run as the caller.

CACHE="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hearthline"
PRIVATE_ROOT="$CACHE/trixie-v1"
PACKAGES=postgresql-17-timescaledb,mosquitto

find_source() {
    local host=""
    [[ -n ${HEARTHLINE_SERVICES_PRIVATE:-} ]] || host="$(host_postgres)"
    if [[ -n $host ]] && host_mosquitto >/dev/null; then
        ROOT=/ PG_BIN="$host" BROKER="$(host_mosquitto)"
    else
        private_root
        ROOT="$PRIVATE_ROOT" PG_BIN=/usr/lib/postgresql/17/bin BROKER=/usr/sbin/mosquitto
    fi
    SEEN="$LOCAL"
    ((EUID != 0)) || { SEEN=/srv; need_namespace; }
    command -v openssl >/dev/null || die "openssl is missing; it makes the broker's certificates. Install it (apt-get install openssl) and run this again."
}

# The newest host PostgreSQL >= 17 that has TimescaleDB's library: its bin folder.
host_postgres() {
    local bin found=""
    for bin in /usr/lib/postgresql/*/bin; do
        local version="${bin#/usr/lib/postgresql/}"
        version="${version%/bin}"
        [[ $version =~ ^[0-9]+$ ]] || continue
        ((version >= 17)) || continue
        [[ -x $bin/postgres && -e /usr/lib/postgresql/$version/lib/timescaledb.so ]] && found="$bin"
    done
    echo "$found"
}

host_mosquitto() {
    local broker
    broker="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto)" || return 1
    [[ "$("$broker" -h 2>/dev/null | head -n 1)" == *"version 2."* ]] && echo "$broker"
}

need_namespace() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private bash -c 'mount --bind "$0" "$1"' "$LOCAL" "${ROOT%/}/srv" 2>/dev/null ||
        die "this machine does not allow a bind mount in a private mount namespace (a container without CAP_SYS_ADMIN? no 'mount' command?), which the services need to run beside the clone's data. Start the container with --cap-add SYS_ADMIN. $(elsewhere)"
}

# --- the private Debian 13 root -------------------------------------------------------------------------------

private_root() {
    if ((EUID != 0)); then
        die "this is not root, and PostgreSQL >= 17 with TimescaleDB and Mosquitto >= 2 are not both installed. Either install them (Debian 13: apt-get install postgresql-17-timescaledb mosquitto) or run as root, which makes a private Debian 13 for them. $(elsewhere)"
    fi
    [[ ! -e $PRIVATE_ROOT/usr/sbin/mosquitto ]] || return 0
    mkdir -p "$CACHE"
    exec 8>"$CACHE/lock"
    flock -n 8 || { say "another run is making the private Debian root; waiting for it"; flock 8; }
    [[ -e $PRIVATE_ROOT/usr/sbin/mosquitto ]] || build_root
    exec 8>&-
}

build_root() {
    need_disk "$CACHE" 2
    need_mmdebstrap
    local new="$PRIVATE_ROOT.new" log="$LOGS/root.log"
    rm -rf --one-file-system "$new"
    say "making a private Debian 13 with TimescaleDB and Mosquitto: about 30 s and 550 MB, once, in $CACHE"
    if ! mmdebstrap --variant=apt --include="$PACKAGES" trixie "$new" ${HEARTHLINE_DEBIAN_MIRROR:+"$HEARTHLINE_DEBIAN_MIRROR"} 2>&1 8>&- </dev/null |
        tee "$log" | { grep --line-buffered '^I: ' || true; } | while read -r _ line; do say "  $line"; done; then
        rm -rf --one-file-system "$new"
        die "the private Debian root could not be made. The end of $log: $(tail -n 3 "$log" | tr '\n' ' ') Is the Debian mirror reachable (HEARTHLINE_DEBIAN_MIRROR names another one, http_proxy a proxy)? $(elsewhere)"
    fi
    mv "$new" "$PRIVATE_ROOT"
}

need_mmdebstrap() {
    ! command -v mmdebstrap >/dev/null || return 0
    command -v apt-get >/dev/null || die "this is not Debian or a relative of it (no apt-get), so the private Debian root cannot be made here. $(elsewhere)"
    say "installing mmdebstrap"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends mmdebstrap; } >"$LOGS/apt.log" 2>&1 8>&- </dev/null ||
        die "apt-get could not install mmdebstrap. The end of $LOGS/apt.log: $(tail -n 3 "$LOGS/apt.log" | tr '\n' ' ') Repair that (network? apt's sources?) and run this again. $(elsewhere)"
}

# --- running a program ----------------------------------------------------------------------------------------

# Runs inside the new mount namespace: bind what the program needs, then become it. Every step execs: one pid.
# Of the environment only PGPASSWORD goes in, and never by way of a command line, which everybody can read.
# shellcheck disable=SC2016
INSIDE='set -e
root=$1 local=$2 user=$3; shift 3
mount --bind "$local" "$root/srv"
if [ "$root" != / ]; then mount --rbind /dev "$root/dev"; mount --rbind /proc "$root/proc"; fi
for name in $(compgen -e); do [ "$name" = PGPASSWORD ] || unset "$name"; done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --init-groups "$@"'

as_user() { # USER COMMAND…
    if ((EUID == 0)); then
        unshare --mount --propagation private bash -c "$INSIDE" inside "$ROOT" "$LOCAL" "$@"
    else
        "${@:2}"
    fi
}

as_daemon() { # USER COMMAND…: as as_user, but replaces this shell, in a session of its own
    if ((EUID == 0)); then
        exec setsid unshare --mount --propagation private bash -c "$INSIDE" inside "$ROOT" "$LOCAL" "$@"
    else
        exec setsid "${@:2}"
    fi
}

owned_by() { # USER PATH…: hand files over to the user who will run the program
    ((EUID == 0)) || return 0
    local ids
    ids="$(awk -F: -v user="$1" '$1 == user { print $3 ":" $4 }' "${ROOT%/}/etc/passwd")"
    [[ -n $ids ]] || die "there is no user '$1' in ${ROOT%/}/etc/passwd; is the package installed whole?"
    chown -R "$ids" "${@:2}"
}
