#!/usr/bin/env python3
"""Reward and guard models: every door of the servers that have them, with answers in the form of their documents, and those that are wrong."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from door_server import Door

# What a response is worth is the number in it: "worth 3" is 3. The forms are those of vLLM's, llama.cpp's and TEI's documents.


def worth(text):
    return float(text.rsplit("worth ", 1)[1].split()[0])


def usage(n=7):
    return {"prompt_tokens": n, "total_tokens": n, "completion_tokens": 0, "prompt_tokens_details": None}


def classified(body, probs, label="LABEL_0"):
    return {"id": "classify-9bf", "object": "list", "created": 1745383213, "model": body["model"],
            "data": [{"index": 0, "label": label, "probs": probs, "num_classes": len(probs)}], "usage": usage()}


def answer(path, body):
    if path == "/classify":
        text = body["messages"][-1]["content"]
        assert [m["role"] for m in body["messages"]] == ["user", "assistant"], body
        if body["use_activation"]:
            p = worth(text) / 10
            return classified(body, [p, 1 - p], "safe" if p > 0.5 else "unsafe")
        return classified(body, [worth(text)])
    if path == "/pooling":
        data = [[-1.5], [worth(body["messages"][-1]["content"])]]
        return {"id": "pool-1", "object": "list", "created": 1, "model": body["model"],
                "data": [{"index": 0, "object": "pooling", "data": data}], "usage": usage()}
    if path == "/score":
        return {"id": "score-1", "object": "list", "created": 1, "model": body["model"],
                "data": [{"index": 0, "object": "score", "score": worth(body["text_2"])}], "usage": usage()}
    if path == "/rerank" and "texts" in body:
        return [{"index": 0, "score": worth(body["texts"][0])}]
    if path == "/rerank":
        return {"model": body["model"], "object": "list", "usage": usage(),
                "results": [{"index": 0, "relevance_score": worth(body["documents"][0])}]}
    p = worth(body["inputs"][0][1]) / 10
    return [[{"score": 1 - p, "label": "unsafe"}, {"score": p, "label": "safe"}]]


def Server(plant=None):
    """Answers as above; `plant` may put another text, or status, in place of an answer."""
    return Door(lambda path, body: plant and plant(path, body) or answer(path, body))


RESPONSES = ["worth 3 I think", "worth 9 or so", "worth 1.5 only"]
DOORS = ["rm", "rm?api=pooling", "rm?api=score", "rm?api=rerank", "rm?api=tei", "rm?class=0", "rm?api=predict&class=safe"]


def prepare(server, responses=None, count=1):
    scratch = host.Scratch(REWARD_BASE_URL=server.url + "/v1/")
    scratch.write("rows.jsonl", [{"id": i, "prompt": f"Name a river ({i}).", "responses": responses or RESPONSES} for i in range(count)])
    return scratch


def rank(scratch, out, model, *options):
    return scratch.run("run", "preference", "--data", "rows.jsonl", "--responses", "rows.jsonl", "--rank", "reward", "--judge",
                       "reward:" + model, "--out", out, *options)


def doors():
    with Server() as server, prepare(server) as scratch:
        for n, door in enumerate(DOORS):
            done = rank(scratch, f"out{n}", door)
            tap.equal(done.status, 0, f"{door}: goes well") or tap.diag(done)
            pair = host.jsonl(scratch / f"out{n}" / "data" / "dpo-00000-of-00001.jsonl")[0]
            tap.equal((pair["chosen"], pair["rejected"]), (RESPONSES[1], RESPONSES[2]), f"{door}: the best and the worst")
            scores = [row["score"] for row in host.jsonl(scratch / f"out{n}" / "scores.jsonl")]
            divided = 10 if "class" in door else 1
            tap.equal([round(score * divided, 6) for score in scores], [3, 9, 1.5], f"{door}: its scores")
        before = len(server.asked)
        again = rank(scratch, "again", "rm", "--offline")
        tap.equal((again.status, again.summary["calls"], len(server.asked)), (0, 0, before), "stored: a rerun asks nothing")
        tap.equal((scratch / "again/scores.jsonl").read_bytes(), (scratch / "out0/scores.jsonl").read_bytes(), "and has the same bytes")
        told = rank(scratch, "dry", "rm", "--dry-run", "--store", "none.db")
        tap.equal((told.status, len(server.asked)), (0, before), "a dry run asks nothing")
        tap.contains(told.err + told.out, "3", "and counts the calls")
        tap.equal(rank(scratch, "stopped", "rm", "--max-calls", "2", "--store", "none.db").status, 4, "a budget stops it")


PLANTS = {
    "fewer": (200, json.dumps({"object": "list", "data": [], "usage": usage()}), "scored 0 responses"),
    "more": (200, json.dumps({"data": [{"probs": [1.0]}, {"probs": [2.0]}]}), "scored 2 responses"),
    "NaN": (200, '{"data": [{"index": 0, "label": "x", "probs": [NaN], "num_classes": 1}]}', "number"),
    "null": (200, '{"data": [{"index": 0, "label": "x", "probs": [null], "num_classes": 1}]}', "number"),
    "text": (200, '{"data": [{"index": 0, "label": "x", "probs": ["high"], "num_classes": 1}]}', "number"),
    "infinite": (200, '{"data": [{"index": 0, "label": "x", "probs": [1e999], "num_classes": 1}]}', "number"),
    "another shape": (200, '{"data": {"probs": [1.0]}}', "no list"),
    "no probs": (200, '{"data": [{"index": 0, "score": 1.0}]}', "no probs"),
    "a chat": (200, '{"choices": [{"message": {"content": "worth 3"}}]}', "no list"),
    "classes": (200, '{"data": [{"index": 0, "label": "unsafe", "probs": [0.1, 0.9], "num_classes": 2}]}', "class=0"),
    "refused": (400, '{"object": "error", "message": "prompt too long", "type": "BadRequestError", "code": 400}', "prompt too long"),
}


def plants():
    """A wrong answer for one candidate: it has no score, is named and counted; the pair is made of the others."""
    for name, (status, text, said) in PLANTS.items():
        def plant(_, body, status=status, text=text):
            return (status, text) if "worth 9" in json.dumps(body) else None
        with Server(plant) as server, prepare(server) as scratch:
            done = rank(scratch, "out", "rm")
            tap.equal(done.status, 3, f"{name}: a part of the row failed")
            pair = host.jsonl(scratch / "out/data/dpo-00000-of-00001.jsonl")
            tap.equal([(p["chosen"], p["rejected"]) for p in pair], [(RESPONSES[0], RESPONSES[2])], f"{name}: the rest makes the pair")
            failed = host.jsonl(scratch / "out/errors.jsonl")
            tap.equal(len(failed), 1, f"{name}: it is in errors.jsonl")
            tap.contains(failed[0]["message"], said, f"{name}: and said what it is")
            results = json.loads((scratch / "out/results.json").read_text())
            tap.equal(results["scores"], {"n": 3, "unscored": 1}, f"{name}: counted")
            tap.ok(len(server.asked) <= 4, f"{name}: nobody asks for ever ({len(server.asked)} requests)")


# What vLLM 0.32.0 answered on a CPU, byte for byte, of a small Llama with one label; transformers gives the same logit.
RECORDED = {
    "rm": ("/classify", '{"id":"classify-b4359f089994a5a9","object":"list","created":1795857268,"model":"tiny","data":[{"index":0,"label":'
           '"LABEL_0","probs":[-3.066734552383423],"num_classes":1}],"usage":{"prompt_tokens":35,"total_tokens":35,"completion_tokens":0,'
           '"prompt_tokens_details":null,"completion_tokens_details":null}}', -3.066734552383423),
    "rm?api=pooling": ("/pooling", '{"id":"pooling-b155df7a16222acf","object":"list","created":1795857268,"model":"tiny","data":[{"index":0,'
                       '"object":"pooling","data":[0.04450046643614769]}],"usage":{"prompt_tokens":35,"total_tokens":35,"completion_tokens":0,'
                       '"prompt_tokens_details":null,"completion_tokens_details":null}}', 0.04450046643614769),
    "rm?api=score": ("/score", '{"id":"score-b583c89c2ce8012b","object":"list","created":1795857269,"model":"tiny","data":[{"index":0,"object":'
                     '"score","score":0.14221642911434174}],"usage":{"prompt_tokens":15,"total_tokens":15,"completion_tokens":0,'
                     '"prompt_tokens_details":null,"completion_tokens_details":null}}', 0.14221642911434174),
    "rm?api=rerank": ("/rerank", '{"id":"score-a2c75dbba391e979","model":"tiny","usage":{"prompt_tokens":15,"total_tokens":15},"results":[{'
                      '"index":0,"document":{"text":"the rhine","multi_modal":null},"relevance_score":0.14221642911434174}]}',
                      0.14221642911434174),
}


def recorded():
    """What a real vLLM says at each of its doors."""
    for door, (path, text, score) in RECORDED.items():
        with Server(lambda *_, text=text: (200, text)) as server, prepare(server) as scratch:
            scratch.write("ask.lua", f'''local fellowship = require "fellowship"
local found = fellowship.model("reward:{door}"):reward {{ prompt = "Name a river.", response = "the rhine" }}
print(fellowship.json.encode(found.score))''')
            told = scratch.run("ask.lua").out.split()
            tap.equal(([float(value) for value in told], [asked for asked, _ in server.asked]), ([score], [path]), f"{door}: vLLM's own words")


def usage_errors():
    with Server() as server, prepare(server) as scratch:
        for arguments, said in ((["generate", "--data", "rows.jsonl", "--model", "reward:rm"], "writes none"),
                                (["preference", "--data", "rows.jsonl", "--responses", "rows.jsonl", "--judge", "openai:gpt", "--rank",
                                  "reward"], "no reward model"),
                                (["preference", "--data", "rows.jsonl", "--responses", "rows.jsonl", "--judge", "reward:rm?api=chat",
                                  "--rank", "reward"], "not chat"),
                                (["preference", "--data", "rows.jsonl", "--responses", "rows.jsonl", "--judge", "reward:rm?apy=score",
                                  "--rank", "reward"], "apy")):
            done = scratch.run("run", *arguments, "--out", "out", env={"OPENAI_API_KEY": "k"})
            tap.ok(done.status != 0 and said in done.err, f"{arguments[-1]}: {said}", done)
            scratch.run("store", "ls")


host.need_program()
tap.cases(doors, plants, recorded, usage_errors)
