#!/bin/sh
# The first process of the machine with the real BlueZ (bluez-vm.sh): mounts, D-Bus, bluetoothd, the command, power off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
export PYTHONPATH=/opt/site:/srv/project PYTHONPYCACHEPREFIX=/tmp/compiled HEARTHLINE_BLUEZ_MACHINE=1
mount -t devtmpfs dev /dev 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sys /sys
for folder in /tmp /run /var/lib/bluetooth; do mount -t tmpfs none "$folder"; done
mkdir -p /run/dbus /dev/shm
mount -t tmpfs none /dev/shm
modprobe -a hci_vhci cmac ccm ecb aes_generic ecdh_generic algif_hash algif_skcipher 9pnet_virtio 9p 2>/dev/null
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose project /srv/project
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /srv/out
python3 - <<'UP'
import fcntl, socket, struct

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
UP
dbus-daemon --system --fork --nopidfile
/usr/libexec/bluetooth/bluetoothd -n >/srv/out/bluetoothd.log 2>&1 &
echo "the machine is up after $(cut -d' ' -f1 /proc/uptime) s"
cd /srv/project || exit
sh /srv/out/command
echo $? >/srv/out/code
sync
echo o >/proc/sysrq-trigger
sleep 5
