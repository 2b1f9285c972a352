# shellcheck shell=bash
# Chromium for the tests of pages: Debian's own package, installed when it is missing. Needs say and fail of python.sh.

CHROMIUM=/usr/bin/chromium

ensure_chromium() {
    [ -x "$CHROMIUM" ] && return
    command -v apt-get >/dev/null ||
        fail "$CHROMIUM is missing and this is no Debian or Ubuntu. Install Chromium and link it to $CHROMIUM."
    [ "$(id -u)" = 0 ] ||
        fail "$CHROMIUM is missing. As root: apt-get install -y --no-install-recommends chromium fonts-liberation"
    say "installing Chromium (about a minute, once)"
    local log
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-liberation; } \
        >"$log" 2>&1 || fail "Chromium could not be installed. The end of $log: $(tail -n 3 "$log" | tr '\n' ' ')"
    rm -f "$log"
}
