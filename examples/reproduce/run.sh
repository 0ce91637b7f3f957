#!/bin/sh
# The paper's figures from its authors' recorded model outputs: sh examples/reproduce/run.sh build/fellowship FOLDER
set -eu
program=$1 folder=${2:-}
if [ ! -d "$folder/MA-PO" ] || [ ! -d "$folder/FairEval" ]; then
    cat >&2 <<END
make reproduce DATA=folder needs a folder with the data, which belongs to others and is not copied here:
  mkdir folder && cd folder
  git clone https://github.com/ulrs0/MA-PO        # the paper's recorded outputs and figures
  git clone https://github.com/i-Eval/FairEval    # questions, answers and human labels
END
    exit 2
fi
here=$(dirname "$0") made=build/reproduced
rm -rf "$made"
mkdir -p "$made"
"$program" --quiet "$here/rows.lua" "$folder" "$made/rows.jsonl"
DATA=$folder ROWS=$made/rows.jsonl "$program" run evaluate --method "$here/recorded.lua" --data "$made/rows.jsonl" \
    --store "$made/store.db" --out "$made/out" >"$made/summary.json" 2>"$made/log" || { cat "$made/log" >&2; exit 1; }
"$program" --quiet "$here/compare.lua" "$folder" "$made/out/results.json"
