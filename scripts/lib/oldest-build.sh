#!/usr/bin/env bash
# Builds the oldest toolchain that is tested: Debian trixie's. Runs in
# namespaces of its own, like images-build.sh.
#   oldest-build.sh DIR MIRROR SUITE TAG RECIPE
# Leaves in DIR the archive rust-oldest.tar, whose image has RECIPE as a label.
set -euo pipefail

dir=$1 mirror=$2 suite=$3 tag=$4 recipe=$5
work=$dir/oldest-work
# shellcheck source=scripts/lib/archive.sh
. "$(dirname "${BASH_SOURCE[0]}")/archive.sh"

rm -rf --one-file-system "$work"
mkdir -p "$work"
root=$work/rust
bootstrap "$suite" "$root" ca-certificates
update_lists "$root"
install_packages "$root" rustc cargo gcc libc6-dev pkg-config
trim "$root"
trust_local_ca "$root"
archive "$root" "$dir/rust-oldest.tar" \
  "{\"Env\":[\"PATH=$path\"],\"Cmd\":[\"bash\"],\"Labels\":{\"longshore.recipe\":\"$recipe\"}}" "$tag"
printf '%s\n' "$recipe" >"$dir/rust-oldest.recipe"
rm -rf --one-file-system "$work"
