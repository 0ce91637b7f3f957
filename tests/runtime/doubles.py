#!/usr/bin/env python3
"""Doubles as JSON texts, against Python's repr (the shortest text that reads back) and RFC 8785's layout of the same digits:
random bits, powers of two and ten with their neighbours, halves between, what is subnormal or whole.

$FELLOWSHIP_NUMBERS sets how many random ones (12,000 when not said).
"""

import decimal
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

RANDOM = int(os.environ.get("FELLOWSHIP_NUMBERS") or 12_000)
SCRIPT = """local json = require "fellowship.core.json"
for line in io.lines(arg[1]) do
  local value = string.unpack("<d", (line:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end)))
  local read = json.decode(arg[2] == "digits" and ("%.16e"):format(value) or json.encode(value))
  io.write(json.encode(value), " ", json.canonical(value), " ", read == value and "same" or tostring(read), "\\n")
end
"""


def near(value):
    for step in range(-2, 3):
        other = value
        for _ in range(abs(step)):
            other = math.nextafter(other, math.inf if step > 0 else -math.inf)
        if math.isfinite(other):
            yield other


def doubles():
    noise = random.Random(1)
    for power in range(-1074, 1024):
        yield from near(math.ldexp(1.0, power))
    for power in range(-323, 309):
        yield from near(float(f"1e{power}"))
        yield from near(float(f"9.5e{power}"))
    yield from (0.0, -0.0, 0.1, 0.1 + 0.2, 1.5, 100.0, 123456789.0, 2.0 ** 53, 2.0 ** 53 + 2, 9007199254740993.0, 1e21, 1e-6, 1e-7, 1e16, 1e15)
    for _ in range(RANDOM):
        value, = struct.unpack("<d", noise.randbytes(8))
        if math.isfinite(value):
            yield value
        yield noise.random() * 10.0 ** noise.randint(-20, 20)
        yield float(f"{noise.randint(1, 10 ** noise.randint(1, 17))}e{noise.randint(-30, 30)}")
        yield float(noise.randint(0, 2 ** 70))


def canonical(value):
    """ECMAScript's Number::toString of the shortest digits; whole numbers of 64 bits with all of theirs."""
    if value == 0:
        return "0"
    if value == int(value) and -2 ** 63 <= value < 2 ** 63:
        return str(int(value))
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        text += "0" * (point - len(text))
    elif 0 < point <= 21:
        text = text[:point] + "." + text[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + text
    else:
        text = text[0] + ("." + text[1:] if len(text) > 1 else "") + f"e{point - 1:+d}"
    return ("-" if sign else "") + text


def numbers():
    values = list(doubles())
    with host.Scratch() as scratch:
        scratch.write("bits", "".join(struct.pack("<d", value).hex() + "\n" for value in values))
        scratch.write("numbers.lua", SCRIPT)
        for form in ("shortest", "digits"):
            result = scratch.run("--quiet", "numbers.lua", "bits", form)
            tap.equal(result.status, 0, f"{len(values)} doubles, read from their {form}")
            lines = [line.split(" ") for line in result.out.splitlines()]
            tap.equal(len(lines), len(values), "each has a line")
            wrong = [(value, line[0]) for value, line in zip(values, lines) if line[0] != repr(value)]
            tap.equal(wrong[:5], [], "they are written as Python's repr writes them")
            wrong = [(value, line[1]) for value, line in zip(values, lines) if line[1] != canonical(value)]
            tap.equal(wrong[:5], [], "canonical ones in the layout of RFC 8785")
            wrong = [(value, line[2]) for value, line in zip(values, lines) if line[2] != "same"]
            tap.equal(wrong[:5], [], "and are read back as the same")


host.need_program()
tap.cases(numbers)
