# shellcheck shell=bash
# What every part of scripts/services needs: messages, locks, recorded processes, ports.
#
# A daemon is known by "pid starttime boot_id" in .local/services/NAME.pid, so a recycled pid is never taken for
# ours. Ports are chosen once per clone (from a hash of its path) and recorded in .local/services/ports.

say() { [[ -n $QUIET ]] || printf 'services: %s\n' "$*" >&2; }

die() {
    printf 'services: %s\n' "$*" >&2
    exit 1
}

# The way out that works everywhere; ends the messages that say what is missing here.
elsewhere() {
    echo "Or use services that run elsewhere: 'docker compose -f deploy/compose.yaml up -d', then set HEARTHLINE_DATABASE_URL, HEARTHLINE_MQTT_URL and HEARTHLINE_MQTT_CA (deploy/README.md)."
}

need_disk() { # FOLDER GIGABYTES
    local folder="$1" free
    while [[ ! -d $folder ]]; do folder="$(dirname "$folder")"; done
    free="$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
    ((free >= $2 * 1024 * 1024)) ||
        die "only $((free / 1024)) MB are free in $folder, $2 GB are needed. Free some space, or set XDG_CACHE_HOME to a folder on a larger disk (the private Debian root goes there), and run this again. $(elsewhere)"
}

# One change of state at a time per clone. The daemons never inherit the lock's descriptor (see launch).
lock_state() {
    exec 9>"$STATE/lock"
    flock -w 120 9 || die "another scripts/services in this clone has held .local/services/lock for two minutes. See what it is doing (fuser .local/services/lock) and run this again."
}

unlock_state() { exec 9>&-; }

secret() { # NAME: make .local/services/NAME.password once, and print it
    local file="$STATE/$1.password"
    [[ -s $file ]] || (umask 077; openssl rand -hex 24 >"$file.new" && mv "$file.new" "$file")
    cat "$file"
}

# --- recorded processes ---------------------------------------------------------------------------------------

birth_of() { # PID: its start time, which a successor of the same pid cannot have
    local stat
    { stat="$(<"/proc/$1/stat")"; } 2>/dev/null || return 1
    stat="${stat##*) }"
    # shellcheck disable=SC2086
    set -- $stat
    [[ $1 != Z ]] && echo "${20}"
}

record() { # NAME PID
    echo "$2 $(birth_of "$2") $(</proc/sys/kernel/random/boot_id)" >"$STATE/$1.pid"
}

pid_of() { # NAME
    local pid rest
    [[ -s $STATE/$1.pid ]] && read -r pid rest <"$STATE/$1.pid" && echo "$pid"
}

running() { # NAME: is the process that we recorded still that process?
    local pid birth boot
    [[ -s $STATE/$1.pid ]] || return 1
    read -r pid birth boot <"$STATE/$1.pid" || return 1
    [[ $boot == "$(</proc/sys/kernel/random/boot_id)" && $birth == "$(birth_of "$pid")" ]]
}

# Start a daemon in a session of its own, deaf to our terminal and holding none of our descriptors.
launch() { # NAME USER COMMAND…
    local name="$1" user="$2" fd
    shift 2
    (
        for fd in /proc/"$BASHPID"/fd/*; do
            fd="${fd##*/}"
            ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
        done
        unset PGPASSWORD
        as_daemon "$user" "$@"
    ) </dev/null >>"$LOGS/$name.log" 2>&1 &
    record "$name" "$!"
}

await() { # NAME SECONDS: until NAME_ready, or say why not
    local name="$1" rounds=$(($2 * 20))
    until "${name}_ready"; do
        running "$name" || die "$name ended while starting. The end of $LOGS/$name.log: $(tail -n 4 "$LOGS/$name.log" | tr '\n' ' ')"
        ((rounds-- > 0)) || die "$name did not become ready within $2 s. Look into $LOGS/$name.log."
        sleep 0.05
    done
}

gone() { # NAME SECONDS
    local rounds=$(($2 * 20))
    while running "$1"; do
        ((rounds-- > 0)) || return 1
        sleep 0.05
    done
}

stop() { # NAME SIGNAL
    if running "$1"; then
        kill -s "$2" "$(pid_of "$1")"
        gone "$1" 20 || { say "$1 does not stop; killing it"; kill_hard "$1"; }
        say "$1 stopped"
    fi
    rm -f "$STATE/$1.pid"
}

# As if the machine had lost power: the daemon and its direct children at one stroke.
kill_hard() { # NAME
    local pid children
    running "$1" || die "$1 is not running."
    pid="$(pid_of "$1")"
    children="$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)"
    # shellcheck disable=SC2086
    kill -KILL "$pid" $children 2>/dev/null || true
    gone "$1" 10 || die "$1 (pid $pid) survived kill -9; is the disk hanging?"
    rm -f "$STATE/$1.pid"
}

# --- ports ----------------------------------------------------------------------------------------------------

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port_of() { [[ -s $STATE/ports ]] && awk -F= -v name="$1" '$1 == name { print $2 }' "$STATE/ports"; }

# The clone's recorded port; a wish in the environment; or a free one below the ephemeral range.
settle_port() { # NAME WISH
    local name="$1" wish="$2" old port
    old="$(port_of "$name" || true)"
    port="${wish:-$old}"
    if [[ -n $wish ]] && taken "$wish"; then
        die "port $wish, asked for $name in the environment, is taken by another program. Stop that (ss -ltnp shows it), choose another port or unset the variable. $(elsewhere)"
    fi
    if [[ -z $port ]] || taken "$port"; then
        port="$(free_port "$name")"
        [[ -z $old ]] || say "port $old is taken by another program: $name moves to $port. Run 'scripts/services env' again; gateways need their new URL (add-gateway)."
    fi
    { grep -v "^$name=" "$STATE/ports" 2>/dev/null || true; echo "$name=$port"; } >"$STATE/ports.new"
    mv "$STATE/ports.new" "$STATE/ports"
    grep -qxF "127.0.0.1:$port" "$STATE/issued" 2>/dev/null || echo "127.0.0.1:$port" >>"$STATE/issued"
}

free_port() { # NAME
    local seed port try
    seed="$(cksum <<<"$PROJECT $1" | cut -d' ' -f1)"
    for try in {0..200}; do
        port=$((20000 + (seed + try * 37) % 12000))
        taken "$port" || { echo "$port"; return; }
    done
    die "no free port found between 20000 and 32000 on 127.0.0.1. $(elsewhere)"
}

reachable() { # VARIABLE URL DEFAULT_PORT
    local authority="${2#*://}" host port
    authority="${authority%%/*}"
    authority="${authority##*@}"
    host="${authority%%:*}"
    port="${authority##*:}"
    [[ $authority == *:* ]] || port="$3"
    [[ -n $host && $authority != \[* && $authority != *,* ]] || return 0 # a socket, IPv6 or several hosts: left to the client
    # shellcheck disable=SC2016
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null ||
        die "$1 is set in the environment, but nothing answers at $host:$port. Start that service or correct the variable; unset both URLs and scripts/services starts its own."
}
