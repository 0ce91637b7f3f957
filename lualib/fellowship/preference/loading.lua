-- How each trainer loads a preference folder: names of files and configs, the card's snippets, and the
-- dataset_info.json that LLaMA-Factory reads.

local json = require "fellowship.core.json"

local loading = {}

loading.kinds = { "dpo", "kto", "sft", "ranked" }

--- The stem of a set's files in data/: dpo, kto; generator_dpo, ...
---@param set string
---@param kind "dpo"|"kto"
---@return string
function loading.files(set, kind)
  return set == "single" and kind or ("%s_%s"):format(set, kind)
end

--- The pattern of a set's files, in the folder: "data/dpo-*.jsonl".
---@param set fellowship.PreferenceSet
---@param kind "dpo"|"kto"
---@return string
function loading.pattern(set, kind)
  return ("data/%s-*%s"):format(loading.files(set.name, kind), set.ending or ".jsonl")
end

--- The config's name in the card: default, kto; generator, generator_kto, ...
---@param set string
---@param kind "dpo"|"kto"
---@return string
function loading.config(set, kind)
  if set == "single" then return kind == "dpo" and "default" or kind end
  return kind == "dpo" and set or ("%s_%s"):format(set, kind)
end

--- How many rows a set has of a kind.
---@param set fellowship.PreferenceSet
---@param kind "dpo"|"kto"|"sft"|"ranked"
---@return integer
function loading.rows(set, kind)
  if kind == "dpo" then return set.pairs end
  if kind == "kto" then return set.desirable + set.undesirable end
  return set.more and set.more[kind] or 0
end

-- TRL advises (desirable_weight * desirable) : (undesirable_weight * undesirable) between 1:1 and 4:3.
local function weights(set)
  local ratio = set.desirable / set.undesirable
  if set.desirable == 0 or set.undesirable == 0 then
    return "KTO needs both labels, and this set has one alone.\n"
  elseif ratio >= 1 and ratio <= 4 / 3 then
    return "For KTO both weights can stay at 1.\n"
  elseif ratio < 1 then
    return ("For KTO set `desirable_weight` to about %.2f (and leave `undesirable_weight` at 1).\n"):format(1 / ratio)
  end
  return ("For KTO set `undesirable_weight` to about %.2f (and leave `desirable_weight` at 1).\n")
    :format(ratio * 3 / 4)
end

local function fenced(language, lines)
  return ("```%s\n%s\n```\n"):format(language, table.concat(lines, "\n"))
end

--- Each set and kind that has rows; what is ranked is NeMo-RL's, and no other trainer loads it.
local function present(sets, without_ranked)
  local list = {}
  for _, set in ipairs(sets) do
    for _, kind in ipairs(loading.kinds) do
      local wanted = loading.rows(set, kind) > 0 and not (without_ranked and kind == "ranked")
      if wanted then list[#list + 1] = { set = set, kind = kind } end
    end
  end
  return list
end

local function with_datasets(sets)
  local lines = { "from datasets import load_dataset" }
  for _, p in ipairs(present(sets)) do
    local config = loading.config(p.set.name, p.kind)
    lines[#lines + 1] = ('%s = load_dataset("path/to/this/folder", "%s", split="train")  # for %s'):format(
      loading.files(p.set.name, p.kind), config, p.kind == "ranked" and "reward models" or p.kind:upper())
  end
  return fenced("python", lines)
end

-- ---- LLaMA-Factory ----

-- Every column is named: where "columns" stands, LLaMA-Factory takes what it does not name for absent.
local columns = {
  ["llama-factory"] = {
    dpo = { { "prompt", "instruction" }, { "query", "input" }, { "chosen", "chosen" }, { "rejected", "rejected" } },
    kto = { { "prompt", "instruction" }, { "query", "input" }, { "response", "output" }, { "kto_tag", "kto_tag" } },
    sft = { { "prompt", "instruction" }, { "query", "input" }, { "response", "output" } },
  },
  ["llama-factory-sharegpt"] = {
    dpo = { { "messages", "conversations" }, { "chosen", "chosen" }, { "rejected", "rejected" } },
    kto = { { "messages", "conversations" }, { "kto_tag", "kto_tag" } },
    sft = { { "messages", "conversations" } },
  },
}

local function entry(set, kind, file)
  local format, named, keys = set.format_name, {}, {}
  for i, column in ipairs(columns[format][kind]) do named[column[1]], keys[i] = column[2], column[1] end
  if set.has_tools then named.tools, keys[#keys + 1] = "tools", "tools" end
  return json.object({ file_name = "data/" .. file, formatting = format == "llama-factory" and "alpaca" or "sharegpt",
    ranking = kind == "dpo" or nil, columns = json.object(named, keys) },
    { "file_name", "formatting", "ranking", "columns" })
end

--- The dataset_info.json of a folder: an entry for each file that has rows, named as the file without the count of
--- shards. https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
--- Example: `local info = fellowship.preference.formats.dataset_info {}`
---@param sets { name: string, format: string, dpo_files: string[], kto_files: string[] }[] with what fellowship.PreferenceSet has
---@return table info
---@return table<string, string[]> names of the entries of each stem
function loading.dataset_info(sets)
  local info, keys, names = {}, {}, {}
  for _, p in ipairs(present(sets, true)) do
    local files, stem = p.set.files[p.kind], loading.files(p.set.name, p.kind)
    names[stem] = {}
    for i, file in ipairs(files) do
      local name = "preference_" .. stem .. (#files > 1 and ("_%05d"):format(i - 1) or "")
      info[name] = entry(p.set, p.kind, file)
      keys[#keys + 1] = name
      table.insert(names[stem], name)
    end
  end
  return json.object(info, keys), names
end

local function for_llama_factory(facts)
  local _, names = loading.dataset_info(facts.sets)
  local lines = { "dataset_dir: path/to/this/folder" }
  for _, p in ipairs(present(facts.sets, true)) do
    lines[#lines + 1] = ("dataset: %s  # stage: %s"):format(
      table.concat(names[loading.files(p.set.name, p.kind)], ","), p.kind)
  end
  return "With LLaMA-Factory, by this folder's `dataset_info.json` (one of the datasets, with its stage):\n\n"
    .. fenced("yaml", lines)
end

-- ---- Axolotl ----
-- A config's name would not do: Axolotl drops it from what it reads of preference datasets and loads the default.

local AXOLOTL_DPO = [[
rl: dpo
datasets:
  - path: path/to/this/folder
    data_files: [path/to/this/folder/%s]%s
    split: train
    type: chat_template.default
    field_messages: messages
    field_chosen: chosen
    field_rejected: rejected]]

local AXOLOTL_KTO = [[
rl: kto
remove_unused_columns: false
datasets:
  - path: path/to/this/folder
    data_files: [path/to/this/folder/%s]%s
    split: train
    type:
      field_prompt: prompt
      field_completion: completion
      field_label: label]]

local AXOLOTL_SFT = [[
datasets:
  - path: path/to/this/folder
    data_files: [path/to/this/folder/%s]%s
    split: train
    type: chat_template
    field_messages: messages]]

local FOR_AXOLOTL = { dpo = AXOLOTL_DPO, kto = AXOLOTL_KTO, sft = AXOLOTL_SFT }

local function for_axolotl(facts)
  local parts = { "With Axolotl:\n\n" }
  for _, p in ipairs(present(facts.sets, true)) do
    parts[#parts + 1] = fenced("yaml", { FOR_AXOLOTL[p.kind]
      :format(loading.pattern(p.set, p.kind), p.set.ending == ".parquet" and "\n    ds_type: parquet" or "") })
  end
  parts[#parts + 1] = [[

Axolotl's `chat_template` strategy looks for a response in the rendered conversation: it misreads one of a word or two that stands there earlier, and with templates that trim white space (Llama 3's) one that begins or ends with it; `fellowship run check-dataset` names the latter.
]]
  return table.concat(parts)
end

local function for_trl(sets)
  return ("With TRL, `DPOTrainer(train_dataset=dpo, ...)`%s take them as they are.\n"):format(
    #present(sets) > 1 and " and `KTOTrainer(train_dataset=kto, ...)`" or "")
end

--- The card's section on loading.
---@param facts fellowship.CardFacts
---@return string
function loading.text(facts)
  local parts = { with_datasets(facts.sets), "\n" }
  if columns[facts.format] then parts[#parts + 1] = for_llama_factory(facts)
  elseif facts.format == "axolotl" then parts[#parts + 1] = for_axolotl(facts)
  else parts[#parts + 1] = for_trl(facts.sets) end
  parts[#parts + 1] = "\n" .. weights(facts.sets[1])
  return table.concat(parts)
end

--- Whether a format wants a dataset_info.json.
--- Example: `print(fellowship.preference.formats.wants_info "trl") --> false`
---@param format string
---@return boolean
function loading.wants_info(format)
  return columns[format] ~= nil
end

return loading
