#!/bin/sh
# Copy this medium to a private folder, verify it there, then install from there. Of the medium only this and verify.sh
# run before verify.sh has passed; installer.pyz then verifies what it takes into the site's own folder once more.
# The copy lies in /var/tmp (or in $REDOUBT_STAGE) until the end.
#   sh install.sh --fingerprint HEX [--prefix DIR] [--trial] ...     a first install
#   sh install.sh upgrade [--prefix DIR] ...                         with the installer of this medium
# A site that is set up can upgrade with its own program: PREFIX/bin/redoubt-installer upgrade MEDIUM.
set -eu
umask 022
asked=${PYTHON:-}
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin
export PATH
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT CDPATH
here=$(cd -- "$(dirname -- "$0")" && pwd -P)

verb=install
case "${1-}" in install | upgrade) verb=$1; shift ;; esac
fingerprint='' trust='' prefix=/opt/redoubt answers='' expired='' clock='' help='' before=''
for word in "$@"; do
  case "$before" in
    --fingerprint) fingerprint=$word ;; --trust) trust=$word ;; --prefix) prefix=$word ;; --answers) answers=$word ;;
  esac
  case "$word" in
    --fingerprint=*) fingerprint=${word#*=} ;; --trust=*) trust=${word#*=} ;; --prefix=*) prefix=${word#*=} ;;
    --answers=*) answers=${word#*=} ;; --accept-expired*) expired=--accept-expired ;; --accept-clock*) clock=--accept-clock ;;
    -h | --help) help=yes ;;
  esac
  before=$word
done
answer() { sed -n "s/^$1 *= *\"\\([^\"]*\\)\".*/\\1/p" "$answers"; }
if [ -n "$answers" ]; then
  [ -n "$fingerprint" ] || fingerprint=$(answer fingerprint)
  [ -n "$trust" ] || trust=$(answer trust)
  [ -z "$(answer accept_expired)" ] || expired=--accept-expired
  [ -z "$(answer accept_clock)" ] || clock=--accept-clock
fi
seq=0 known=''
if [ -r "$prefix/state/installed.json" ]; then # a site that believes somebody already, and has seen a number and a moment
  seq=$(sed -n 's/^  "highest": \([0-9]*\),*$/\1/p' "$prefix/state/installed.json")
  known=$(sed -n 's/^  "known": "\([0-9TZ:-]*\)",*$/\1/p' "$prefix/state/installed.json")
  if [ -z "$fingerprint" ]; then
    for trust in "$prefix"/state/trust/*.trust; do break; done
    fingerprint=$(sha256sum <"$trust" | cut -d ' ' -f 1)
  fi
fi

python=''
for name in ${asked:-python3.13 python3.12 python3.11 python3}; do
  if [ -z "$python" ] && command -v "$name" >/dev/null 2>&1 &&
    "$name" -I -S -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    python=$(command -v "$name")
  fi
done
if [ -z "$python" ]; then
  echo 'install.sh: no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python sh install.sh' >&2
  exit 2
fi

if [ -n "$help" ]; then exec env -i PATH="$PATH" LC_ALL=C.UTF-8 "$python" -I -S -B "$here/installer.pyz" "$verb" --help; fi

# What is verified and what runs are one copy that nobody else can write to: a medium may change under our hands.
stage=${REDOUBT_STAGE:-/var/tmp}
"$python" -I -S -B -c '
import os, sys
medium, stage = sys.argv[1:]
try:
    found = os.statvfs(stage)
    there = [os.lstat(os.path.join(top, one)) for top, folders, names in os.walk(medium) for one in folders + names]
    free, needed = found.f_bavail * found.f_frsize, sum(one.st_size + found.f_frsize for one in there)
except OSError as error:
    sys.exit(f"install.sh: {error.filename} cannot be read: {error.strerror}; REDOUBT_STAGE names where the copy goes")
if any(one.st_mode & 0o6000 for one in there):  # a copy would not be: verify.sh has to see the medium to say which
    sys.exit("install.sh: something on this medium is setuid or setgid; nothing was installed: copy the medium again or ask"
             " the sender; verify.sh says which")
if free < needed:
    sys.exit(f"install.sh: the private copy of this medium takes {needed / 1e9:.1f} GB and {stage} has {free / 1e9:.1f} GB"
             " free; make room there, or name another folder: REDOUBT_STAGE=/path/to/folder sh install.sh ...")
' "$here" "$stage"
private=$(mktemp -d "$stage/redoubt-medium.XXXXXXXX")
trap 'rm -rf -- "$private"' EXIT
trap 'exit 2' HUP INT TERM
cp -RP -- "$here" "$private/medium"
here=$private/medium
# two flags or nothing:
# shellcheck disable=SC2086
sh "$here/verify.sh" --fingerprint "$fingerprint" ${trust:+--trust "$trust"} --seq "${seq:-0}" ${known:+--known "$known"} $expired $clock "$here" || {
  echo 'install.sh: nothing was installed, and nothing of this medium has run: verify.sh did not pass' >&2
  exit 1
}
env -i PATH="$PATH" LC_ALL=C.UTF-8 "$python" -I -S -B "$here/installer.pyz" "$verb" "$here" "$@"
