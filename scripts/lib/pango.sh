# shellcheck shell=bash
# What WeasyPrint draws PDFs with: Pango, and fonts. Debian's own packages, installed when they are missing.
# Needs say and fail of python.sh. fonts-dejavu-core has the letters that Liberation lacks.

PANGO_PACKAGES="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation fonts-dejavu-core"

has_pango() {
    local loaded library
    loaded=$(/sbin/ldconfig -p)
    for library in libpango-1.0.so.0 libpangoft2-1.0.so.0 libharfbuzz-subset.so.0; do
        grep -q "$library" <<<"$loaded" || return 1
    done
    [ -d /usr/share/fonts/truetype/liberation ] && [ -d /usr/share/fonts/truetype/dejavu ]
}

ensure_pango() {
    has_pango && return
    command -v apt-get >/dev/null ||
        fail "Pango or the fonts of the audit packet are missing and this is no Debian or Ubuntu. Install Pango 1.44 or later,
    HarfBuzz with its subset library, Liberation and DejaVu fonts."
    [ "$(id -u)" = 0 ] ||
        fail "Pango or the fonts of the audit packet are missing. As root: apt-get install -y --no-install-recommends $PANGO_PACKAGES"
    say "installing Pango and fonts (a few seconds, once)"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $PANGO_PACKAGES; } \
        >"$log" 2>&1 || fail "Pango could not be installed. The end of $log: $(tail -n 3 "$log" | tr '\n' ' ')"
    rm -f "$log"
}
