-- The bundled workflows as models: a feedback loop, the best of several answers, a jury. Each is made of the text behind
-- its name, and is a function of fellowship.serve.Request.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local content = require "fellowship.base.content"
local tables = require "fellowship.base.table"
local flow = require "fellowship.flow"
local model = require "fellowship.call.model"
local feedback = require "fellowship.generate.feedback"
local judge = require "fellowship.judge.judge"
local jury = require "fellowship.judge.jury"

local workflows = {}

-- Answers of which the best is taken, at most.
local MOST = 64

local function split(text)
  local parts = {}
  for part in text:gmatch "[^+]+" do parts[#parts + 1] = part end
  return parts
end

--- loop:GENERATOR+REVIEWER[+REVIEWER ...][*RESPONSES]: the last response of a feedback loop.
---@param text string
function workflows.loop(text)
  local named, responses = text:match "^(.-)%*(%d+)$"
  local parts = split(named or text)
  if #parts < 2 then error("a loop has the form loop:GENERATOR+REVIEWER", 0) end
  local loop = feedback.new { generator = parts[1], reviewers = table.move(parts, 2, #parts, 1, {}),
    responses = math.tointeger(responses) }
  return function(request)
    local result = loop:respond(request.messages, { sample = request.sample })
    return { text = result.text, finish_reason = result.cut[#result.responses] and "length" or "stop" }
  end
end

--- best:MODEL*N@JUDGE: of N answers the one that wins, each against the best so far.
---@param text string
function workflows.best(text)
  local named, count, by = text:match "^(.-)%*(%d+)@(.+)$"
  count = math.tointeger(count)
  if not named or count < 1 or count > MOST then
    error(("this has the form best:MODEL*8@JUDGE, with up to %d answers"):format(MOST), 0)
  end
  local generator, evaluator = model.new(named), judge.new { model = by }
  return function(request)
    local samples = {}
    for i = 1, count do samples[i] = i end
    local answers = flow.gather(samples, function(i)
      local sample = (request.sample - 1) * count + i
      return generator:ask(request.messages, tables.merged(request.params, { sample = sample }))
    end)
    local best = answers[1]
    local prompt = content.text(request.messages[#request.messages].content)
    for i = 2, count do
      request.progress(("comparing answer %d of %d\n"):format(i, count))
      local verdict = evaluator:compare { prompt = prompt, a = best.text, b = answers[i].text }
      if verdict.winner == "b" then best = answers[i] end
    end
    return best
  end
end

--- What a jury is asked: JSON with a prompt and two responses.
local function pair_of(request)
  local text = content.text(request.messages[#request.messages].content)
  local pair = json.decode(text)
  if type(pair) ~= "table" or type(pair.prompt) ~= "string" or type(pair.response_a) ~= "string"
    or type(pair.response_b) ~= "string" then
    errors.raise { kind = "request", message = 'a jury is asked with a last message that is JSON: {"prompt": "...", '
      .. '"response_a": "...", "response_b": "..."}' }
  end
  return { prompt = pair.prompt, a = pair.response_a, b = pair.response_b, sample = request.sample }
end

--- jury:MODEL+MODEL[+...]: the verdict on two responses, as JSON.
---@param text string
function workflows.jury(text)
  local members = jury.new(split(text))
  return function(request)
    local verdict = members:compare(pair_of(request))
    local votes = json.array {}
    for i, vote in ipairs(verdict.votes) do votes[i] = vote.winner end
    return { text = json.encode(json.object({ verdict = verdict.winner, votes = votes, parsed = verdict.parsed },
      { "verdict", "votes", "parsed" })) }
  end
end

return workflows
