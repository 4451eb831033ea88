# shellcheck shell=bash
# An image with a compiler for AMD's processors where AMD's images have it, from
# Debian. Only on demand: the tests of all accelerators are not part of every
# run.

ROCM_IMAGE=longshore/rocm:debian

# rocm_up NAME: the image, in that engine.
rocm_up() {
  local name=$1
  [[ $(engine_kind "$name") != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  with_lock images rocm_load "$name"
}

rocm_load() {
  local name=$1 root log=$STATE/images/rocm.log suite recipe there
  recipe=$(sha256sum "$LIB/rocm-build.sh" "$LIB/archive.sh" | sha256sum | cut -c 1-16)
  root=$STATE/images/rocm-$recipe
  there=$(engine_docker "$name" image inspect --format '{{index .Config.Labels "longshore.recipe"}}' \
    "$ROCM_IMAGE" 2>/dev/null) || there=
  if [[ $there == "$recipe" ]]; then
    say "$ROCM_IMAGE is there"
    return
  fi
  if [[ ! -d $root ]]; then
    need_root
    need_tools debootstrap
    say "building $ROCM_IMAGE (about two minutes)"
    for suite in sid trixie; do
      # Namespaces: see rootfs_build.
      if unshare --mount --pid --fork --kill-child \
        "$LIB/rocm-build.sh" "$STATE/images" "$MIRROR" "$suite" "rocm-$recipe" >"$log" 2>&1; then
        break
      fi
      tail -n 5 "$log" >&2
      say "Debian $suite did not do"
    done
    [[ -d $root ]] || die "the image could not be built (see $log)"
  fi
  if ! engine_docker "$name" buildx build --progress=plain --load --provenance=false \
    -t "$ROCM_IMAGE" --build-arg SOURCE_DATE_EPOCH=0 \
    --label "longshore.recipe=$recipe" -f - "$root" >"$log" 2>&1 <<'DOCKERFILE'; then
FROM scratch
COPY . /opt/rocm
DOCKERFILE
    tail -n 10 "$log" >&2
    die "$ROCM_IMAGE could not be built (see $log)"
  fi
  say "$ROCM_IMAGE is in engine '$name'"
}
