-- The row formats that trainers load.
-- TRL: https://huggingface.co/docs/trl/dataset_formats, standard (texts) and conversational (lists of messages).
-- LLaMA-Factory: https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md, alpaca (texts) and sharegpt.
-- Axolotl: https://docs.axolotl.ai/docs/rlhf.html, chat_template.default and, for KTO, user_defined.default.

local json = require "fellowship.core.json"
local check = require "fellowship.base.check"
local conversation = require "fellowship.dataset.conversation"
local errors = require "fellowship.base.errors"
local shape = require "fellowship.preference.shape"

local format = {}

format.names = { "trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl" }

---@alias fellowship.Prompt string|fellowship.Message[]

---@class fellowship.Format
---@field dpo fun(prompt: fellowship.Prompt, chosen: string, rejected: string): table
---@field kto fun(prompt: fellowship.Prompt, completion: string, label: boolean): table
---@field sft fun(prompt: fellowship.Prompt, completion: string): table
---@field ranked fun(prompt: fellowship.Prompt, ranks: { text: string, rank: integer, reward: number }[]): table NeMo-RL's, the same in every format
---@field texts_only? boolean whether prompts must be texts
---@field texts_only_kto? boolean the same of KTO rows alone
---@field conversational string the format that conversations are written in instead

local function turn(role, text)
  return json.object({ role = role, content = text }, { "role", "content" })
end

local function turns(prompt)
  local list = {}
  for i, message in ipairs(conversation.messages(prompt)) do list[i] = turn(message.role, message.content) end
  return json.array(list)
end

local function from(who, text)
  return json.object({ from = who, value = text }, { "from", "value" })
end

local sharegpt_roles = { system = "system", user = "human", assistant = "gpt" }

local function conversations(prompt)
  local list = {}
  for i, message in ipairs(conversation.messages(prompt)) do
    list[i] = from(sharegpt_roles[message.role], message.content)
  end
  return list
end

--- A maker of rows with these keys, in this order.
local function row_of(...)
  local keys, first, second, third, fourth = { ... }, ...
  return function(a, b, c, d)
    local row = { [first] = a }
    if second then row[second] = b end
    if third then row[third] = c end
    if fourth then row[fourth] = d end
    return json.object(row, keys)
  end
end

local trl_dpo, trl_kto = row_of("prompt", "chosen", "rejected"), row_of("prompt", "completion", "label")
local alpaca_dpo = row_of("instruction", "input", "chosen", "rejected")
local alpaca_kto = row_of("instruction", "input", "output", "kto_tag")
local sharegpt_dpo, sharegpt_kto = row_of("conversations", "chosen", "rejected"), row_of("conversations", "kto_tag")
local axolotl_dpo = row_of("messages", "chosen", "rejected")
local trl_sft, alpaca_sft = row_of("prompt", "completion"), row_of("instruction", "input", "output")
local sharegpt_sft, axolotl_sft = row_of("conversations"), row_of("messages")
local nemo_ranked = row_of("context", "completions")

--- All completions with their places, the best being 0: https://github.com/NVIDIA-NeMo/RL/blob/main/docs/guides/dpo.md
local function ranked(prompt, ranks)
  local list = {}
  for i, one in ipairs(ranks) do
    list[i] = json.object({ rank = one.rank, completion = json.array { turn("assistant", one.text) },
      reward = one.reward }, { "rank", "completion", "reward" })
  end
  return nemo_ranked(turns(prompt), json.array(list))
end

---@type table<string, fellowship.Format>
local formats = {
  ["trl"] = { texts_only = true, conversational = "trl-conversational", dpo = trl_dpo, kto = trl_kto,
    sft = trl_sft },
  ["trl-conversational"] = {
    conversational = "trl-conversational",
    dpo = function(prompt, chosen, rejected)
      return trl_dpo(turns(prompt), json.array { turn("assistant", chosen) },
        json.array { turn("assistant", rejected) })
    end,
    kto = function(prompt, completion, label)
      return trl_kto(turns(prompt), json.array { turn("assistant", completion) }, label)
    end,
    sft = function(prompt, completion) return trl_sft(turns(prompt), json.array { turn("assistant", completion) }) end,
  },
  ["llama-factory"] = {
    texts_only = true, conversational = "llama-factory-sharegpt",
    dpo = function(prompt, chosen, rejected) return alpaca_dpo(prompt, "", chosen, rejected) end,
    kto = function(prompt, completion, label) return alpaca_kto(prompt, "", completion, label) end,
    sft = function(prompt, completion) return alpaca_sft(prompt, "", completion) end,
  },
  ["llama-factory-sharegpt"] = {
    conversational = "llama-factory-sharegpt",
    dpo = function(prompt, chosen, rejected)
      return sharegpt_dpo(json.array(conversations(prompt)), from("gpt", chosen), from("gpt", rejected))
    end,
    kto = function(prompt, completion, label)
      local list = conversations(prompt)
      list[#list + 1] = from("gpt", completion)
      return sharegpt_kto(json.array(list), label)
    end,
    sft = function(prompt, completion)
      local list = conversations(prompt)
      list[#list + 1] = from("gpt", completion)
      return sharegpt_sft(json.array(list))
    end,
  },
  ["axolotl"] = {
    texts_only_kto = true, conversational = "axolotl",
    dpo = function(prompt, chosen, rejected)
      return axolotl_dpo(turns(prompt), turn("assistant", chosen), turn("assistant", rejected))
    end,
    kto = trl_kto,
    sft = function(prompt, completion)
      local list = turns(prompt)
      list[#list + 1] = turn("assistant", completion)
      return axolotl_sft(list)
    end,
  },
}
for _, made in pairs(formats) do made.ranked = ranked end

--- The makers of a format's rows.
--- Example:
---     local rows = fellowship.preference.formats.rows "trl"
---     print(fellowship.json.encode(rows.dpo("Name a river.", "The Rhine.", "A river.")))
---@param name string one of fellowship.preference.formats.names
---@return fellowship.Format
function format.rows(name)
  check.choice("format", name, format.names)
  return formats[name]
end

--- The format for conversations that goes with a format.
--- Example: `print(fellowship.preference.formats.conversational "trl") --> trl-conversational`
---@param name string
---@return string
function format.conversational(name)
  return formats[name].conversational
end

--- Raises when a format cannot hold a prompt, or none can.
--- Example: `fellowship.preference.formats.check_prompt("trl", "Name a river.")`
---@param name string
---@param prompt fellowship.Prompt
---@param where string the row, for the message
function format.check_prompt(name, prompt, where)
  local problem = conversation.problem(prompt)
  if problem then
    errors.raise { kind = "data", message = ("%s: the prompt is none that models can be trained on: %s"):format(where,
      problem) }
  end
  if type(prompt) == "string" or not formats[name].texts_only then return end
  errors.raise { kind = "data", message = ("%s: the prompt is a conversation of %d messages, and the format %s holds "
    .. "texts alone; use --format %s"):format(where, #prompt, name, formats[name].conversational) }
end

--- Raises when a format cannot hold the tools of a prompt: LLaMA-Factory ends a training at what is no JSON of a list.
--- Example: `fellowship.preference.formats.check_tools("llama-factory", '[{"type":"function"}]', "row 1")`
---@param name string
---@param tools any nil where there are none
---@param where string the row, for the message
function format.check_tools(name, tools, where)
  if tools == nil or tools == "" or not shape.tools_as_text[name] then return end
  local decoded = tools
  if type(tools) == "string" then decoded = json.decode(tools) end
  if type(decoded) ~= "table" or not json.is_array(decoded) then
    errors.raise { kind = "data", message = where .. ": the tools are neither a list nor the JSON of one" }
  end
end

return format
