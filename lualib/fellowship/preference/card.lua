-- The dataset card: README.md with the front matter that makes a folder load as a dataset.
-- https://huggingface.co/docs/hub/datasets-manual-configuration

local template = require "fellowship.base.template"

local card = {}

-- Hugging Face's size categories, by the number of rows.
local sizes = {
  { 1000, "n<1K" }, { 10000, "1K<n<10K" }, { 100000, "10K<n<100K" }, { 1000000, "100K<n<1M" },
  { math.huge, "n>1M" },
}

local function size_category(n)
  for _, size in ipairs(sizes) do
    if n < size[1] then return size[2] end
  end
end

local TEXT = [[
---
tags: [dpo, kto, synthetic, rlaif]
task_categories: [text-generation]
size_categories: ["{size}"]
configs:
- config_name: default
  default: true
  data_files:
  - {split: train, path: "data/dpo-*.jsonl"}
- config_name: kto
  data_files:
  - {split: train, path: "data/kto-*.jsonl"}
---

# Preference dataset

{simulated}Made with [fellowship](https://arxiv.org/abs/2408.08688), which carries out the method of *The Fellowship of the LLMs*: a generator answers each prompt, reviewers criticise, the generator revises; a judge compares the responses, and what it decides becomes preference pairs.

| | |
|---|---|
| generator | {generator} |
| reviewers | {reviewers} |
| judge | {judge} |
| responses to a prompt | {responses} |
| pairs taken | {pairs_mode} |
| format | {format} |

## What is in it

| | |
|---|---|
| prompts | {prompts} |
| preference pairs (`data/dpo-*.jsonl`) | {dpo} |
| labelled completions (`data/kto-*.jsonl`) | {kto} ({desirable} desirable, {undesirable} undesirable) |
| prompts without a pair | {none} |

The texts are the models' own, byte for byte. `responses.jsonl` holds every response and feedback, `verdicts.jsonl` every comparison with the judge's words; both have the prompts' `id`. Pairs come from decided comparisons and what follows from them by transitivity; ties and comparisons that could not be read give none.

## Loading it

```python
from datasets import load_dataset
pairs = load_dataset("path/to/this/folder", split="train")          # for DPO
labels = load_dataset("path/to/this/folder", "kto", split="train")  # for KTO
```

{weights}

## Licence

To be filled in by who publishes this: the terms of the generating models apply to their outputs.
]]

local SIMULATED = "**The completions are from `sim`, a stand-in that is no model. This is test data.**\n\n"

-- TRL advises (desirable_weight * desirable) : (undesirable_weight * undesirable) between 1:1 and 4:3.
local function weights(desirable, undesirable)
  if desirable == 0 or undesirable == 0 then return "" end
  local ratio = desirable / undesirable
  if ratio >= 1 and ratio <= 4 / 3 then return "For KTO both weights can stay at 1." end
  if ratio < 1 then
    return ("For KTO set `desirable_weight` to about %.2f (and leave `undesirable_weight` at 1).")
      :format(1 / ratio)
  end
  return ("For KTO set `undesirable_weight` to about %.2f (and leave `desirable_weight` at 1).")
    :format(ratio * 3 / 4)
end

local function reasons(none)
  local parts = {}
  for _, reason in ipairs { "tie", "unparsed", "identical", "single response" } do
    if (none[reason] or 0) > 0 then parts[#parts + 1] = ("%d %s"):format(none[reason], reason) end
  end
  return #parts > 0 and table.concat(parts, ", ") or "0"
end

--- The card's text; a function of what is given, so that a rerun writes the same bytes.
---@param facts { generator: string, reviewers: string[], judge: string, responses: integer, pairs: string, format: string, prompts: integer, dpo: integer, desirable: integer, undesirable: integer, none: table<string, integer>, simulated: boolean }
---@return string
function card.text(facts)
  local function code(list) return "`" .. table.concat(list, "`, `") .. "`" end
  return template.fill(TEXT, {
    size = size_category(facts.dpo),
    simulated = facts.simulated and SIMULATED or "",
    generator = code { facts.generator }, reviewers = code(facts.reviewers), judge = code { facts.judge },
    responses = facts.responses, pairs_mode = facts.pairs, format = facts.format,
    prompts = facts.prompts, dpo = facts.dpo, kto = facts.desirable + facts.undesirable,
    desirable = facts.desirable, undesirable = facts.undesirable,
    none = reasons(facts.none), weights = weights(facts.desirable, facts.undesirable),
  })
end

return card
