# shellcheck shell=bash
# Vendors' toolkits from PyPI, where they are published as wheels: in reach
# wherever our own engine is, and a fraction of what vendors' images are.

# wheels_unpack ROOT LOG WHAT WHEEL...: wheels, as pip names them, unpacked over
# one another. They hold no links and no executable files.
wheels_unpack() {
  local root=$1 log=$2 what=$3 wheels wheel
  shift 3
  say "downloading $what"
  python3 -m pip --version >/dev/null 2>&1 || need_tools pip3
  need_tools unzip
  mkdir -p "$(dirname "$root")"
  # Beside the result, which may be large for the temporary directory.
  wheels=$root.wheels
  rm -rf "$wheels" "$root"
  mkdir -p "$root"
  # For one Python, whichever is here, so that the same wheels come.
  if ! python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
    --dest "$wheels" "$@" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -rf "$wheels" "$root"
    die "the wheels could not be downloaded (see $log)"
  fi
  for wheel in "$wheels"/*.whl; do unzip -qo "$wheel" -d "$root"; done
  rm -r "$wheels"
}
