#!/usr/bin/env python3
"""What the guide's tables are made of is what the program does: fields of results, kinds of failures; and the guide has them."""

import json
import difflib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

GUIDE = host.ROOT / "examples/guide"
FIELDS = """local json = require "fellowship".json
local files = {}
for i, file in ipairs(require "fellowship.command.reference.fields") do
  local names = json.array()
  for n, field in ipairs(file) do names[n] = field[1] end
  files[i] = { file = file.file, of = file.of, names = names }
end
print(json.encode(files))
print(json.encode((require "fellowship.base.kinds")))
"""


def known():
    with host.Scratch() as scratch:
        scratch.write("fields.lua", FIELDS)
        fields, kinds = map(json.loads, scratch.run("fields.lua").out.splitlines())
    by_file = {}
    for file in fields:
        by_file.setdefault(file["file"], []).append((file["of"], set(file["names"])))
    return by_file, {kind[0] for kind in kinds}


def answering(request):
    asked = json.dumps(request.body)
    if "<bad>" in asked:
        return Answer({"error": {"message": "filtered", "code": "content_filter"}}, 400)
    if "Score Assistant A" not in asked:
        return Answer(p.openai("an answer of some words", "length" if "<cut>" in asked else "stop"))
    if "<odd>" in asked:
        return Answer(p.openai("I cannot say."))
    return Answer(p.openai("### Score Assistant A:\n3/10\n\n### Score Assistant B:\n9/10"))


ROWS = [{"id": i, "prompt": f"p{i} {mark}", "response_a": "x", "response_b": "y" if i != 4 else "x ", "human": "ab"[i % 2], "response": f"r{i}"}
        for i, mark in enumerate(["", "<odd>", "<cut>", "<bad>", "", ""])]
LOOP = ["--generator", "openai:g", "--reviewer", "openai:r", "--reviewer", "openai:q", "--responses", "2"]
RUNS = {
    "generate": (["--model", "openai:m"], {"responses.jsonl": "generate"}),
    "generate-two": (["--model", "openai:m", "--model", "openai:n", "--samples", "2"], {"by-model/n.jsonl": "generate"}),
    "feedback": (LOOP, {"responses.jsonl": "feedback"}),
    "judge": (["--model", "openai:m", "--swap"], {"verdicts.jsonl": "judge"}),
    "jury": (["--model", "openai:m", "--model", "openai:n"], {"verdicts.jsonl": "judge"}),
    "evaluate": (["--method", "jury", "--model", "openai:m", "--model", "openai:n", "--swap"], {"results.json": "evaluate", "verdicts.jsonl": "judge"}),
    "winrate": (["--evaluator", "judge", "--model", "openai:m", "--against", "rows.jsonl"], {"results.json": "winrate", "verdicts.jsonl": "judge"}),
    "winrate-human": (["--evaluator", "judge", "--model", "openai:m", "--against", "other.jsonl", "--human", "rows.jsonl", "--swap"],
                      {"results.json": "winrate"}),
    "judge_bench": (["--protocol", "judgebench", "--model", "openai:m"], {"results.json": "judge-bench", "scores.jsonl": "judge-bench"}),
    "tournament": (["--generator", "openai:m", "--generator", "openai:n", "--judge", "openai:j"], {"results.json": "tournament", "verdicts.jsonl": "judge"}),
    "bias": (["--rows", "rows.jsonl", "--by", "prompt"], {"results.json": "bias"}),
    "winrate-many": (["--evaluator", "judge", "--model", "openai:m", "--against", "rows.jsonl", "--against", "other.jsonl"],
                     {"results.json": "winrate of several files"}),
    "preference": ([*LOOP, "--judge", "openai:j", "--keep-cut", "--swap"], {"results.json": "preference", "pairs.jsonl": "preference",
                                                                  "verdicts.jsonl": "judge", "responses.jsonl": "feedback"}),
    "preference-scores": (["--generator", "openai:g", "--generator", "openai:h", "--reviewer", "openai:q", "--until", "9",
                           "--judge", "openai:j", "--rank", "scores", "--judge-samples", "2"],
                          {"results.json": "preference", "responses.jsonl": "feedback", "scores.jsonl": "preference"}),
    "preference-members": ([*LOOP, "--judge", "openai:j", "--improve", "members"], {"branches.jsonl": "preference", "results.json": "preference"}),
}
# Columns of the rows that are carried along.
CARRIED = {"human", "response", "response_a", "response_b", "row_response"}


def fields():
    by_file, kinds = known()
    seen = {}

    def note(file, of, keys):
        seen.setdefault((file, of), set()).update(keys)

    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("rows.jsonl", ROWS)
        scratch.write("other.jsonl", [{**row, "response": "z"} for row in ROWS])
        scratch.write("bench.jsonl", [{"question": "q", "response_A": "x", "response_B": "y", "label": "A>B", "source": "s"}])
        scratch.write("judged.jsonl", [{"id": i % 4, "models": ["openai:gpt-4o"], "a": "gpt-4o.jsonl", "b": "other.jsonl", "winner": "a", "flipped": False,
                                        "scores": {"a": 3, "b": 2}, "orders": [{"shown": "ab", "winner": "a"}, {"shown": "ba", "winner": "a"}]}
                                       for i in range(6)])
        for name, (arguments, files) in RUNS.items():
            data = {"bias": "judged.jsonl", "judge_bench": "bench.jsonl"}.get(name, "rows.jsonl")
            result = scratch.run("run", name.split("-")[0].replace("_", "-"), "--data", data, *arguments, "--out", name)
            if not tap.ok(result.status in (0, 3), f"{name} runs"):
                tap.diag(result)
            for file, of in files.items():
                path = scratch / name / file
                for value in host.jsonl(path) if file.endswith("l") else [json.loads(path.read_text())]:
                    note("by-model/MODEL.jsonl" if file.startswith("by-model") else file, of, set(value) - CARRIED)
                    for card in value.get("judges", []):
                        note("results.json, each of judges", "bias", card)
                    for card in value.get("results", []) if file == "results.json" and of == "evaluate" else []:
                        note("results.json, each of results", "evaluate", card)
            note("run.json", "every", json.loads((scratch / name / "run.json").read_text()))
            note("the last line of stdout", "every", result.summary)
            for row in host.jsonl(scratch / name / "errors.jsonl"):
                note("errors.jsonl", "every", row)
    for (file, of), keys in seen.items():
        told = [names for about, names in by_file[file] if about == of] or \
            [names for about, names in by_file[file] if about.startswith(of) or of in about.split(":")[0].split(", ")]
        if tap.equal(len(told), 1, f"{file} of {of} is in the table"):
            tap.equal(sorted(keys - told[0]), [], f"{file} of {of}: every field is told of")
    code = "\n".join(path.read_text() for folder in ("scripts", "lualib/fellowship") for path in (host.ROOT / folder).rglob("*.lua")
                     if path.name != "fields.lua")
    missing = [(file, name) for file, sets in by_file.items() for _, names in sets for name in names
               if f'"{name}"' not in code and not re.search(rf"\b{name} =", code)]
    tap.equal(missing, [], "and no field that nobody writes")


def kinds():
    _, told = known()
    code = "\n".join(path.read_text() for path in (host.ROOT / "lualib/fellowship").rglob("*.lua"))
    written = set(re.findall(r'\bkind = "([a-z_]+)"', code)) | set(re.findall(r"static const char \*const kinds\[\] = \{([^}]*)\}",
                                                                              (host.ROOT / "runtime/lua/http.c").read_text())[0].replace('"', "").replace(",", " ").split())
    tap.equal(sorted(written - told - {"ok"}), [], "every kind of failure that the code names is told of")


def in_the_guide():
    """The tables that stand in the guide are those that the program makes now."""
    pages = [host.ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]
    with host.Scratch() as scratch:
        for page in pages:
            text = page.read_text()
            scratch.write(page.name, text)
            filled = scratch.run("reference", "--fill", page.name)
            tap.equal(filled.status, 0, f"{page.name}: its tables are known") or tap.diag(filled.err)
            differs = difflib.unified_diff(text.splitlines(), (scratch / page.name).read_text().splitlines(), lineterm="", n=0)
            tap.equal(list(differs), [], f"{page.name} has the tables of today: make guide-tables")
        tap.ok(len(pages) > 10, "there is a guide")


host.need_program()
tap.cases(fields, kinds, in_the_guide)
