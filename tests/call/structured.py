#!/usr/bin/env python3
"""Answers that fit a JSON schema by each provider's own means, and judges that use it; scores by log-probabilities."""

import json
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

SCHEMA = {"type": "object", "properties": {"year": {"type": "integer"}, "name": {"type": "string"}},
          "required": ["year", "name"], "additionalProperties": False}
GOOD = {"year": 1969, "name": "Eagle"}
TEXT = json.dumps(GOOD)


def asked(model, answers, **job):
    with Provider(answers) as server, host.Scratch(**server.environment()) as scratch:
        got = ask(scratch, model, options={"schema": SCHEMA, **job.pop("options", {})}, **job)
        again = ask(scratch, model, options={"schema": SCHEMA}, flags=["--offline"]) if "completion" in got else {}
        return got, [r.body for r in server.requests], again


def is_good(got, name, count=1, bodies=None):
    tap.equal((got.get("completion") or got.get("error")).get("value"), GOOD, f"{name}: the value")
    if bodies is not None:
        tap.equal(len(bodies), count, f"{name}: asked {count} times")


# ---- the providers' own means ---------------------------------------------------------------

def native():
    got, (body,), again = asked("openai:gpt-4o", [Answer(p.openai(TEXT))])
    tap.equal(body["response_format"], {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}, "openai: response_format")
    is_good(got, "openai")
    is_good(again, "openai, from the store")
    got, (body,), _ = asked("anthropic:claude-haiku-4-5", [Answer(p.anthropic(TEXT))])
    tap.equal(body["output_config"], {"format": {"type": "json_schema", "schema": SCHEMA}}, "anthropic: output_config")
    is_good(got, "anthropic")
    tool = p.anthropic("", "tool_use", [{"type": "tool_use", "id": "t", "name": "answer", "input": GOOD}])
    got, (body,), _ = asked("anthropic:claude-3-5-haiku-latest", [Answer(tool)])
    tap.equal((body["tools"][0]["input_schema"], body["tool_choice"]), (SCHEMA, {"type": "tool", "name": "answer"}), "older Claude: a tool that must be used")
    is_good(got, "older Claude")
    got, (body,), _ = asked("gemini:gemini-2.5-flash", [Answer(p.gemini(TEXT))])
    tap.equal(body["generationConfig"], {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}, "gemini: responseJsonSchema")
    is_good(got, "gemini")
    got, (body,), _ = asked("ollama:m", [Answer(p.ollama(TEXT))])
    tap.equal(body["format"], SCHEMA, "ollama: format")
    is_good(got, "ollama")
    got, (body,), _ = asked("deepseek:deepseek-chat", [Answer(p.openai(TEXT))])
    tap.equal(body["response_format"], {"type": "json_object"}, "deepseek: JSON, and the schema in words")
    tap.contains(body["messages"][-1]["content"], ["Hello?", '"required":["year","name"]'], "deepseek: in the question")
    is_good(got, "deepseek")


def in_words():
    """A server that refuses the parameter is asked in words, for the rest of the run."""
    error = {"object": "error", "message": "response_format is not supported", "param": None, "code": 400}
    got, bodies, _ = asked("vllm:m", lambda r: Answer(error, 400) if "response_format" in r.body else Answer(p.openai("Sure:\n```json\n" + TEXT + "\n```\n")))
    is_good(got, "in words, and in a fence", 2, bodies)
    tap.contains(bodies[-1]["messages"][-1]["content"], ["JSON Schema", "year"], "the schema stands in the question")
    error = p.openai_error("1 validation error:\n {'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}", "internal_server_error")
    got, bodies, _ = asked("vllm:m", lambda r: Answer(error, 500) if r.body.get("response_format", {}).get("type") == "json_schema" else Answer(p.openai(TEXT)))
    is_good(got, "llama-cpp-python says 500 to what it does not know: its own form", 2, bodies)
    tap.equal(bodies[1]["response_format"], {"type": "json_object", "schema": SCHEMA}, "JSON mode with the schema in it")
    got, bodies, _ = asked("vllm:m", lambda r: Answer(error, 500) if "response_format" in r.body else Answer(p.openai(TEXT)))
    is_good(got, "one that refuses that too: in words", 3, bodies)
    error = p.anthropic_error("invalid_request_error", "output_config.format: structured outputs are not supported for this model")
    tool = p.anthropic("", "tool_use", [{"type": "tool_use", "id": "t", "name": "answer", "input": GOOD}])
    got, bodies, _ = asked("anthropic:m", lambda r: Answer(error, 400) if "output_config" in r.body else Answer(tool))
    is_good(got, "anthropic without output_config: by a tool", 2, bodies)


def repaired():
    for bad in ("I'd say 1969.", '{"year": "1969", "name": "Eagle"}', '{"year": 1969}', '{"year": 1969, "name": "x", "more": 1}', "[1969]", '{"year": 1.5, "name": "x"}'):
        got, bodies, again = asked("openai:m", [Answer(p.openai(bad)), Answer(p.openai(TEXT))])
        is_good(got, f"{bad}: repaired", 2, bodies)
        tap.equal([m["content"] for m in bodies[1]["messages"][:2]], ["Hello?", bad], "by a question in the same conversation")
        is_good(again, "and from the store")
    got, bodies, _ = asked("openai:m", [Answer(p.openai("no")), Answer(p.openai('{"year": 1}'))])
    tap.equal((got.get("error", {}).get("kind"), len(bodies)), ("schema", 2), "what does not fit twice is an error")
    tap.contains(got["error"]["message"], "lacks the field name", "which says why")
    got, bodies, _ = asked("openai:m", [Answer(p.openai('{"year": 19', "length"))])
    tap.equal((got.get("error", {}).get("kind"), len(bodies)), ("schema", 1), "what was cut off is not asked for in vain")
    tap.contains(got["error"]["message"], "cut off", "and said so")


def misuse():
    for schema, parts in [({"type": "strng"}, "no type strng"), ({"pattern": "x"}, "pattern is not supported")]:
        with Provider([]) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("s.lua", 'require("fellowship").model("openai:m"):ask("x", { schema = require("fellowship").json.decode(arg[1]) })')
            result = scratch.run("s.lua", json.dumps(schema))
            tap.equal((result.status, len(server.requests)), (1, 0), f"{schema}: an error before anything is asked")
            tap.contains(result.err, ["s.lua:1", parts], "with the line and what is wrong")


# ---- judges -----------------------------------------------------------------------------------

ROWS = [{"id": "r", "prompt": "p", "response_a": "x", "response_b": "y", "human": "a"}]


def judged(answers, *options, model="openai:m", command=("judge",)):
    with Provider(answers) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("rows.jsonl", ROWS)
        result = scratch.run("run", *command, "--data", "rows.jsonl", "--model", model, "--out", "out", *options)
        return result, host.jsonl(scratch / "out/verdicts.jsonl"), server.requests


def structured_judges():
    for strategy, answers, wanted in [
        ("combined", [{"evidence": "e", "score_a": 8, "score_b": 4}], ("a", {"a": 8, "b": 4})),
        ("direct", [{"evidence": "e", "winner": "C"}], ("tie", {})),
        ("independent", [{"evidence": "e", "score": 3}, {"evidence": "e", "score": 9}], None),
    ]:
        result, verdicts, requests = judged([Answer(p.openai(json.dumps(a))) for a in answers], "--structured", "--strategy", strategy)
        tap.equal(result.status, 0, f"{strategy}: status 0")
        if wanted:
            tap.equal((verdicts[0]["winner"], verdicts[0]["scores"]), wanted, f"{strategy}: the verdict is the value")
        else:
            tap.equal(sorted(verdicts[0]["scores"].values()), [3, 9], f"{strategy}: the scores are the values")
        body = requests[0].body
        tap.ok(body["response_format"]["json_schema"]["strict"], f"{strategy}: asked for by a schema")
        tap.contains(body["messages"][0]["content"], "one JSON object", f"{strategy}: and the prompt says so")
    result, verdicts, requests = judged([Answer(p.openai("no")), Answer(p.openai('{"evidence":"e","score_a":11,"score_b":1}'))], "--structured")
    tap.equal((result.status, verdicts[0]["winner"], len(requests)), (5, "unparsed", 2), "what does not fit twice is unparsed, and no score")


def token(text, *alternatives):
    """A token and its alternatives, (text, probability) each, the token itself first among them."""
    top = [{"token": t, "logprob": math.log(q), "bytes": list(t.encode())} for t, q in alternatives]
    return {"token": text, "logprob": top[0]["logprob"] if top else -0.1, "bytes": list(text.encode()), "top_logprobs": top}


def logprob_answer(*tokens):
    tokens = [t if isinstance(t, dict) else token(t) for t in tokens]
    return p.openai("".join(t["token"] for t in tokens), logprobs={"content": tokens})


def expected_scores():
    a, b = "### Score Assistant A:\n", "/10\n\n### Score Assistant B:\n"
    whole = logprob_answer("Grüße. ", a, token("8", ("8", 0.6), ("7", 0.2), ("10", 0.2)), b, token("8", ("8", 0.5), ("9", 0.5)), "/10")
    result, verdicts, requests = judged([Answer(whole)], "--logprobs")
    tap.equal({k: requests[0].body.get(k) for k in ("logprobs", "top_logprobs")}, {"logprobs": True, "top_logprobs": 20}, "log-probabilities are asked for")
    scores = verdicts[0]["scores"] if verdicts else {}
    tap.ok(abs(scores.get("a", 0) - 8.2) < 1e-9 and abs(scores.get("b", 0) - 8.5) < 1e-9, "expected scores", scores, result.err)
    tap.equal(verdicts[0]["winner"] if verdicts else None, "b", "the winner is by them: equal as written, not as meant")

    # Single digits as tokens: 10 is "1" and then "0". 0.5 for "1" is 0.4 for 10 and 0.1 for 1.
    digits = logprob_answer(a, token("1", ("1", 0.5), ("9", 0.5)), token("0", ("0", 0.8), ("/", 0.2)), b, token("5", ("5", 0.9), ("1", 0.1)), "/10")
    result, verdicts, _ = judged([Answer(digits)], "--logprobs")
    scores = verdicts[0]["scores"] if verdicts else {}
    tap.ok(abs(scores.get("a", 0) - (0.4 * 10 + 0.1 * 1 + 0.5 * 9)) < 1e-9, "a score of two tokens", scores, result.err)
    tap.ok(abs(scores.get("b", 0) - 5) < 1e-9, 'a "1" that might have become 10 is left out', scores)

    # Where 10 is a token, "1" is 1.
    both = logprob_answer(a, token("10", ("10", 0.7), ("1", 0.3)), b, token("5", ("5", 1.0)), "/10")
    _, verdicts, _ = judged([Answer(both)], "--logprobs")
    tap.ok(abs(verdicts[0]["scores"]["a"] - 7.3) < 1e-9, "a score that is one token", verdicts)

    for name, answer, parts in [("none given", p.openai(a + "8" + b + "4/10"), "gave none"),
                                ("those of another text", {**whole, "choices": [{**whole["choices"][0], "logprobs": logprob_answer("8")["choices"][0]["logprobs"]}]}, "not those of the text")]:
        result, _, _ = judged([Answer(answer)], "--logprobs")
        tap.equal(result.status, 1, f"{name}: the run ends at its first row")
        tap.contains(result.err, parts, f"{name}: and says why")
    result, _, requests = judged([], "--logprobs", model="anthropic:m")
    tap.equal((result.status, len(requests)), (1, 0), "a provider without: nothing is asked, and the run ends")
    tap.contains(result.err, "gives no log-probabilities", "and it says so")
    result, _, _ = judged([], "--logprobs", "--strategy", "direct")
    tap.equal(result.status, 2, "a direct comparison has no scores: wrong usage")


def other_providers():
    """Log-probabilities of Gemini and Ollama, in one form."""
    chosen = [{"token": t, "logProbability": -0.5} for t in ("Hi", "!")]
    body = p.gemini("Hi!", logprobsResult={"chosenCandidates": chosen, "topCandidates": [{"candidates": chosen}, {"candidates": chosen}]})
    for model, answer, options in [("gemini:m", body, {"logprobs": True, "top_logprobs": 2}),
                                   ("ollama:m", {**p.ollama("Hi!"), "logprobs": [{"token": t, "logprob": -0.5, "top_logprobs": [{"token": "x", "logprob": -1}]} for t in ("Hi", "!")]}, {"logprobs": True, "top_logprobs": 1})]:
        with Provider([Answer(answer)]) as server, host.Scratch(**server.environment()) as scratch:
            got = ask(scratch, model, options=options)
            tokens = (got.get("completion") or {}).get("logprobs") or []
            tap.equal([(t["token"], t["length"], t["logprob"], len(t["top"]) > 0) for t in tokens], [("Hi", 2, -0.5, True), ("!", 1, -0.5, True)], f"{model}: read", )
            asked_for = server.requests[0].body
            tap.equal(asked_for.get("generationConfig") or {k: asked_for.get(k) for k in ("logprobs", "top_logprobs")},
                      {"responseLogprobs": True, "logprobs": 2} if model == "gemini:m" else {"logprobs": True, "top_logprobs": 1}, f"{model}: asked for")


host.need_program()
tap.cases(native, in_words, repaired, misuse, structured_judges, expected_scores, other_providers)
