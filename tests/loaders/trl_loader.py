"""Hugging Face's `datasets` over every set, and TRL's own preparation and one training step for DPO and KTO."""

import math

import common
import tap

import datasets
import torch
import transformers
import trl

FORMATS = ("trl", "trl-conversational")


def load(table):
    return datasets.load_dataset(str(table.folder), table.config, split="train",
                                 cache_dir=str(common.SCRATCH / "cache"))


def feature(value):
    """The type that `datasets` has to infer for what Python's json reads as this."""
    if isinstance(value, list):
        return datasets.List(feature(value[0]))
    if isinstance(value, dict):
        return {key: feature(part) for key, part in value.items()}
    return datasets.Value({str: "string", bool: "bool", int: "int64", float: "float64"}[type(value)])


def columns(table):
    """The features that a table's rows have; of tools, whose objects differ, what `datasets` makes of them."""
    return {key: feature(value) for key, value in table.rows[0].items() if key != "tools"}


def loads_as_datasets():
    for table in [table for kind in common.KINDS for table in common.tables(kind)]:
        loaded = load(table)
        tap.equal({key: loaded.features[key] for key in columns(table)}, columns(table), f"{table.name}: columns and types")
        tap.equal(sorted(loaded.features), sorted(table.rows[0]), f"{table.name}: and no others")
        tap.equal(len(loaded), table.count, f"{table.name}: as many rows as results.json says")
        common.same(loaded, table.rows, f"{table.name}: every text is the file's")


def without_a_config():
    folders = {table.folder: table for table in common.tables("dpo") if table.config == "default"}
    for folder, table in folders.items():
        loaded = datasets.load_dataset(str(folder), cache_dir=str(common.SCRATCH / "cache"))
        tap.equal({split: len(rows) for split, rows in loaded.items()}, {"train": table.count},
                  f"{folder.name}: load_dataset of the folder alone gives the pairs")


def trained(trainer_class, config_class, table):
    """The trainer after one step on a fresh model, and the step's loss."""
    folder = common.tiny_model()
    model = transformers.LlamaForCausalLM.from_pretrained(folder)
    before = model.lm_head.weight.detach().clone()
    args = config_class(output_dir=str(common.SCRATCH / "trl"), max_steps=1, per_device_train_batch_size=4,
                        learning_rate=1e-2, lr_scheduler_type="constant", max_length=4096, use_cpu=True, bf16=False,
                        report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True, seed=7)
    trainer = trainer_class(model=model, args=args, train_dataset=load(table),
                            processing_class=transformers.AutoTokenizer.from_pretrained(folder))
    loss = trainer.train().training_loss
    tap.ok(math.isfinite(loss), f"{table.name}: the loss of a {config_class.__name__[:3]} step is finite ({loss:.4f})")
    tap.ok(not torch.equal(before, trainer.model.lm_head.weight.cpu()), f"{table.name}: and the step moved the weights")
    return trainer, loss


def wanted(messages, completion, conversational):
    """(prompt, completion) as TRL trains on them: standard texts end in EOS, conversations follow the template."""
    if not conversational:
        return messages[0][1], completion if completion.endswith(common.END) else completion + common.END
    return common.chatml(messages), completion + common.END + "\n"


def decoded(trainer, prompt_ids, completion_ids, prompt, completion):
    """(prompt, completion) that the tokens say. Where a token straddles the boundary of the two, TRL counts it to the
    completion: then the completion's end and the whole are compared instead."""
    decode = trainer.processing_class.decode
    parts = decode(prompt_ids), decode(completion_ids)
    whole = decode(prompt_ids + completion_ids)
    if parts != (prompt, completion) and whole == prompt + completion and parts[1].endswith(completion):
        return prompt, completion
    return parts


def trl_dpo():
    for table in common.tables("dpo", *FORMATS):
        trainer, loss = trained(trl.DPOTrainer, trl.DPOConfig, table)
        # Before the step the model is its own reference, so the loss is -log(sigmoid(0)).
        tap.ok(abs(loss - math.log(2)) < 1e-3, f"{table.name}: the first DPO loss is log 2")
        rows, got, want = trainer.train_dataset, [], []
        for row, source in zip(rows, table.rows):
            messages, *completions = common.pair(source)
            for key, completion in zip(("chosen_ids", "rejected_ids"), completions):
                want.append(wanted(messages, completion, isinstance(source["prompt"], list)))
                got.append(decoded(trainer, row["prompt_ids"], row[key], *want[-1]))
        tap.equal(len(rows), len(table.rows), f"{table.name}: TRL keeps every pair")
        common.same(got, want, f"{table.name}: the tokens of prompt, chosen and rejected are our texts")


def trl_kto():
    for table in common.tables("kto", *FORMATS):
        trainer, _ = trained(trl.KTOTrainer, trl.KTOConfig, table)
        rows, got, want = trainer.train_dataset, [], []
        for row, source in zip(rows, table.rows):
            messages, completion, label = common.labelled(source)
            want.append((*wanted(messages, completion, isinstance(source["prompt"], list)), label))
            got.append((*decoded(trainer, row["prompt_ids"], row["completion_ids"], *want[-1][:2]), row["label"]))
        tap.equal(len(rows), len(table.rows), f"{table.name}: TRL keeps every labelled completion")
        common.same(got, want, f"{table.name}: the tokens of prompt and completion are our texts, the labels ours")


def trl_sft():
    for table in common.tables("sft", *FORMATS):
        trainer, _ = trained(trl.SFTTrainer, trl.SFTConfig, table)
        got, want = [], []
        for row, source in zip(trainer.train_dataset, table.rows):
            messages, completion = common.best(source)
            want.append("".join(wanted(messages, completion, isinstance(source["prompt"], list))))
            got.append(trainer.processing_class.decode(row["input_ids"]))
        tap.equal(len(trainer.train_dataset), len(table.rows), f"{table.name}: TRL keeps every response")
        common.same(got, want, f"{table.name}: the tokens are prompt and response")


if __name__ == "__main__":            # worker processes import this file
    common.versions("datasets", "trl", "transformers", "tokenizers", "accelerate", "torch")
    tap.cases(loads_as_datasets, without_a_config, trl_dpo, trl_kto, trl_sft)
