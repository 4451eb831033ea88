# shellcheck shell=bash
# Debian trees and the archives made of them that `docker load` reads. Sourced
# by what builds images; wants $mirror, and in $work a directory to work in.

: "${mirror:?}" "${work:?}"
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

in_root() { chroot "$1" env -i PATH="$path" HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "${@:2}"; }

# Like the official images: no documentation, but a package manager.
trim() {
  local root=$1
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt \
    "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root"/var/cache/{debconf/*-old,ldconfig/*}
  : >"$root/etc/resolv.conf"
  rm -f "$root/etc/hostname"
}

# bootstrap SUITE ROOT PACKAGES
bootstrap() {
  debootstrap --variant=minbase --include="$3" "$1" "$2" "$mirror"
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian >"$2/etc/dpkg/dpkg.cfg.d/docker"
  # shellcheck disable=SC2016  # apt's own syntax
  echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
    >"$2/etc/apt/apt.conf.d/docker-clean"
}

# The lists of Debian sid are out of date now and then; what they name is there.
update_lists() {
  cp -L /etc/resolv.conf "$1/etc/resolv.conf"
  in_root "$1" apt-get -o Acquire::Check-Valid-Until=false update -q
}

install_packages() { in_root "$1" apt-get install -q -y --no-install-recommends "${@:2}"; }

# A registry in reach would serve images that trust the public authorities;
# where TLS goes through a local one, a stand-in that works has to trust that.
trust_local_ca() {
  [[ ! -s /etc/ssl/certs/ca-certificates.crt ]] ||
    cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
}

# archive ROOT OUT CONFIG TAG...: one layer, which an engine takes as it is, so
# that the digest is the same wherever it is loaded. Compressed, if quickly:
# cache exports push it.
archive() {
  local root=$1 out=$2 config=$3 layer id tags='' tag
  shift 3
  mkdir -p "$work/archive"
  mkfifo "$work/layer"
  sha256sum <"$work/layer" >"$work/layer.sum" &
  tar -C "$root" --numeric-owner --one-file-system --sort=name \
    --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./run/*' -cf - . |
    tee "$work/layer" | gzip -1n >"$work/archive/layer.tar"
  wait $!
  layer=$(cut -d ' ' -f 1 "$work/layer.sum")
  printf '{"architecture":"%s","os":"linux","created":"%s","config":%s,"history":[{"created":"%s","created_by":"debootstrap"}],"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "$now" "$config" "$now" "$layer" >"$work/archive/config.json"
  id=$(sha256sum <"$work/archive/config.json" | cut -d ' ' -f 1)
  mv "$work/archive/config.json" "$work/archive/$id.json"
  for tag in "$@"; do tags+=${tags:+,}"\"$tag\""; done
  printf '[{"Config":"%s.json","RepoTags":[%s],"Layers":["layer.tar"]}]' "$id" "$tags" >"$work/archive/manifest.json"
  tar -C "$work/archive" -cf "$out.tmp" manifest.json "$id.json" layer.tar
  rm -rf "$work/archive" "$work/layer"
  mv "$out.tmp" "$out"
}
