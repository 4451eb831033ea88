# shellcheck shell=bash
# The Debian tree our own engine, its client and the registry run from. Built
# once per suite and shared by all engines; knows nothing of running them.

ROOTFS_PACKAGES=docker.io,docker-buildx,docker-cli,docker-registry,ca-certificates,iproute2,iptables,procps,git

rootfs_dir() { printf '%s/rootfs-%s' "$STATE" "$1"; }

# rootfs_build SUITE: into a temporary directory that is renamed when it is
# complete, so a killed build leaves nothing that looks usable.
rootfs_build() {
  local suite=$1 dir log tmp
  dir=$(rootfs_dir "$suite")
  log=$STATE/rootfs-$suite.log
  [[ ! -d $dir ]] || return 0
  tmp=$dir.tmp
  rm -rf --one-file-system "$tmp"
  say "installing Docker from Debian $suite into $dir (about a minute)"
  # A mount namespace of its own, so that a killed debootstrap leaves no
  # mounts, and a process namespace, so that it leaves no processes.
  if ! unshare --mount --pid --fork --kill-child \
    debootstrap --variant=minbase --include="$ROOTFS_PACKAGES" "$suite" "$tmp" "$MIRROR" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -rf --one-file-system "$tmp"
    return 1
  fi
  rm -rf "$tmp"/var/cache/apt/archives/*.deb "$tmp"/usr/share/{doc,man,locale}/*
  mv "$tmp" "$dir"
}

# rootfs_up SUITE: prints the suite whose tree is there. Without a wish it is
# sid, and trixie where sid does not install, as happens to it now and then.
rootfs_up() {
  local suite=$1
  mkdir -p "$STATE"
  if [[ -n $suite ]]; then
    [[ -d $(rootfs_dir "$suite") ]] || need_tools debootstrap
    rootfs_build "$suite" || die "Debian $suite did not install (see $STATE/rootfs-$suite.log)"
    echo "$suite"
    return
  fi
  for suite in sid trixie; do
    if [[ -d $(rootfs_dir "$suite") ]]; then
      echo "$suite"
      return
    fi
  done
  need_tools debootstrap
  for suite in sid trixie; do
    if rootfs_build "$suite"; then
      [[ $suite == sid ]] || say "Debian sid did not install; $suite has an older Docker that part of the tests cannot use"
      echo "$suite"
      return
    fi
  done
  die "neither Debian sid nor trixie installs here (see $STATE/rootfs-sid.log)"
}

# rootfs_client ROOTFS DIR: a docker client with buildx that runs outside the
# tree. Its binaries want the tree's own C library, hence the loader by name.
rootfs_client() {
  local rootfs=$1 dir=$2 loader libs tool target
  loader=$(compgen -G "$rootfs/lib*/ld-linux*" | head -n 1) || die "no dynamic loader in $rootfs"
  libs=$rootfs/lib/$(basename "$(dirname "$(readlink -f "$loader")")")
  mkdir -p "$dir/bin" "$dir/docker/cli-plugins"
  for tool in docker docker-buildx; do
    if [[ $tool == docker ]]; then
      target=$dir/bin/docker
      set -- "$rootfs/usr/bin/docker"
    else
      target=$dir/docker/cli-plugins/docker-buildx
      set -- "$rootfs"/usr/lib*/docker/cli-plugins/docker-buildx
    fi
    [[ -x $1 ]] || die "no $tool in $rootfs"
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libs" "$1" >"$target"
    chmod 755 "$target"
  done
}
