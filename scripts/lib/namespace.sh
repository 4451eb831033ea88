#!/usr/bin/env bash
# Runs as the first process of new mount and process namespaces: makes ROOTFS
# the root, so that runc can pivot out of it again, and becomes the command
# given. When that ends, so does every process here, and every mount.
#   namespace.sh ROOTFS RUN DATA COMMAND...
# RUN appears at /run/host, DATA at /var/lib/docker.
set -euo pipefail

rootfs=$1 run=$2 data=$3
shift 3

mount --bind "$rootfs" "$rootfs"
mount -t proc proc "$rootfs/proc"
mount --rbind /sys "$rootfs/sys"
mount --rbind /dev "$rootfs/dev"
mount -t tmpfs -o mode=755 tmpfs "$rootfs/run"
mount -t tmpfs -o mode=1777 tmpfs "$rootfs/tmp"
mkdir -p "$rootfs/run/host" "$rootfs/run/lock" "$rootfs/var/lib/docker"
mount --bind "$run" "$rootfs/run/host"
mount --bind "$data" "$rootfs/var/lib/docker"

# The machine's view of names and of certificates, a local CA included. A
# stub resolver on the loopback device is of no use to a container.
resolv=/etc/resolv.conf
if grep -q '^nameserver 127\.0\.0\.53' "$resolv" && [[ -s /run/systemd/resolve/resolv.conf ]]; then
  resolv=/run/systemd/resolve/resolv.conf
fi
bundle=
for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
  [[ -s $bundle ]] && break
done
# Two engines share the tree: write beside and rename, never truncate.
into() {
  cp -L "$1" "$rootfs$2.$$"
  mv -f "$rootfs$2.$$" "$rootfs$2"
}
into "$resolv" /etc/resolv.conf
into /etc/hosts /etc/hosts
[[ ! -s $bundle ]] || into "$bundle" /etc/ssl/certs/ca-certificates.crt
unset SSL_CERT_FILE

cd "$rootfs"
mkdir -p run/old
pivot_root . run/old
exec chroot . sh -c 'umount -l /run/old && rmdir /run/old && exec docker-init -- "$@"' sh "$@"
