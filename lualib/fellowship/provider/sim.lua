-- A stand-in for a model: deterministic, free, without a network; for tests, dry runs and load. Its
-- text always begins with "[sim]", so that nobody takes it for a model's.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local content = require "fellowship.base.content"

local sim = {}

local words = {
  "answer", "reason", "example", "first", "second", "because", "clear", "short", "detail", "step",
  "prompt", "result", "number", "simple", "better", "careful", "measure", "compare", "question", "point",
}

--- Numbers that follow from a text alone: a function that gives the next one, from 1 to its argument (256 at most).
---@param seed string
---@return fun(limit: integer): integer
function sim.numbers(seed)
  local digest, at = sys.sha256(seed), 0
  return function(limit)
    at = at + 1
    if at > 32 then digest, at = sys.sha256(digest), 1 end
    return digest:byte(at) % limit + 1
  end
end

local function sentence(draw)
  local list = {}
  for i = 1, 5 + draw(8) do list[i] = words[draw(#words)] end
  return table.concat(list, " ") .. "."
end

--- A judgement in the form that the prompt asks for; "" when it asks for none.
---@param prompt string
---@param draw fun(limit: integer): integer
---@return string
function sim.judgement(prompt, draw)
  local scale = tonumber(prompt:match "[XN]/(%d+)") or 10
  if prompt:find("### Score Assistant A:", 1, true) then
    return ("\n\n### Score Assistant A:\n%d/%d\n\n### Score Assistant B:\n%d/%d")
      :format(draw(scale), scale, draw(scale), scale)
  end
  if prompt:find("### Score Assistant 1:", 1, true) then
    return ("\n\n### Score Assistant 1:\n%d/%d\n\n### Score Assistant 2:\n%d/%d")
      :format(draw(scale), scale, draw(scale), scale)
  end
  if prompt:find("### Overall Score:", 1, true) then
    return ("\n\n### Overall Score:\n%d/%d"):format(draw(scale), scale)
  end
  if prompt:find("### Answer:", 1, true) then
    return "\n\n### Answer:\n" .. ("ABC"):sub(draw(3)):sub(1, 1)
  end
  return ""
end

--- The completion: follows from the request alone.
--- params.latency: seconds to wait first; params.length: sentences (default 2).
---@param name string
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param sample integer
---@return table completion
function sim.generate(name, messages, params, sample)
  local asked = json.canonical { name = name, messages = messages, params = params, sample = sample }
  local draw = sim.numbers(asked)
  local list = { "[sim]" }
  for i = 1, tonumber(params.length) or 2 do list[i + 1] = sentence(draw) end
  local last = content.text(messages[#messages].content)
  local text = table.concat(list, " ") .. sim.judgement(last, draw)
  return { text = text, finish_reason = "stop", model = "sim",
    usage = { prompt_tokens = #asked // 4, completion_tokens = #text // 4 } }
end

return sim
