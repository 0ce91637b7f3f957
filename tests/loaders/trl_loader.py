"""Hugging Face's `datasets` over every set, and TRL's own preparation and one training step for DPO and KTO."""

import math

import common
import tap

import datasets
import torch
import transformers
import trl

TEXT, FLAG = datasets.Value("string"), datasets.Value("bool")
MESSAGE, TURN = {"role": TEXT, "content": TEXT}, {"from": TEXT, "value": TEXT}

# The columns of each format as `datasets` has to infer them.
FEATURES = {
    "trl": ({"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}, {"prompt": TEXT, "completion": TEXT, "label": FLAG}),
    "trl-conversational": ({name: datasets.List(MESSAGE) for name in ("prompt", "chosen", "rejected")},
                           {"prompt": datasets.List(MESSAGE), "completion": datasets.List(MESSAGE), "label": FLAG}),
    "llama-factory": ({"instruction": TEXT, "input": TEXT, "chosen": TEXT, "rejected": TEXT},
                      {"instruction": TEXT, "input": TEXT, "output": TEXT, "kto_tag": FLAG}),
    "llama-factory-sharegpt": ({"conversations": datasets.List(TURN), "chosen": TURN, "rejected": TURN},
                               {"conversations": datasets.List(TURN), "kto_tag": FLAG}),
    "axolotl": ({"messages": datasets.List(MESSAGE), "chosen": MESSAGE, "rejected": MESSAGE},
                {"prompt": TEXT, "completion": TEXT, "label": FLAG}),
}


def load(each, config=None):
    names = [config] if config else []
    return datasets.load_dataset(str(each.path), *names, split="train", cache_dir=str(common.SCRATCH / "cache"))


def loads_as_datasets():
    for each in common.sets():
        kto = each.results["kto"]
        for config, rows, count, want in (
                (None, each.dpo, each.results["pairs"], FEATURES[each.format][0]),
                ("kto", each.kto, kto["desirable"] + kto["undesirable"], FEATURES[each.format][1])):
            name = f"{each.name}, {config or 'default'}"
            table = load(each, config)
            tap.equal(table.features, datasets.Features(want), f"{name}: columns and types")
            tap.equal(len(table), count, f"{name}: as many rows as results.json says")
            common.same(table, rows, f"{name}: every text is the file's")


def trained(trainer_class, config_class, each, config, **options):
    """The trainer after one step on a fresh model, and the step's loss."""
    folder = common.tiny_model(common.all_texts(common.sets("trl", "trl-conversational")))
    model = transformers.LlamaForCausalLM.from_pretrained(folder)
    before = model.lm_head.weight.detach().clone()
    args = config_class(output_dir=str(common.SCRATCH / "trl"), max_steps=1, per_device_train_batch_size=4,
                        learning_rate=1e-2, lr_scheduler_type="constant", max_length=4096, use_cpu=True, bf16=False,
                        report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True, seed=7, **options)
    trainer = trainer_class(model=model, args=args, train_dataset=load(each, config),
                            processing_class=transformers.AutoTokenizer.from_pretrained(folder))
    loss = trainer.train().training_loss
    tap.ok(math.isfinite(loss), f"{each.name}: the loss of a {config_class.__name__[:3]} step is finite ({loss:.4f})")
    tap.ok(not torch.equal(before, trainer.model.lm_head.weight.cpu()), f"{each.name}: and the step moved the weights")
    return trainer, loss


def wanted(each, messages, completion):
    """(prompt, completion) as TRL trains on them: standard texts end in EOS, conversations follow the template."""
    if each.format == "trl":
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
    for each in common.sets("trl", "trl-conversational"):
        trainer, loss = trained(trl.DPOTrainer, trl.DPOConfig, each, None)
        # Before the step the model is its own reference, so the loss is -log(sigmoid(0)).
        tap.ok(abs(loss - math.log(2)) < 1e-3, f"{each.name}: the first DPO loss is log 2")
        rows, got, want = trainer.train_dataset, [], []
        for row, source in zip(rows, each.dpo):
            messages, *completions = common.pair(source)
            for key, completion in zip(("chosen_ids", "rejected_ids"), completions):
                want.append(wanted(each, messages, completion))
                got.append(decoded(trainer, row["prompt_ids"], row[key], *want[-1]))
        tap.equal(len(rows), len(each.dpo), f"{each.name}: TRL keeps every pair")
        common.same(got, want, f"{each.name}: the tokens of prompt, chosen and rejected are our texts")


def trl_kto():
    for each in common.sets("trl", "trl-conversational"):
        trainer, _ = trained(trl.KTOTrainer, trl.KTOConfig, each, "kto")
        rows, got, want = trainer.train_dataset, [], []
        for row, source in zip(rows, each.kto):
            messages, completion, label = common.labelled(source)
            want.append((*wanted(each, messages, completion), label))
            got.append((*decoded(trainer, row["prompt_ids"], row["completion_ids"], *want[-1][:2]), row["label"]))
        tap.equal(len(rows), len(each.kto), f"{each.name}: TRL keeps every labelled completion")
        common.same(got, want, f"{each.name}: the tokens of prompt and completion are our texts, the labels ours")


if __name__ == "__main__":            # worker processes import this file
    common.versions("datasets", "trl", "transformers", "tokenizers", "accelerate", "torch")
    tap.cases(loads_as_datasets, trl_dpo, trl_kto)
