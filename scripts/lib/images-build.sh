#!/usr/bin/env bash
# Builds the two local images as archives that `docker load` reads. Runs in
# mount and process namespaces of its own, so that a killed build leaves none.
#   images-build.sh DIR MIRROR SLIM-TAG TOOLCHAIN-ARCHIVE RUST SYSROOT
# RUST is the version of the toolchain in SYSROOT; both are empty where there
# is none, and the toolchain is then Debian sid's.
set -euo pipefail

dir=$1 mirror=$2 slim_tag=$3 toolchain=$4 rust=$5 sysroot=$6
work=$dir/work
# shellcheck source=scripts/lib/archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"

rm -rf --one-file-system "$work"
mkdir -p "$work"

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
update_lists "$work/rust"
install_packages "$work/rust" "${packages[@]}"
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
