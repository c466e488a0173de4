#!/bin/bash
# Pid 1 of a host: NAME, STATE and BINDS come in the environment. Everything started below dies with it.
set -e
M=$STATE/mnt-$NAME; R=$M/root
# The upper layer lies in a tmpfs: nothing reaches the real disk, and a boot starts clean.
mkdir -p "$M"; mount -t tmpfs -o size=2g tmpfs "$M"; mkdir "$M/up" "$M/work" "$R"
mount -t overlay overlay -o "lowerdir=/,upperdir=$M/up,workdir=$M/work" "$R"
mount -t proc proc "$R/proc"; mount -t sysfs sysfs "$R/sys"
mount --rbind /sys/fs/cgroup "$R/sys/fs/cgroup"; mount --rbind /dev "$R/dev"
mount -t tmpfs -o mode=755 tmpfs "$R/run"; mount -t tmpfs -o mode=1777 tmpfs "$R/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$R/dev/shm"
mkdir -p "$R/run/sshd" "$R/run/lock"
# What a site has on NFS: the rig's state and the project, at the same paths everywhere.
while IFS= read -r folder; do
  [ -n "$folder" ] || continue
  mkdir -p "$R$folder"; mount --bind "$folder" "$R$folder"
done <<<"$BINDS"
hostname "$NAME"; echo "$NAME" > "$R/etc/hostname"; cp "$STATE/hosts" "$R/etc/hosts"
rm -rf "$R/root/.ssh" "$R/root/.bashrc" "$R/root/.profile"
mkdir -m700 -p "$R/root/.ssh"; install -m600 "$STATE/id.pub" "$R/root/.ssh/authorized_keys"
rm -f "$R"/etc/ssh/ssh_host_*; install -m600 "$STATE/hostkey-$NAME" "$R/etc/ssh/ssh_host_ed25519_key"
sed -i 's/^root:!*[^:]*:/root:*:/' "$R/etc/shadow"   # a '!' would lock root out even with a key
cat > "$R/etc/ssh/sshd_config" <<C
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
Subsystem sftp internal-sftp
MaxStartups 100
C
# The host's disk becomes the root of its mount namespace, not only of its processes: what enters a container from here
# (`docker exec`) would find itself at that root.
mkdir "$R/outside"; cd "$R"; pivot_root . outside
umount -l /outside; rmdir /outside
# Bash stays as pid 1 to reap orphans.
exec env -u STATE -u BINDS -u NAME -u M -u R /bin/bash -c \
  '/usr/sbin/sshd -D -e & trap "exit 0" TERM; while :; do wait -n || true; sleep 0.2; done'
