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
