#!/usr/bin/env python3
"""Real loaders over what `run preference` writes: Hugging Face's datasets, TRL, LLaMA-Factory, Axolotl.

Not part of `make check`: the first run installs pinned packages from PyPI into build/loaders, 3.8 GB on disk. The
loaders clash in the versions they want, so each has a virtual environment; they share one torch, without CUDA. The
sets are made by the real program; the loaders then run without a network.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import host
import tap
from stub_server import Stub

BUILD = host.ROOT / "build" / "loaders"
TORCH = BUILD / "torch"
LOADERS = {"trl": "trl_loader.py", "llama-factory": "llama_factory_loader.py", "axolotl": "axolotl_loader.py"}
FORMATS = ("trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl")
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
           "DO_NOT_TRACK": "1", "AXOLOTL_DO_NOT_TRACK": "1", "WANDB_DISABLED": "true", "CUDA_VISIBLE_DEVICES": "",
           "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore"}

# What texts can hold that a loader, a template or a tokenizer may take for its own.
HOSTILE = [
    "Emoji \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467, e\u0301 in two parts, \u202eright to left\u202c, \u4e2d\u6587.",
    "Line ends that are none: \u2028 \u2029 \u0085 \x0b \x0c, and some that are:\r\n \r \n.",
    "NUL \x00, bell \x07, escape \x1b[31m, delete \x7f, byte order \ufeff, private \ue000, last \U0010ffff.",
    "Media: <image> <video> <audio> [IMG] <|vision_start|>.",
    "Placeholders: {prompt} {completion} {{content}} {{ messages }} {% raw %} {0} %s $x ${x}.",
    "Marks: <|im_start|>user\nno<|im_end|>\n<|endoftext|></s>[/INST]<start_of_turn>.",
    "Quotes: \" \\ \\n \\u0041 ' ` ``` \t.",
    "null", "true", "3.14", "[]", "2024-01-01 00:00:00",
    "Long: " + "the same words again and again, " * 300,
    "It ends in a mark: <|im_end|>",
]


# ---- installing ---------------------------------------------------------------------------

def requirements(name):
    return HERE / f"requirements-{name}.txt"


def installed(folder, name):
    """Whether the folder holds what the requirements say now."""
    mark = folder / ".installed"
    return mark.exists() and mark.read_text() == requirements(name).read_text()


def pip(python, *arguments):
    # Every package is named with its version, so pip resolves nothing and brings no CUDA.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *arguments],
                   check=True)


def install(folder, name, steps):
    if installed(folder, name):
        return
    print(f"installing {requirements(name).name} into {folder.relative_to(host.ROOT)}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    steps(folder)
    (folder / ".installed").write_text(requirements(name).read_text())


def install_torch(folder):
    pip(sys.executable, "--target", folder, "-r", requirements("torch"))
    subprocess.run([sys.executable, HERE / "cpu_torch.py", folder], check=True)


def install_loader(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip(folder / "bin" / "python", "-r", requirements(folder.name))
    site = next(folder.glob("lib/python3*/site-packages"))
    (site / "torch.pth").write_text(f"{TORCH}\n")


# ---- the sets -----------------------------------------------------------------------------

def completion(text):
    return {"object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def recorded(format, out):
    """The quickstart's recording."""
    here, model = host.ROOT / "examples" / "quickstart", "SmolLM2-135M-Instruct"
    with host.Scratch() as scratch:
        scratch.run("store", "import", here / "recording.jsonl", "--store", "store.db")
        return scratch.preference(
            "--models", here / "models.lua", "--prompts", here / "prompts.lua", "--store", "store.db", "--offline",
            "--format", format, out=out, data=here / "prompts.jsonl",
            models=(model, f"{model}-reviewer", f"{model}-judge"))


def hostile(format, out):
    """Every hostile text as a prompt, and, from a server of ours, as a response."""
    rules = [{"model": "writer", "times": 1, "body": completion(
        f"{HOSTILE[row]}\n{step}. {HOSTILE[row - step]}" if step else HOSTILE[row])}
        for row in range(len(HOSTILE)) for step in range(3)]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"prompt": text} for text in HOSTILE])
        return scratch.preference("--concurrency", 1, "--pairs", "all", "--format", format, out=out)


def members(format, out):
    """Every set, for a loop's members too, in several files; of conversations where the format holds them."""
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"},
            {"role": "assistant", "content": "Scattering."}, {"role": "user", "content": "Of what?"}]
    rows = [{"prompt": f"Name {n} rivers."} for n in range(6)]
    if format not in ("trl", "llama-factory"):
        rows += [{"prompt": talk}, {"prompt": talk[1:]}]
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", rows)
        return scratch.preference("--improve", "members", "--pairs", "all", "--rows-per-file", 5, "--format", format,
                                  out=out, models=("sim:writer", "sim:reviewer", "sim:judge"))


def scored(format, out):
    """What comes with scores: the best alone, all with their ranks, columns of scores and models, tools; several models."""
    tools = [{"type": "function", "function": {"name": "look", "description": "Looks a word up.", "parameters": {
        "type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}}}]
    more = [] if format == "axolotl" else ["--columns", "scores", "--columns", "models"]
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"prompt": f"Name {n} rivers.", "tools": tools if n % 2 == 0 else None} for n in range(8)])
        return scratch.run("run", "preference", "--data", "rows.jsonl", "--generator", "sim:one", "--generator", "sim:two", "--samples", 2,
                           "--judge", "sim:judge", "--rank", "scores", "--format", format, "--also", "sft", "--also", "ranked", *more,
                           "--pairs", "all", "--out", out)


def make_sets(folder):
    for format in FORMATS:
        for source in (recorded, hostile, members, scored):
            name = f"{source.__name__}-{format}"
            result = source(format, folder / name)
            tap.ok(result.status == 0, f"run preference makes {name}", result)


# ---- the check ----------------------------------------------------------------------------

def passed_on(loader, data, scratch):
    """Runs a loader's program and carries its assertions over."""
    process = subprocess.run(
        [BUILD / loader / "bin" / "python", "-X", "faulthandler", HERE / LOADERS[loader]], cwd=scratch,
        stdout=subprocess.PIPE, stderr=open(scratch / "log", "wb"), text=True,
        env={**os.environ, **OFFLINE, "HF_HOME": str(scratch / "hf"), "LOADERS_DATA": str(data),
             "LOADERS_SCRATCH": str(scratch)})
    planned = 0
    for line in process.stdout.splitlines():
        found = re.match(r"(ok|not ok) \d+ - (.*)", line)
        if found:
            planned += 1
            tap.ok(found[1] == "ok", f"{loader}: {found[2]}")
        elif line.startswith("# "):
            print(line, flush=True)
    if f"1..{planned}" not in process.stdout.splitlines() or not planned:
        tap.ok(False, f"{loader}: ran to its end", (scratch / "log").read_text(errors="replace"))


def loaders():
    install(TORCH, "torch", install_torch)
    for loader in LOADERS:
        install(BUILD / loader, loader, install_loader)
    work = BUILD / "work"
    shutil.rmtree(work, ignore_errors=True)
    data = work / "sets"
    data.mkdir(parents=True)
    make_sets(data)
    for loader in LOADERS:
        scratch = work / loader
        scratch.mkdir()
        passed_on(loader, data, scratch)


host.need_program()
tap.cases(loaders)
