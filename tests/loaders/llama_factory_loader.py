"""LLaMA-Factory's own data code over the sets with a dataset_info.json: arguments, converters, processors."""

import json

import common
import tap

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.extras.constants import IGNORE_INDEX
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

FORMATS = ("llama-factory", "llama-factory-sharegpt")


def entries(each, ranking):
    """The names in the folder's dataset_info.json of one kind."""
    info = json.loads((each.path / "dataset_info.json").read_text())
    return [name for name, entry in info.items() if entry.get("ranking", False) == ranking]


def processed(each, stage, names):
    """The training set as LLaMA-Factory's DPO or KTO workflow gets it, and its tokenizer."""
    model_args, data_args, training_args, _, _ = get_train_args({
        "stage": stage, "do_train": True, "model_name_or_path": str(common.tiny_model(common.all_texts(common.sets(*FORMATS)))),
        "dataset": ",".join(names), "dataset_dir": str(each.path), "template": "chatml", "finetuning_type": "full",
        "output_dir": str(common.SCRATCH / "llama-factory"), "cutoff_len": 1 << 20, "overwrite_cache": True,
        "report_to": "none", "use_cpu": True, "cache_dir": str(common.SCRATCH / "cache")})
    loaded = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data_args)
    dataset = get_dataset(template, model_args, data_args, training_args,
                          stage="rm" if stage == "dpo" else stage, **loaded)
    return dataset["train_dataset"], loaded["tokenizer"]


def parts(tokenizer, ids, labels):
    """(prompt, completion) of a row: what is not trained on, and what is."""
    trained = [label for label in labels if label != IGNORE_INDEX]
    cut = len(ids) - len(trained)
    return tokenizer.decode(ids[:cut]), tokenizer.decode(trained)


def wanted(messages, completion):
    return common.chatml(messages), completion + common.END + "\n"


def ranking():
    for each in common.sets(*FORMATS):
        names = entries(each, True)
        tap.equal(len(names), 1, f"{each.name}: dataset_info.json has one ranking entry")
        table, tokenizer = processed(each, "dpo", names)
        got, want = [], []
        for row, source in zip(table, each.dpo):
            messages, chosen, rejected = common.pair(source)
            want.append((wanted(messages, chosen), wanted(messages, rejected)))
            got.append(tuple(parts(tokenizer, row[f"{key}_input_ids"], row[f"{key}_labels"])
                             for key in ("chosen", "rejected")))
        tap.equal(len(table), len(each.dpo), f"{each.name}: no pair is dropped")
        common.same(got, want, f"{each.name}: prompt, chosen and rejected are our texts")


def kto():
    for each in common.sets(*FORMATS):
        names = entries(each, False)
        tap.equal(len(names), 1, f"{each.name}: dataset_info.json has one KTO entry")
        table, tokenizer = processed(each, "kto", names)
        got, want = [], []
        for row, source in zip(table, each.kto):
            messages, completion, label = common.labelled(source)
            want.append((*wanted(messages, completion), label))
            got.append((*parts(tokenizer, row["input_ids"], row["labels"]), row["kto_tags"]))
        tap.equal(len(table), len(each.kto), f"{each.name}: no labelled completion is dropped")
        common.same(got, want, f"{each.name}: prompt, completion and label are ours")


if __name__ == "__main__":            # worker processes import this file
    common.versions("llamafactory", "datasets", "transformers", "trl", "torch")
    tap.cases(ranking, kto)
