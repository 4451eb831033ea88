# shellcheck shell=bash
# Images for builds of several platforms: a toolchain that compiles for others
# than its own, and a base that exists for each. Only on demand, as they are
# large; from Debian alone, which is in reach wherever our own engine is.

CROSS_TOOLCHAIN_IMAGE=longshore/rust-cross:debian
CROSS_BASE_IMAGE=longshore/base-cross:debian

# cross_load NAME: both images, in that engine.
cross_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "$LIB/cross-build.sh" "$LIB/archive.sh" "$LIB/llvm-bitcode-linker" "$LIB/amdgcn-ld")
  if has_recipe "$name" "$CROSS_TOOLCHAIN_IMAGE" "$recipe" && has_image "$name" "$CROSS_BASE_IMAGE"; then
    say "the images for cross-compiling are there"
    return
  fi
  if [[ ! -f $dir/rust-cross.tar || $(cat "$dir/rust-cross.recipe" 2>/dev/null) != "$recipe" ]]; then
    [[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] ||
      die "the images for cross-compiling are for Debian on amd64 only"
    mkdir -p "$dir/base-cross"
    from_debian "$CROSS_TOOLCHAIN_IMAGE" "$dir/cross.log" "$LIB/cross-build.sh" "$dir" "$CROSS_TOOLCHAIN_IMAGE" "$recipe"
  fi
  engine_docker "$name" load -i "$dir/rust-cross.tar" >&2 || die "could not load $dir/rust-cross.tar"
  cross_base "$name"
  say "$CROSS_TOOLCHAIN_IMAGE and $CROSS_BASE_IMAGE are in engine '$name'"
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
