# shellcheck shell=bash
# The oldest toolchain that is tested. Only on demand.

OLDEST_IMAGE=longshore/rust-oldest:debian
OLDEST_SUITE=trixie
# shellcheck disable=SC2034  # nightly.sh uses it
OLDEST_RUST=1.85

# oldest_load NAME: the image, in that engine.
oldest_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "$OLDEST_SUITE" "$LIB/oldest-build.sh" "$LIB/archive.sh")
  if has_recipe "$name" "$OLDEST_IMAGE" "$recipe"; then
    say "$OLDEST_IMAGE is there"
    return
  fi
  if [[ ! -f $dir/rust-oldest.tar || $(cat "$dir/rust-oldest.recipe" 2>/dev/null) != "$recipe" ]]; then
    SUITES=$OLDEST_SUITE from_debian "$OLDEST_IMAGE" "$dir/oldest.log" "$LIB/oldest-build.sh" "$dir" "$OLDEST_IMAGE" "$recipe"
  fi
  engine_docker "$name" load -i "$dir/rust-oldest.tar" >&2 || die "could not load $dir/rust-oldest.tar"
  say "$OLDEST_IMAGE is in engine '$name'"
}
