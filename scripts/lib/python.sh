# shellcheck shell=bash
# The project's own Python environment: .venv, made once from requirements.lock, again only when that changes.

UV_VERSION=0.13.9

say() { printf '%s\n' "hearthline: $*" >&2; }

fail() {
    printf '\nhearthline: %s\n' "$*" >&2
    exit 1
}

# A python3 of 3.11 or newer that can make virtual environments.
find_python() {
    local candidate
    for candidate in "${HEARTHLINE_PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer with venv was found. On Debian and Ubuntu: apt-get install python3 python3-venv;
    elsewhere name one in HEARTHLINE_PYTHON."
}

# A venv with uv in it; the packages are not yet there.
ensure_venv() {
    [ -x .venv/bin/uv ] && return
    local python
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" ||
        fail "pip could not fetch uv. Is a Python package registry reachable? Set PIP_INDEX_URL for a mirror."
}

# .venv holds exactly what requirements.lock names, and this project in place.
ensure_packages() {
    local want have=.venv/.hearthline-lock
    want=$(cat requirements.lock pyproject.toml | sha256sum)
    [ -f "$have" ] && [ "$(cat "$have")" = "$want" ] && return
    ensure_venv
    say "installing $(grep -c '==' requirements.lock) pinned packages (about a minute the first time)"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock ||
        fail "the pinned packages could not be installed. Is a Python package registry reachable? Set UV_INDEX_URL for a mirror."
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    printf '%s' "$want" >"$have"
}

# One run at a time: the broker of this clone shares its messages among all ingest workers that it knows, so a demo
# and a test run side by side would take each other's readings. The same lock as in scripts/spine.py, for a whole run.
hold_broker() {
    mkdir -p .local
    exec 9>.local/broker.lock
    flock -w 120 9 || fail "scripts/demo or scripts/test is running in this clone and uses its broker.
    Stop it first (Ctrl-C where it runs), or work in another clone."
    export HEARTHLINE_BROKER_HELD=1
}
