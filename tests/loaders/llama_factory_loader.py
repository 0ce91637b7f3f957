"""LLaMA-Factory's own data code over the sets with a dataset_info.json: arguments, converters, processors."""

import json

import common
import tap

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.extras.constants import IGNORE_INDEX
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

FORMATS = ("llama-factory", "llama-factory-sharegpt")


def entries(table):
    """The names in the folder's dataset_info.json that stand for the table's files."""
    info = json.loads((table.folder / "dataset_info.json").read_text(encoding="ascii"))
    return [name for name, entry in info.items() if entry["file_name"].startswith(f"data/{table.stem}-")]


def processed(table):
    """The training set as LLaMA-Factory's DPO or KTO workflow gets it, and its tokenizer."""
    model_args, data_args, training_args, _, _ = get_train_args({
        "stage": table.kind, "do_train": True, "model_name_or_path": str(common.tiny_model()),
        "dataset": ",".join(entries(table)), "dataset_dir": str(table.folder), "template": "chatml", "finetuning_type": "full",
        "output_dir": str(common.SCRATCH / "llama-factory"), "cutoff_len": 1 << 20, "overwrite_cache": True,
        "report_to": "none", "use_cpu": True, "cache_dir": str(common.SCRATCH / "cache")})
    loaded = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data_args)
    dataset = get_dataset(template, model_args, data_args, training_args,
                          stage="rm" if table.kind == "dpo" else table.kind, **loaded)
    return dataset["train_dataset"], loaded["tokenizer"]


def parts(tokenizer, ids, labels):
    """(prompt, completion) of a row: what is not trained on, and what is."""
    trained = [label for label in labels if label != IGNORE_INDEX]
    cut = len(ids) - len(trained)
    return tokenizer.decode(ids[:cut]), tokenizer.decode(trained)


def wanted(messages, completion):
    return common.chatml(messages), completion + common.END + "\n"


def as_given(prompt, source):
    """A prompt without what LLaMA-Factory's template makes of its tools, which stands before the conversation."""
    if not source.get("tools"):
        return prompt
    before, mark, rest = prompt.partition("<|im_start|>user\n")
    named = json.loads(source["tools"])[0]["function"]["name"]
    return mark + rest if f"Tool Name: {named}" in before else prompt


def ranking():
    for table in common.tables("dpo", *FORMATS):
        rows, tokenizer = processed(table)
        got, want = [], []
        for row, source in zip(rows, table.rows):
            messages, chosen, rejected = common.pair(source)
            want.append((wanted(messages, chosen), wanted(messages, rejected)))
            read = [parts(tokenizer, row[f"{key}_input_ids"], row[f"{key}_labels"]) for key in ("chosen", "rejected")]
            got.append(tuple((as_given(prompt, source), completion) for prompt, completion in read))
        tap.equal(len(rows), len(table.rows), f"{table.name}: no pair is dropped")
        common.same(got, want, f"{table.name}: prompt, chosen and rejected are our texts")


def kto():
    for table in common.tables("kto", *FORMATS):
        rows, tokenizer = processed(table)
        got, want = [], []
        for row, source in zip(rows, table.rows):
            messages, completion, label = common.labelled(source)
            want.append((*wanted(messages, completion), label))
            prompt, completion = parts(tokenizer, row["input_ids"], row["labels"])
            got.append((as_given(prompt, source), completion, row["kto_tags"]))
        tap.equal(len(rows), len(table.rows), f"{table.name}: no labelled completion is dropped")
        common.same(got, want, f"{table.name}: prompt, completion and label are ours")


def supervised():
    for table in common.tables("sft", *FORMATS):
        rows, tokenizer = processed(table)
        got, want = [], []
        for row, source in zip(rows, table.rows):
            messages, completion = common.best(source)
            want.append(wanted(messages, completion))
            prompt, text = parts(tokenizer, row["input_ids"], row["labels"])
            got.append((as_given(prompt, source), text))
        tap.equal(len(rows), len(table.rows), f"{table.name}: no response is dropped")
        common.same(got, want, f"{table.name}: prompt and response are ours")


if __name__ == "__main__":            # worker processes import this file
    common.versions("llamafactory", "datasets", "transformers", "trl", "torch")
    tap.cases(ranking, kto, supervised)
