#!/usr/bin/env bash
# Builds what the tests compile for other processors with: a toolchain from
# Debian that compiles for amd64, arm64 and wasm and runs programs for all three,
# and kernels in Rust for GPUs; and a base of each Linux platform for what comes
# of it. Runs in namespaces of its own, like images-build.sh.
#   cross-build.sh DIR MIRROR SUITE TOOLCHAIN-TAG RECIPE
# Leaves in DIR the archive rust-cross.tar, whose image has RECIPE as a label,
# and in base-cross/ the filesystems amd64.tar and arm64.tar.
set -euo pipefail

dir=$1 mirror=$2 suite=$3 tag=$4 recipe=$5
work=$dir/cross-work
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/lib/archive.sh
. "$here/archive.sh"

rm -rf --one-file-system "$work"
mkdir -p "$work"
root=$work/rust
bootstrap "$suite" "$root" ca-certificates
in_root "$root" dpkg --add-architecture arm64
update_lists "$root"
install_packages "$root" rustc cargo libstd-rust-dev g++ libc6-dev pkg-config \
  libstd-rust-dev:arm64 g++-aarch64-linux-gnu libc6-dev-arm64-cross \
  libstd-rust-dev-wasm32 nodejs rust-src
# The linker for wasm, which rustup's toolchains bring along under this name.
# shellcheck disable=SC2016  # dpkg's own syntax
lld=$(in_root "$root" dpkg-query -W -f '${Recommends}' libstd-rust-dev-wasm32 | grep -o 'lld-[0-9]*')
install_packages "$root" "$lld"
ln -s "/usr/bin/$lld" "$root/usr/local/bin/rust-lld"
ln -s "/usr/bin/ld.$lld" "$root/usr/local/bin/ld.lld"
# Linkers for devices. Of LLVM only what the first of them starts.
llvm=${lld#lld-}
install_packages "$root" "llvm-$llvm"
sed "s/LLVM_VERSION/$llvm/" "$here/llvm-bitcode-linker" >"$root/usr/local/bin/llvm-bitcode-linker"
cp "$here/amdgcn-ld" "$root/usr/local/bin/"
chmod 755 "$root"/usr/local/bin/{llvm-bitcode-linker,amdgcn-ld}
find "$root/usr/lib/llvm-$llvm/bin" -type f ! -name llvm-link ! -name opt ! -name llc ! -name '*lld*' -delete

# unpack ROOT PACKAGE...: without configuration, which would have to run.
unpack() {
  local into=$1 package
  shift
  mkdir -p "$root/tmp/debs" "$into"
  (cd "$root/tmp/debs" && in_root "$root" sh -c 'cd /tmp/debs && apt-get download -q "$@"' sh "$@")
  for package in "$root"/tmp/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$into" -xf -
  done
  rm -r "$root/tmp/debs"
}

# What a program from the toolchain needs at run time, and no more.
for architecture in amd64 arm64; do
  base=$work/base-$architecture
  unpack "$base" {base-files,base-passwd,libc6,libgcc-s1}":$architecture"
  cp "$base/usr/share/base-passwd/passwd.master" "$base/etc/passwd"
  cp "$base/usr/share/base-passwd/group.master" "$base/etc/group"
  rm -rf "$base"/usr/share/{doc,man,info,locale,lintian,doc-base}
  mkdir -p "$base/etc/ssl/certs"
  cp -L "$root/etc/ssl/certs/ca-certificates.crt" "$base/etc/ssl/certs/"
  trust_local_ca "$base"
  tar -C "$base" --numeric-owner --sort=name -cf "$dir/base-cross/$architecture.tar" .
done

# The one of the emulators that is used; it is linked statically.
unpack "$work/qemu" qemu-user
cp "$work/qemu/usr/bin/qemu-aarch64" "$root/usr/local/bin/"

# Of rust-src only the library is compiled.
rm -rf "$root"/usr/lib/rustlib/src/rust/{src,compiler}

# A compiler that would run on arm64 came along, and targets that no test has.
rm -f "$root"/usr/lib/aarch64-linux-gnu/lib{LLVM,rustc_driver,z3}*
rm -rf "$root"/usr/lib/rustlib/wasm32-{unknown-unknown,wasip2}
trim "$root"
trust_local_ca "$root"
archive "$root" "$dir/rust-cross.tar" \
  "{\"Env\":[\"PATH=$path\",\"CARGO_TARGET_AMDGCN_AMD_AMDHSA_LINKER=amdgcn-ld\",\"CARGO_TARGET_AMDGCN_AMD_AMDHSA_RUSTFLAGS=-Clinker-flavor=gcc\"],\"Cmd\":[\"bash\"],\"Labels\":{\"longshore.recipe\":\"$recipe\"}}" "$tag"
printf '%s\n' "$recipe" >"$dir/rust-cross.recipe"
rm -rf --one-file-system "$work"
