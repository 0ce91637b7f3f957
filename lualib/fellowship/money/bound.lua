-- The most that a call can cost, before it is asked: for --max-cost. Whole numbers of USD / 10^12.
--
-- Tokens in. Models of today read text by byte-level BPE or SentencePiece with bytes to fall back on: a token stands for
-- at least one byte, so there are no more tokens than bytes. Beside the texts of the messages those of the parameters
-- and the schema count (tools and schemas are put into the prompt). What the provider adds is bounded by what is usual:
-- a message is framed by fewer than 16 tokens, chat templates bring system texts of their own of some 30 (Llama 3, Qwen)
-- to 100 tokens (gpt-oss), and tools or a schema an instruction of up to 700 (Anthropic's table for tool use). Cached
-- tokens are taken for full ones, or for ones that are written to a cache where these cost more. In practice text has some four bytes a token: three quarters of it are given back.
--
-- Tokens out. The bound that is sent (max_tokens and what it is called elsewhere), for each answer that is asked for.
-- Thinking counts within it: OpenAI's max_completion_tokens, Anthropic's max_tokens and Ollama's num_predict are
-- documented so, and Gemini's maxOutputTokens is seen to (github.com/googleapis/python-genai/issues/2062).

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local errors = require "fellowship.base.errors"
local quirks = require "fellowship.provider.quirks"
local prices = require "fellowship.money.prices"

local worst_case = {}

local PER_MESSAGE, PER_CALL, PER_SCHEMA = 16, 128, 1024

-- What is more than anybody's budget; sums of it stay exact.
local MOST = 1 << 60

--- Units for a token, of USD for a million: rounded up where a price has more than six decimals.
local function units(usd)
  local exact = usd * 1e6
  local nearest = math.floor(exact + 0.5)
  return math.abs(exact - nearest) < 1e-6 and nearest or math.ceil(exact)
end

local function times(tokens, unit)
  return tokens * 1.0 * unit < MOST and tokens * unit or MOST
end

--- The most tokens that a request can have, before it is sent.
---@param messages { content: string }[]
---@param params table<string, any>
---@param schema? table
---@return integer
function worst_case.input(messages, params, schema)
  local bytes = PER_CALL
  for _, message in ipairs(messages) do
    local plain = type(message.content) == "string" and not message.tool_calls
    bytes = bytes + (plain and #message.content or #json.encode(message)) + PER_MESSAGE
  end
  if next(params) then bytes = bytes + #json.encode(params) end
  if schema then bytes = bytes + #json.encode(schema) end
  if schema or params.tools then bytes = bytes + PER_SCHEMA end
  return bytes
end

local function count(value)
  local n = math.tointeger(value)
  return n and n >= 1 and n or nil
end

--- The most tokens that the answer can have; nil when nothing bounds them.
---@param model fellowship.Model
---@param params table<string, any> as asked
---@return integer?
function worst_case.output(model, params)
  if model.adapter.rates and not model.adapter.answers then return 0 end
  local q = model.quirks or quirks.of(model.provider, model.name, model.entry.quirks)
  params = quirks.params(q, params)
  local most = model.adapter.default_max_tokens
  local given
  for _, name in ipairs { "max_tokens", "max_completion_tokens" } do
    local value = params[name]
    if value ~= nil then
      if not count(value) then return nil end
      given = math.max(given or 0, count(value))
    end
  end
  most = given or most
  if not most then return nil end
  for _, name in ipairs { "n", "best_of", "candidateCount" } do
    local answers = count(params[name])
    if answers then most = times(most, answers) end
  end
  return most
end

-- Parameters that have what is cached kept for longer, at a price of its own.
local KEPT = { "cache_control", "prompt_cache_retention", "prompt_cache_options" }

local function is_kept(params)
  for _, name in ipairs(KEPT) do
    if params[name] ~= nil then return true end
  end
  return false
end

-- Parameters that ask for another price than the table's; a price in --models is taken to be theirs.
local PRICED = { service_tier = { default = true, auto = true, standard_only = true, flex = true },
  inference_geo = { global = true }, speed = { standard = true }, cachedContent = {} }

local GIVE_PRICE = "give price = { input = USD, output = USD }, for a million tokens, in its entry of --models"

--- What is missing for a bound on the cost of a model's calls, for people; nil when nothing is.
---@param model fellowship.Model
---@param params table<string, any>
---@return string?
function worst_case.missing(model, params)
  local price, what = prices.of(model), {}
  if not price then
    what[1] = ("its price is not known (the table of %s has none for %s at %s): %s"):format(prices.date, model.name,
      model.endpoint.shown, GIVE_PRICE)
  elseif not model.entry.price then
    for name, usual in pairs(PRICED) do
      local value = params[name]
      if value ~= nil and not (type(value) == "string" and usual[value]) then
        what[#what + 1] = ("the parameter %s may change its price: %s"):format(name, GIVE_PRICE)
      end
    end
    if is_kept(params) and not price.cache_write_1h then
      what[#what + 1] = ("what it costs to keep a prompt in its cache is not known: %s"):format(GIVE_PRICE)
    end
    table.sort(what)
  end
  if (not price or price.output > 0) and not worst_case.output(model, params) then
    what[#what + 1] = ("nothing bounds the tokens of its answers: name it %s%smax_tokens=512 (or another number), "
      .. "or give params = { max_tokens = 512 } in its entry of --models"):format(model.named,
      model.named:find("?", 1, true) and "&" or "?")
  end
  if #what == 0 then return nil end
  return ("--max-cost cannot be kept with %s: %s"):format(model.named, table.concat(what, "; and "))
end

local function too_long(flight, price, tokens)
  errors.raise { kind = "usage", key = flight.id, model = flight.model.named,
    message = ("--max-cost cannot be kept with this call of %s: its prompt may have %d tokens, and the table of %s has "
      .. "no price for prompts over %d; %s"):format(flight.model.named, tokens, prices.date, price.up_to, GIVE_PRICE) }
end

local function no_bound(flight)
  errors.raise { kind = "usage", key = flight.id, model = flight.model.named,
    message = ("--max-cost cannot be kept with this call of %s: a message holds more than text, and what that costs "
      .. "cannot be told before"):format(flight.model.named) }
end

--- The most that one attempt of a call can cost, and the price by which it is told. Raises a usage error when nobody
--- can say.
---@param flight fellowship.Flight
---@param batch? boolean
---@return integer units
---@return table price
function worst_case.worst(flight, batch)
  local model, params = flight.model, flight.params
  local price = prices.of(model, batch)
  if price and price.input == 0 and price.output == 0 and (price.cached or 0) == 0 then return 0, price end
  local missing = worst_case.missing(model, params)
  if missing then
    errors.raise { kind = "usage", fatal = true, model = model.named, key = flight.id, message = missing }
  end
  for _, message in ipairs(flight.messages) do
    if content.is_mixed(message.content) then no_bound(flight) end
  end
  local input = worst_case.input(flight.messages, params, flight.schema)
  if price.up_to and input > price.up_to then too_long(flight, price, input) end
  local output = price.output > 0 and worst_case.output(model, params) or 0
  local most = math.max(price.input, price.cached or 0, price.cache_write or 0,
    is_kept(params) and price.cache_write_1h or 0)
  local sum = times(input, units(most)) + times(output, units(price.output))
  return math.min(sum, MOST), price
end

local function is_count(value)
  return math.type(value) == "integer" and value >= 0
end

--- What usage costs; nil when it does not tell, or cannot be.
---@param price fellowship.Price
---@param usage fellowship.Usage
---@return integer? units
function worst_case.cost(price, usage)
  if usage.cost then return math.min(math.ceil(usage.cost * 1e12), MOST) end
  local prompt, completion = usage.prompt_tokens, usage.completion_tokens
  if not (is_count(prompt) and is_count(completion)) then return nil end
  if price.up_to and prompt > price.up_to then return nil end
  local full, cached, written, kept = prices.parts(usage)
  local write = price.cache_write or price.input
  return times(full, units(price.input)) + times(cached, units(price.cached or price.input))
    + times(written, units(write)) + times(kept, units(price.cache_write_1h or write))
    + times(completion, units(price.output))
end

return worst_case
