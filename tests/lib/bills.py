"""What tests of --dry-run share: rows, a count of tokens, a dry run that may change nothing, and bills against estimates."""

import json
import random
import re

import host
import tap

WORDS = ("river stone method careful because however example tides pressure argument evidence clearly a an of the in to and with "
         "simple explain structure reader detail").split()


def tokens(text):
    """About what a byte-pair tokenizer makes of a text: short words whole, long ones in parts."""
    return len(re.findall(r" ?[A-Za-z]{1,7}|\d{1,3}|\s+|[^\sA-Za-z\d]", text))


def rows(count, seed=1):
    draw = random.Random(seed)

    def text(least, most):
        return " ".join(draw.choice(WORDS) for _ in range(draw.randint(least, most)))
    return [{"id": f"r{i}", "prompt": f"<{i}> {text(5, 60)}?", "response_a": text(20, 200), "response_b": text(20, 200),
             "human": draw.choice(["a", "b", "tie"])} for i in range(count)]


RANGES = ("calls", "prompt_tokens", "completion_tokens", "cost")


def dry(scratch, server, *arguments, status=0, name="dry run", **options):
    """A dry run; asserts that it changed no file and asked nothing. Gives its last line, and the whole result."""
    before, asked = host.tree(scratch.path), len(server.requests) if server else 0
    folders = sorted(path for path in scratch.path.rglob("*") if path.is_dir())
    result = scratch.run(*arguments, "--dry-run", **options)
    after = host.tree(scratch.path)
    tap.ok(after == before and sorted(path for path in scratch.path.rglob("*") if path.is_dir()) == folders,
           f"{name}: every file and folder is as it was", sorted(set(after) ^ set(before)))
    tap.equal(len(server.requests) if server else 0, asked, f"{name}: no request")
    tap.equal(result.status, status, f"{name}: status {status}")
    if result.status != status:
        tap.diag(result.err)
    return (result.summary if result.out else None), result


def bill(scratch, out):
    """What a run paid, by model."""
    spent = json.loads((scratch / out / "run.json").read_text())["spent"]
    return {entry["model"]: {"calls": entry["calls"], "prompt_tokens": entry["tokens"]["prompt"],
                             "completion_tokens": entry["tokens"]["completion"], "cost": entry["cost"]} for entry in spent}


def shown(label, estimate, actual):
    for entry in estimate["models"]:
        paid = actual[entry["model"]]
        parts = ["{} {:.6g}/{:.6g}/{:.6g} was {:.6g}".format(name, *entry[name].values(), paid[name])
                 for name in RANGES if entry[name] and paid[name] is not None]
        print(f"# {label} {entry['model']}: " + "; ".join(parts))


def within(label, estimate, actual):
    """Each model's bill between its low and high."""
    shown(label, estimate, actual)
    tap.equal(sorted(entry["model"] for entry in estimate["models"] if entry["calls"]["high"]), sorted(actual),
              f"{label}: the models that were asked")
    outside = []
    for entry in estimate["models"]:
        for name in RANGES:
            low, likely, high = entry[name]["low"], entry[name]["likely"], entry[name]["high"]
            paid = actual[entry["model"]][name]
            if not low <= likely <= high or not low <= paid <= high:
                outside.append(f"{entry['model']}: {name} {low} {likely} {high}, was {paid}")
    tap.equal(outside, [], f"{label}: calls, tokens and cost are within low and high")
    total = sum(entry["cost"] for entry in actual.values())
    tap.ok(estimate["cost"]["low"] <= total <= estimate["cost"]["high"], f"{label}: and so is the whole cost", estimate["cost"], total)


def widths(estimate):
    return {(entry["model"], name): entry[name]["high"] / max(entry[name]["low"], 1e-9) for entry in estimate["models"]
            for name in RANGES if name != "calls"}
