#!/bin/sh
# Boots systemd on a copy-on-write view of this machine, in namespaces of its own. Nothing it does is seen
# outside: writes go to a tmpfs, and /tmp, /run, /dev and the network are new.
#
# usage: unshare -f -p -m -u -i -n -C --propagation private tests/systemd/boot.sh FOLDER
#   FOLDER  an empty one, to mount on
set -e
folder=$1
root=$folder/root
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
for place in tmp var/tmp run dev; do mount -t tmpfs tmpfs "$root/$place"; done
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/lock"
mount -t devpts devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ip link set lo up
# What is about the machine and not about its services.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-networkd.service systemd-logind.service \
            getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
            fstrim.timer dpkg-db-backup.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=halley-test \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --log-level=notice --show-status=0
