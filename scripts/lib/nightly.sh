# shellcheck shell=bash
# The nightly that this machine's rustup has. Only on demand, and only there.

NIGHTLY_IMAGE=longshore/rust-nightly:rustup

# nightly_sysroot: where it lies; a failure where there is none, or one that is
# older than the oldest toolchain that is tested. Nothing is asked that would make
# rustup fetch one.
nightly_sysroot() {
  local version
  [[ $'\n'$(rustup toolchain list 2>/dev/null) == *$'\n'nightly-[a-z]* ]] || return
  version=$(rustc +nightly -V) && at_least "${version#rustc }" "$OLDEST_RUST" && rustc +nightly --print sysroot
}

# nightly_load NAME: the image, in that engine.
nightly_load() {
  local name=$1 sysroot recipe home log=$STATE/images/nightly.log
  sysroot=$(nightly_sysroot) || {
    say "no nightly of rustup's from Rust $OLDEST_RUST on here (rustup toolchain install nightly): no $NIGHTLY_IMAGE, and what needs it is left out"
    return
  }
  recipe=$(recipe_of "$("$sysroot/bin/rustc" -vV)" "$TOOLCHAIN_IMAGE" "$LIB/nightly.sh")
  if has_recipe "$name" "$NIGHTLY_IMAGE" "$recipe"; then
    say "$NIGHTLY_IMAGE is there"
    return
  fi
  has_image "$name" "$TOOLCHAIN_IMAGE" || die "the engine has no $TOOLCHAIN_IMAGE: scripts/engine images --name $name"
  mkdir -p "$STATE/images"
  say "building $NIGHTLY_IMAGE of $("$sysroot/bin/rustc" -V)"
  home=/usr/local/rustup/toolchains/nightly
  nightly_context "$sysroot" "$home" |
    engine_docker "$name" buildx build --progress=plain --load --provenance=false -t "$NIGHTLY_IMAGE" \
      --build-arg SOURCE_DATE_EPOCH=0 --label "longshore.recipe=$recipe" - >"$log" 2>&1 || {
    tail -n 10 "$log" >&2
    die "$NIGHTLY_IMAGE could not be built (see $log)"
  }
  say "$NIGHTLY_IMAGE is in engine '$name'"
}

# nightly_context SYSROOT HOME: what it is built from, as an archive. The image's
# own programs come after those of the nightly.
nightly_context() {
  local dir status=0
  dir=$(mktemp -d)
  # shellcheck disable=SC2016  # $PATH is the image's
  printf 'FROM %s\nCOPY toolchain %s\nENV PATH=%s/bin:$PATH RUST_VERSION=nightly\n' "$TOOLCHAIN_IMAGE" "$2" "$2" >"$dir/Dockerfile"
  tar -C "$1" --exclude=./share --transform 'flags=r;s,^\.,toolchain,' -cf - . -C "$dir" Dockerfile || status=$?
  rm -r "$dir"
  return "$status"
}
