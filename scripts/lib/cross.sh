# shellcheck shell=bash
# Images for builds of several platforms: a toolchain that compiles for others
# than its own, and a base that exists for each. Only on demand, as they are
# large; from Debian alone, which is in reach wherever our own engine is.

CROSS_TOOLCHAIN_IMAGE=longshore/rust-cross:debian
CROSS_BASE_IMAGE=longshore/base-cross:debian

# cross_up NAME: both images, in that engine.
cross_up() {
  local name=$1
  [[ $(engine_kind "$name") != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  with_lock images cross_load "$name"
}

cross_load() {
  local name=$1 recipe there
  recipe=$(sha256sum "$LIB/cross-build.sh" "$LIB/archive.sh" | sha256sum | cut -c 1-16)
  there=$(engine_docker "$name" image inspect --format '{{index .Config.Labels "longshore.recipe"}}' \
    "$CROSS_TOOLCHAIN_IMAGE" 2>/dev/null) || there=
  if [[ $there == "$recipe" ]] && has_image "$name" "$CROSS_BASE_IMAGE"; then
    say "the images for cross-compiling are there"
    return
  fi
  cross_build "$recipe"
  engine_docker "$name" load -i "$STATE/images/rust-cross.tar" >&2 ||
    die "could not load $STATE/images/rust-cross.tar"
  cross_base "$name"
  say "$CROSS_TOOLCHAIN_IMAGE and $CROSS_BASE_IMAGE are in engine '$name'"
}

# The archives, where they are not there yet as this repository makes them.
# Debian sid has the newest Rust, but does not install now and then.
cross_build() {
  local recipe=$1 suite log=$STATE/images/cross.log
  if [[ -f $STATE/images/rust-cross.tar && $(cat "$STATE/images/rust-cross.recipe" 2>/dev/null) == "$recipe" ]]; then
    return 0
  fi
  need_root
  [[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] ||
    die "the images for cross-compiling are for Debian on amd64 only"
  need_tools debootstrap
  mkdir -p "$STATE/images/base-cross"
  say "building $CROSS_TOOLCHAIN_IMAGE (about two minutes)"
  for suite in sid trixie; do
    # Namespaces: see rootfs_build.
    if unshare --mount --pid --fork --kill-child \
      "$LIB/cross-build.sh" "$STATE/images" "$MIRROR" "$suite" "$CROSS_TOOLCHAIN_IMAGE" "$recipe" >"$log" 2>&1; then
      return
    fi
    tail -n 5 "$log" >&2
    say "Debian $suite did not do"
  done
  die "the images for cross-compiling could not be built (see $log)"
}

# One name for two platforms, which only the containerd image store has.
cross_base() {
  local name=$1 log=$STATE/images/cross-base.log
  if ! engine_docker "$name" buildx build --progress=plain --load --provenance=false \
    --platform linux/amd64,linux/arm64 -t "$CROSS_BASE_IMAGE" --build-arg SOURCE_DATE_EPOCH=0 \
    -f - "$STATE/images/base-cross" >"$log" 2>&1 <<'DOCKERFILE'; then
FROM scratch
ARG TARGETARCH
ADD $TARGETARCH.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKERFILE
    tail -n 10 "$log" >&2
    die "$CROSS_BASE_IMAGE could not be built (see $log); it needs an engine with the containerd image store"
  fi
}
