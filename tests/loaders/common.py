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


class Set:
    """A folder that `run preference` wrote: name, path, format, and the rows as Python's json reads them."""

    def __init__(self, path):
        self.path, self.name = path, path.name
        self.format = self.name.split("-", 1)[1]
        self.results = json.loads((path / "results.json").read_text())
        self.dpo, self.kto = self.rows("dpo"), self.rows("kto")

    def rows(self, kind):
        # Not str.splitlines: U+2028 and others, which JSON leaves as they are, end no line.
        files = sorted((self.path / "data").glob(f"{kind}-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().split(b"\n") if line]


def sets(*formats):
    found = [Set(path) for path in sorted(DATA.iterdir()) if (path / "results.json").exists()]
    chosen = [each for each in found if not formats or each.format in formats]
    if not chosen:
        raise RuntimeError(f"no set of {formats} in {DATA}")
    return chosen


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


def chatml(messages):
    """The conversation as CHATML renders it, ready for an answer."""
    return "".join(f"<|im_start|>{role}\n{text}{END}\n" for role, text in messages) + "<|im_start|>assistant\n"


# ---- a model of our own ---------------------------------------------------------------------

def tiny_model(texts):
    """A folder with a byte-level tokenizer trained on the texts and a random model: 2 layers of width 32."""
    import tokenizers
    import transformers

    folder = SCRATCH / "tiny-model"
    if (folder / "config.json").exists():
        return folder
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


def all_texts(chosen_sets):
    """Every text of the sets, to train a tokenizer on."""
    for each in chosen_sets:
        for row in each.dpo:
            messages, chosen, rejected = pair(row)
            yield from (*(text for _, text in messages), chosen, rejected)


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
