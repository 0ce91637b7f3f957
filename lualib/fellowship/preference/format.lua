-- The row formats that trainers load. TRL's standard preference format: {"prompt", "chosen",
-- "rejected"}, and {"prompt", "completion", "label"} for KTO; conversational: the same fields as lists
-- of messages, chosen and rejected with the assistant's turn alone.
-- https://huggingface.co/docs/trl/dataset_formats

local json = require "fellowship.core.json"
local check = require "fellowship.base.check"

local format = {}

format.names = { "trl", "trl-conversational" }

local function turn(role, text)
  return json.array { json.object({ role = role, content = text }, { "role", "content" }) }
end

local function as_text(_, text) return text end

local DPO_KEYS, KTO_KEYS = { "prompt", "chosen", "rejected" }, { "prompt", "completion", "label" }

--- The two row makers of a format.
--- Example: `local rows = fellowship.preference.format "trl"; out:write(rows.dpo(prompt, better, worse))`
---@param name "trl"|"trl-conversational"
---@return { dpo: fun(prompt: string, chosen: string, rejected: string): table, kto: fun(prompt: string, completion: string, label: boolean): table }
function format.rows(name)
  check.choice("format", name, format.names)
  local say = name == "trl" and as_text or turn
  return {
    dpo = function(prompt, chosen, rejected)
      return json.object({ prompt = say("user", prompt), chosen = say("assistant", chosen),
        rejected = say("assistant", rejected) }, DPO_KEYS)
    end,
    kto = function(prompt, completion, label)
      return json.object({ prompt = say("user", prompt), completion = say("assistant", completion),
        label = label }, KTO_KEYS)
    end,
  }
end

return format
