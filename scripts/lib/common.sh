# shellcheck shell=bash
# What every part of scripts/engine shares: where state lies, messages, locks,
# versions, and the Docker the machine may already have. Knows nothing of how
# an engine of our own is built or started.

STATE=${XDG_CACHE_HOME:-$HOME/.cache}/longshore
# shellcheck disable=SC2034  # the other files use it, and LIB
MIRROR=${LONGSHORE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
# shellcheck disable=SC2034
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Docker 27.5 carries BuildKit 0.18, the oldest the tests know.
MIN_ENGINE=27.5
MIN_BUILDX=0.17

PROGRAM=$(basename "$0")

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }

die() {
  printf '%s: error: %s\n' "$PROGRAM" "$*" >&2
  exit 1
}

# with_lock NAME COMMAND...: one process at a time. The lock is let go when
# the command and all it started without closing their files have ended, so a
# setup whose parent was killed is waited for, not raced. Long-running
# children must therefore be started with `close_files`.
with_lock() {
  local lock=$STATE/lock/$1 fd
  shift
  mkdir -p "$STATE/lock"
  exec {fd}>"$lock"
  if ! flock --nonblock "$fd"; then
    say "another scripts/engine is at work; waiting for it"
    flock "$fd"
  fi
  "$@"
  exec {fd}>&-
}

# Closes all but the three standard files, locks among them.
close_files() {
  local fd
  for fd in /proc/"$BASHPID"/fd/*; do
    fd=${fd##*/}
    if ((fd > 2 && fd != 255)); then eval "exec $fd>&-"; fi
  done
}

# at_least VERSION MINIMUM: compares dotted numbers, ignores what follows them.
at_least() {
  local have=${1#v}
  have=${have%%[^0-9.]*}
  [[ -n $have && $(printf '%s\n%s\n' "$2" "$have" | sort -V | head -n 1) == "$2" ]]
}

need_root() {
  ((EUID == 0)) || die "no Docker of at least $MIN_ENGINE with buildx $MIN_BUILDX answers here, and an engine of our own needs root: start Docker, or run this as root"
}

# Installs what the setup calls, where the machine lacks it and has apt.
need_tools() {
  local tool missing=()
  for tool in "$@"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    die "${missing[*]} not found, and no apt-get to install it with"
  ((EUID == 0)) || die "${missing[*]} not found: install it, or run this as root"
  local packages=("${missing[@]/#pip3/python3-pip}")
  # What these cannot do without, though it is only recommended.
  if [[ " ${missing[*]} " == *" debootstrap "* ]]; then packages+=(debian-archive-keyring); fi
  if [[ " ${missing[*]} " == *" curl "* ]]; then packages+=(ca-certificates); fi
  say "installing ${packages[*]}"
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >"$STATE/apt.log" 2>&1; then
    # The lists of a bare machine are empty or old.
    if ! { apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"; } >>"$STATE/apt.log" 2>&1; then
      tail -n 5 "$STATE/apt.log" >&2
      die "apt-get could not install ${packages[*]} (see $STATE/apt.log)"
    fi
  fi
}

# The client as the user has it, whatever `eval "$(scripts/engine env)"` set.
host_docker() (
  case ${DOCKER_HOST:-} in
    "unix://$STATE/"*)
      unset DOCKER_HOST DOCKER_CONFIG BUILDX_BUILDER
      PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v "^$STATE/" | paste -sd : -)
      ;;
  esac
  exec timeout --foreground "${HOST_DOCKER_TIMEOUT:-20}" docker "$@"
)

# Whether the machine's own Docker is there and new enough; says why not where
# one answers that is too old.
host_docker_usable() {
  local server buildx
  server=$(host_docker info --format '{{.ServerVersion}}' 2>/dev/null) && [[ -n $server ]] || return 1
  if ! at_least "$server" "$MIN_ENGINE"; then
    say "this machine's Docker is $server, the tests need $MIN_ENGINE"
    return 1
  fi
  # The second word of "github.com/docker/buildx v0.29.1 …".
  buildx=$(host_docker buildx version 2>/dev/null | awk 'NR == 1 { print $2 }') || buildx=
  if ! at_least "$buildx" "$MIN_BUILDX"; then
    say "this machine's Docker has buildx ${buildx:-missing}, the tests need $MIN_BUILDX"
    return 1
  fi
}

host_docker_store() {
  if host_docker info --format '{{.DriverStatus}}' 2>/dev/null | grep -q 'io.containerd.snapshotter'; then
    echo containerd
  else
    echo graph
  fi
}
