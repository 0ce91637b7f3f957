#!/usr/bin/env python3
"""The layers of the source: includes and requires go downward, and no file grows too long."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

RUNTIME = ["base", "engine", "lua", "host"]
LUALIB = ["base", "flow", "provider", "dataset", "call", "money", "batch", "rehearse", "judge", "measure", "generate",
          "preference", "report", "serve", "cluster", "command"]
# Which of them stand side by side: none of these may require another.
SIBLINGS = {"flow", "provider", "dataset"}

LIBC = {"assert", "ctype", "errno", "fcntl", "float", "inttypes", "limits", "locale", "math", "pthread", "signal",
        "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "strings", "time",
        "unistd", "emmintrin", "immintrin", "arm_neon"}
# The foreign library that a system header belongs to, by how the header's name starts.
FOREIGN = {"uv": "libuv", "curl/": "libcurl", "sqlite3": "sqlite", "archive": "libarchive", "microhttpd": "libmicrohttpd", "zlib": "zlib", "libdeflate": "libdeflate", "zstd": "zstd",
           "nettle/": "nettle", "lua": "lua", "lauxlib": "lua", "lualib": "lua", "histedit": "libedit"}
LONGEST, LONGEST_IN_C, LONGEST_EXAMPLE = 600, 500, 40
STILL_LONGER = set()


def files(folder, *endings):
    root = host.ROOT / folder
    return sorted(path for path in root.rglob("*") if path.suffix in endings and path.is_file())


def shown(path, line=None):
    return str(path.relative_to(host.ROOT)) + (f":{line}" if line else "")


def matches(path, pattern):
    """(line number, first group) of each match."""
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m[1]) for m in re.finditer(pattern, text, re.MULTILINE)]


def without_comments(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)


def sources(folder, *endings):
    found = files(folder, *endings)
    tap.ok(found, f"{folder} holds sources")
    return found


def includes():
    upward, unknown, strange, mixed = [], [], [], []
    for path in sources("runtime", ".c", ".h"):
        layer = path.parent.relative_to(host.ROOT / "runtime").parts[0]
        for line, name in matches(path, r'^\s*#\s*include\s+"([^"]+)"'):
            target = name.split("/")[0]
            if "/" not in name or target not in RUNTIME or not (host.ROOT / "runtime" / name).exists():
                unknown.append(f"{shown(path, line)}: {name}")
            elif RUNTIME.index(target) > RUNTIME.index(layer):
                upward.append(f"{shown(path, line)}: {name}")
        libraries = set()
        for line, name in matches(path, r"^\s*#\s*include\s+<([^>]+)>"):
            library = next((FOREIGN[start] for start in FOREIGN if name.startswith(start)), "libc")
            libraries.add(library)
            if (library == "libc" and name.removesuffix(".h") not in LIBC and not name.startswith("sys/")
                    and layer == "base") or (layer == "base" and library != "libc") \
                    or (layer == "engine" and library == "lua") or (layer == "lua" and library not in ("lua", "libc")):
                strange.append(f"{shown(path, line)}: <{name}>")
        if layer == "engine" and len(libraries - {"libc"}) > 1:
            mixed.append(f"{shown(path)}: {', '.join(sorted(libraries))}")
    tap.equal(upward, [], "includes go downward")
    tap.equal(unknown, [], "project headers are included by layer and name")
    tap.equal(strange, [], "base knows libc alone, engine never Lua, lua no foreign library but Lua")
    tap.equal(mixed, [], "an engine file knows one foreign library")


def suspending():
    """One place resumes coroutines, and one function suspends them."""
    callers = {name: [] for name in ("lua_resume", "lua_yieldk", "lua_yield")}
    for path in files("runtime", ".c", ".h"):
        text = without_comments(path.read_text(encoding="utf-8"))
        for name, found in callers.items():
            if re.search(rf"\b{name}\s*\(", text):
                found.append(shown(path))
    allowed = {"runtime/lua/task.c", "runtime/lua/coroutine.c"}
    tap.equal([path for found in callers.values() for path in found if path not in allowed], [],
              "only tasks, and Lua's own coroutines on top of them, resume and yield")
    tap.equal(len(callers["lua_yieldk"]), 1, f"lua_yieldk has one caller: {callers['lua_yieldk']}")


def closing():
    """Debian 12's Lua 5.4.4 uses a stale stack when lua_settop or lua_pop meets a slot that is to be closed (upstream's
    commit 196bb94d): there are no such slots, since what C holds lies in boxes that the collector closes too."""
    tap.equal([shown(path) for path in files("runtime", ".c") if "lua_toclose" in without_comments(path.read_text("utf-8"))],
              [], "C marks no slot to be closed")


def c_circles():
    """No file of C needs itself through what it includes; a header and the source of its name are one."""
    graph = {}
    for path in files("runtime", ".c", ".h"):
        own = str(path.relative_to(host.ROOT / "runtime").with_suffix(""))
        names = {name.removesuffix(".h") for _, name in matches(path, r'^\s*#\s*include\s+"([^"]+)"')}
        graph.setdefault(own, set()).update(names - {own})
    tap.equal(circles({name: {other for other in others if other in graph} for name, others in graph.items()}), [], "no circle of files in C")


MOST_LINES = 50


def functions():
    """The functions of C by how many lines stand between their braces."""
    long, seen = [], 0
    for path in files("runtime", ".c", ".h"):
        start = None
        for number, line in enumerate(without_comments(path.read_text("utf-8")).split("\n"), 1):
            if line.endswith(") {") and (not line.startswith(" ") or start is None and line.startswith("  ")):
                start = number
            elif line == "}" and start:
                seen += 1
                if number - start - 1 > MOST_LINES:
                    long.append(f"{shown(path, start)}: {number - start - 1}")
                start = None
    tap.ok(seen > 900, f"the functions of C are found ({seen})")
    tap.equal(long, [], f"none is over {MOST_LINES} lines")


def callers():
    """Each function that a header of C declares is called by somebody else, be it a test."""
    texts = {path: without_comments(path.read_text("utf-8")) for path in files("runtime", ".c", ".h") + files("tests", ".c", ".h")}
    uses = {path: set(re.findall(r"\w+", text)) for path, text in texts.items()}
    declared = [(name, path) for path in files("runtime", ".h")
                for name in re.findall(r"^(?!typedef)[a-z](?:[\w ]|\*)*?\b([a-z]\w*)\([^;{]*\)(?:\s*__attribute__.*)?; *$", texts[path], re.MULTILINE)]
    tap.ok(len(declared) > 500, f"the functions of headers are found ({len(declared)})")
    unused = [f"{shown(path)}: {name}" for name, path in declared
              if len(re.findall(rf"\b{name}\b", texts[path])) == 1      # no inline function there
              and not any(name in words for other, words in uses.items() if other not in (path, path.with_suffix(".c")))]
    tap.equal(unused, [], "each has a caller outside its file")


def doors():
    """What is printed goes through one place in C and one in Lua, which let no control character pass."""
    strange = []
    allowed = {"runtime/base/printable.c": r"stderr", "runtime/engine/edit.c": r"stdin|stdout|stderr|STD\w+_FILENO|\bprintf|fputs",
               "runtime/host/main.c": r"(fflush|ferror|fileno)\(stdout\)", "runtime/host/process.c": r"STD\w+_FILENO",
               "runtime/engine/child.c": r"STD\w+_FILENO", "runtime/engine/channel.c": r"STDIN_FILENO"}
    for path in files("runtime", ".c", ".h"):
        text = re.sub(allowed.get(shown(path), r"(?!)"), "", without_comments(path.read_text("utf-8")))
        strange += [f"{shown(path)}: {m[0]}" for m in
                    re.finditer(r"\bstd(?:out|err|in)\b|\bSTD\w+_FILENO\b|\b(?:v?printf|puts|putchar|perror)\s*\(", text)]
    tap.equal(strange, [], "C prints in base/printable.c alone")
    strange = []
    for path in files("lualib/fellowship", ".lua") + files("scripts", ".lua"):
        if shown(path) in ("lualib/fellowship/base/say.lua", "lualib/fellowship/command/screen.lua"):
            continue
        text = re.sub(r"screen\.raw\(io\.\w+|== io\.\w+", "", path.read_text("utf-8"))
        text = re.sub(r"--[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\[\[.*?\]\]", "", text, flags=re.DOTALL)
        strange += [f"{shown(path)}: {m[0]}" for m in
                    re.finditer(r"\bio\.std(?:out|err)\b|\bio\.(?:write|output)\b|(?<![.:\w])print\s*[({\"]", text)]
    tap.equal(strange, [], "the library prints with base/say.lua alone, and moves the cursor with command/screen.lua")


# Modules are required at once, when first used, or only looked for.
REQUIRE = r"\b(?:require|lazy)\s*\(?\s*[\"']([^\"']+)[\"']|\bpackage\.loaded\s*\[\s*[\"']([^\"']+)[\"']"


def required(path):
    """(line number, module) of each module that a file of Lua requires."""
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return [(text.count("\n", 0, m.start()) + 1, m[1] or m[2]) for m in re.finditer(REQUIRE, text)]


def circles(graph):
    """The sets of modules that require each other, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            at = stack.index(name)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return [one for one in found if len(one) > 1]


def cycles():
    """No module needs itself, by whatever way; lazy ones counted."""
    names = {}
    for path in files("lualib", ".lua"):
        name = ".".join(path.relative_to(host.ROOT / "lualib").with_suffix("").parts)
        names[name.removesuffix(".init")] = path
    graph = {name: {other for _, other in required(path) if other in names} for name, path in names.items()}
    tap.equal(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}), [["b", "c"]], "a circle is found")
    tap.ok(sum(map(len, graph.values())) > len(graph), "modules require others")
    tap.equal(circles(graph), [], "no circle of modules")


def requires():
    upward, unknown = [], []
    for path in sources("lualib", ".lua"):
        parts = path.relative_to(host.ROOT / "lualib").with_suffix("").parts
        if parts[0] != "fellowship" or len(parts) == 2:         # stubs; init.lua stands above all layers
            continue
        layer = parts[1]
        if layer not in LUALIB:
            unknown.append(f"{shown(path)}: no such layer")
            continue
        for line, name in required(path):
            target = (name.split(".") + [""])[1]
            if layer == "command" and name in ("fellowship", "fellowship.parts"):
                continue                                        # commands hand the whole library to scripts
            if name.startswith("fellowship.core."):
                continue                                        # C primitives lie below all of Lua
            if not name.startswith("fellowship.") or target not in LUALIB:
                unknown.append(f"{shown(path, line)}: {name}")
            elif LUALIB.index(target) > LUALIB.index(layer) or {target, layer} <= SIBLINGS and target != layer:
                upward.append(f"{shown(path, line)}: {name}")
    tap.equal(upward, [], "requires go downward")
    tap.equal(unknown, [], "every module belongs to a layer")


def scripts():
    allowed = re.compile(r"(fellowship(\.(?!core\b)[\w.]+)?|cjson)$")
    for folder in ("scripts", "examples"):
        strange = [f"{shown(path, line)}: {name}" for path in sources(folder, ".lua")
                   for line, name in required(path) if not allowed.match(name)]
        tap.equal(strange, [], f"{folder} require lualib only")


def lengths():
    endings = (".c", ".h", ".lua", ".py", ".sh")
    counted = {path: path.read_text(encoding="utf-8").count("\n")
               for folder in ("runtime", "lualib", "scripts", "tests", "examples") for path in files(folder, *endings)}
    tap.equal([f"{shown(path)}: {n}" for path, n in counted.items() if n > LONGEST], [],
              f"no file is over {LONGEST} lines")
    tap.equal([f"{shown(path)}: {n}" for path, n in counted.items() if n > LONGEST_IN_C and shown(path).startswith("runtime/") and shown(path) not in STILL_LONGER], [],
              f"and none of C over {LONGEST_IN_C}")
    tap.equal([f"{shown(path)}: {counted[path]}" for path in files("examples", ".lua")
               if path.parent.name == "examples" and counted[path] > LONGEST_EXAMPLE],
              [], f"no example is over {LONGEST_EXAMPLE} lines")


tap.cases(includes, suspending, closing, c_circles, functions, callers, doors, requires, cycles, scripts, lengths)
