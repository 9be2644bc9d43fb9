#!/bin/sh
# The speed table, with one command: sets up an environment from the hashed lock and the peers, builds the mock and the
# load generator, measures interleaved rounds, checks the ledger's rows, and prints each bar as met or not met.
#   sh tests/bench/run.sh bundle [--rounds 3] [--cold]     what building, installing, upgrading and rolling back take
#   sh tests/bench/run.sh [--rounds 5] [--gateways direct,nginx,sglang,litellm,ours] [--soak 10000]    (--help: all options)
# Everything is kept in $BENCH_HOME (default ~/.cache/redoubt-bench); BENCH_PYTHON names an environment to use instead.
set -eu
cd "$(dirname "$0")/../.."
home=${BENCH_HOME:-$HOME/.cache/redoubt-bench}
tools='cc taskset'
[ "${1:-}" != bundle ] || tools='unshare nsenter git'
for tool in $tools; do
  command -v $tool >/dev/null || { echo "\`$tool\` is missing; on Debian: apt-get install gcc util-linux git" >&2; exit 2; }
done

bench=${BENCH_PYTHON:-$home/redoubt/bin/python}
if [ -z "${BENCH_PYTHON:-}" ]; then
  python=${PYTHON:-python3}
  tag=$("$python" -c 'import platform, sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}")')
  lock=offline/locks/dev-$tag.txt
  [ -f "$lock" ] || { echo "no lock for $tag; name a Python 3.11, 3.12 or 3.13: PYTHON=/path/to/python" >&2; exit 2; }
  stamp=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$home/redoubt/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$home/redoubt"
    "$python" -m venv "$home/redoubt"
    "$bench" -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r "$lock"
    "$bench" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$stamp" >"$home/redoubt/stamp"
  fi
fi
[ "${1:-}" = bundle ] || sh tests/bench/peers.sh
exec "$bench" -m tests.bench "$@"
