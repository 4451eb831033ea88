#!/usr/bin/env bash
# Builds the two local images as archives that `docker load` reads. Runs in
# mount and process namespaces of its own, so that a killed build leaves none.
#   images-build.sh DIR MIRROR SLIM-TAG TOOLCHAIN-ARCHIVE RUST SYSROOT
# RUST is the version of the toolchain in SYSROOT; both are empty where there
# is none, and the toolchain is then Debian sid's.
set -euo pipefail

dir=$1 mirror=$2 slim_tag=$3 toolchain=$4 rust=$5 sysroot=$6
work=$dir/work
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
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

rm -rf --one-file-system "$work"
mkdir -p "$work"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

# Programs that a newer C library was linked into do not start on an older one.
if [[ -n $sysroot ]]; then suite=bookworm; else suite=sid; fi
bootstrap "$suite" "$work/slim" libgcc-s1,ca-certificates
cp -a "$work/slim" "$work/rust"
trim "$work/slim"
trust_local_ca "$work/slim"
# One stays one: a rebuilt toolchain image does not change the other.
if [[ ! -f $dir/debian-bookworm-slim.tar ]]; then
  archive "$work/slim" "$dir/debian-bookworm-slim.tar" \
    "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"bash\"]}" "$slim_tag"
fi
[[ ! -f $toolchain ]] || exit 0

packages=(gcc g++ libc6-dev make pkg-config)
[[ -n $sysroot ]] || packages+=(rustc cargo)
cp -L /etc/resolv.conf "$work/rust/etc/resolv.conf"
in_root "$work/rust" apt-get -o Acquire::Check-Valid-Until=false update -q
in_root "$work/rust" apt-get install -q -y --no-install-recommends "${packages[@]}"
mkdir -p "$work/rust/usr/local/cargo/bin" "$work/rust/usr/local/rustup"
if [[ -n $sysroot ]]; then
  # Where rustup puts it in the official image, and its programs on the PATH.
  home=/usr/local/rustup/toolchains/$rust-$("$sysroot/bin/rustc" -vV | sed -n 's/^host: //p')
  mkdir -p "$work/rust$home"
  tar -C "$sysroot" --exclude=./share -cf - . | tar -C "$work/rust$home" --no-same-owner -xf -
  for tool in "$work/rust$home"/bin/*; do
    ln -s "$home/bin/${tool##*/}" "$work/rust/usr/local/cargo/bin/${tool##*/}"
  done
else
  rust=$(in_root "$work/rust" rustc -V | cut -d ' ' -f 2)
fi
trim "$work/rust"
trust_local_ca "$work/rust"
archive "$work/rust" "$toolchain" \
  "{\"Env\":[\"PATH=/usr/local/cargo/bin:$path\",\"RUSTUP_HOME=/usr/local/rustup\",\"CARGO_HOME=/usr/local/cargo\",\"RUST_VERSION=$rust\"],\"Cmd\":[\"bash\"]}" \
  "rust:$rust-bookworm" "rust:${rust%.*}-bookworm" rust:1-bookworm
rm -rf --one-file-system "$work"
