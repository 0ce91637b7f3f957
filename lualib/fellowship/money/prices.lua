-- What tokens cost: USD for a million of them, on the date below, for the usual service (no priority), and in a batch.
-- An entry of --models overrides with its `price`, and the file that FELLOWSHIP_PRICES names the table. A model that is not here, or that is asked elsewhere than at its
-- provider's usual address, has no known price, and what it costs is unknown, never 0.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local settings = require "fellowship.call.settings"
local known = lazy "fellowship.money.price_table"

local prices = { date = "2026-11-27" }

---@class fellowship.Price USD for a million tokens
---@field input number
---@field output number
---@field cached? number of the prompt's, those that were read from a cache
---@field cache_write? number of the prompt's, those that were written to a cache
---@field cache_write_1h? number the same, where they are kept for an hour or longer
---@field up_to? integer the longest prompt, in tokens, of which this is true
---@field batch? number|table

local function price(row)
  return { input = row[1], cached = row[2], output = row[3], up_to = row[4], cache_write = row[5],
    cache_write_1h = row[6] }
end

-- ---- prices of one's own ----

local own -- of the file that the environment names, by a model's name

--- The prices of the file that FELLOWSHIP_PRICES names: a JSON object of { "provider:model": { "input": USD, "output":
--- USD, ... } }, with the fields of `price` in --models. Raises what is wrong with it.
local function own_prices()
  if own then return own end
  local path = os.getenv "FELLOWSHIP_PRICES"
  own = {}
  if not path or path == "" then return own end
  local function refuse(what)
    errors.raise { kind = "usage", fatal = true, message = ("FELLOWSHIP_PRICES: %s: %s"):format(path, what) }
  end
  local file <close>, missing = io.open(path, "rb")
  if not file then refuse(missing) end
  local value, problem = json.decode(file:read "a")
  if type(value) ~= "table" or json.is_array(value) then
    refuse("this is no JSON object of prices" .. (problem and ": " .. problem.message or ""))
  end
  for _, name in ipairs(json.keys(value)) do
    local well, what = pcall(settings.check_price, ('the price of "%s"'):format(name), value[name])
    if not well then refuse(tostring(what)) end
    own[name] = value[name]
  end
  return own
end

-- ---- the table ----

-- What a batch costs of the usual price, by those who say so:
--   https://developers.openai.com/api/docs/guides/batch, https://platform.claude.com/docs/en/build-with-claude/batch-processing,
--   https://ai.google.dev/gemini-api/docs/batch-api, https://docs.mistral.ai/capabilities/batch,
--   https://console.groq.com/docs/batch: one half; https://docs.x.ai/docs/guides/batch: a fifth off. Of others it is not
--   known, and nothing is taken off.
local DISCOUNT = { openai = 0.5, anthropic = 0.5, gemini = 0.5, mistral = 0.5, groq = 0.5, xai = 0.8 }

-- Where it is taken off cached tokens as well. Google says that the two discounts do not add up, others do not say.
local ADDS_UP = { anthropic = true }

local FREE = price { 0, 0, 0 }

-- Rows of the table that were asked for, by the row.
local made_of = setmetatable({}, { __index = function(all, row)
  all[row] = price(row)
  return all[row]
end })

--- The page that a provider's prices were taken from; nil when none are known.
---@param provider string
---@return string?
function prices.source(provider)
  return known[provider] and known[provider].source
end

--- The provider in the table whose models a provider has at its usual address.
local function seller(provider)
  return known[provider.name] and provider.name or provider.quirks_of
end

local function usual(model)
  if model.entry.price then return model.entry.price end
  local provider, name = model.provider, model.name
  if provider.simulated then return FREE end
  local undated = name:gsub("%-%d%d%d%d%-%d%d%-%d%d$", ""):gsub("%-20%d%d%d%d%d%d$", "")
  local mine = own_prices()
  local given = mine[model.named] or mine[provider.name .. ":" .. name] or mine[provider.name .. ":" .. undated]
  if given then return given end
  if model.endpoint.identity ~= provider.name then return nil end
  local models = (known[seller(provider) or ""] or {}).models or {}
  local row = models[name] or models[undated]
  return row and made_of[row]
end

-- By the usual price: one of an entry of --models, or of one provider's models at its usual address.
local in_batches = setmetatable({}, { __mode = "k" })

--- The price in a batch: what --models says, in full or as a part of the usual one, else the provider's discount where
--- it is asked at its usual address.
local function of_batch(model, p)
  if not p or type(p.batch) == "table" then return p and p.batch end
  local made = in_batches[p]
  if made then return made end
  local who = seller(model.provider) or model.provider.name
  local factor = p.batch or model.endpoint.identity == model.provider.name and DISCOUNT[who] or 1
  local of_cache = (p.batch or ADDS_UP[who]) and factor or 1
  made = { input = p.input * factor, output = p.output * factor, up_to = p.up_to }
  for _, name in ipairs { "cached", "cache_write", "cache_write_1h" } do made[name] = p[name] and p[name] * of_cache end
  in_batches[p] = made
  return made
end

--- A model's price: of its entry in --models, else of the environment's file, else the known one, also of a dated
--- version (gpt-4o-2024-11-20, claude-haiku-4-5-20251001); nil when it is not known.
---@param model fellowship.Model
---@param batch? boolean its price in a batch
---@return fellowship.Price?
function prices.of(model, batch)
  local p = usual(model)
  return batch and of_batch(model, p) or p
end

--- The tokens of a prompt by what they cost: in full, read from a cache, written to one, for an hour or longer. No part
--- is more than the whole, whatever is told.
---@param usage fellowship.Usage with prompt_tokens
---@return integer full
---@return integer cached
---@return integer written
---@return integer kept
function prices.parts(usage)
  local prompt = usage.prompt_tokens
  local cached = math.max(0, usage.cached_tokens or 0)
  if cached > prompt then cached = 0 end
  local all = math.max(0, math.min(usage.cache_write_tokens or 0, prompt - cached))
  local kept = math.max(0, math.min(usage.cache_write_1h_tokens or 0, all))
  return prompt - cached - all, cached, all - kept, kept
end

--- USD of a completion: what the server says, where it is believed, else by its tokens; nil when these or their price
--- are not known. Cached and written tokens without a price of their own cost what others do.
---@param p? fellowship.Price
---@param usage fellowship.Usage
---@return number?
function prices.cost(p, usage)
  if usage.cost then return usage.cost end
  local prompt, completion = usage.prompt_tokens, usage.completion_tokens
  if not (p and prompt and completion) or (p.up_to and prompt > p.up_to) then return nil end
  if (usage.cached_tokens or 0) == 0 and (usage.cache_write_tokens or 0) == 0 then -- the same, for most
    return (prompt * p.input + completion * p.output) / 1e6
  end
  local full, cached, written, kept = prices.parts(usage)
  local write = p.cache_write or p.input
  return (full * p.input + cached * (p.cached or p.input) + written * write + kept * (p.cache_write_1h or write)
    + completion * p.output) / 1e6
end

return prices
