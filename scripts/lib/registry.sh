# shellcheck shell=bash
# A registry on the loopback device, for cache export and import between
# engines. All engines here reach it, over plain http.

# The port asked for, else the one it runs on, else the first to try.
registry_port() {
  if [[ -n ${LONGSHORE_REGISTRY_PORT:-} ]]; then
    printf '%s' "$LONGSHORE_REGISTRY_PORT"
  else
    cat "$STATE/registry/port" 2>/dev/null || printf 5055
  fi
}
registry_address() { printf '127.0.0.1:%s' "$(registry_port)"; }

port_answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
registry_answers() { port_answers "$(registry_port)"; }

# Leaves in $STATE/registry/port one that no other program has.
registry_choose_port() {
  local port
  if [[ -n ${LONGSHORE_REGISTRY_PORT:-} ]]; then
    port=$LONGSHORE_REGISTRY_PORT
    if port_answers "$port"; then die "port $port is taken by another program; set LONGSHORE_REGISTRY_PORT"; fi
  else
    for ((port = 5055; port < 5075; port++)); do
      port_answers "$port" || break
    done
    ((port < 5075)) || die "the ports from 5055 are all taken; set LONGSHORE_REGISTRY_PORT"
  fi
  mkdir -p "$STATE/registry"
  echo "$port" >"$STATE/registry/port"
}

# The machine's own Docker runs the registry's image; beside an engine of our
# own, or with no Docker at all, Debian's registry runs from the same tree.
registry_up() {
  local tick
  [[ $(registry_port) =~ ^[0-9]+$ ]] || die "LONGSHORE_REGISTRY_PORT is '$(registry_port)', not a port"
  if service_pid "$STATE/registry" >/dev/null; then
    registry_answers || die "the registry runs, but not on port $(registry_port); scripts/engine registry down first"
    registry_address
    echo
    return
  fi
  if [[ $(engine_kind default) == host ]]; then
    if [[ $(host_docker container inspect -f '{{.State.Running}}' longshore-registry 2>/dev/null) != true ]]; then
      host_docker rm -f longshore-registry >/dev/null 2>&1 || true
      registry_choose_port
      HOST_DOCKER_TIMEOUT=600 host_docker run -d --name longshore-registry \
        -p "127.0.0.1:$(registry_port):5000" registry:2 >/dev/null || die "the registry's container did not start"
    fi
  else
    registry_up_own
  fi
  for ((tick = 0; tick < 100; tick++)); do
    if registry_answers; then
      registry_address
      echo
      return
    fi
    sleep 0.1
  done
  tail -n 5 "$STATE/registry/log" >&2 2>/dev/null || true
  die "the registry does not answer on $(registry_address)"
}

registry_up_own() {
  local suite
  need_root
  registry_choose_port
  suite=$(with_lock rootfs rootfs_up '')
  mkdir -p "$STATE/registry/run"
  cat >"$STATE/registry/run/config.yml" <<YAML
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/docker
  delete:
    enabled: true
http:
  addr: $(registry_address)
YAML
  service_start "$STATE/registry" "$(rootfs_dir "$suite")" docker-registry serve /run/host/config.yml
}

registry_down() {
  if service_pid "$STATE/registry" >/dev/null; then
    service_stop "$STATE/registry"
    say "the registry is stopped"
  elif host_docker container inspect longshore-registry >/dev/null 2>&1; then
    # What it held lies in a volume of its own.
    host_docker rm -f -v longshore-registry >/dev/null
    say "the registry is stopped"
  fi
}

registry_reset() {
  registry_down
  rm -rf --one-file-system "$STATE/registry/data"
  registry_up
}
