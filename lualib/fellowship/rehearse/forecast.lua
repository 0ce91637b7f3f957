-- From the calls that a dry run counted to what they will take: calls, tokens and cost as low, likely and high.
--
-- With completions of the same kind in the store, low and high are three standard errors around their mean
-- (fellowship.rehearse.spread), but at least a tenth for the length of answers and a thirtieth for bytes per token; else the
-- assumptions below. Prompts hold earlier answers, so that part of them is low where those are, and high where those
-- are. A judgement may have to be asked again: as often as in the store, or when that does not tell, up to once for
-- each, and once more where max_tokens may cut it off, with a budget four times as large.

local spread = require "fellowship.rehearse.spread"
local lengths = require "fellowship.rehearse.lengths"
local cuts = require "fellowship.rehearse.cuts"
local prices = require "fellowship.money.prices"

local forecast = {}

---@class fellowship.Range
---@field low number
---@field likely number
---@field high number

local ENDS = { "low", "likely", "high" }

--- What is assumed where the store tells nothing.
forecast.ASSUMED = {
  answer = { low = 1, likely = 400, high = 4096 }, -- tokens; at most max_tokens
  judgement = { low = 1, likely = 200, high = 4096 },
  bytes_per_token = { low = 6, likely = 4, high = 2.5 }, -- the fewer bytes, the more tokens
  message = { low = 0, likely = 4, high = 10 }, -- tokens of the chat template for each message, and for each call
  call = { low = 0, likely = 3, high = 50 },
}
local ASSUMED = forecast.ASSUMED

-- No nearer to the likely than these parts of it: rows to come are not quite those that were.
local LEAST_LENGTH, LEAST_RATIO = 0.1, 1 / 30

-- Of fellowship.judge.ask: how much larger the budget gets, and what the second question takes.
local RAISE, AGAIN = 4, { low = 10, likely = 50, high = 120 }

local function range(fn)
  local made = {}
  for _, e in ipairs(ENDS) do made[e] = fn(e) end
  return made
end

local function capped(values, cap)
  if not cap then return values end
  local list = {}
  for i, value in ipairs(values) do list[i] = math.min(value, cap) end
  return list
end

-- ---- lengths ----

--- Tokens of an answer, on the average of the group's calls.
local function tokens_of(group)
  if group.answer then return group.answer end
  local kind, cap = group.kind, group.cap
  if kind then
    group.answer = spread.mean(capped(kind.tokens, cap), group.all.calls, group.own, LEAST_LENGTH)
    if cap then group.answer.high = math.min(group.answer.high, cap) end
  else
    local assumed = group.read and ASSUMED.judgement or ASSUMED.answer
    group.answer = { low = math.min(assumed.low, cap or math.huge), likely = math.min(assumed.likely, cap or math.huge),
      high = cap or assumed.high }
  end
  return group.answer
end

--- A length for one answer: of a completion in the store that the call's digest picks.
---@param group fellowship.CallGroup
---@param digest string
---@return integer bytes
---@return integer tokens
function forecast.draw(group, digest)
  local kind, cap = group.kind, group.cap or math.huge
  local bytes, tokens
  if kind then
    local i = string.unpack("<I4", digest, 9) % kind.asked + 1
    bytes, tokens = kind.bytes[i], kind.tokens[i]
  else
    tokens = (group.read and ASSUMED.judgement or ASSUMED.answer).likely
    bytes = tokens * ASSUMED.bytes_per_token.likely
  end
  if tokens > cap then bytes, tokens = bytes * cap / tokens, cap end
  return math.floor(bytes), math.floor(tokens)
end

--- Tokens for each byte of the group's prompts.
local function density_of(group)
  local kind = group.kind
  if not kind or #kind.ratios == 0 then return range(function(e) return 1 / ASSUMED.bytes_per_token[e] end), true end
  local mean = kind.prompt_bytes / kind.prompt_tokens
  local ratio = spread.mean(kind.ratios, group.all.calls, group.own, LEAST_RATIO)
  return { low = ratio.likely / (mean * ratio.high), likely = 1 / mean, high = ratio.likely / (mean * ratio.low) }
end

--- Bytes of an answer's text, on the average.
local function bytes_of(group)
  if group.text then return group.text end
  local kind, cap, sum = group.kind, group.cap or math.huge, 0
  for i = 1, kind and kind.asked or 0 do
    sum = sum + kind.bytes[i] * math.min(1, cap / math.max(kind.tokens[i], 1))
  end
  group.text = kind and sum / kind.asked or tokens_of(group).likely * ASSUMED.bytes_per_token.likely
  return group.text
end

--- The groups that wrote what a sum's prompts hold, always in the same order: sums of floats depend on it.
local function writers_of(sum)
  local list = {}
  for writer in pairs(sum.embedded) do list[#list + 1] = writer end
  table.sort(list, function(x, y) return x.number < y.number end)
  return list
end

local function prompt_of(group, sums)
  local density, assumed = density_of(group)
  return range(function(e)
    local sum = sums[e]
    local bytes = sum.bytes
    for _, writer in ipairs(writers_of(sum)) do
      local answer = tokens_of(writer)
      bytes = bytes + sum.embedded[writer] * bytes_of(writer) * (answer.likely > 0 and answer[e] / answer.likely or 1)
    end
    return bytes * density[e] + (assumed and sum.messages * ASSUMED.message[e] + sum.calls * ASSUMED.call[e] or 0)
  end)
end

-- ---- what has to be asked again ----

local NEVER = { low = 0, likely = 0, high = 0 }

--- How many of the group's calls have to be asked again since they cannot be read, and since they were cut off: parts.
local function repeats_of(group)
  local kind = group.kind
  if not group.read then return NEVER, NEVER end
  local function part(times)
    if kind and group.own then return spread.rate(times, kind.asked, group.all.calls) end
    return { low = 0, likely = 0, high = 1 }
  end
  local limited = group.cap or (kind and group.own and kind.cut > 0) -- without a limit nothing is cut off
  return part(kind and kind.again), limited and part(kind and kind.cut) or NEVER
end

--- What a group of calls takes.
local function take(group)
  local sums = { low = group.sure, likely = group.all, high = group.all }
  if group.exact then
    return { calls = range(function(e) return sums[e].calls end), prompt = range(function(e) return sums[e].prompt end),
      completion = range(function(e) return sums[e].completion end) }
  end
  local answer, prompt, again, cut = tokens_of(group), prompt_of(group, sums), repeats_of(group)
  local calls = range(function(e) return sums[e].calls * (1 + again[e] + cut[e]) end)
  local longer = { low = 1, likely = 2, high = RAISE } -- an answer with a larger budget
  return {
    calls = calls,
    prompt = range(function(e)
      return prompt[e] * (1 + again[e] + cut[e]) + sums[e].calls * again[e] * (answer[e] + AGAIN[e])
    end),
    completion = range(function(e)
      local each = 1 + cut[e] * longer[e] + again[e] * (1 + cut[e] * (longer[e] - 1))
      return sums[e].calls * answer[e] * each
    end),
  }
end

-- ---- cost ----

--- The part of the group's prompts that costs what cached ones do. Caching is the provider's matter: unless the store
--- tells, the low end is that all of it is cached, the others that nothing is.
local function cached_of(group)
  local kind = group.kind
  if not kind or not group.own then return { low = 1, likely = 0, high = 0 } end
  if not kind.cached then return NEVER end
  local least, most, sum = 1, 0, 0
  for _, part in ipairs(kind.cached) do
    least, most, sum = math.min(least, part), math.max(most, part), sum + part
  end
  return { low = most, likely = sum / #kind.cached, high = least }
end

local function add(sums, name, more)
  for _, e in ipairs(ENDS) do sums[name][e] = sums[name][e] + more[e] end
end

local function cost_of(price, group, taken)
  local cached = cached_of(group)
  return range(function(e)
    local share = price.cached and cached[e] or 0
    return (taken.prompt[e] * ((1 - share) * price.input + share * (price.cached or 0))
      + taken.completion[e] * price.output) / 1e6
  end)
end

-- Whole numbers, outward.
local ROUND = { low = math.floor, likely = function(x) return math.floor(x + 0.5) end, high = math.ceil }

local function whole(sums)
  return range(function(e) return math.tointeger(ROUND[e](sums[e])) end)
end

--- What all of a model's calls will take.
---@param account fellowship.Account
---@return fellowship.ModelEstimate
function forecast.account(account)
  local model = account.model
  local sums = { calls = range(function() return 0 end), prompt = range(function() return 0 end),
    completion = range(function() return 0 end), cost = range(function() return 0.0 end) }
  local price, own, guessed, too_long = prices.of(model, cuts.has(model)), true, false, false
  for _, group in ipairs(account.groups) do
    local taken = take(group)
    for name, more in pairs(taken) do add(sums, name, more) end
    if price then add(sums, "cost", cost_of(price, group, taken)) end
    own, guessed = own and (group.own or group.exact), guessed or not (group.kind or group.exact)
    too_long = too_long or (price and price.up_to and group.longest * density_of(group).high > price.up_to) or false
  end
  local nothing, asked = #account.groups == 0, whole(sums.calls)
  return { model = model, held = account.held, own = own, guessed = guessed, too_long = too_long,
    sampled = lengths.by_model[("%s:%s"):format(model.provider.name, model.name)] or 0, calls = asked,
    batches = cuts.of(model, asked.high), prompt = whole(sums.prompt), completion = whole(sums.completion),
    cost = (nothing or price and not too_long) and sums.cost or nil }
end

return forecast
