#!/usr/bin/env bash
# Builds a stand-in for AMD's compiler where AMD's images have it: Debian's
# clang, which compiles for AMD's processors too, with its own C library beside
# it, so that it runs in whatever image it is mounted into. Runs in namespaces
# of its own, like images-build.sh.
#   rocm-build.sh DIR MIRROR SUITE NAME
# Leaves the tree DIR/NAME.
set -euo pipefail

dir=$1 mirror=$2 suite=$3 name=$4
work=$dir/rocm-work
# shellcheck source=scripts/lib/archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"

rm -rf --one-file-system "$work"
mkdir -p "$work"
root=$work/root
bootstrap "$suite" "$root" ca-certificates
update_lists "$root"
install_packages "$root" clang clang-tools lld llvm

out=$work/out
mkdir -p "$out"/{llvm/bin,llvm/libexec,llvm/lib,loader}
version=$(in_root "$root" sh -c 'clang --version' | grep -o 'version [0-9]*' | head -1 | cut -d ' ' -f 2)
for program in clang lld clang-offload-bundler llvm-objcopy; do
  real=$(in_root "$root" readlink -f "/usr/lib/llvm-$version/bin/$program")
  cp "$root$real" "$out/llvm/libexec/$program"
  # Libraries, the loader among them, by name.
  in_root "$root" ldd "$real" | grep -o '/[^ ]*' | while read -r library; do
    cp -Lu "$root$library" "$out/loader/"
  done
  # What begins with -cc1 must stay first. The program's own name leads it back to this script when it starts others.
  cat >"$out/llvm/bin/$program" <<WRAPPER
#!/bin/sh
at=/opt/rocm
case "$program \$1" in
  "clang -cc1"*) ;;
  "clang "*) set -- -no-canonical-prefixes -resource-dir="\$at/llvm/lib/clang" "\$@" ;;
esac
exec "\$at"/loader/ld-linux-x86-64.so.2 --library-path "\$at/loader" --argv0 "\$at/llvm/bin/$program" "\$at/llvm/libexec/$program" "\$@"
WRAPPER
  chmod 755 "$out/llvm/bin/$program"
done
cp -rL "$root/usr/lib/llvm-$version/lib/clang/$version" "$out/llvm/lib/clang"
rm -rf --one-file-system "${dir:?}/${name:?}"
mv "$out" "$dir/$name"
rm -rf --one-file-system "$work"
