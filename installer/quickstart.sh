#!/bin/sh
# A first look: makes a private environment from the hashed lock, a trial site, serves it, and sends one request.
#   sh installer/quickstart.sh            serve until Ctrl-C
#   sh installer/quickstart.sh --check    stop after the first request; exit 0 when it was answered
# Everything lies in .redoubt/ in this folder (or in $REDOUBT_HOME); remove that folder and nothing is left.
# This is a trial, never a site install: it takes its packages from the index this machine is set up for.
set -eu
cd "$(dirname "$0")/.."
home=${REDOUBT_HOME:-$PWD/.redoubt}

python=${PYTHON:-}
for name in python3.11 python3.12 python3.13 python3; do
  [ -n "$python" ] && break
  command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && python=$name
done
[ -n "$python" ] || { echo "no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python sh $0" >&2; exit 2; }

tag=$("$python" -c 'import platform, sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}")')
lock=offline/locks/serve-$tag.txt
build=offline/locks/build-$tag.txt
[ -f "$lock" ] || { echo "no lock for $tag; offline/locks holds: $(ls offline/locks)" >&2; exit 2; }

# What the environment is made of: the lock and the code. A change of either makes it anew.
stamp=$(find appliance providers offline sbom pyproject.toml "$lock" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)-$tag
if [ "$(cat "$home/env/stamp" 2>/dev/null)" != "$stamp" ]; then
  mkdir -p "$home"
  rm -rf "$home/env" "$home/build"
  pip() { "$1" -m pip --quiet --disable-pip-version-check install --only-binary=:all: --require-hashes -r "$2"; }
  echo "1/3  private environment in $home/env ($(grep -c == "$lock") packages, each checked by its hash)"
  "$python" -m venv "$home/env"
  pip "$home/env/bin/python" "$lock"
  echo "2/3  redoubt itself"
  "$python" -m venv "$home/build"
  pip "$home/build/bin/python" "$build"
  mkdir "$home/build/src"
  cp -R appliance providers offline sbom pyproject.toml README.md LICENSE "$home/build/src"
  "$home/build/bin/python" -m pip --quiet --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir "$home/build" "$home/build/src"
  "$home/env/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --no-index "$home"/build/redoubt_gateway-*.whl
  rm -rf "$home/build"
  echo "$stamp" >"$home/env/stamp"
  echo "3/3  a trial site"
fi
exec "$home/env/bin/redoubt" quickstart --folder "$home/site" "$@"
