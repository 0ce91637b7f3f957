"""What the checks of the loaders share: the sets, and a tiny tokenizer and model made on the spot.

Runs in a virtual environment with transformers; nothing here reaches a network.
"""

import json
import os
import pathlib
import sys
from importlib.metadata import version

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import tap

# The folder of the sets, and one for scratch files; check.py sets them.
DATA, SCRATCH = (pathlib.Path(os.environ[name]) for name in ("LOADERS_DATA", "LOADERS_SCRATCH"))

ROLES = {"human": "user", "gpt": "assistant", "system": "system"}
CHATML = ("{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
END = "<|im_end|>"


KINDS = ("dpo", "kto", "sft", "ranked")


class Table:
    """The rows of one kind, "dpo", "kto", "sft" or "ranked", of one set in a folder that `run preference` wrote, as Python's json
    reads them. The set is "single", "generator" or "reviewer"."""

    def __init__(self, folder, group, kind):
        self.folder, self.group, self.kind = folder, group, kind
        self.format = folder.name.split("-", 1)[1]
        self.stem = kind if group == "single" else f"{group}_{kind}"
        self.config = {"dpo": "default"}.get(self.stem, group if kind == "dpo" else self.stem)
        self.name = f"{folder.name}, {self.config}"
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        counts = results if group == "single" else results.get(group, {"pairs": 0, "kto": {}})
        self.count = counts["pairs"] if kind == "dpo" else sum(counts["kto"].values()) if kind == "kto" else counts.get(kind, 0)
        files = sorted((folder / "data").glob(f"{self.stem}-*.jsonl"))
        # Not str.splitlines: U+2028 and others, which JSON leaves as they are, end no line.
        self.rows = [json.loads(line) for file in files for line in file.read_bytes().split(b"\n") if line]


def tables(kind, *formats):
    """The tables of a kind that have rows, of all formats or of these."""
    found = [Table(folder, group, kind) for folder in sorted(DATA.iterdir()) if (folder / "results.json").exists()
             for group in ("single", "generator", "reviewer")]
    found = [table for table in found if table.rows and (not formats or table.format in formats)]
    if not found:
        raise RuntimeError(f"no rows for {kind} {formats} in {DATA}")
    return found


# ---- what a row says, whatever its format ---------------------------------------------------

def as_messages(value):
    """A prompt as (role, text) pairs."""
    if isinstance(value, str):
        return [("user", value)]
    return [(ROLES[m["from"]], m["value"]) if "from" in m else (m["role"], m["content"]) for m in value]


def as_text(value):
    """A completion: a text, a message, or a list of one message."""
    value = value[0] if isinstance(value, list) else value
    return value if isinstance(value, str) else value.get("content", value.get("value"))


def pair(row):
    """(messages, chosen, rejected) of a DPO row."""
    prompt = next(row[key] for key in ("prompt", "instruction", "conversations", "messages") if key in row)
    return as_messages(prompt), as_text(row["chosen"]), as_text(row["rejected"])


def labelled(row):
    """(messages, completion, label) of a KTO row."""
    label = row["label"] if "label" in row else row["kto_tag"]
    if "conversations" in row:
        return as_messages(row["conversations"][:-1]), row["conversations"][-1]["value"], label
    prompt = row["prompt"] if "prompt" in row else row["instruction"]
    return as_messages(prompt), as_text(row["completion"] if "completion" in row else row["output"]), label


def best(row):
    """(messages, completion) of a row of the best responses alone."""
    talk = row.get("conversations") or row.get("messages")
    if talk:
        return as_messages(talk[:-1]), as_text(talk[-1])
    return as_messages(row.get("prompt", row.get("instruction"))), as_text(row.get("completion", row.get("output")))


def chatml(messages):
    """The conversation as CHATML renders it, ready for an answer."""
    return "".join(f"<|im_start|>{role}\n{text}{END}\n" for role, text in messages) + "<|im_start|>assistant\n"


# ---- a model of our own ---------------------------------------------------------------------

def tiny_model():
    """A folder with a byte-level tokenizer trained on the sets' texts and a random model: 2 layers of width 32."""
    import tokenizers
    import transformers

    folder = SCRATCH / "tiny-model"
    if (folder / "config.json").exists():
        return folder
    texts = [text for table in tables("dpo") for row in table.rows for text in pair(row)[1:]]
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    bpe.train_from_iterator(texts, tokenizers.trainers.BpeTrainer(
        vocab_size=800, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", END]))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token="<|endoftext|>", clean_up_tokenization_spaces=False)
    tokenizer.chat_template = CHATML
    transformers.set_seed(7)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=32768, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def same(got, want, name):
    """Asserts that two lists are equal and not empty, and shows where they first differ."""
    got, want = list(got), list(want)
    at = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), min(len(got), len(want)))
    shown = [f"{label} [{at}] of {len(rows)}: {rows[at]!r}" for label, rows in (("got", got), ("want", want))
             if at < len(rows)]
    return tap.ok(got == want and want, name, *shown, f"{len(got)} rows, want {len(want)}")


def versions(*packages):
    tap.diag("versions: " + ", ".join(f"{name} {version(name)}" for name in packages)
             + f", Python {sys.version.split()[0]}")
