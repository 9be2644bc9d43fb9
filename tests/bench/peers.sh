#!/bin/sh
# Installs the gateways we are compared with into $BENCH_HOME (default ~/.cache/redoubt-bench), each in a place of its own.
#   sh tests/bench/peers.sh [nginx] [sglang] [litellm] [portkey]      without a name: the first three
# Uses whatever registries apt, pip and npm are configured for. What cannot be installed is said, and is no failure.
set -u
home=${BENCH_HOME:-$HOME/.cache/redoubt-bench}
python=${PYTHON:-python3}
mkdir -p "$home" && cd "$home" || exit 1
[ $# -gt 0 ] || set -- nginx sglang litellm

package() { # folder, program that shows it is there, what to ask pip for
  [ -x "$1/bin/$2" ] && return
  rm -rf "$1"
  "$python" -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check "$3"
}

for peer; do
  case $peer in
    nginx) [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || { apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null; } ;;
    sglang) package sglang python sglang-router && sglang/bin/python -c 'import sglang_router' ;;
    litellm) package litellm litellm 'litellm[proxy]' ;;
    portkey) [ -d portkey/node_modules ] || { mkdir -p portkey && (cd portkey && npm init -y >/dev/null && npm install --no-fund --no-audit @portkey-ai/gateway node@22); } ;;
    *) echo "no peer \`$peer\`; known: nginx sglang litellm portkey" >&2; exit 2 ;;
  esac || echo "!! $peer could not be installed; the benchmark goes on without it" >&2
done
