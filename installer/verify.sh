#!/bin/sh
# Is this folder what its signers made, for this machine, now? docs/decisions/0009, 1 to 4, with sh, coreutils, openssl
# alone; nothing of the medium is run, nothing of the caller's environment kept. Independent of offline/rules on purpose.
case ${1-} in --clean) shift ;; *) unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
  exec /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C TZ=UTC /bin/sh "$0" --clean "$@" ;; esac
PATH=/usr/bin:/bin LC_ALL=C; export PATH LC_ALL; umask 077; set -u
usage='usage: sh verify.sh --fingerprint HEX [--trust FILE] [--seq N] [--known MOMENT] [--now MOMENT] [--accept-expired] [--accept-clock] [FOLDER]
  --fingerprint  SHA-256 of the trust file, from paper, in any grouping; FOLDER is `.` when not given
  --trust        that trust file; without it, the one in FOLDER/trust that has the fingerprint
  --seq, --known the number and the newest moment that this site has seen: nothing older is taken, whatever the clock says
  exit code: 0 verified, 1 refused, 2 it could not be tried
example: sh verify.sh --fingerprint "9f86 d081 884c 7d65 ..." --seq 7 /media/usb/redoubt-0.1.0-x86_64'
say() { printf '%s' "$*" | tr -c '\040-\176' '?'; echo; }; stuck() { say "verify.sh: $1" >&2; exit 2; }
refuse() { say "verify.sh: refused: $2 [$1]" >&2; exit 1; }; distrust() { refuse trust "the trust file $1"; }
paper='' trust='' seq=0 now='' known=1970-01-01T00:00:00Z late='' clock='' folder=''; while [ $# -gt 0 ]; do
  case $1 in --fingerprint | --trust | --seq | --known | --now) [ $# -gt 1 ] || stuck "\`$1\` wants a value; see --help" ;; esac
  case $1 in --help) printf '%s\n' "$usage"; exit 0 ;;
    --fingerprint) paper=$(printf %s "$2" | tr -d ' :\n\t-' | tr A-F a-f); shift ;;
    --trust) trust=$2; shift ;; --seq) seq=$2; shift ;; --now) now=$2; shift ;; --known) known=$2; shift ;;
    --accept-expired) late=yes ;; --accept-clock) clock=yes ;; -*) stuck "unknown option \`$1\`; see --help" ;;
    *) [ -z "$folder" ] || stuck 'more than one folder; see --help'; folder=$1 ;;
  esac; shift; done; folder=${folder:-.}; case $folder in /*) ;; *) folder=./$folder ;; esac; case $paper in '' | *[!0-9a-f]*) stuck 'type the fingerprint from the paper: --fingerprint "9f86 d081 ..."; see --help' ;; esac
case $seq in '' | *[!0-9]* | ???????????*) stuck '`--seq` wants a number; see --help' ;; esac
[ -f "$folder/SHA256SUMS" ] || stuck "there is no SHA256SUMS in \`$folder\`; name the folder of a bundle"
for f in base64 cat comm cp cut date fold mktemp openssl rm sha256sum sort tail tr uname uniq wc; do command -v $f >/dev/null || stuck "\`$f\` is missing [tool]"; done
tmp=$(mktemp -d /tmp/verify.XXXXXXXX) || stuck 'no temporary folder could be made below /tmp'; trap 'rm -rf "$tmp"' EXIT; trap 'exit 2' HUP INT TERM
moment() { case $1 in [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z) date -u -d "$1" +%s ;; *) false ;; esac 2>/dev/null; }
now=$(moment "${now:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}") && known=$(moment "$known") || stuck '`--now` and `--known` want a moment such as 2026-11-22T00:00:00Z'
newest=$now; [ "$known" -le "$now" ] || newest=$known # a dead battery revives no old medium
small() { [ "$(wc -c <"$1")" -le "$2" ] || refuse size "\`${1##*/}\` has more than $2 bytes"; }
plain() { # file, fault: lines of printable ASCII
  [ -s "$1" ] && [ -z "$(tail -c 1 "$1")" ] && [ "$(tr -d '\n\040-\176' <"$1" | wc -c)" -eq 0 ] || refuse "$2" "\`${1##*/}\` is not lines of plain ASCII"; }
path() { case /$1/ in *[!A-Za-z0-9._+/-]* | *//* | */.* | */-*) false ;; *) [ ${#1} -le 200 ] ;; esac; }; is_id() { case $1 in '' | -* | *[!a-z0-9-]*) false ;; *) [ ${#1} -le 32 ] ;; esac; }
beside() { # whether SHA256SUMS may leave that name out
  case $1 in SHA256SUMS.*.ed25519.sig | SHA256SUMS.*.p384.sig | SHA256SUMS.*.minisig | SHA256SUMS.*.dsse.json | APPROVAL.*.ed25519.sig | APPROVAL.*.p384.sig) ;; *) return 1 ;; esac
  id=${1#*.}; id=${id%.ed25519.sig}; id=${id%.p384.sig}; id=${id%.minisig}; is_id "${id%.dsse.json}"; }
walk() { for f in "$1"/.[!.]* "$1"/..?* "$1"/*; do # a folder: paths of files to 1, of folders to 3; follows nothing
    p=${f#"$folder"/}; [ ! -h "$f" ] || refuse kind "\`$p\` is a symbolic link; a bundle holds files and folders only"
    [ -e "$f" ] || continue; [ -f "$f" ] || [ -d "$f" ] || refuse kind "\`$p\` is neither a file nor a folder"
    if [ -u "$f" ] || [ -g "$f" ]; then refuse mode "\`$p\` is setuid or setgid"; fi
    if [ -f "$f" ] && [ "$p" = SHA256SUMS ]; then small "$f" 4194304; continue; fi
    if [ -f "$f" ] && beside "$p"; then small "$f" 262144; continue; fi
    path "$p" || refuse name "\`$p\` is not a path that a bundle may hold"; [ -r "$f" ] || refuse read "\`$p\` cannot be read"
    if [ -f "$f" ]; then echo "$p"; else [ -x "$f" ] || refuse read "\`$p\` cannot be read"; echo "$p" >&3; walk "$f"; fi; done; }
odd() { comm "$1" "$tmp/$2" "$tmp/$3" >"$tmp/odd" || stuck 'two lists could not be compared'; read -r p <"$tmp/odd"; } # sets p
load() { # a trust file: sets keys roles number made ends
  small "$1" 65536; plain "$1" trust; keys=''; read -r head <"$1"; tail -n +2 "$1" >"$tmp/keys"
  while read -r role id form key more; do
    case "$form $key" in "ed25519 MCowBQYDK2VwAyEA"*[AEIMQUYcgkosw048]=) size=60 ;; "p384 MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE"*[!=]) size=160 ;; *) size=0 ;; esac
    case ${key%=} in *[!A-Za-z0-9+/]*) size=0 ;; esac; case $role in root | app | advisories | models | config | overlay) ;; *) size=0 ;; esac
    is_id "$id" && [ ${#key} -eq $size ] && [ -z "$more" ] || refuse trust 'a line of the trust file is no key'; keys="$keys|$role $id $form $key|"; done <"$tmp/keys"
  sort -cu "$tmp/keys" 2>/dev/null && [ "$(cut -d ' ' -f 1-4 "$tmp/keys")" = "$(cat "$tmp/keys")" ] || distrust 'is not written in its one form'
  [ -z "$(cut -d ' ' -f 1-3 "$tmp/keys" | uniq -d; cut -d ' ' -f 1,4 "$tmp/keys" | sort | uniq -d)" ] ||
    distrust 'gives one key to two ids, or two keys of one kind to one'
  set -f; set -- $head; set +f; [ $# -gt 7 ] || distrust 'has no header'
  number=${5#number=} made=${6#created=} ends=${7#expires=}; lead="# redoubt-trust v1 product=redoubt number=$number created=$made expires=$ends "
  case $number in '' | 0* | *[!0-9]* | ???????*) distrust 'has no number' ;; esac; case $head in "$lead"*) roles=" ${head#"$lead"} " ;; *) distrust 'has no header of this product' ;; esac
  t=' ' ids=" $(cut -d ' ' -f 1,2 "$tmp/keys" | uniq | cut -d ' ' -f 1 | uniq -c | tr -s ' \n' ' ')"; for role in root app advisories models config overlay; do
    need=${roles#*" $role="}; need=${need%% *}; n=0; case $ids in *" $role "*) n=${ids%%" $role "*}; n=${n##* } ;; esac
    case $n:$need:$roles in 0:*) ;; *:[1-9]:*" $role=$need "*) [ "$need" -gt "$n" ] || t="$t$role=$need " ;; *) t=odd ;; esac; done
  [ "$t" = "$roles" ] || distrust 'asks for signers whom it does not name, or names some whom it does not ask for'
  made=$(moment "$made") && ends=$(moment "$ends") || distrust 'has no span of time'; }
says() { # form, key, message, signature: whether openssl finds it right
  { echo '-----BEGIN PUBLIC KEY-----'; printf '%s\n' "$2" | fold -w 64; echo '-----END PUBLIC KEY-----'; } >"$tmp/key.pem"
  case $1 in ed25519) openssl pkeyutl -verify -pubin -inkey "$tmp/key.pem" -rawin -in "$3" -sigfile "$4" ;;
    *) openssl dgst -sha384 -verify "$tmp/key.pem" -signature "$4" "$3" ;; esac >/dev/null 2>&1; }
signed() { # role, message, stem of its signatures, keys that may be there, keys that count, thresholds: sets by and need
  need=${6#*" $1="}; need=${need%% *}; by=' ' count=0
  case $need:$6 in [1-9]:*" $1="*" $1="*) need='' ;; [1-9]:*" $1="*) ;; *) need='' ;; esac; [ -n "$need" ] || distrust "does not say how many sign for \`$1\`"
  for f in "$3".*.sig "$3".*.minisig "$3".*.dsse.json; do
    [ -e "$f" ] || continue; small "$f" 262144; form=ed25519 id=${f#"$3".}; case $id in *.p384.sig) form=p384; small "$f" 104 ;; esac; id=${id%%.*}
    case $4 in *"|$1 $id $form "*) ;; *) refuse signature "\`$id\` has no $form key in the trust file, but signed \`${3##*/}\`" ;; esac
    case $f in *.sig) ;; *) say "seen, not counted: \`${f##*/}\` (the installer checks it)"; continue ;; esac
    case $5 in *"|$1 $id $form "*) key=${5#*"|$1 $id $form "}; key=${key%%\|*} ;; *) continue ;; esac
    if [ $form = ed25519 ] && [ -z "$rawin" ]; then say "seen, not counted: \`${f##*/}\` (this openssl has no Ed25519)"; continue; fi
    says $form "$key" "$2" "$f" || refuse signature "the $form signature of \`$id\` on \`${3##*/}\` is not right; copy the medium again"
    case $by in *" $id "*) ;; *) by="$by$id " count=$((count + 1)) ;; esac; done
  [ $count -ge "$need" ] || refuse threshold "it takes $need distinct signers for \`$1\`; signed:${by% }"; }
# RFC 8032 section 7.1, TEST 2: whether this openssl knows Ed25519, and says no where it must
rfc=MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw= rawin=''; printf r >"$tmp/yes"; printf s >"$tmp/no"
echo kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA== | base64 -d >"$tmp/rfc"
if says ed25519 $rfc "$tmp/yes" "$tmp/rfc"; then rawin=yes; fi; if says ed25519 $rfc "$tmp/no" "$tmp/rfc"; then refuse tool 'this openssl finds a wrong signature right'; fi
walk "$folder" >"$tmp/files" 3>"$tmp/folders"; found=none # step 1: the trust file of the paper, and the chain from it
for f in "$folder"/trust/*.trust; do f=${trust:-"$f"}; [ -f "$f" ] || continue; cp -- "$f" "$tmp/trust"; found=$(sha256sum <"$tmp/trust"); found=${found%% *}; [ "$found" != "$paper" ] || break; done
[ "$found" = "$paper" ] || distrust "has the fingerprint $found, which is not the one given; compare the paper"
load "$tmp/trust"; say "trust file $number has the fingerprint given"; while f=$folder/trust/$((number + 1)).trust && [ -f "$f" ]; do
  was=$number then=$made old=$keys rules=$roles; cp -- "$f" "$tmp/link"; load "$tmp/link"
  [ "$number" -eq $((was + 1)) ] && [ "$made" -ge "$then" ] || refuse trust "\`${f##*/}\` does not follow trust file $was"
  link=$f; signed root "$tmp/link" "$link" "$old$keys" "$old" "$rules"; signed root "$tmp/link" "$link" "$old$keys" "$keys" "$roles"
  say "trust file $number follows, signed by$by"; done
[ "$newest" -le "$ends" ] || [ -n "$late" ] || refuse expired "trust file $number is past its time; bring a newer one, or --accept-expired"
cp -- "$folder/SHA256SUMS" "$tmp/SHA256SUMS"; sums=$tmp/SHA256SUMS # step 2: who signed
signed app "$sums" "$folder/SHA256SUMS" "$keys" "$keys" "$roles"; say "SHA256SUMS is signed by$by($count, it takes $need)"
plain "$sums" format; read -r head <"$sums"; # step 3: what it is, for whom, and when
set -f; set -- $head; set +f; [ $# -eq 11 ] || refuse header 'the first line of SHA256SUMS is no header'
product=${4#product=} channel=${5#channel=} version=${6#version=} arch=${7#arch=} number=${8#seq=} made=${9#created=}; shift 9
[ "$head" = "# redoubt-bundle v1 product=$product channel=$channel version=$version arch=$arch seq=$number created=$made expires=${1#*=} min_from=${2#*=}" ] ||
  refuse header 'the first line of SHA256SUMS is no header'
for f in "$number" "${2#*=}"; do case $f in '' | 0?* | *[!0-9]* | ???????????*) refuse header "\`$f\` is no number" ;; esac; done; case $version in [!0-9A-Za-z]* | *[!0-9A-Za-z.+_-]*) refuse header "\`$version\` is no version" ;; esac
[ "$product" = redoubt ] || refuse product "this is a bundle of \`$product\`, not of \`redoubt\`"; [ "$channel" = app ] || refuse channel "this is of the channel \`$channel\`; \`app\` was asked for"
case $arch in any | "$(uname -m)") ;; *) refuse architecture "this is for \`$arch\`; the machine is \`$(uname -m)\`" ;; esac
since=$(moment "$made") && until=$(moment "${1#*=}") && [ "$until" -gt "$since" ] || refuse header "\`$made ${1#*=}\` is no span of time"
for f in "$since" "$known"; do [ "$now" -ge $((f - 86400)) ] || [ -n "$clock" ] ||
  refuse clock "the clock is more than a day before $(date -u -d "@$f" +%Y-%m-%dT%H:%M:%SZ), which was signed already; set it, or --accept-clock"; done
[ "$newest" -le "$until" ] || [ -n "$late" ] || refuse expired "this expired on ${1#*=}; ask for a newer one, or --accept-expired"
[ "$number" -ge "$seq" ] || refuse rollback "this has number $number; the site has seen $seq and goes back to none before"
tail -n +2 "$sums" >"$tmp/list"; count=0 # step 4: every file, and nothing else
while IFS= read -r line; do hash=${line%%  *} p=${line#*  }; case $hash in *[!0-9a-f]*) hash='' ;; esac
  [ ${#hash} -eq 64 ] && [ "$hash  $p" = "$line" ] || refuse format "SHA256SUMS: expected \`<64 hex>  <path>\`, got \`$line\`"
  path "$p" || refuse name "\`$p\` is not a path that a bundle may hold"
  echo "$p"; count=$((count + 1)); while case $p in */*) ;; *) false ;; esac; do p=${p%/*}; echo "$p" >&3; done
done <"$tmp/list" >"$tmp/paths" 3>"$tmp/wanted"
[ $count -gt 0 ] && sort -cu "$tmp/paths" 2>/dev/null || refuse format 'a path in SHA256SUMS is doubled or out of order'
for f in files folders wanted; do sort -u -o "$tmp/$f" "$tmp/$f" || stuck 'a list could not be sorted'; done
if odd -23 paths files; then refuse missing "\`$p\` is in SHA256SUMS and not there"; fi
if odd -13 paths files; then refuse unlisted "\`$p\` is there and not in SHA256SUMS"; fi
if odd -13 wanted folders; then refuse unlisted "the folder \`$p\` holds nothing that is listed"; fi
say "hashing $count files"; (cd "$folder" && sha256sum --strict --quiet -c "$sums") >"$tmp/wrong" 2>&1 ||
  { read -r p <"$tmp/wrong"; refuse hash "\`${p%%: *}\` is not what was signed; copy the medium again, or ask the sender"; }
say "verified: $product $version for $arch, number $number, $count files, signed by$by"
