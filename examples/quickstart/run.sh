#!/bin/sh
# The main job over the bundled prompts, answered from the bundled recording of a real model's
# completions: no network, no key. Everything it writes is in build/quickstart, made anew each time.
#
#   sh examples/quickstart/run.sh build/fellowship
set -eu

case ${1:?usage: sh examples/quickstart/run.sh build/fellowship} in
/*) program=$1 ;;
*) program=$PWD/$1 ;;
esac
cd "$(dirname "$0")/../.."
here=examples/quickstart
made=build/quickstart
model=SmolLM2-135M-Instruct

rm -rf "$made"
mkdir -p "$made"
"$program" store import "$here/recording.jsonl" --store "$made/store.db" >"$made/import.json"
"$program" run preference --data "$here/prompts.jsonl" --models "$here/models.lua" --prompts "$here/prompts.lua" \
    --generator "$model" --reviewer "$model-reviewer" --judge "$model-judge" \
    --store "$made/store.db" --offline --out "$made/out" >"$made/summary.json" 2>"$made/log" || {
    status=$?
    cat "$made/log" >&2
    exit "$status"
}
cat "$here/card-note.md" >>"$made/out/README.md"
"$program" "$here/show.lua" "$made" "${program#"$PWD"/}"
