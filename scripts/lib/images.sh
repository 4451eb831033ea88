# shellcheck shell=bash
# Stand-ins for the official images where no registry is in reach: a Debian
# bookworm and the same with a C compiler and a Rust toolchain, under the
# official names. Kept as archives, so every engine gets the same digests.

SLIM_IMAGE=debian:bookworm-slim
# The frontend's default, which the tests and the demo use.
TOOLCHAIN_IMAGE=$(sed -n 's/^pub const TOOLCHAIN_DEFAULT: &str = "\(.*\)";$/\1/p' "$LIB/../../frontend/src/config.rs")

# The toolchain the repository is built with, as `MAJOR.MINOR.PATCH`. Where
# the machine has none (the image then has Debian's), nothing.
machine_rust() {
  local version
  version=$(cd "$LIB" && rustc -V 2>/dev/null) || return 0
  version=${version#rustc }
  printf '%s' "${version%%[- ]*}"
}

has_image() { engine_docker "$1" image inspect "$2" >/dev/null 2>&1; }

# recipe_of TEXT-OR-FILE...: what tells one way of making an image from another;
# an image has it as the label longshore.recipe.
recipe_of() {
  local part
  for part; do
    if [[ -f $part ]]; then cat "$part"; else printf '%s\n' "$part"; fi
  done | sha256sum | cut -c 1-16
}

# has_recipe NAME IMAGE RECIPE
has_recipe() {
  [[ $(engine_docker "$1" image inspect --format '{{index .Config.Labels "longshore.recipe"}}' "$2" 2>/dev/null) == "$3" ]]
}

# from_debian IMAGE LOG SCRIPT DIR ARGUMENT...: runs a script that makes an image
# of Debian's packages as `SCRIPT DIR MIRROR SUITE ARGUMENT...`. Sid has the newest
# compilers, but does not install now and then. SUITES names others.
from_debian() {
  local image=$1 log=$2 script=$3 dir=$4 suite
  shift 4
  need_root
  need_tools debootstrap
  mkdir -p "$dir"
  say "building $image (about two minutes)"
  for suite in ${SUITES:-sid trixie}; do
    # Namespaces: see rootfs_build.
    if unshare --mount --pid --fork --kill-child "$script" "$dir" "$MIRROR" "$suite" "$@" >"$log" 2>&1; then
      return
    fi
    tail -n 5 "$log" >&2
    say "Debian $suite did not do"
  done
  die "$image could not be built (see $log)"
}

# image_of_tree NAME IMAGE TREE PLACE RECIPE: an image that has the tree at that
# place, and nothing else.
image_of_tree() {
  local name=$1 image=$2 tree=$3 place=$4 recipe=$5 log=$STATE/images/tree.log
  if ! printf 'FROM scratch\nCOPY . %s\n' "$place" |
    engine_docker "$name" buildx build --progress=plain --load --provenance=false -t "$image" \
      --build-arg SOURCE_DATE_EPOCH=0 --label "longshore.recipe=$recipe" -f - "$tree" >"$log" 2>&1; then
    tail -n 10 "$log" >&2
    die "$image could not be built (see $log)"
  fi
  say "$image is in engine '$name'"
}

# on_demand NAME WHAT: an image that only some tests need, in that engine; how it
# is made says the function WHAT_load.
on_demand() {
  local name=$1
  [[ $(engine_kind "$name") != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  with_lock images "$2_load" "$name"
}

images_up() {
  local name=$1 kind rust
  kind=$(engine_kind "$name")
  [[ $kind != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  rust=$(machine_rust)
  if [[ $kind == host ]]; then
    images_pull
  else
    with_lock images images_load "$name" "$rust"
  fi
}

images_pull() {
  local image
  for image in "$SLIM_IMAGE" "$TOOLCHAIN_IMAGE"; do
    has_image default "$image" || {
      say "pulling $image"
      engine_docker default pull -q "$image" >&2 || die "could not pull $image"
    }
    say "$image is there"
  done
}

images_load() {
  local name=$1 rust=$2 archive
  # What is there under the names stays, whoever brought it.
  if has_image "$name" "$SLIM_IMAGE" && has_image "$name" "$TOOLCHAIN_IMAGE"; then
    say "the images are there"
    return
  fi
  images_build "$rust"
  for archive in debian-bookworm-slim "rust-${rust:-debian}"; do
    engine_docker "$name" load -i "$STATE/images/$archive.tar" >&2 || die "could not load $STATE/images/$archive.tar"
  done
  has_image "$name" "$TOOLCHAIN_IMAGE" || {
    say "$TOOLCHAIN_IMAGE is not the version its name says, but the Rust that is here"
    engine_docker "$name" tag rust:1-bookworm "$TOOLCHAIN_IMAGE"
  }
}

# images_build RUST: the two archives, where they are not there yet.
images_build() {
  local rust=$1 log=$STATE/images/log sysroot='' toolchain=$STATE/images/rust-${1:-debian}.tar
  [[ ! -f $STATE/images/debian-bookworm-slim.tar || ! -f $toolchain ]] || return 0
  need_root
  need_tools debootstrap
  mkdir -p "$STATE/images"
  if [[ -n $rust ]]; then
    sysroot=$(cd "$LIB" && rustc --print sysroot)
    # A distribution's toolchain is not in a directory of its own.
    if [[ $sysroot == /usr || ! -x $sysroot/bin/cargo ]]; then sysroot=; fi
  fi
  [[ -n $sysroot ]] || say "no Rust toolchain from rustup here: both images come from Debian sid and its packages, and are no bookworm in truth"
  say "building $SLIM_IMAGE and rust:bookworm (one to two minutes)"
  # Namespaces: see rootfs_build.
  unshare --mount --pid --fork --kill-child \
    "$LIB/images-build.sh" "$STATE/images" "$MIRROR" "$SLIM_IMAGE" "$toolchain" "$rust" "$sysroot" >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    die "the images could not be built (see $log)"
  }
}
