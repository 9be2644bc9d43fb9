#!/bin/sh
# install.sh: verify this medium, then install it. Nothing of the medium runs before verify.sh has passed, and
# installer.pyz verifies everything once more in a folder of its own. POSIX sh; needs openssl, coreutils and a Python.
#   sh install.sh --fingerprint HEX [--prefix DIR] [--trial] ...     a first install
#   sh install.sh upgrade [--prefix DIR] ...                         with the installer of this medium
# A site that is set up upgrades with its own, PREFIX/bin/redoubt-installer upgrade MEDIUM: then not even this runs first.
set -eu
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

verb=install
case "${1-}" in install | upgrade) verb=$1; shift ;; esac
trust='' fingerprint='' prefix=/opt/redoubt answers='' last=''
for word in "$@"; do
  case "$last" in
    --trust) trust=$word ;; --fingerprint) fingerprint=$word ;; --prefix) prefix=$word ;; --answers) answers=$word ;;
  esac
  case "$word" in
    --trust=*) trust=${word#*=} ;; --fingerprint=*) fingerprint=${word#*=} ;; --prefix=*) prefix=${word#*=} ;;
    -h | --help) verb="$verb --help" ;;
  esac
  last=$word
done
if [ -n "$answers" ] && [ -z "$fingerprint" ]; then
  fingerprint=$(sed -n 's/^fingerprint *= *"\([0-9A-Fa-f: ]*\)".*/\1/p' "$answers")
fi

python=${PYTHON:-}
for name in python3.13 python3.12 python3.11 python3; do
  [ -n "$python" ] && break
  command -v "$name" >/dev/null 2>&1 && "$name" -I -S -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' &&
    python=$(command -v "$name")
done
[ -n "$python" ] || { echo 'install.sh: no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python sh install.sh' >&2; exit 2; }

case "$verb" in *--help) ;; *)
  sh "$here/verify.sh" VERIFY_WORDS || { echo 'install.sh: nothing was installed: verify.sh did not pass' >&2; exit 1; } ;;
esac
case "$verb" in
  *--help) exec env -i PATH="$PATH" LC_ALL=C.UTF-8 "$python" -I -S -B "$here/installer.pyz" ${verb} ;;
  *) exec env -i PATH="$PATH" LC_ALL=C.UTF-8 "$python" -I -S -B "$here/installer.pyz" "$verb" "$here" "$@" ;;
esac
