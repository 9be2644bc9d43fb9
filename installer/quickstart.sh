#!/bin/sh
# A first look at the whole way: builds a bundle, signs it with throw-away keys, verifies it, installs it into a private
# prefix without a network, serves, and sends one request.
#   sh installer/quickstart.sh            serve until Ctrl-C
#   sh installer/quickstart.sh --check    stop after the first request; exit 0 when it was answered
#   sh installer/quickstart.sh --quick    no bundle: the lock's packages from the index, in a plain environment
# Everything lies in .redoubt/ in this folder (or in $REDOUBT_HOME); remove that folder and nothing is left.
# This is a trial, never a site install: whoever signs a real release does not build it, and its keys are not in a
# folder beside it. See appliance/docs/build-a-bundle.md and appliance/docs/install.md.
set -eu
cd "$(dirname "$0")/.."
home=${REDOUBT_HOME:-$PWD/.redoubt}
mkdir -p "$home"
home=$(cd "$home" && pwd)

quick=
for word in "$@"; do
  shift
  case $word in
    --quick) quick=yes ;;
    --help | -h) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) set -- "$@" "$word" ;;
  esac
done

python=${PYTHON:-}
for name in python3.11 python3.12 python3.13 python3; do
  [ -n "$python" ] && break
  command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && python=$name
done
[ -n "$python" ] || { echo "no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python sh $0" >&2; exit 2; }

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
arch=$("$python" -c 'import platform; print(platform.machine())')
tag=cp$(echo "$version" | tr -d .)-$arch
for kind in serve tools build; do
  [ -f "offline/locks/$kind-$tag.txt" ] || { echo "no lock for $tag; offline/locks holds: $(ls offline/locks)" >&2; exit 2; }
done

# What everything is made of: the code and the locks. A change of either makes it anew.
stamp=$(find appliance providers offline sbom installer pyproject.toml -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)-$tag
from_lock() { "$1" -m pip --quiet --disable-pip-version-check install --no-deps --only-binary=:all: --require-hashes -r "$2"; }

if [ -n "$quick" ]; then
  if [ "$(cat "$home/env/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$home/env" "$home/build"
    echo "1/3  private environment in $home/env ($(grep -c == "offline/locks/serve-$tag.txt") packages, each checked by its hash)"
    "$python" -m venv "$home/env"
    from_lock "$home/env/bin/python" "offline/locks/serve-$tag.txt"
    echo "2/3  redoubt itself"
    "$python" -m venv "$home/build"
    from_lock "$home/build/bin/python" "offline/locks/build-$tag.txt"
    mkdir "$home/build/src"
    cp -R appliance providers offline sbom pyproject.toml README.md LICENSE "$home/build/src"
    "$home/build/bin/python" -m pip --quiet --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir "$home/build" "$home/build/src"
    "$home/env/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --no-index "$home"/build/redoubt_gateway-*.whl
    rm -rf "$home/build"
    echo "$stamp" >"$home/env/stamp"
    echo "3/3  a trial site"
  fi
  exec "$home/env/bin/redoubt" quickstart --folder "$home/quick" "$@"
fi

prefix=$home/site
free() { # the port, or another one when a program has it
  "$python" -c 'import socket, sys; s = socket.socket(); s.bind(("127.0.0.1", 0 if s.connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0 else int(sys.argv[1]))); print(s.getsockname()[1])' "$1"
}
stop() { # the gateway of the trial, when it runs
  pid=$(cat "$prefix/run/gateway.pid" 2>/dev/null) || return 0
  # The number may belong to somebody else by now: only a process that was started out of this prefix is ours.
  ours() { grep -qsF "$prefix/" "/proc/$pid/cmdline"; }
  ! ours || kill "$pid"
  while ours; do sleep 0.2; done
  rm -f "$prefix/run/gateway.pid"
}
if [ "$(cat "$home/stamp" 2>/dev/null)" != "$stamp" ]; then
  maker=$home/maker
  redoubt() { "$maker/bin/python" -m appliance.cli "$@"; } # from this folder: its own code
  lock=offline/locks/tools-$tag.txt
  if [ "$(cat "$maker/stamp" 2>/dev/null)" != "$(sha256sum <"$lock")" ]; then
    echo "1/6  the maker's environment ($(grep -c == "$lock") packages, each checked by its hash)"
    rm -rf "$maker"
    "$python" -m venv "$maker"
    from_lock "$maker/bin/python" "$lock"
    sha256sum <"$lock" >"$maker/stamp"
  fi

  echo "2/6  throw-away keys of three signers, and a trust file that asks for two of them"
  keys=$home/keys
  rm -rf "$keys" "$home/trust" "$home/out" "$home/advisories"
  mkdir -m 700 "$keys"
  for id in alice bob carol; do
    redoubt bundle keys make "$id" --out "$keys/$id.key" --no-passphrase >/dev/null
  done
  redoubt bundle trust make "$home/trust" --key "$keys/alice.key.pub" --key "$keys/bob.key.pub" --key "$keys/carol.key.pub" >/dev/null
  # On paper, in real life: nothing that travels with the medium can vouch for the medium.
  fingerprint=$(sha256sum <"$home/trust/1.trust" | cut -d' ' -f1)

  echo "3/6  a bundle for Python $version on $arch, with the advisories of 2024 that this folder holds"
  redoubt bundle advisories build offline/advisories/seed/pysec-2024-10-10.osv.json.gz --seq 1 --out "$home/advisories" \
    --commit 3ccb612573e2511ab5cad7dafecd838605c80cda >/dev/null
  redoubt bundle sign "$home/advisories" --id alice --key "$keys/alice.key" --trust "$home/trust" >/dev/null
  redoubt bundle build --arch "$arch" --python "$version" --seq 1 --trust "$home/trust" --advisories "$home/advisories" \
    --wheels "$home/wheels" --out "$home/out" --dirty
  bundle=$(echo "$home"/out/redoubt-*)

  echo "4/6  signed by two of three"
  for id in alice bob; do redoubt bundle sign "$bundle" --id "$id" --key "$keys/$id.key" >/dev/null; done

  echo "5/6  verified as a bare host would: sh, coreutils, openssl"
  sh "$bundle/verify.sh" --fingerprint "$fingerprint" "$bundle"

  echo "6/6  installed into $prefix, without a network"
  stop
  rm -rf "$prefix"
  sh "$bundle/install.sh" --prefix "$prefix" --fingerprint "$fingerprint" --trial --yes \
    --api-port "$(free 4000)" --admin-port "$(free 4001)"
  echo "$stamp" >"$home/stamp"
fi
# The trial serves in the foreground, so that Ctrl-C ends it and nothing is left running.
stop
echo "this is a TRIAL with keys that lie beside it, never a site install"
exec "$prefix/bin/redoubt" quickstart --folder "$prefix/etc" "$@"
