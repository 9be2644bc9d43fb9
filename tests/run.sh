#!/bin/sh
# Sets up its own environment from the hashed lock and runs every test.
#   sh tests/run.sh           every law at a reduced, seeded count (at most 25 minutes on 2 cores)
#   sh tests/run.sh --long    the counts the issues name
#   sh tests/run.sh --offline the tests alone, where loopback is all the network there is (all but those marked `index`)
#   sh tests/run.sh PATH…     only these tests, after the same set-up
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-}
for name in python3.11 python3.12 python3.13 python3; do
  [ -n "$python" ] && break
  command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && python=$name
done
[ -n "$python" ] || { echo "no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python sh tests/run.sh" >&2; exit 2; }

tag=$("$python" -c 'import platform, sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}")')
lock=offline/locks/dev-$tag.txt
[ -f "$lock" ] || { echo "no lock for $tag; offline/locks holds: $(ls offline/locks)" >&2; exit 2; }

# The environment is as good as its lock: a stamp of the lock's hash tells whether it must be made anew.
venv=.venv-test
stamp=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)-$tag
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
  echo "setting up $venv from $lock"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r "$lock"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  echo "$stamp" >"$venv/stamp"
fi
PATH=$PWD/$venv/bin:$PATH
export PATH

# What tests use besides Python: command and the Debian package that brings it. Without one, its tests skip and name it.
missing=
for pair in node:nodejs npm:npm strace:strace unshare:util-linux ip:iproute2 nft:nftables systemd-analyze:systemd systemd-nspawn:systemd-container \
  mmdebstrap:mmdebstrap buildah:buildah openssl:openssl minisign:minisign pkcs11-tool:opensc softhsm2-util:softhsm2 \
  shellcheck:shellcheck busybox:busybox; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    # a list of packages:
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
      echo "could not install$missing: tests that need them will skip" >&2
  else
    echo "not here:$missing; tests that need them will skip. As root on Debian this script installs them." >&2
  fi
fi

if command -v npm >/dev/null 2>&1; then
  python -m tests.e2e.node_modules || echo "openai-node could not be installed; its tests will skip" >&2
fi

# Everything beyond this line needs no network: --offline proves it in a namespace where loopback is all there is.
if [ "${1:-}" = --offline ]; then
  shift
  exec sh tests/system/offline.sh python -m pytest -m "not index" "$@"
fi

echo "lint"
ruff check --quiet .
ruff format --quiet --check .
echo "types"
mypy
echo "floors"
lint-imports --no-cache >/dev/null || { lint-imports --no-cache; exit 1; }
echo "tests"
exec python -m pytest "$@"
