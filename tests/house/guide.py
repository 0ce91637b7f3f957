#!/usr/bin/env python3
"""Every command in README and in the guide runs as it stands, page by page; every script in them is right; links lead somewhere.

Blocks called sh are run in a shell where `fellowship` is the program under test and the providers are a server on this machine;
"sh skip" are not (they install, build or publish). Blocks called lua are checked, those with a `require` run too.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_server import BatchServer

GUIDE = host.ROOT / "examples/guide"
PAGES = [host.ROOT / "README.md", GUIDE / "README.md", *sorted(page for page in GUIDE.glob("*.md") if page.name != "README.md")]
BLOCK = re.compile(r"^```(\w+)( skip)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# The server's address is not the provider's usual one, where prices are known: a bound of costs needs them said.
WRAPPER = """#!/bin/sh
for word; do case $word in --max-cost) exec '{program}' "$@" --models '{models}';; esac; done
exec '{program}' "$@"
"""
PRICES = """local price = { input = 1, output = 2 }
return { ["openai:gpt-4o"] = { price = price }, ["openai:gpt-4o-mini"] = { price = price } }
"""


def prepared(server):
    scratch = host.Scratch(**server.environment())
    scratch.environment.update(VLLM_BASE_URL=scratch.environment["OPENAI_BASE_URL"], VLLM_API_KEY=scratch.environment["OPENAI_API_KEY"])
    models = scratch.write("bin/prices.lua", PRICES)
    scratch.write("bin/fellowship", WRAPPER.format(program=host.PROGRAM, models=models)).chmod(0o755)
    scratch.environment["PATH"] = f"{scratch / 'bin'}:{scratch.environment['PATH']}"
    os.symlink(host.ROOT / "examples", scratch / "examples")
    return scratch


def run(scratch, text):
    """The text in a shell of its own, of which nothing goes on running; ports that pages name are free ones."""
    text = re.sub(r"(--port |localhost:)\d+", rf"\g<1>{free_port()}", text)
    shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", text], cwd=scratch.path, env=scratch.environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = shell.communicate(timeout=120)
        return subprocess.CompletedProcess(text, shell.returncode, out, err)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands():
    for page in PAGES:
        blocks = [(text, match.start()) for match in BLOCK.finditer(page.read_text()) if match[1] == "sh" and not match[2]
                  for text in [match[3]]]
        if not blocks:
            continue
        with BatchServer() as server, prepared(server) as scratch:
            for text, at in blocks:
                line = page.read_text()[:at].count("\n") + 2
                result = run(scratch, text)
                tap.equal(result.returncode, 0, f"{page.name}:{line} runs") or tap.diag(f"{text}\n{result.stdout}{result.stderr}")


def scripts():
    for page in PAGES:
        for number, match in enumerate(match for match in BLOCK.finditer(page.read_text()) if match[1] == "lua"):
            text = match[3]
            with BatchServer() as server, prepared(server) as scratch:
                if "require" not in text:       # a part of the body of a command
                    text = ('local fellowship = require "fellowship"\nreturn { options = {}, run = function(run)\n'
                            "local verdict = { winner = 'a' }\nlocal row, number = {}, 0\n" + text + "print(row, number, fellowship, verdict)\nend }\n")
                scratch.write("script.lua", text)
                scratch.prompts(3, "prompts.jsonl")
                checked = scratch.run("check", "script.lua")
                tap.equal(checked.status, 0, f"{page.name}: script {number + 1} is right") or tap.diag(checked.out)
                if "require" in match[3]:
                    result = scratch.run("script.lua", timeout=60)
                    tap.equal(result.status, 0, f"{page.name}: script {number + 1} runs") or tap.diag(result)


def listed():
    listed = re.findall(r"^\| \[.*?\]\((.*?)\)", (GUIDE / "README.md").read_text(), re.M)
    tap.equal(sorted(listed), sorted(page.name for page in PAGES[2:]), "the guide's README lists every page, once")


def headings(page):
    """The names that a page's headings have as places of links."""
    return {re.sub(r"[^\w -]", "", line.lower()).strip().replace(" ", "-") for line in re.findall(r"^#+ (.*)", page.read_text(), re.M)}


def links():
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        dead = [target for target in re.findall(r"\]\(([^)#]+)\)", text)
                if not re.match(r"https?:", target) and not (page.parent / target).exists()]
        tap.equal(dead, [], f"{page.name}: every link leads somewhere")
        places = [(target, place) for target, place in re.findall(r"\]\(([a-z-]*(?:\.md)?)#([^)]+)\)", text)
                  if place not in headings(page.parent / target if target else page)]
        tap.equal(places, [], f"{page.name}: and to a heading that is there")


def html():
    """All of it as one page, where pandoc is installed: every link within it leads somewhere."""
    if not shutil.which("pandoc"):
        raise tap.Skip("pandoc is not installed")
    with host.Scratch() as scratch:
        (scratch / "build").mkdir()
        scratch.write("build/reference.md", scratch.run("reference").out)
        made = subprocess.run(["sh", "examples/guide/make.sh", str(scratch / "build")], cwd=host.ROOT, capture_output=True, text=True)
        tap.equal((made.returncode, made.stderr), (0, ""), "make guide")
        page = (scratch / "build/guide.html").read_text()
        ids = set(re.findall(r'id="([^"]*)"', page))
        tap.equal(sorted(link for link in set(re.findall(r'href="#([^"]*)"', page)) if link not in ids), [], "its links lead somewhere")
        tap.equal(re.findall(r'href="([^"]*\.md[^"]*)"', page), [], "and none to pages of which it is made")
        tap.contains(page, ["Search the guide", "fellowship.judge(options)", "run.json"], "it has the search box, the reference, the tables")


def words():
    """README stays short enough to be read."""
    count = len((host.ROOT / "README.md").read_text().split())
    tap.ok(count < 1000, f"README has {count} words")


host.need_program()
tap.cases(commands, scripts, listed, links, html, words)
