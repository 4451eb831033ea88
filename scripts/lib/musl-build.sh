#!/usr/bin/env bash
# Builds a toolchain that compiles for musl, which Debian has no standard library
# for: rustc's own is compiled from rust-src, with Zig's C compiler, which brings
# musl along. Runs in namespaces of its own, like images-build.sh.
#   musl-build.sh DIR MIRROR SUITE TAG RECIPE ZIG
# ZIG is a tree with Zig. Leaves the archive DIR/rust-musl.tar, whose image has
# RECIPE as a label.
set -euo pipefail

dir=$1 mirror=$2 suite=$3 tag=$4 recipe=$5 zig=$6
work=$dir/musl-work
# shellcheck source=scripts/lib/archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"
triple=x86_64-unknown-linux-musl

rm -rf --one-file-system "$work"
mkdir -p "$work"
root=$work/root
bootstrap "$suite" "$root" ca-certificates
update_lists "$root"
install_packages "$root" rustc cargo libstd-rust-dev gcc libc6-dev pkg-config rust-src

mkdir -p "$root/opt"
cp -r "$zig/ziglang" "$root/opt/zig"
chmod 755 "$root/opt/zig/zig"
# As rustc and the crate cc call a C compiler for musl.
cat >"$root/usr/local/bin/musl-gcc" <<'WRAPPER'
#!/bin/bash
# Zig knows neither the target by rustc's name nor that it is 64-bit already.
arguments=()
for argument; do
  case $argument in
    --target=* | -m64) ;;
    *libunwind.a) arguments+=(-lunwind) ;;
    *) arguments+=("$argument") ;;
  esac
done
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-/tmp/zig}
export ZIG_LOCAL_CACHE_DIR=$ZIG_GLOBAL_CACHE_DIR
exec /opt/zig/zig cc -target x86_64-linux-musl "${arguments[@]}"
WRAPPER
chmod 755 "$root/usr/local/bin/musl-gcc"

mkdir -p "$root/build/src"
printf '[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2021"\n' >"$root/build/Cargo.toml"
: >"$root/build/src/lib.rs"
mount -t proc proc "$root/proc"
in_root "$root" env RUSTC_BOOTSTRAP=1 CARGO_HOME=/build/home CARGO_TARGET_DIR=/build/target \
  RUSTFLAGS='-Clinker=musl-gcc -Clink-self-contained=no' \
  cargo build --manifest-path /build/Cargo.toml --release --offline -Zbuild-std=std,panic_abort --target "$triple" \
  --config 'source.crates-io.replace-with="vendored"' \
  --config 'source.vendored.directory="/usr/lib/rustlib/src/rust/library/vendor"'
umount "$root/proc"
mkdir -p "$root/usr/lib/rustlib/$triple/lib"
find "$root/build/target/$triple/release/deps" -name 'lib*.rlib' ! -name 'libnothing*' \
  -exec mv -t "$root/usr/lib/rustlib/$triple/lib" {} +
rm -rf "$root/build" "$root/usr/lib/rustlib/src" "$root/usr/src"/rustc-* "$root/tmp/zig"

trim "$root"
trust_local_ca "$root"
archive "$root" "$dir/rust-musl.tar" \
  "{\"Env\":[\"PATH=$path\",\"CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=musl-gcc\",\"CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS=-Clink-self-contained=no\"],\"Cmd\":[\"bash\"],\"Labels\":{\"longshore.recipe\":\"$recipe\"}}" "$tag"
printf '%s\n' "$recipe" >"$dir/rust-musl.recipe"
rm -rf --one-file-system "$work"
