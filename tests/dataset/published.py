#!/usr/bin/env python3
"""Preference sets in their published columns, each through a command with at most one option; and what columns mean.

The rows are made up, in the shapes that the sets' cards show. What a model was asked is read from the store's export.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def human(*turns):
    return "".join(f"\n\n{'Assistant' if i % 2 else 'Human'}: {turn}" for i, turn in enumerate(turns))


def completion(text, score):
    return {"annotations": {"helpfulness": {"Rating": "4"}}, "custom_system_prompt": "Be kind.", "principle": "honesty",
            "model": "bard", "response": text, "critique": "Fine.", "fine-grained_score": score, "overall_score": score}


# name: columns of one row, by hand; the command with its option; what the question must hold in this order; the label,
# as which of the two texts humans (or the set) preferred, None where the set has none.
PROMPT = "What does <the set> ask?"
GOOD, BAD = "The <good> answer.", "The <bad> answer."
SETS = {
    "UltraFeedback binarized": (
        {"prompt": PROMPT, "prompt_id": "f0e37e", "chosen": [user(PROMPT), assistant(GOOD)],
         "rejected": [user(PROMPT), assistant(BAD)], "messages": [user(PROMPT), assistant(GOOD)],
         "score_chosen": 8.5, "score_rejected": 6.5}, [], [PROMPT], GOOD),
    "UltraFeedback": (
        {"source": "sharegpt", "instruction": PROMPT, "models": ["alpaca-7b", "bard", "gpt-4"],
         "completions": [completion("The middling answer.", 5.5), completion(GOOD, 9.0), completion(BAD, 2.0)],
         "correct_answers": ["None"], "incorrect_answers": ["None"]}, [], [PROMPT], GOOD),
    "HH-RLHF": (
        {"chosen": human("Hi.", "Hello!", PROMPT, GOOD), "rejected": human("Hi.", "Hello!", PROMPT, BAD)}, [],
        ["[User]\nHi.", "[Assistant]\nHello!", "[User]\n" + PROMPT], GOOD),
    "HH-RLHF, parting early": (
        {"chosen": human(PROMPT, "First.", "And?", GOOD), "rejected": human(PROMPT, "Other.", "And then?", BAD)}, [],
        ["A conversation of several turns", PROMPT], GOOD),
    "SHP": (
        {"post_id": "nkroj", "domain": "askculinary_train", "upvote_ratio": 0.99, "history": PROMPT, "c_root_id_A": "gze",
         "c_root_id_B": "gzf", "created_at_utc_A": 1622, "created_at_utc_B": 1623, "score_A": 346, "score_B": 54,
         "human_ref_A": GOOD, "human_ref_B": BAD, "labels": 1, "seconds_difference": 5.0, "score_ratio": 6.4}, [],
        [PROMPT, GOOD, BAD], GOOD),
    "Nectar": (
        {"prompt": human(PROMPT) + "\n\nAssistant: ", "answers": [
            {"answer": GOOD, "model": "gpt-4", "rank": 1.0}, {"answer": "The middling answer.", "model": "x", "rank": 2.0},
            {"answer": BAD, "model": "y", "rank": 7.0}], "turns": 1, "num_responses": 3, "source": ["lmsys-chat-1m"],
         "good_natured": True}, [], [PROMPT], GOOD),
    "HelpSteer2's preferences": (
        {"split": "train", "prompt": PROMPT, "response_1": BAD, "response_2": GOOD, "preference_strength": 2,
         "preference_statement": "Response 2 is better.", "preference_elaboration": "It is.",
         "three_most_similar_preferences": [], "all_preferences_unprocessed": []}, [], [PROMPT, BAD, GOOD], GOOD),
    "HelpSteer3": (
        {"domain": "general", "language": "english", "context": [user(PROMPT)], "response1": GOOD, "response2": BAD,
         "overall_preference": -2, "individual_preference": []}, [], [PROMPT, GOOD, BAD], GOOD),
    "Capybara DPO": (
        {"source": "Airoboros", "conversation": [{"input": "Hi.", "output": "Hello!"}, {"input": PROMPT, "output": GOOD}],
         "original_response": GOOD, "generation_prompt": ["x"], "raw_generation_responses": ["x"],
         "new_generations": ["x"], "prompt": PROMPT, "chosen": [user("Hi."), assistant("Hello!"), user(PROMPT), assistant(GOOD)],
         "rejected": [user("Hi."), assistant("Hello!"), user(PROMPT), assistant(BAD)], "rating_chosen": 5,
         "rating_rejected": 4, "chosen_model": "a", "rejected_model": "b"}, [],
        ["[User]\nHi.", "[Assistant]\nHello!", "[User]\n" + PROMPT], GOOD),
    "orca_dpo_pairs": (
        {"system": "You are <an AI>.", "question": PROMPT, "chosen": GOOD, "rejected": BAD}, [],
        ["[System]\nYou are <an AI>.", "[User]\n" + PROMPT], GOOD),
    "distilabel's orca_dpo_pairs": (
        {"system": "", "input": PROMPT, "chosen": GOOD, "rejected": BAD, "generations": [GOOD, BAD], "rating": [9.0, 3.0],
         "status": "unchanged"}, [], [PROMPT], GOOD),
    "MT-bench human judgments": (
        {"question_id": 81, "model_a": "alpaca-13b", "model_b": "gpt-3.5-turbo", "winner": "model_b", "judge": "author_2",
         "conversation_a": [user(PROMPT), assistant(BAD), user("Again."), assistant("Bad again.")],
         "conversation_b": [user(PROMPT), assistant(GOOD), user("Again."), assistant("Good again.")], "turn": 2},
        ["--human-column", "winner"], [PROMPT, BAD, "Bad again.", GOOD, "Good again."], None),
    "Arena 55k": (
        {"id": 30192, "model_a": "gpt-4-1106-preview", "model_b": "gpt-4-0613", "prompt": json.dumps([PROMPT]),
         "response_a": json.dumps([GOOD]), "response_b": json.dumps([BAD]), "winner_model_a": 1, "winner_model_b": 0,
         "winner_tie": 0}, [], [PROMPT, GOOD, BAD], GOOD),
    "Arena 55k, two turns": (
        {"id": 30193, "model_a": "x", "model_b": "y", "prompt": json.dumps([PROMPT, "Again."]),
         "response_a": json.dumps([BAD, None]), "response_b": json.dumps([GOOD, "Good again."]), "winner_model_a": 0,
         "winner_model_b": 1, "winner_tie": 0}, [], [PROMPT, BAD, PROMPT, GOOD, "Again.", "Good again."], GOOD),
    "PKU-SafeRLHF": (
        {"prompt": PROMPT, "response_0": BAD, "response_1": GOOD, "prompt_source": "BeaverTails", "response_0_source": "x",
         "response_1_source": "y", "is_response_0_safe": True, "is_response_1_safe": True, "better_response_id": 1,
         "safer_response_id": 1}, [], [PROMPT, BAD, GOOD], GOOD),
    "TRL, conversational": (
        {"prompt": [user(PROMPT)], "chosen": [assistant(GOOD)], "rejected": [assistant(BAD)]}, [], [PROMPT], GOOD),
    "LLaMA-Factory, sharegpt": (
        {"conversations": [{"from": "human", "value": PROMPT}], "chosen": {"from": "gpt", "value": GOOD},
         "rejected": {"from": "gpt", "value": BAD}}, [], [PROMPT], GOOD),
    "LLaMA-Factory, alpaca": (
        {"instruction": "Answer <this>.", "input": PROMPT, "chosen": GOOD, "rejected": BAD}, [],
        ["Answer <this>.\n" + PROMPT], GOOD),
    "a spreadsheet": (
        {"ID": "1", "Prompt ": PROMPT, "Response A": GOOD, "Response B": BAD, "Human": "A"}, [], [PROMPT, GOOD, BAD], GOOD),
    "the same, in capitals": (
        {"PROMPT": PROMPT, "CHOSEN": GOOD, "REJECTED": BAD}, [], [PROMPT], GOOD),
    "HH-RLHF, stripped": (
        {"chosen": human("Hi.", "Hello!", PROMPT, GOOD).strip(), "rejected": human("Hi.", "Hello!", PROMPT, BAD).strip()}, [],
        ["[User]\nHi.", "[Assistant]\nHello!", "[User]\n" + PROMPT], GOOD),
    "OpenAI's preference fine-tuning": (
        {"input": {"messages": [user(PROMPT)], "tools": [], "parallel_tool_calls": True}, "preferred_output": [assistant(GOOD)],
         "non_preferred_output": [assistant(BAD)]}, [], [PROMPT], GOOD),
    "pairs of Stack Exchange": (
        {"qid": 1, "question": PROMPT, "date": "2020", "metadata": ["x"], "response_j": GOOD, "response_k": BAD}, [], [PROMPT], GOOD),
    "WebGPT": (
        {"question": {"dataset": "eli5", "id": "1", "full_text": PROMPT}, "quotes_0": {"title": ["x"]}, "answer_0": BAD, "answer_1": GOOD,
         "tokens_0": {"prefix": [1]}, "score_0": -0.5, "score_1": 0.5}, [], [PROMPT, BAD, GOOD], GOOD),
    "JudgeLM": (
        {"question_id": 0, "question_body": PROMPT, "answer1_body": GOOD, "answer2_body": BAD, "score": [8, 5]}, [], [PROMPT, GOOD, BAD], GOOD),
    "AlpacaEval, weighted": (
        {"instruction": PROMPT, "output_1": BAD, "output_2": GOOD, "generator_1": "x", "generator_2": "y", "preference": 1.97}, [],
        [PROMPT, BAD, GOOD], GOOD),
    "LLMBar": (
        {"input": PROMPT, "output_1": GOOD, "output_2": BAD, "label": 1}, [], [PROMPT, GOOD, BAD], GOOD),
    "distilabel's generations and ratings": (
        {"instruction": PROMPT, "generations": ["The middling answer.", BAD, GOOD], "ratings": [3.0, 1.0, 5.0]}, [], [PROMPT], GOOD),
    "Axolotl, chat_template": (
        {"messages": [user(PROMPT)], "chosen": assistant(GOOD), "rejected": assistant(BAD)}, [], [PROMPT], GOOD),
}


def asked(scratch, store):
    """The last message of each request that the store has."""
    scratch.run("store", "export", "export.jsonl", "--store", store)
    return [record["request"]["messages"] for record in host.jsonl(scratch / "export.jsonl")]


def in_order(text, parts):
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return f"lacks {part!r} behind byte {at}"
        at = found + len(part)
    return None


def published():
    for name, (row, options, parts, good) in SETS.items():
        with host.Scratch() as scratch:
            scratch.write("set.jsonl", [row])
            for command in ("judge", "evaluate"):
                extra = [*(["--method", "judge"] if command == "evaluate" else []), *(options if command == "evaluate" else [])]
                result = scratch.run("run", command, "--data", "set.jsonl", "--model", "sim:j", "--store", "s.db",
                                     "--out", command, *extra)
                # 5: the row was judged, and has no label that is understood.
                tap.ok(result.status in ((0, 5) if command == "evaluate" else (0,)) and result.summary["rows"] == 1,
                       f"{name}: {command} reads it", result)
            ((message,),) = asked(scratch, "s.db")
            question = message["content"]
            tap.equal(in_order(question, parts), None, f"{name}: the question holds what it should, in order")
            tap.equal((question.count(GOOD), question.count(BAD)), (1, 1), f"{name}: each answer once")
            (verdict,) = host.jsonl(scratch / "evaluate/verdicts.jsonl")
            if good is None:
                continue
            want = "a" if question.index(GOOD) < question.index(BAD) else "b"
            results = json.loads((scratch / "evaluate/results.json").read_text())
            tap.equal(results["results"][0]["n"], 1, f"{name}: evaluate has its label")
            agrees = results["results"][0]["agreement"] == 1.0
            tap.equal(agrees, verdict["winner"] == want, f"{name}: and takes it for the better answer's")


def which_is_which():
    """chosen stands at either place, by the texts alone, and verdicts say at which."""
    with host.Scratch() as scratch:
        rows = [{"prompt": f"Q{i}", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(60)]
        scratch.write("set.jsonl", rows)
        scratch.write("half.jsonl", rows[30:])
        for name in ("set", "half"):
            scratch.run("run", "judge", "--data", f"{name}.jsonl", "--model", "sim:j", "--store", "s.db", "--out", name)
        verdicts = [host.jsonl(scratch / f"{name}/verdicts.jsonl") for name in ("set", "half")]
        tap.equal([{row["a"], row["b"]} for row in verdicts[0]], [{"chosen", "rejected"}] * 60, "a verdict says what a and b are")
        first = [row["a"] for row in verdicts[0]]
        tap.ok(15 < first.count("chosen") < 45, f"chosen stands first in {first.count('chosen')} of 60")
        tap.equal([row["a"] for row in verdicts[1]], first[30:], "the place is the texts', whatever rows are beside them")
        questions = [messages[0]["content"] for messages in asked(scratch, "s.db")]
        tap.equal(len(questions), 60, "and so the same rows ask for nothing new")
        places = {q[q.index("\nQ") + 1:].split("\n")[0]: q.index("\ngood ") < q.index("\nbad ") for q in questions}
        tap.equal([places[f"Q{i}"] for i in range(60)], [where == "chosen" for where in first], "which is what was asked")


# A row, options, and the prompt that the generator gets (None: the row fails, with that in its message).
PROMPTS = {
    "null beside messages": ({"prompt": None, "messages": [user("A")]}, [], "A"),
    "an empty cell beside an instruction": ({"prompt": "", "instruction": "A"}, [], "A"),
    "an empty prompt and nothing else": ({"prompt": ""}, [], ""),
    "messages null, conversation there": ({"messages": None, "conversation": [user("A")]}, [], "A"),
    "a padded message": ({"messages": [{"role": "user", "content": "A", "from": None, "value": None, "tool_calls": None}]}, [], "A"),
    "a padded ShareGPT turn": ({"conversations": [{"from": "human", "value": "A", "role": None, "content": None}]}, [], "A"),
    "a padded part": ({"messages": [user([{"type": "text", "text": "A", "image_url": None}])]}, [], "A"),
    "parts without a type": ({"messages": [user([{"text": "A"}, {"text": "B", "type": None}])]}, [], "AB"),
    "the answer's content is null": ({"messages": [user("A"), {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]}]}, [], "A"),
    "the answer is of a kind that is not known": ({"messages": [user("A"), assistant([{"type": "audio"}])]}, [], "A"),
    "query": ({"query": "A"}, [], "A"),
    "input alone": ({"input": "A"}, [], "A"),
    "Alpaca's input": ({"instruction": "A", "input": "B"}, [], "A\nB"),
    "Alpaca's input, named": ({"instruction": "A", "input": "B"}, ["--prompt-column", "instruction"], "A\nB"),
    "Alpaca's input is empty": ({"instruction": "A", "input": ""}, [], "A"),
    "Alpaca's input is null": ({"instruction": "A", "input": None}, [], "A"),
    "Alpaca's input, left out": ({"instruction": "A", "input": "B"}, ["--input-column", ""], "A"),
    "Dolly's context": ({"instruction": "A", "context": "B", "response": "C"}, [], "A\nB"),
    "an input of a column that is named": ({"prompt": "A", "passage": "B"}, ["--input-column", "passage"], "A\nB"),
    "a prompt's input is something else": ({"prompt": "A", "input": "B"}, [], "A"),
    "bytes stay": ({"instruction": " A\r\n", "input": "\tB "}, [], " A\r\n\n\tB "),
    "a system message": ({"system": "S", "question": "A"}, [], [{"role": "system", "content": "S"}, user("A")]),
    "no system message": ({"system": "", "question": "A"}, [], "A"),
    "a prompt's own column is taken alone": ({"system": "S", "prompt": "A"}, [], "A"),
    "a system message that is named": ({"setup": "S", "prompt": "A"}, ["--system-column", "setup"], [{"role": "system", "content": "S"}, user("A")]),
    "before a conversation": ({"sys": "S", "messages": [user("A")]}, ["--system-column", "sys"], [{"role": "system", "content": "S"}, user("A")]),
    "messages as JSON": ({"messages": json.dumps([user("A")])}, [], "A"),
    "a prompt that is JSON is a text": ({"prompt": json.dumps([user("A")])}, [], json.dumps([user("A")])),
    "Capybara's turns": ({"conversation": [{"input": "A", "output": "B"}, {"input": "C", "output": "D"}]}, [], [user("A"), assistant("B"), user("C")]),
    "Capybara's last answer is missing": ({"conversation": [{"input": "A", "output": None}]}, [], "A"),
    "a transcript": ({"prompt": human("A", "B", "C") + "\n\nAssistant:"}, [], [user("A"), assistant("B"), user("C")]),
    "a transcript in a column that is named": ({"prompt": human("A") + "\n\nAssistant: "}, ["--prompt-column", "prompt"], "\n\nHuman: A\n\nAssistant: "),
    "no transcript": ({"prompt": "Human: A\n\nAssistant: "}, [], "Human: A\n\nAssistant: "),
    "a transcript's marks inside of a turn": ({"prompt": human("A\n\nHuman: B", "C", "D") + "\n\nAssistant:"}, [], [user("A\n\nHuman: B"), assistant("C"), user("D")]),
    "chosen and rejected alone": ({"chosen": [user("A"), assistant("x")], "rejected": [user("A"), assistant("y")]}, [], "A"),
    "a prompt that is a turn of them": ({"prompt": "B", "chosen": [user("A"), assistant("x"), user("B"), assistant("y")],
                                         "rejected": [user("A"), assistant("x"), user("B"), assistant("z")]}, [], [user("A"), assistant("x"), user("B")]),
    "a prompt that is none of them": ({"prompt": "B", "chosen": [user("A"), assistant("x")], "rejected": [user("A"), assistant("y")]}, [], "B"),
    "a number": ({"prompt": 7, "question": "A"}, [], None, ['"prompt"', "number"]),
    "nothing": ({"title": "A", "prompt": None}, [], None, ["no prompt", "title", "--prompt-column"]),
    "a named column that is null": ({"question": "A", "task": None}, ["--prompt-column", "task"], None, ['"task"', "null"]),
    "another case": ({"Prompt": "A", "ID": 7}, [], "A"),
    "capitals": ({"INSTRUCTION": "A", "Input": "B"}, [], "A\nB"),
    "spaces around": ({" prompt ": "A"}, [], "A"),
    "a space of Unicode": ({"\u00a0prompt": "A"}, [], "A"),
    "the one to the letter": ({"Prompt": "B", "prompt": "A", "PROMPT": "C"}, [], "A"),
    "the first of two": ({"PROMPT": "A", "Prompt": "B"}, [], "A"),
    "null to the letter": ({"Prompt": "B", "prompt": None, "question": "A"}, [], "A"),
    "a name of another case": ({"My Task": "A", "prompt": "B"}, ["--prompt-column", "my task"], "A"),
    "a system column of another case": ({"System Prompt": "S", "Question": "A"}, [], [{"role": "system", "content": "S"}, user("A")]),
    "nulls among messages": ({"messages": [None, user("A"), None]}, [], "A"),
    "nothing but nulls": ({"messages": [None]}, [], None, ["empty"]),
    "nulls among parts": ({"messages": [user([None, {"type": "text", "text": "A"}])]}, [], "A"),
    "a system message of null": ({"messages": [{"role": "system", "content": None}, user("A")]}, [], "A"),
    "a user's message of null": ({"messages": [user(None)]}, [], None, ["message 1 (user)", "no content"]),
    "parts that are texts": ({"messages": [user(["A", "B"])]}, [], "AB"),
    "one part": ({"messages": [user({"type": "text", "text": "A"})]}, [], "A"),
    "a thread's text": ({"messages": [user([{"type": "text", "text": {"value": "A", "annotations": []}}])]}, [], "A"),
    "ChatGPT's export": ({"messages": [user({"content_type": "text", "parts": ["A"]})]}, [], "A"),
    "Gemini's": ({"contents": [{"role": "user", "parts": [{"text": "A"}]}, {"role": "model", "parts": [{"text": "B"}]}]}, [], "A"),
    "Cohere's": ({"messages": [{"role": "USER", "message": "A"}]}, [], "A"),
    "speakers": ({"dialogue": [{"speaker": "human", "text": "A"}]}, [], "A"),
    "a problem": ({"problem": "A", "solution": "B"}, [], "A"),
    "a problem beside a question": ({"problem": "A", "question": "B"}, [], "B"),
    "MT-Bench's question of one turn": ({"question_id": 81, "category": "writing", "turns": ["A"]}, [], "A"),
    "Arena-Hard's question": ({"question_id": "x", "cluster": "y", "turns": [{"content": "A"}]}, [], "A"),
    "MT-Bench's question of two turns": ({"question_id": 81, "turns": ["A", "B"]}, [], None, ["2 turns"]),
    "a number of turns": ({"turns": 2, "chosen": [user("A"), assistant("x")], "rejected": [user("A"), assistant("y")]}, [], "A"),
    "a dataset in one row": ({"version": 1, "data": [{"prompt": "A"}]}, [], None, ["version, data", "jq -c '.data[]'"]),
    "turns that hang on responses": ({"prompt": '["A","B"]', "response_a": '["x","y"]', "response_b": '["u","v"]'}, [], None, ["2 turns"]),
}

ROLES = {"user": ["user", "User", "USER", "human", "Human", "prompter", " user ", "Human:"],
         "assistant": ["assistant", "gpt", "GPT", "chatgpt", "ChatGPT", "bing", "Bard", "model", "bot", "CHATBOT", "ai", "gpt4", "GPT-3.5-turbo", "claude-2", "llm",
                       "Assistant: "],
         "system": ["system", "System", "developer"]}


def prompts():
    with host.Scratch() as scratch:
        for number, (name, case) in enumerate(PROMPTS.items()):
            row, options, want, *words = case
            scratch.write("p.jsonl", [row])
            result = scratch.run("run", "feedback", "--data", "p.jsonl", "--generator", "sim:g", "--reviewer", "sim:r",
                                 "--responses", "1", "--store", "s.db", "--out", f"out{number}", *options)
            if want is None:
                (error,) = host.jsonl(scratch / f"out{number}/errors.jsonl")
                tap.equal(result.status, 3, f"{name}: the row fails")
                tap.contains(error["message"], ["p.jsonl:1", *words[0]], f"{name}: with a word on it")
            else:
                (made,) = host.jsonl(scratch / f"out{number}/responses.jsonl")
                tap.equal(made["prompt"], want, f"{name}: the prompt")


def roles():
    with host.Scratch() as scratch:
        rows = [{"id": f"{role} {name}", "conversations": [{"from": "user", "value": "A"}, {"from": "gpt", "value": "B"},
                                                           {"from": name, "value": "C"}, {"from": "user", "value": "D"}]}
                for role, names in ROLES.items() for name in names]
        scratch.write("p.jsonl", rows)
        scratch.run("run", "feedback", "--data", "p.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--responses", "1", "--out", "out")
        found = {row["id"]: row["prompt"][2]["role"] for row in host.jsonl(scratch / "out/responses.jsonl")}
        tap.equal(found, {row["id"]: row["id"].split()[0] for row in rows}, "each name of a role, in any case")


def told():
    with host.Scratch() as scratch:
        def err(rows, *options):
            scratch.write("p.jsonl", rows)
            result = scratch.run("run", "feedback", "--data", "p.jsonl", "--generator", "sim:g", "--reviewer", "sim:r",
                                 "--responses", "1", "--force", "--out", "out", *options)
            return [line for line in result.err.splitlines() if "reading" in line]

        one = err([{"key": i, "instruction": "A", "input": "B"} for i in range(5)])
        tap.equal(one, ['fellowship: reading prompt from "instruction" + "input", id from "key"'], "which columns were taken, once, in a line")
        two = err([{"id": 1, "prompt": "A"}, {"id": 2, "prompt": None, "messages": [user("B")]}, {"id": 3, "messages": [user("C")]}])
        tap.equal(two, ['fellowship: reading prompt from "prompt", id from "id"', 'fellowship: p.jsonl:2: reading prompt from "messages"'],
                  "and a row that is read otherwise, once, by its place")
        tap.equal(err([{"prompt": "A"}]), ['fellowship: reading prompt from "prompt", id from the row\'s number'], "ids that are the numbers")
        tap.equal(err([{"prompt": "A"}], "--quiet"), [], "--quiet says nothing")
        tap.equal(err([{"Prompt": "A", "Id": 1, "Topic": "T"}]), ['fellowship: reading prompt from "Prompt", id from "Id"'], "columns by their own names")
        (made,) = host.jsonl(scratch / "out/responses.jsonl")
        tap.equal([key for key in made if key.lower() in ("topic", "prompt", "id")], ["id", "prompt", "Topic"], "which are not carried along beside what was read of them")
        (scratch / "out/errors.jsonl").unlink()
        err([{"prompt": "A"}])
        tap.equal((scratch / "out/errors.jsonl").read_text(), "", "errors.jsonl of a run without failures is empty")


def images():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    forms = {
        "OpenAI's": image, "an address alone": {"type": "image_url", "image_url": "data:image/png;base64,AAAA"},
        "a chat template's": {"type": "image", "image": "data:image/png;base64,AAAA"}, "padded": {**image, "text": None},
        "Anthropic's": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    }
    for name, part in forms.items():
        with host.Scratch() as scratch:
            prompt = [user([{"type": "text", "text": "What is <it>?"}, part])]
            scratch.write("p.jsonl", [{"messages": prompt}])
            scratch.write("pair.jsonl", [{"prompt": prompt, "response_a": "A <cat>.", "response_b": "A <dog>."}])
            scratch.run("run", "feedback", "--data", "p.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--responses", "2", "--store", "s.db", "--out", "a")
            for command in (["judge"], ["judge", "--strategy", "independent"], ["debate", "--rounds", "1"]):
                result = scratch.run("run", *command, "--data", "pair.jsonl", "--model", "sim:j", "--store", "s.db", "--force", "--out", "b")
                tap.equal(result.status, 0, f"{name}: {' '.join(command)} reads it")
            questions = [messages[0]["content"] for messages in asked(scratch, "s.db")]
            want = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
            tap.equal([content[1:] for content in questions], [[want]] * len(questions), f"{name}: all {len(questions)} requests hold the image, once")
            shown = [content[0]["text"] for content in questions if content[0]["text"] != "What is <it>?"]
            tap.ok(shown and all("What is <it>?[image 1]" in text for text in shown), f"{name}: which reviewers and judges see where it stood")
            if name == "padded":
                result = scratch.run("run", "preference", "--data", "p.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j", "--out", "c")
                tap.contains(host.jsonl(scratch / "c/errors.jsonl")[0]["message"], ["p.jsonl:1", "images", "texts"], "a preference set of texts refuses it")


host.need_program()
tap.cases(images, published, which_is_which, prompts, roles, told)
