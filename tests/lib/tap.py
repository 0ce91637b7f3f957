"""Test Anything Protocol on stdout, for test programs that prove runs.

A test program is a list of functions given to `cases`; each makes assertions with `ok`,
`equal`, `contains` and so on. A function that raises counts as one failed assertion and the
next one still runs. Assertions return whether they held. What waits more than it works may go `side_by_side`.
"""

import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

SHOWN = 600                 # characters of a value that are shown when an assertion fails

_count = 0
_failed = 0
_lock = threading.RLock()


class Skip(Exception):
    """Raised by a case that cannot run here; the message is the reason."""


def diag(text):
    for line in str(text).splitlines() or [""]:
        print(f"# {line}", flush=True)


def ok(passed, name, *details):
    global _count, _failed
    with _lock:
        _count += 1
        print(f"{'ok' if passed else 'not ok'} {_count} - {_one_line(name)}", flush=True)
        if not passed:
            _failed += 1
            for detail in details:
                diag(_shorten(detail))
    return bool(passed)


def equal(got, want, name):
    return ok(got == want, name, f"got:  {_shorten(repr(got))}", f"want: {_shorten(repr(want))}")


def contains(text, parts, name):
    """Every part (a string or a list of strings) stands in the text, whatever the case."""
    parts = [parts] if isinstance(parts, str) else parts
    missing = [part for part in parts if part.lower() not in text.lower()]
    return ok(not missing, name, f"missing: {missing}", f"in: {_shorten(text)}")


def lacks(text, parts, name):
    parts = [parts] if isinstance(parts, str) else parts
    found = [part for part in parts if part.lower() in text.lower()]
    return ok(not found, name, f"found: {found}", f"in: {_shorten(text)}")


def skip(name, reason):
    global _count
    _count += 1
    print(f"ok {_count} - {_one_line(name)} # SKIP {_one_line(reason)}", flush=True)


def skip_all(reason):
    print(f"1..0 # SKIP {_one_line(reason)}", flush=True)
    sys.exit(0)


def side_by_side(function, *arguments, threads=4):
    """Calls the function once for each element of the lists, as map does, several at a time."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(function, *arguments))


def cases(*functions):
    """Runs each function, prints the plan and ends the program. Names on the command line choose."""
    chosen = [f for f in functions if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
    for function in chosen:
        diag(function.__name__)
        try:
            function()
        except Skip as reason:
            skip(function.__name__, str(reason))
        except Exception:
            ok(False, f"{function.__name__} raised", traceback.format_exc())
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed or not _count else 0)


def _one_line(text):
    return " ".join(str(text).split()).replace("#", "\\#")


def _shorten(text):
    text = str(text)
    if len(text) <= 2 * SHOWN:
        return text
    return f"{text[:SHOWN]} [... {len(text) - 2 * SHOWN} more ...] {text[-SHOWN:]}"
