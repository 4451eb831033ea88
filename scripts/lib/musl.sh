# shellcheck shell=bash
# A toolchain that compiles for musl. Only on demand: it takes some minutes to
# build, as the standard library is compiled for it.

MUSL_IMAGE=longshore/rust-musl:debian
MUSL_ZIG=ziglang==0.17.1

# musl_load NAME: the image, in that engine.
musl_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "$MUSL_ZIG" "$LIB/musl-build.sh" "$LIB/archive.sh")
  if has_recipe "$name" "$MUSL_IMAGE" "$recipe"; then
    say "$MUSL_IMAGE is there"
    return
  fi
  if [[ ! -f $dir/rust-musl.tar || $(cat "$dir/rust-musl.recipe" 2>/dev/null) != "$recipe" ]]; then
    [[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] || die "$MUSL_IMAGE is for Debian on amd64 only"
    wheels_unpack "$dir/zig" "$dir/musl.log" "Zig (100 MB)" "$MUSL_ZIG"
    from_debian "$MUSL_IMAGE" "$dir/musl.log" "$LIB/musl-build.sh" "$dir" "$MUSL_IMAGE" "$recipe" "$dir/zig"
    rm -r "$dir/zig"
  fi
  engine_docker "$name" load -i "$dir/rust-musl.tar" >&2 || die "could not load $dir/rust-musl.tar"
  say "$MUSL_IMAGE is in engine '$name'"
}
