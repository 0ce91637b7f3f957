"""Preference pairs recomputed from verdicts, by the table of the ladder, for comparison with the program's.

Written from the table and not from the program: a second opinion. Responses are numbered from 1.
"""

MODES = ("best-worst", "best-rest", "all")


def winner(scores):
    return "a" if scores["a"] > scores["b"] else "b" if scores["b"] > scores["a"] else "tie"


def relations(verdicts):
    """(better, worse) -> margin of the decided comparisons of one row."""
    decided = {}
    for verdict in verdicts:
        sides = {side: int(verdict[side].removeprefix("response_")) for side in "ab"}
        if verdict["winner"] in sides and verdict["scores"]:
            loser = "b" if verdict["winner"] == "a" else "a"
            margin = abs(verdict["scores"]["a"] - verdict["scores"]["b"])
            decided[sides[verdict["winner"]], sides[loser]] = margin
    return decided


def closure(decided):
    known = set(decided)
    while True:
        more = {(a, d) for a, b in known for c, d in known if b == c} - known
        if not more:
            return known
        known |= more


def choose(decided, mode):
    """The (better, worse) pairs of one row in a mode, before identical texts are left out."""
    known = closure(decided)
    if not known:
        return set()
    best = max({a for a, _ in known}, key=lambda a: sum(better == a for better, _ in known))
    if mode == "all":
        return known
    if mode == "best-rest":
        return {pair for pair in known if pair[0] == best}
    depth = {worse: chain(decided, best, worse) for better, worse in known if better == best}
    longest = max(depth.values())
    ends = [worse for worse in depth if depth[worse] == longest]
    return {(best, min(ends, key=lambda worse: (-decided.get((best, worse), 0), worse)))}


def chain(decided, best, worse):
    """Steps of the longest chain of decided comparisons from best to worse."""
    return 1 + max((chain(decided, best, middle) for middle, last in decided
                    if last == worse and middle != best), default=0)


def pairs_of(responses, verdicts, mode):
    """[(chosen number, rejected number)] of one row: identical texts are one, and what contradicts itself is left out."""
    text = [response.strip() for response in responses]
    decided = relations(verdicts)
    known = closure({(text[a - 1], text[b - 1]) for a, b in closure(decided)})
    decided = {(a, b): margin for (a, b), margin in decided.items() if (text[b - 1], text[a - 1]) not in known}
    return sorted(choose(decided, mode))


def labels_of(pairs):
    """{number: label} for the binary format: rejected ones are false, the only ever chosen ones true."""
    rejected = {worse for _, worse in pairs}
    return {**{better: True for better, _ in pairs if better not in rejected}, **{worse: False for worse in rejected}}
