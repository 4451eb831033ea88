# shellcheck shell=bash
# Starting, stopping and pointing at an engine. An engine of our own lies in
# $STATE/engines/NAME: data/ (its /var/lib/docker), run/ (socket and
# configuration), client/ (docker and buildx to use it with), log.

engine_dir() { printf '%s/engines/%s' "$STATE" "$1"; }

# service_pid DIR: the process that `service_start` left, if it still runs. A
# reused process number is told by the environment it was started with.
service_pid() {
  local pid
  [[ -s $1/pid ]] && read -r pid <"$1/pid" &&
    grep -qzx "LONGSHORE_SERVICE=$1" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
}

# service_start DIR ROOTFS COMMAND...: in namespaces of its own, apart from
# this shell and its terminal, with DIR/run and DIR/data inside.
service_start() {
  local dir=$1 rootfs=$2 keep=() variable
  shift 2
  # Nothing of the caller's environment but what names proxies and the CA.
  for variable in SSL_CERT_FILE {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
    if [[ -n ${!variable:-} ]]; then keep+=("$variable=${!variable}"); fi
  done
  mkdir -p "$dir/run" "$dir/data"
  [[ ! -f $dir/log ]] || mv -f "$dir/log" "$dir/log.old"
  (
    close_files
    exec setsid env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
      "LONGSHORE_SERVICE=$dir" "${keep[@]}" \
      unshare --mount --propagation private --pid --fork --kill-child \
      "$LIB/namespace.sh" "$rootfs" "$dir/run" "$dir/data" "$@" </dev/null >"$dir/log" 2>&1
  ) &
  echo $! >"$dir/pid"
  disown
}

# service_stop DIR: politely, then not. The process that was started waits for
# the first one of the new process namespace; with that one goes all of it.
service_stop() {
  local dir=$1 pid first tick
  pid=$(service_pid "$dir") || {
    rm -f "$dir/pid"
    return 0
  }
  first=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || first=$(pgrep -P "$pid") || first=
  first=${first%%[!0-9]*}
  [[ -z $first ]] || kill -TERM "$first" 2>/dev/null || true
  for ((tick = 0; tick < 300; tick++)); do
    service_pid "$dir" >/dev/null || break
    if ((tick == 200)); then
      say "$(basename "$dir") does not stop by itself; killing it"
      kill -KILL ${first:+"$first"} "$pid" 2>/dev/null || true
    fi
    sleep 0.1
  done
  if service_pid "$dir" >/dev/null; then die "process $pid of $dir does not end"; fi
  rm -f "$dir/pid"
}

# own_docker NAME ARGUMENTS...: the client of an engine of our own.
own_docker() (
  dir=$(engine_dir "$1")
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY
  export DOCKER_HOST=unix://$dir/run/docker.sock DOCKER_CONFIG=$dir/client/docker BUILDX_BUILDER=default
  exec timeout --foreground "${DOCKER_TIMEOUT:-0}" "$dir/client/bin/docker" "${@:2}"
)

# engine_kind NAME: `own` (running), `host` (this machine's Docker) or `none`.
engine_kind() {
  if service_pid "$(engine_dir "$1")" >/dev/null; then
    echo own
  elif [[ $1 == default ]] && host_docker_usable; then
    echo host
  else
    echo none
  fi
}

engine_docker() {
  if service_pid "$(engine_dir "$1")" >/dev/null; then
    own_docker "$@"
  else
    HOST_DOCKER_TIMEOUT=1800 host_docker "${@:2}"
  fi
}

engine_up() {
  local name=$1 own=$2 suite=$3 store=$4
  if [[ -z $own$suite$store && $(engine_kind "$name") == host ]]; then
    say "using this machine's Docker, $(host_docker info --format '{{.ServerVersion}}')"
    [[ $(host_docker_store) == containerd ]] ||
      say "it does not use the containerd image store: no cache export, no attestations (--own starts an engine that has them)"
    return
  fi
  with_lock "engine-$name" engine_up_own "$name" "$suite" "$store"
}

engine_up_own() {
  local name=$1 suite=$2 store=${3:-containerd} dir rootfs network mtu=1500 snapshotter=true tick
  dir=$(engine_dir "$name")
  if service_pid "$dir" >/dev/null; then
    if own_docker "$name" version >/dev/null 2>&1; then
      say "engine '$name' is running"
      return
    fi
    say "engine '$name' does not answer; starting it anew"
    service_stop "$dir"
  fi
  need_root
  ((${#dir} < 90)) || die "$dir/run/docker.sock is too long for a socket's path; set XDG_CACHE_HOME to a shorter one"
  suite=$(with_lock rootfs rootfs_up "$suite")
  rootfs=$(rootfs_dir "$suite")
  mkdir -p "$dir/run" "$dir/data"
  echo "$rootfs" >"$dir/rootfs"
  rootfs_client "$rootfs" "$dir/client"
  rm -f "$dir/run/docker.sock"
  if net_up "$rootfs" "$dir/net"; then
    network=$(cut -d ' ' -f 1 "$dir/net")
    # dockerd sets it anew, to 1500 unless told.
    mtu=$(<"/sys/class/net/$network/mtu")
  else
    network=none
    say "no bridge network can be made here (see $dir/net.log): build steps reach the network only with --network=host"
  fi
  [[ $store == containerd ]] || snapshotter=false
  # A control group of its own tells what its build steps use from what other engines' do (bench/ reads it).
  # Without a policy the build cache is pruned while less than a fifth of the disk is free, also under builds that
  # a test has just made and looks at.
  cat >"$dir/run/daemon.json" <<JSON
{
  "features": { "containerd-snapshotter": $snapshotter },
  "hosts": ["unix:///run/host/docker.sock"],
  "insecure-registries": ["127.0.0.0/8"],
  "bridge": "$network",
  "cgroup-parent": "/longshore/$name",
  "mtu": $mtu,
  "builder": { "gc": { "enabled": true, "policy": [{ "keepStorage": "25GB", "all": true }] } },
  "default-network-opts": { "bridge": { "com.docker.network.driver.mtu": "$mtu" } },
  "iptables": false,
  "ip6tables": false
}
JSON
  service_start "$dir" "$rootfs" dockerd --config-file /run/host/daemon.json
  for ((tick = 0; tick < 600; tick++)); do
    if own_docker "$name" version >/dev/null 2>&1; then
      say "engine '$name': Docker $(own_docker "$name" version --format '{{.Server.Version}}') from Debian $suite, $store image store"
      return
    fi
    service_pid "$dir" >/dev/null || ((tick < 5)) || break
    sleep 0.1
  done
  tail -n 10 "$dir/log" >&2
  service_stop "$dir"
  net_down "$rootfs" "$dir/net"
  die "dockerd did not start (see $dir/log)"
}

engine_env() {
  local name=$1 dir
  dir=$(engine_dir "$name")
  case $(engine_kind "$name") in
    own)
      printf 'unset DOCKER_CONTEXT DOCKER_TLS_VERIFY\n'
      printf 'export DOCKER_HOST=%q\n' "unix://$dir/run/docker.sock"
      printf 'export DOCKER_CONFIG=%q\n' "$dir/client/docker"
      printf 'export BUILDX_BUILDER=default\n'
      # shellcheck disable=SC2016  # for the shell that evaluates it
      printf 'export PATH=%q:"$PATH"\n' "$dir/client/bin"
      ;;
    host)
      # The builder named like the context is the one that sees local images.
      printf 'export BUILDX_BUILDER=%q\n' "$(host_docker context show)"
      ;;
    none)
      die "engine '$name' is not running: scripts/engine up$([[ $name == default ]] || echo " --name $name")"
      ;;
  esac
}

engine_down() {
  local name=$1 purge=$2 dir networks network
  dir=$(engine_dir "$name")
  if [[ ! -d $dir ]]; then
    say "there is no engine '$name' of our own"
    return
  fi
  networks=$(DOCKER_TIMEOUT=10 own_docker "$name" network ls -q --filter type=custom --filter driver=bridge 2>/dev/null) || networks=
  service_stop "$dir"
  rm -f "$dir/run/docker.sock"
  # dockerd leaves the devices of networks that users made.
  for network in $networks; do
    in_rootfs "$(<"$dir/rootfs")" ip link delete "br-$network" 2>/dev/null || true
  done
  if [[ -f $dir/net ]]; then net_down "$(<"$dir/rootfs")" "$dir/net"; fi
  if [[ -n $purge ]]; then
    rm -rf --one-file-system "$dir"
    say "engine '$name' is stopped and removed"
  else
    say "engine '$name' is stopped"
  fi
}

engine_reset() {
  local name=$1 dir
  dir=$(engine_dir "$name")
  if [[ $(engine_kind "$name") == host ]]; then
    die "the engine is this machine's Docker, which is not ours to empty: name another (--name fresh)"
  fi
  with_lock "engine-$name" engine_reset_own "$name" "$dir"
}

engine_reset_own() {
  local name=$1 dir=$2 suite='' store=''
  if [[ -d $dir ]]; then
    [[ ! -f $dir/rootfs ]] || suite=$(sed 's/.*-//' "$dir/rootfs")
    if grep -q '"containerd-snapshotter": false' "$dir/run/daemon.json" 2>/dev/null; then store=graph; fi
    engine_down "$name" ''
    rm -rf --one-file-system "$dir/data"
  fi
  engine_up_own "$name" "$suite" "$store"
}

everything_down() {
  local purge=$1 dir
  for dir in "$STATE"/engines/*/; do
    [[ -d $dir ]] || continue
    with_lock "engine-$(basename "$dir")" engine_down "$(basename "$dir")" "$purge"
  done
  with_lock registry registry_down
  if [[ -n $purge ]]; then
    # By name: the directory is shared with other programs of the project.
    rm -rf --one-file-system "$STATE"/{engines,registry,images,lock,crates,demo,bench} "$STATE"/rootfs-* "$STATE"/{apt,frontend}.log
    rmdir "$STATE" 2>/dev/null || true
    say "nothing of the engines is left in $STATE"
  fi
}

engine_status() {
  local dir name found=
  for dir in "$STATE"/engines/*/; do
    [[ -d $dir ]] || continue
    found=1
    name=$(basename "$dir")
    if service_pid "${dir%/}" >/dev/null; then
      echo "engine $name: running, unix://${dir}run/docker.sock"
    else
      echo "engine $name: stopped"
    fi
  done
  if host_docker_usable; then
    echo "this machine's Docker: usable, $(host_docker_store) image store"
    found=1
  fi
  if service_pid "$STATE/registry" >/dev/null; then echo "registry: $(registry_address)"; fi
  [[ -n $found ]] || echo "no engine"
}
