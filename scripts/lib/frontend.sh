# shellcheck shell=bash
# The frontend as an image in an engine's own store, which is where
# `# syntax=localhost/longshore:dev` finds it without a registry. The binaries
# are compiled on this machine where its toolchain can, as that is the quickest
# the second time; else in the toolchain image. Knows nothing of how engines
# are started.

FRONTEND_IMAGE=localhost/longshore:dev
ROOT=$(cd "$LIB/../.." && pwd)

frontend_target() { printf '%s/static' "${CARGO_TARGET_DIR:-$ROOT/target}"; }

# Says why this machine cannot compile the binaries; nothing where it can.
frontend_obstacle() {
  local minimum version host libc
  minimum=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml")
  if [[ $(uname -s) != Linux ]]; then
    echo "this machine does not run Linux"
  elif ! version=$(cd "$ROOT" && cargo -V 2>/dev/null) || ! host=$(frontend_host); then
    echo "there is no cargo that works here"
  elif version=${version#cargo } && ! at_least "${version%% *}" "$minimum"; then
    echo "cargo here is ${version%% *}, the frontend needs $minimum"
  elif [[ $host == *-gnu ]] && ! { libc=$(cc -print-file-name=libc.a 2>/dev/null) && [[ $libc == /* ]]; }; then
    echo "there is no static C library here (libc6-dev on Debian)"
  fi
}

# The triple of this machine's toolchain.
frontend_host() { (cd "$ROOT" && rustc -vV 2>/dev/null) | sed -n 's/^host: //p' | grep .; }

# Compiles the two binaries, unless cargo finds nothing to do, into
# `frontend_target`/image.
frontend_binaries() {
  local target host
  target=$(frontend_target)
  host=$(frontend_host)
  (
    cd "$ROOT"
    # An explicit target keeps the flags from build scripts and macros.
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked \
      --target "$host" --target-dir "$target" -p longshore -p longshore-helper >&2
  ) || die "the frontend does not compile"
  mkdir -p "$target/image"
  ln -f "$target/$host/release/longshore" "$target/$host/release/longshore-helper" "$target/image/"
}

# frontend_up NAME: the image, in that engine.
frontend_up() {
  local name=$1 kind
  kind=$(engine_kind "$name")
  [[ $kind != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  with_lock frontend frontend_build "$name" "$kind"
}

frontend_build() {
  local name=$1 kind=$2 obstacle binaries=() log=$STATE/frontend.log
  obstacle=$(frontend_obstacle)
  if [[ -z $obstacle ]]; then
    frontend_binaries
    binaries=(--build-context "binaries=$(frontend_target)/image")
  else
    say "$obstacle: compiling the frontend in the toolchain image (several minutes)"
    images_up "$name"
    binaries=(--build-arg "TOOLCHAIN=$TOOLCHAIN_IMAGE")
  fi
  # Of the machine's own Docker, the builder that fills the store its daemon
  # runs images from, whatever other builder is in use.
  if [[ $kind == host ]]; then
    BUILDX_BUILDER=$(host_docker context show)
    export BUILDX_BUILDER
  fi
  if ! engine_docker "$name" buildx build --progress=plain --load -f "$ROOT/Dockerfile.frontend" \
    "${binaries[@]}" -t "$FRONTEND_IMAGE" "$ROOT" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    die "the frontend's image could not be built (see $log)"
  fi
  say "$FRONTEND_IMAGE is in engine '$name'"
}
