# shellcheck shell=bash
# TimescaleDB: a cluster in .local/pg, on 127.0.0.1 only, every connection by SCRAM password, fsync on.

PGDATA="$LOCAL/pg"

postgres_up() {
    ! { running postgres && postgres_ready; } || return 0
    if ! running postgres; then
        [[ -s $PGDATA/PG_VERSION ]] || postgres_init
        settle_port postgres "${HEARTHLINE_POSTGRES_PORT:-}"
        postgres_config
        postgres_bury
        launch postgres postgres "$PG_BIN/postgres" -D "$SEEN/pg"
    fi
    say "waiting for TimescaleDB on port $(port_of postgres)"
    await postgres 60
}

# Into a folder beside, renamed at the end: a run that is cut off leaves nothing half made.
postgres_init() {
    local new="$LOCAL/pg.new" log="$LOGS/initdb.log"
    say "making the database cluster"
    rm -rf --one-file-system "$new"
    mkdir -m 700 "$new" "$new/data"
    (umask 077; secret postgres >"$new/password")
    owned_by postgres "$new"
    as_user postgres "$PG_BIN/initdb" -D "$SEEN/pg.new/data" -U postgres --auth=scram-sha-256 \
        --pwfile="$SEEN/pg.new/password" --encoding=UTF8 --locale=C.UTF-8 --data-checksums >"$log" 2>&1 </dev/null 9>&- ||
        die "initdb failed. The end of $log: $(tail -n 3 "$log" | tr '\n' ' ')"
    echo "include 'hearthline.conf'" >>"$new/data/postgresql.conf"
    mv "$new/data" "$PGDATA"
    rm -rf "$new"
}

# After a kill -9: let the dead postmaster's children end, then take its pid file away. PostgreSQL would do so by
# itself, but takes a zombie for alive, and in a container whose pid 1 does not reap a zombie stays for ever.
postgres_bury() {
    [[ -e $PGDATA/postmaster.pid ]] || return 0
    local rounds=200
    while [[ -n "$(find -L /proc/[0-9]*/cwd -maxdepth 0 -samefile "$PGDATA" 2>/dev/null)" ]]; do
        ((rounds-- > 0)) || die "some process still works in $PGDATA, though not one that scripts/services started. End it (fuser -v $PGDATA shows it) and run this again."
        sleep 0.05
    done
    rm -f "$PGDATA/postmaster.pid"
}

postgres_config() {
    cat >"$PGDATA/hearthline.conf" <<CONF
# written by scripts/services at every start
listen_addresses = '127.0.0.1'
port = $(port_of postgres)
unix_socket_directories = ''
max_connections = 200
password_encryption = 'scram-sha-256'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 4
max_worker_processes = 16
max_locks_per_transaction = 256
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
CONF
    owned_by postgres "$PGDATA/hearthline.conf"
}

# The postmaster says so itself, in the last line of its pid file.
postgres_ready() {
    local lines=()
    mapfile -t lines 2>/dev/null <"$PGDATA/postmaster.pid" || return 1
    [[ ${lines[0]:-} == "$(pid_of postgres)" && ${lines[7]:-} == ready* ]]
}

postgres_url() { echo "postgresql://postgres:$(secret postgres)@127.0.0.1:$(port_of postgres)/postgres"; }
