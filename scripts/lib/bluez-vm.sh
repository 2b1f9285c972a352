# shellcheck shell=bash
# A machine with the real BlueZ: Debian 13's kernel, D-Bus and bluetoothd under QEMU, made from Debian's packages.
# Needs say and fail of python.sh, and .venv.
#
# This host's kernel need not know Bluetooth, and KVM is not used: where it half works it is worse than emulation. The machine has what a
# gateway installs and Bumble, both as pinned in requirements.lock; the project itself is mounted as it is, read-only.
# Debian 12's kernel 6.1 is no choice: it crashed in hci_chan_del when a bond was lost.

MACHINE=.local/bluez
MACHINE_TOOLS="qemu-system-x86 mmdebstrap cpio busybox-static xz-utils e2fsprogs"
MACHINE_PACKAGES=bluez,dbus,kmod,linux-image-amd64,mosquitto,python3-minimal,libpython3-stdlib
MACHINE_PYTHON=3.13
MACHINE_TIMEOUT="${HEARTHLINE_BLUEZ_TIMEOUT:-240}" # seconds
MODULES="kernel/drivers/virtio kernel/drivers/block/virtio_blk.ko.xz kernel/fs/ext4 kernel/fs/jbd2 kernel/fs/mbcache.ko.xz
    kernel/fs/9p kernel/net/9p kernel/fs/netfs kernel/drivers/bluetooth/hci_vhci.ko.xz kernel/net/bluetooth/bluetooth.ko.xz
    kernel/crypto kernel/net/rfkill kernel/lib kernel/arch/x86/crypto"

ensure_machine() {
    local want
    want=$(cat requirements.lock pyproject.toml scripts/lib/bluez-vm.sh scripts/lib/bluez-init.sh | sha256sum)
    [ -f "$MACHINE/made" ] && [ "$(cat "$MACHINE/made")" = "$want" ] && return
    [ "$(id -u)" = 0 ] || fail "the machine with BlueZ is made by mmdebstrap and chroot: run this as root."
    ensure_machine_tools
    say "making a machine with Debian 13, BlueZ and the gateway's packages (about a minute, once, in $MACHINE)"
    rm -rf --one-file-system "$MACHINE"
    mkdir -p "$MACHINE/boot"
    local log=$MACHINE/making.log
    (set -e; machine_root; machine_kernel; machine_python; machine_boot; machine_disk) >"$log" 2>&1 &
    wait $! || # in the background, or "||" would take away what set -e does inside
        fail "the machine could not be made. The end of $log: $(tail -n 5 "$log" | tr '\n' ' ')"
    rm -rf --one-file-system "$MACHINE/root" "$MACHINE/modules" "$MACHINE/boot"
    printf '%s' "$want" >"$MACHINE/made"
}

ensure_machine_tools() {
    local tool missing=
    for tool in qemu-system-x86_64 mmdebstrap cpio busybox xz mke2fs; do
        PATH=$PATH:/sbin:/usr/sbin command -v "$tool" >/dev/null || missing=$tool
    done
    [ -z "$missing" ] && return
    command -v apt-get >/dev/null || fail "this is no Debian or Ubuntu; install $MACHINE_TOOLS."
    say "installing $MACHINE_TOOLS"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $MACHINE_TOOLS; } \
        >"$log" 2>&1 || fail "they could not be installed. The end of $log: $(tail -n 3 "$log" | tr '\n' ' ')"
    rm -f "$log"
}

machine_root() {
    mmdebstrap --variant=minbase --include="$MACHINE_PACKAGES" --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        trixie "$MACHINE/root" ${HEARTHLINE_DEBIAN_MIRROR:+"$HEARTHLINE_DEBIAN_MIRROR"}
}

# Of the kernel's modules only those that are used; the rest would make the disk large and slow.
machine_kernel() {
    local root=$MACHINE/root version module
    version=$(ls "$root/lib/modules")
    mv "$root/lib/modules" "$MACHINE/modules"
    mv "$root/boot/vmlinuz-$version" "$MACHINE/vmlinuz"
    mkdir -p "$root/lib/modules/$version"
    cp "$MACHINE/modules/$version"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
    for module in $MODULES; do
        [ -e "$MACHINE/modules/$version/$module" ] || continue
        mkdir -p "$root/lib/modules/$version/$(dirname "$module")"
        cp -r "$MACHINE/modules/$version/$module" "$root/lib/modules/$version/$module"
    done
    chroot "$root" depmod "$version"
}

# What `pip install hearthline[gateway]` brings, Bumble, and pytest, in the locked versions and with their hashes.
machine_python() {
    local uv=.venv/bin/uv platform=(--python-version "$MACHINE_PYTHON" --python-platform x86_64-unknown-linux-gnu)
    "$uv" pip compile --quiet pyproject.toml --extra gateway --group simulator --constraint requirements.lock \
        "${platform[@]}" --no-annotate --no-header --output-file "$MACHINE/names.txt"
    printf '%s\n' pytest pytest-asyncio pytest-timeout pytest-randomly iniconfig packaging pluggy >>"$MACHINE/names.txt"
    awk 'NR == FNR { sub(/==.*/, ""); wanted[$1]; next }
         /^[a-z0-9]/ { name = $1; sub(/==.*/, "", name); take = name in wanted }
         take' "$MACHINE/names.txt" requirements.lock >"$MACHINE/requirements.txt"
    "$uv" pip install --quiet --require-hashes --no-deps --only-binary :all: "${platform[@]}" --target "$MACHINE/root/opt/site" \
        -r "$MACHINE/requirements.txt"
    chroot "$MACHINE/root" python3 -m compileall -q -j 0 /opt/site
}

# A first root in memory that knows just enough to mount the disk.
machine_boot() {
    local root=$MACHINE/root boot=$MACHINE/boot version module number=10
    version=$(ls "$root/lib/modules")
    mkdir -p "$boot"/{bin,modules,new,dev}
    cp /bin/busybox "$boot/bin/"
    for module in $(chroot "$root" modprobe -S "$version" -a --show-depends virtio_pci virtio_blk crc32c_generic ext4 |
        awk '/^insmod/ && !seen[$2]++ { print $2 }'); do
        case $module in
        *.xz) xz -dc "$root$module" >"$boot/modules/$number-$(basename "$module" .xz)" ;;
        *) cp "$root$module" "$boot/modules/$number-$(basename "$module")" ;;
        esac
        number=$((number + 1))
    done
    cat >"$boot/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*.ko; do /bin/busybox insmod "$module"; done
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 50 ]; do /bin/busybox sleep 0.1; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 /dev/vda /new || /bin/busybox reboot -f
exec /bin/busybox switch_root /new /init
INIT
    chmod +x "$boot/init"
    (cd "$boot" && find . | cpio --quiet -o -H newc) >"$MACHINE/initrd.img"
}

machine_disk() {
    local root=$MACHINE/root
    install -m 755 scripts/lib/bluez-init.sh "$root/init"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/boot/*
    mkdir -p "$root/srv/project" "$root/srv/out"
    truncate -s 1G "$MACHINE/disk.img"
    mke2fs -q -t ext4 -O ^has_journal -d "$root" "$MACHINE/disk.img"
}

# Start it, run COMMAND… in the project's folder inside it, and give back its exit code. What it writes to
# /srv/out is in .local/bluez-out afterwards. The disk is a throw-away copy each time.
run_machine() { # COMMAND…
    local out=.local/bluez-out code
    rm -rf "$out"
    mkdir -p "$out"
    printf '%q ' "$@" >"$out/command"
    timeout "$MACHINE_TIMEOUT" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1024 -smp 2 \
        -nodefaults -no-user-config -display none -serial stdio -no-reboot \
        -kernel "$MACHINE/vmlinuz" -initrd "$MACHINE/initrd.img" \
        -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr tsc=reliable random.trust_cpu=on" \
        -drive "file=$MACHINE/disk.img,if=none,id=disk,format=raw,snapshot=on" -device virtio-blk-pci,drive=disk \
        -fsdev "local,id=project,path=$PWD,security_model=none,readonly=on" -device virtio-9p-pci,fsdev=project,mount_tag=project \
        -fsdev "local,id=out,path=$PWD/$out,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out \
        -device virtio-rng-pci 2>"$out/qemu.log" </dev/null || true
    code=$(cat "$out/code" 2>/dev/null) ||
        fail "the machine did not come to its end within $MACHINE_TIMEOUT s. QEMU said: $(tail -n 3 "$out/qemu.log" | tr '\n' ' ')"
    return "$code"
}
