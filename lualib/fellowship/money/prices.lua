-- What tokens cost: USD for a million of them, on the date below, for the usual service (no priority), and in a batch.
-- An entry of --models overrides with its `price`. A model that is not here, or that is asked elsewhere than at its
-- provider's usual address, has no known price, and what it costs is unknown, never 0.

local prices = { date = "2026-11-24" }

local function price(input, cached, output, up_to)
  return { input = input, cached = cached, output = output, up_to = up_to }
end

-- By provider: its page of prices, and input, cached input and output of its models. Prompts longer than the last
-- number have another price, which is not here.
local known = {
  openai = { source = "https://developers.openai.com/api/docs/pricing", models = {
    ["gpt-4o"] = price(2.5, 1.25, 10), ["gpt-4o-mini"] = price(0.15, 0.075, 0.6),
    ["gpt-4.1"] = price(2, 0.5, 8), ["gpt-4.1-mini"] = price(0.4, 0.1, 1.6),
    ["gpt-4.1-nano"] = price(0.1, 0.025, 0.4),
    ["gpt-5"] = price(1.25, 0.125, 10), ["gpt-5-mini"] = price(0.25, 0.025, 2),
    ["gpt-5-nano"] = price(0.05, 0.005, 0.4),
    ["gpt-5.1"] = price(1.25, 0.125, 10), ["gpt-5.2"] = price(1.75, 0.175, 14),
    ["gpt-5.4"] = price(2.5, 0.25, 15, 272000), ["gpt-5.4-mini"] = price(0.75, 0.075, 4.5),
    ["gpt-5.4-nano"] = price(0.2, 0.02, 1.25), ["gpt-5.5"] = price(5, 0.5, 30, 272000),
    ["gpt-5.6-sol"] = price(4, 0.4, 20, 272000), ["gpt-5.6-terra"] = price(2, 0.2, 12, 272000),
    ["gpt-5.6-luna"] = price(0.2, 0.02, 1.2, 272000), ["gpt-6-sol"] = price(2, 0.2, 10, 272000),
    ["gpt-6-luna"] = price(0.1, 0.01, 0.5, 272000),
    ["o3"] = price(2, 0.5, 8), ["o3-mini"] = price(1.1, 0.55, 4.4), ["o4-mini"] = price(1.1, 0.275, 4.4),
  } },
  anthropic = { source = "https://platform.claude.com/docs/en/about-claude/pricing", models = {
    ["claude-haiku-4-5"] = price(1, 0.1, 5), ["claude-sonnet-4-5"] = price(3, 0.3, 15, 200000),
    ["claude-sonnet-4-6"] = price(3, 0.3, 15, 200000), ["claude-opus-4-5"] = price(5, 0.5, 25),
    ["claude-opus-4-6"] = price(5, 0.5, 25, 200000), ["claude-opus-4-7"] = price(5, 0.5, 25),
    ["claude-opus-4-8"] = price(5, 0.5, 25), ["claude-opus-5"] = price(5, 0.5, 25),
    ["claude-sonnet-5"] = price(2, 0.2, 10),
    ["claude-fable-5"] = price(10, 1, 50), ["claude-haiku-5-5"] = price(0.1, 0.01, 0.5, 100000),
    ["claude-sonnet-5-5"] = price(2, 0.1, 10), ["claude-opus-5-5"] = price(4, 0.2, 20),
  } },
  gemini = { source = "https://ai.google.dev/gemini-api/docs/pricing", models = {
    ["gemini-2.5-pro"] = price(1.25, 0.125, 10, 200000), ["gemini-2.5-flash"] = price(0.3, 0.03, 2.5),
    ["gemini-2.5-flash-lite"] = price(0.1, 0.01, 0.4), ["gemini-3-flash-preview"] = price(0.5, 0.05, 3),
    ["gemini-3.1-pro-preview"] = price(2, 0.2, 12, 200000),
  } },
  mistral = { source = "https://mistral.ai/pricing", models = {
    ["mistral-large-latest"] = price(0.5, 0.05, 1.5), ["mistral-medium-latest"] = price(1.5, 0.15, 7.5),
    ["mistral-small-latest"] = price(0.15, 0.015, 0.6),
  } },
}

-- What a batch costs of the usual price, by those who say so:
--   https://developers.openai.com/api/docs/guides/batch, https://platform.claude.com/docs/en/build-with-claude/batch-processing,
--   https://ai.google.dev/gemini-api/docs/batch-api, https://docs.mistral.ai/capabilities/batch,
--   https://console.groq.com/docs/batch: one half. Of others it is not known, and nothing is taken off.
local HALF = { openai = 0.5, anthropic = 0.5, gemini = 0.5, mistral = 0.5, groq = 0.5 }

-- Where it is taken off cached tokens as well. Google says that the two discounts do not add up, others do not say.
local ADDS_UP = { anthropic = true }

local FREE = price(0, 0, 0)

--- The page that a provider's prices were taken from; nil when none are known.
---@param provider string
---@return string?
function prices.source(provider)
  return known[provider] and known[provider].source
end

local function usual(model)
  if model.entry.price then return model.entry.price end
  local provider = model.provider
  if provider.simulated then return FREE end
  if not known[provider.name] or model.endpoint.identity ~= provider.name then return nil end
  local models, name = known[provider.name].models, model.name
  local undated = name:gsub("%-%d%d%d%d%-%d%d%-%d%d$", ""):gsub("%-20%d%d%d%d%d%d$", "")
  return models[name] or models[undated]
end

-- By the usual price: one of an entry of --models, or of one provider's models at its usual address.
local in_batches = setmetatable({}, { __mode = "k" })

--- The price in a batch: what --models says, in full or as a part of the usual one, else the provider's discount where
--- it is asked at its usual address.
local function of_batch(model, p)
  if not p or type(p.batch) == "table" then return p and p.batch end
  local made = in_batches[p]
  if made then return made end
  local who = model.provider.name
  local factor = p.batch or model.endpoint.identity == who and HALF[who] or 1
  local cached = p.cached
  if cached and (p.batch or ADDS_UP[who]) then cached = cached * factor end
  made = { input = p.input * factor, cached = cached, output = p.output * factor, up_to = p.up_to }
  in_batches[p] = made
  return made
end

--- A model's price: of its entry in --models, else the known one, also of a dated version (gpt-4o-2024-11-20,
--- claude-haiku-4-5-20251001); nil when it is not known.
---@param model fellowship.Model
---@param batch? boolean its price in a batch
---@return { input: number, cached: number?, output: number, up_to: integer? }?
function prices.of(model, batch)
  local p = usual(model)
  return batch and of_batch(model, p) or p
end

--- USD of a completion; nil when its price or its tokens are not known. Cached tokens without a price of their own
--- cost what others do.
---@param p? table as of prices.of
---@param usage { prompt_tokens: integer?, completion_tokens: integer?, cached_tokens: integer? }
---@return number?
function prices.cost(p, usage)
  local prompt, completion = usage.prompt_tokens, usage.completion_tokens
  if not (p and prompt and completion) or (p.up_to and prompt > p.up_to) then return nil end
  local cached = usage.cached_tokens or 0
  return ((prompt - cached) * p.input + cached * (p.cached or p.input) + completion * p.output) / 1e6
end

return prices
