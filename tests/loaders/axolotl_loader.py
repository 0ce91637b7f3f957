"""Axolotl's own configuration and preference code over the sets, with the YAML that their cards give."""

import re

import common
import tap
import yaml
from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.utils.data.rl import prepare_preference_datasets
from axolotl.utils.data.sft import prepare_datasets
from axolotl.utils.dict import DictDefault

# What a user's own configuration has beside the card's part. The order is kept to compare row by row.
REST = {"sequence_len": 1 << 20, "micro_batch_size": 1, "gradient_accumulation_steps": 1, "max_steps": 1,
        "learning_rate": 1e-4, "chat_template": "chatml", "shuffle_merged_datasets": False, "dataset_num_proc": 1,
        "bf16": False, "tf32": False}


def snippet(table):
    """The card's YAML for this table, its path replaced by the folder."""
    card = (table.folder / "README.md").read_text(encoding="utf-8")
    blocks = [text for text in re.findall(r"^```yaml\n(.*?)^```", card, re.M | re.S)
              if f"data/{table.stem}-" in text]
    tap.equal(len(blocks), 1, f"{table.name}: the card has one piece of YAML for it")
    return yaml.safe_load(blocks[0].replace("path/to/this/folder", str(table.folder)))


def configured(table):
    """The card's configuration as Axolotl reads it."""
    name = f"{table.folder.name}-{table.stem}"
    path = common.SCRATCH / f"{name}.yml"
    path.write_text(yaml.dump({**REST, "base_model": str(common.tiny_model()),
                               "output_dir": str(common.SCRATCH / "axolotl"),
                               "dataset_prepared_path": str(common.SCRATCH / name), **snippet(table)}),
                    encoding="utf-8")
    return DictDefault(load_cfg(str(path)))


def prepared(table):
    cfg = configured(table)
    tap.equal(cfg.rl, table.kind, f"{table.name}: and it is for {table.kind}")
    return prepare_preference_datasets(cfg, load_tokenizer(cfg))[0]


def chat_template_dpo():
    for table in common.tables("dpo", "axolotl"):
        rows = prepared(table)
        tap.equal(sorted(rows.column_names), ["chosen", "prompt", "rejected"],
                  f"{table.name}: the columns are those that TRL's DPOTrainer takes")
        want = [(common.chatml(messages), chosen + common.END, rejected + common.END)
                for messages, chosen, rejected in map(common.pair, table.rows)]
        common.same([(row["prompt"], row["chosen"], row["rejected"]) for row in rows], want,
                    f"{table.name}: prompt, chosen and rejected are our texts in the template")


def user_defined_kto():
    for table in common.tables("kto", "axolotl"):
        rows = prepared(table)
        tap.equal(sorted(rows.column_names), ["completion", "label", "prompt"],
                  f"{table.name}: the columns are those that TRL's KTOTrainer takes")
        common.same(rows, table.rows, f"{table.name}: prompt, completion and label are ours")


def chat_template_sft():
    for table in common.tables("sft", "axolotl"):
        cfg = configured(table)
        tokenizer = load_tokenizer(cfg)
        got = []
        for row in prepare_datasets(cfg, tokenizer)[0]:
            trained = [label for label in row["labels"] if label != -100]
            got.append((tokenizer.decode(row["input_ids"]).rstrip(), tokenizer.decode(trained).rstrip()))
        want = [((common.chatml(messages) + completion + common.END).rstrip(), completion + common.END)
                for messages, completion in map(common.best, table.rows)]
        common.same(got, want, f"{table.name}: the conversation, of which the response is trained on")


if __name__ == "__main__":            # worker processes import this file
    common.versions("axolotl", "datasets", "transformers", "trl", "torch")
    tap.cases(chat_template_dpo, user_defined_kto, chat_template_sft)
