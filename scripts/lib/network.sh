# shellcheck shell=bash
# The bridge of an engine of our own. Engines share the machine's network, so
# dockerd's own firewall chains would be fought over by two of them: each gets
# a bridge, a subnet and three rules made here instead, and loses them on
# `down`. Knows nothing of the daemon.

in_rootfs() { chroot "$1" "${@:2}"; }

# net_rules ROOTFS -A|-D|-C BRIDGE SUBNET
net_rules() {
  local rootfs=$1 verb=$2 bridge=$3 subnet=$4
  in_rootfs "$rootfs" iptables -w -t nat "$verb" POSTROUTING -s "$subnet" ! -o "$bridge" -j MASQUERADE &&
    in_rootfs "$rootfs" iptables -w "$verb" FORWARD -i "$bridge" -j ACCEPT &&
    in_rootfs "$rootfs" iptables -w "$verb" FORWARD -o "$bridge" -j ACCEPT
}

# The first of 64 subnets that no interface and no route of the machine has.
# Made under a machine-wide lock: states in other directories take from the
# same pool.
net_make() {
  local rootfs=$1 file=$2 number bridge net mtu
  for ((number = 0; number < 64; number++)); do
    bridge=longshore$number
    net=10.213.$number
    if in_rootfs "$rootfs" ip -4 route show | grep -q "^$net\\." ||
      ! in_rootfs "$rootfs" ip link add "$bridge" type bridge 2>/dev/null; then
      continue
    fi
    mtu=$(in_rootfs "$rootfs" ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
    mtu=$(cat "/sys/class/net/$mtu/mtu" 2>/dev/null || echo 1500)
    echo "$bridge $net.0/24" >"$file"
    in_rootfs "$rootfs" ip link set "$bridge" mtu "$mtu" up &&
      in_rootfs "$rootfs" ip address add "$net.1/24" dev "$bridge" &&
      echo 1 >/proc/sys/net/ipv4/ip_forward &&
      net_rules "$rootfs" -A "$bridge" "$net.0/24"
    return
  done
  return 1
}

# net_up ROOTFS FILE: FILE then names the bridge. Fails, leaving nothing,
# where this machine cannot have one.
net_up() {
  local rootfs=$1 file=$2 fd status=0
  net_down "$rootfs" "$file"
  exec {fd}>/tmp/.longshore-network.lock
  flock "$fd"
  net_make "$rootfs" "$file" 2>>"$file.log" || status=$?
  exec {fd}>&-
  if ((status)); then net_down "$rootfs" "$file"; fi
  return "$status"
}

net_down() {
  local rootfs=$1 file=$2 bridge subnet
  [[ -f $file ]] || return 0
  read -r bridge subnet <"$file"
  net_rules "$rootfs" -D "$bridge" "$subnet" 2>>"$file.log" || true
  in_rootfs "$rootfs" ip link delete "$bridge" 2>>"$file.log" || true
  rm -f "$file"
}
