#!/bin/sh
# Runs a command where loopback is the only network:  sh tests/system/offline.sh CMD...
# Root makes a network namespace; anybody else makes a user namespace around it, and looks like root inside.
set -eu
[ $# -gt 0 ] || { echo "usage: sh tests/system/offline.sh CMD..." >&2; exit 2; }
command -v unshare >/dev/null || { echo "\`unshare\` is missing: apt-get install util-linux" >&2; exit 2; }

how=-rn
if [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then how=-n; fi
unshare "$how" true || { echo "this machine lets us make no network namespace" >&2; exit 2; }

# SIOCSIFFLAGS (0x8914) with IFF_UP: what `ip link set lo up` does, on machines that have no iproute2 too.
up='import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))'
UP=$up exec unshare "$how" sh -c '"${PYTHON:-python3}" -c "$UP" && unset UP && exec "$@"' sh "$@"
