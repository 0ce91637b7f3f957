#!/usr/bin/env python3
"""What models cannot do though their API can: handled without the user knowing, a case for each quirk."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "One?"}, {"role": "user", "content": "Two?"}]
OK = p.openai("Hi")


def refusing(*refusals):
    """Answers each request by the first refusal whose condition holds of its body, else with OK."""
    def answer(request):
        for refuses, body in refusals:
            if refuses(request.body):
                return Answer(body, 400)
        return Answer(OK)
    return answer


def asked(model, answers, prompt="Hello?", models=None, **job):
    with Provider(answers) as server, host.Scratch(**server.environment()) as scratch:
        flags = []
        if models:
            scratch.write("m.lua", models)
            flags = ["--models", "m.lua"]
        got = ask(scratch, model, prompt, flags=flags, **job)
        return got, [request.body for request in server.requests]


def text_of(got):
    return (got.get("completion") or got.get("error")).get("text")


def has_system(body):
    return any(message["role"] == "system" for message in body["messages"])


def repeats(body):
    roles = [message["role"] for message in body["messages"]]
    return any(a == b for a, b in zip(roles, roles[1:]))


def flat(message):
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": 400}


# ---- messages -------------------------------------------------------------------------------

def system_role():
    folded = [{"role": "user", "content": "Be brief.\n\nOne?"}, {"role": "user", "content": "Two?"}]
    got, bodies = asked("vllm:gemma-x", refusing((has_system, flat("System role not supported"))), TALK)
    tap.equal((text_of(got), [b["messages"] for b in bodies]), ("Hi", [TALK, folded]), "no system role: learnt, and folded into the user's turn")
    tap.contains(got["err"], ["System role not supported", "from now on"], "and told once")
    got, bodies = asked("together:google/gemma-2-9b-it", refusing((has_system, flat("System role not supported"))), TALK)
    tap.equal((text_of(got), len(bodies)), ("Hi", 1), "known of Gemma 2: not even asked")
    got, bodies = asked("a", refusing(), TALK, models='return { a = { model = "openai:m", quirks = { system = "fold" } } }')
    tap.equal(bodies[0]["messages"], folded, "told in --models")


def alternation():
    got, bodies = asked("vllm:m", refusing((lambda b: has_system(b) or repeats(b), flat("Conversation roles must alternate user/assistant/user/assistant/..."))), TALK)
    tap.equal((text_of(got), bodies[-1]["messages"]), ("Hi", [{"role": "user", "content": "Be brief.\n\nOne?\n\nTwo?"}]),
              "roles must alternate: neighbours become one, and the system's message with them")


def roles():
    """A system's turn that is refused in other words, also with a status that means something else."""
    folded = [{"role": "user", "content": "Be brief.\n\nOne?"}, {"role": "user", "content": "Two?"}]
    for status, said in [(400, "Only user and assistant roles are known here: must be one of them"), (500, "Template: System role not supported"),
                         (422, {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]}),
                         (400, "'system' is not one of ['user', 'assistant'] - 'messages.0.role'"), (400, "Unexpected role \"system\".")]:
        body = said if isinstance(said, dict) else flat(said)
        got, bodies = asked("vllm:m", lambda r: Answer(body, status) if has_system(r.body) else Answer(OK), TALK)
        tap.equal((text_of(got), [b["messages"] for b in bodies]), ("Hi", [TALK, folded]), f"{status} {said}: learnt")
    tap.equal(asked("vllm:m", lambda r: Answer(flat("tool_calls: role must be followed"), 400), TALK)[0]["error"]["kind"], "request", "what is about tools is not")
    for said in ("does not support successive user messages", "no two consecutive messages of one role"):
        got, bodies = asked("vllm:m", refusing((repeats, flat(said))), TALK)
        tap.equal((text_of(got), len(bodies)), ("Hi", 2), f"{said}: neighbours become one")


def streaming():
    """A model that does not stream though somebody listens, and one that does nothing else."""
    whole = p.openai_error("Your organization must be verified to stream this model.", param="stream", code="unsupported_value")
    got, bodies = asked("openai:m", refusing((lambda b: b.get("stream"), whole)), stream=True)
    tap.equal((text_of(got), "".join(got["pieces"]), [b.get("stream") for b in bodies]), ("Hi", "Hi", [True, None]), "no streams: learnt, and heard at its end")
    only = p.openai_error("This model only supports stream mode.")
    got, bodies = asked("vllm:m", lambda r: Answer(parts=p.openai_stream(["H", "i"])) if r.body.get("stream") else Answer(only, 400))
    tap.equal((text_of(got), [b.get("stream") for b in bodies]), ("Hi", [None, True]), "streams alone: learnt")


def schemas():
    """A server that cannot do with a schema, in the words of several, and one that looked at the answer itself."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    for status, said in [(400, "This response_format type is unavailable now"), (400, "failed to parse grammar"), (400, "The specified schema produces a constraint that has too many states for serving."), (500, "the json_schema is not supported here"),
                         (400, "json_schema is enabled only for newer versions"), (422, "response_format.type: unknown variant `json_schema`")]:
        refusal = Answer(flat(said), status)
        got, bodies = asked("vllm:m", lambda r: refusal if (r.body.get("response_format") or {}).get("type") == "json_schema" else Answer(p.openai('{"n": 5}')), options={"schema": schema})
        tap.equal(((got.get("completion") or got).get("value"), len(bodies)), ({"n": 5}, 2), f"{status} {said}: asked for otherwise")
    failed = p.openai_error("Failed to generate JSON.", code="json_validate_failed")
    got, bodies = asked("groq:m", [Answer(failed, 400), Answer(p.openai('{"n": 5}'))], options={"schema": schema})
    tap.equal((got["completion"]["value"], bodies[0] == bodies[1]), ({"n": 5}, True), "an answer that the server found wrong is asked for again, in the same way")


# ---- parameters -----------------------------------------------------------------------------

def max_tokens():
    got, bodies = asked("openai:gpt-5-mini", refusing(), params={"max_tokens": 9, "temperature": 0, "stop": "x"})
    tap.equal((text_of(got), {k: v for k, v in bodies[0].items() if k != "messages"}),
              ("Hi", {"model": "gpt-5-mini", "max_completion_tokens": 9}), "gpt-5: max_completion_tokens; no temperature and stop")
    body = p.openai_error("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                          code="unsupported_parameter", param="max_tokens")
    got, bodies = asked("openai:newer", refusing((lambda b: "max_tokens" in b, body)), params={"max_tokens": 9})
    tap.equal((text_of(got), [b.get("max_completion_tokens") for b in bodies]), ("Hi", [None, 9]), "max_tokens: learnt from the 400")
    got, bodies = asked("mistral:m", refusing(), params={"seed": 5})
    tap.equal((bodies[0].get("random_seed"), bodies[0].get("seed")), (5, None), "Mistral's name for the seed")


def refused_parameters():
    for model, name, value, error in [
        ("openai:m", "temperature", 0, p.openai_error("Unsupported value: 'temperature' does not support 0 with this model.", code="unsupported_value", param="temperature")),
        ("openai:m", "stop", "x", p.openai_error("Unsupported parameter: 'stop' is not supported with this model.", code="unsupported_parameter", param="stop")),
        ("xai:m", "presence_penalty", 1, {"code": "x", "error": "Model m does not support parameter presencePenalty."}),
        ("mistral:m", "presence_penalty", 1, {"object": "error", "message": "presence_penalty: Extra inputs are not permitted"}),
    ]:
        got, bodies = asked(model, refusing((lambda b, name=name: name in b, error)), params={name: value, "top_p": 0.5})
        tap.equal((text_of(got), [name in b for b in bodies], bodies[-1].get("top_p")), ("Hi", [True, False], 0.5), f"{model} refuses {name}: learnt, the others stay")
    error = p.anthropic_error("invalid_request_error", "`temperature` is deprecated for this model.")
    got, bodies = asked("anthropic:m", lambda r: Answer(error, 400) if "temperature" in r.body else Answer(p.anthropic("Hi")), params={"temperature": 0})
    tap.equal((text_of(got), ["temperature" in b for b in bodies]), ("Hi", [True, False]), "Anthropic names it in its message alone")
    error = p.anthropic_error("invalid_request_error", "`temperature` and `top_p` cannot both be specified for this model.")
    got, bodies = asked("anthropic:m", lambda r: Answer(error, 400) if {"temperature", "top_p"} <= r.body.keys() else Answer(p.anthropic("Hi")),
                        params={"temperature": 0, "top_p": 1})
    tap.equal((text_of(got), bodies[-1].get("temperature")), ("Hi", 0), "of two that exclude each other temperature stays")
    got, bodies = asked("anthropic:claude-opus-4-7", Answer_always(p.anthropic("Hi")), params={"temperature": 0})
    tap.equal(["temperature" in b for b in bodies], [False], "known of newer Claude models: not sent")


def Answer_always(body):
    return lambda request: Answer(body)


def not_learnt():
    """What is a mistake of the script stays one."""
    for name, error in {"a wrong value": p.openai_error("Invalid 'temperature': decimal above maximum value.", code="decimal_above_max_value", param="temperature"),
                        "a misspelt parameter": p.openai_error("Unrecognized request argument supplied: temprature")}.items():
        got, bodies = asked("openai:m", refusing((lambda b: True, error)), params={"temperature": 9, "temprature": 1})
        tap.equal((got.get("error", {}).get("kind"), len(bodies)), ("request", 1), f"{name} is an error")
    error = p.openai_error("'temperature' is not supported", param="temperature")
    got, bodies = asked("openai:m", refusing((lambda b: True, error)), params={"temperature": 0})
    tap.equal((got.get("error", {}).get("kind"), len(bodies)), ("request", 2), "what helps nothing is tried once")


def for_the_run():
    """Learnt once: the calls that were under way together learn it too, and all later ones know."""
    script = """local fellowship = require "fellowship"
local m = fellowship.model("openai:m", { temperature = 0 })
for n = 1, 3 do
  local asks = {}
  for i = 1, 5 do asks[i] = function() return m:ask(n .. "." .. i).text end end
  print(fellowship.all(table.unpack(asks)))
end
print(m:ask("1.1").stored, fellowship.model("openai:other", { temperature = 0 }):ask("x").text)
"""
    error = p.openai_error("'temperature' is not supported with this model", param="temperature")
    with Provider(refusing((lambda b: "temperature" in b and b["model"] == "m", error))) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", script)
        result = scratch.run("s.lua")
        tap.equal(result.out.split(), ["Hi"] * 15 + ["true", "Hi"], "all are answered", )
        refused = [r for r in server.requests if r.body["model"] == "m" and "temperature" in r.body]
        tap.ok(1 <= len(refused) <= 5, "only those that were under way were refused", len(refused))
        tap.equal(result.err.count("from now on"), 1, "it is told once")
        tap.ok("temperature" in server.requests[-1].body, "another model is not touched")
        tap.equal((scratch.run("--offline", "s.lua").out, len(server.requests)), (result.out.replace("\nfalse", "\ntrue"), len(refused) + 16),
                  "the key is that of the request as asked")


# ---- answers ----------------------------------------------------------------------------------

def reasoning():
    think = "<think>\nLet me see.\n</think>\n\nHi"
    for name, model, body in [("reasoning_content", "deepseek:m", p.openai("Hi", reasoning_content="Let me see.")),
                              ("reasoning", "openrouter:m", p.openai("Hi", reasoning="Let me see.")),
                              ("think tags", "vllm:m", p.openai(think)), ("Ollama's think tags", "ollama:m", p.ollama(think)),
                              ("a tag that the template opens", "vllm:deepseek-r1", p.openai(think[8:])),
                              ("Ollama's field", "ollama:m", p.ollama("Hi", thinking="Let me see."))]:
        got, _ = asked(model, Answer_always(body))
        completion = got["completion"]
        tap.equal((completion["text"], completion["reasoning"]), ("Hi", "Let me see."), f"{name}: kept apart")
    tap.equal(asked("vllm:m", Answer_always(p.openai("Hi")))[0]["completion"]["usage"]["reasoning_tokens"], 3, "and counted")
    got, _ = asked("vllm:m", Answer_always(p.openai("<think>\nOn and on", "length")))
    tap.equal([got["completion"][k] for k in ("text", "reasoning", "finish_reason")], ["", "On and on", "length"], "thinking that was cut off")
    got, _ = asked("vllm:m", Answer_always(p.openai(None, "length", reasoning_content="On")))
    tap.equal([got["completion"][k] for k in ("text", "finish_reason")], ["", "length"], "also in its own field")
    for text in ("Use <think>tags</think> so.", "</think> is a tag.", "  plain"):
        got, _ = asked("openai:m", Answer_always(p.openai(text)))
        tap.equal((got["completion"]["text"], got["completion"].get("reasoning")), (text, None), f"a text that talks of tags stays: {text}")


def cut_off():
    for model, body in [("openai:m", p.openai("ha", "length")), ("anthropic:m", p.anthropic("ha", "max_tokens")),
                        ("gemini:m", p.gemini("ha", "MAX_TOKENS")), ("ollama:m", p.ollama("ha", "length")), ("mistral:m", p.openai("ha", "model_length"))]:
        got, _ = asked(model, Answer_always(body))
        tap.equal((text_of(got), got["completion"]["finish_reason"]), ("ha", "length"), f"{model}: cut off, and visibly so")


def judges_raise():
    """A judge whose answer was cut off asks once with a larger budget, before it asks for the verdict alone."""
    verdict = "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10"
    script = """local fellowship = require "fellowship"
local judge = fellowship.judge { model = fellowship.model("openai:m", { max_tokens = 50 }) }
local v = judge:compare { prompt = "p", a = "x", b = "y" }
print(v.winner, #v.evidence, v.evidence[1].finish_reason)
"""
    for answers, wanted, budgets in [
        ([p.openai("### Score", "length"), p.openai(verdict)], "a\t2\tlength", [50, 200]),
        ([p.openai("### Score", "length"), p.openai("Evid", "length"), p.openai(verdict)], "a\t3\tlength", [50, 200, 200]),
        ([p.openai("### Score", "length"), p.openai("No.", "length"), p.openai("No.", "length")], "unparsed\t3\tlength", [50, 200, 200]),
    ]:
        with Provider([Answer(a) for a in answers]) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("s.lua", script)
            result = scratch.run("s.lua")
            tap.equal((result.out.strip(), [r.body["max_tokens"] for r in server.requests]), (wanted, budgets), f"budgets {budgets}")


host.need_program()
tap.cases(system_role, alternation, roles, streaming, schemas, max_tokens, refused_parameters, not_learnt, for_the_run, reasoning, cut_off, judges_raise)
