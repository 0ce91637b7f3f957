"""Axolotl's own configuration and preference code over the sets, with the YAML that their cards give."""

import re

import common
import tap

import yaml
from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.utils.data.rl import prepare_preference_datasets
from axolotl.utils.dict import DictDefault

# What a user's own configuration has beside the card's part. The order is kept to compare row by row.
REST = {"sequence_len": 1 << 20, "micro_batch_size": 1, "gradient_accumulation_steps": 1, "max_steps": 1,
        "learning_rate": 1e-4, "chat_template": "chatml", "shuffle_merged_datasets": False, "dataset_num_proc": 1,
        "bf16": False, "tf32": False}


def snippet(each, rl):
    """The card's YAML for this kind of training, its placeholder replaced by the folder."""
    card = (each.path / "README.md").read_text(encoding="utf-8")
    found = []
    for text in re.findall(r"^```yaml\n(.*?)^```", card, re.M | re.S):
        settings = yaml.safe_load(text.replace("path/to/this/folder", str(each.path)))
        if settings.get("rl") == rl:
            found.append(settings)
    tap.equal(len(found), 1, f"{each.name}: the card has one piece of YAML with rl: {rl}")
    return found[0]


def prepared(each, rl):
    model = str(common.tiny_model(common.all_texts(common.sets("axolotl"))))
    path = common.SCRATCH / f"{each.name}-{rl}.yml"
    path.write_text(yaml.dump({**REST, "base_model": model, "output_dir": str(common.SCRATCH / "axolotl"),
                               "dataset_prepared_path": str(common.SCRATCH / f"{each.name}-{rl}"),
                               **snippet(each, rl)}), encoding="utf-8")
    cfg = DictDefault(load_cfg(str(path)))
    return prepare_preference_datasets(cfg, load_tokenizer(cfg))[0]


def chat_template_dpo():
    for each in common.sets("axolotl"):
        table = prepared(each, "dpo")
        tap.equal(sorted(table.column_names), ["chosen", "prompt", "rejected"],
                  f"{each.name}: DPO columns are those that TRL's trainer takes")
        want = [(common.chatml(messages), chosen + common.END, rejected + common.END)
                for messages, chosen, rejected in map(common.pair, each.dpo)]
        common.same([(row["prompt"], row["chosen"], row["rejected"]) for row in table], want,
                    f"{each.name}: prompt, chosen and rejected are our texts in the template")


def user_defined_kto():
    for each in common.sets("axolotl"):
        table = prepared(each, "kto")
        tap.equal(sorted(table.column_names), ["completion", "label", "prompt"],
                  f"{each.name}: KTO columns are those that TRL's trainer takes")
        common.same([(row["prompt"], row["completion"], row["label"]) for row in table],
                    [(row["prompt"], row["completion"], row["label"]) for row in each.kto],
                    f"{each.name}: prompt, completion and label are ours")


if __name__ == "__main__":            # worker processes import this file
    common.versions("axolotl", "datasets", "transformers", "trl", "torch")
    tap.cases(chat_template_dpo, user_defined_kto)
