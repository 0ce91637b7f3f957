-- What each provider is sent for a parameter, as a table for people: found by building requests with the adapters
-- themselves, so that it says what they do. Pure.

local json = require "fellowship.core.json"
local provider = require "fellowship.provider"
local quirks = require "fellowship.provider.quirks"

local mapped = {}

-- A model of each provider that is usual there, since some parameters go by the model.
local MODELS = { openai = "gpt-5.2", ["openai-responses"] = "gpt-5.2", azure = "gpt-5.2",
  anthropic = "claude-haiku-4-5",
  gemini = "gemini-2.5-flash", ollama = "qwen3", groq = "openai/gpt-oss-20b", xai = "grok-4.5",
  mistral = "mistral-medium-latest", deepseek = "deepseek-flash", openrouter = "a/b" }

-- Parameters, each with a value that is found again in the body.
local PARAMS = { { "max_tokens", 77001 }, { "temperature", 0.77 }, { "top_p", 0.88 }, { "top_k", 77002 },
  { "stop", "77003" }, { "seed", 77004 }, { "presence_penalty", 0.66 }, { "frequency_penalty", 0.55 },
  { "logprobs", true }, { "top_logprobs", 7 } }

local TALK = { { role = "user", content = "Hi" } }

--- A provider that has an adapter, its model and quirks; nil for those that need no network, or write nothing.
local function subject(name)
  local found = provider.find(name)
  local adapter = type(found.adapter) == "string" and require(found.adapter) or found.adapter
  if adapter.generate or adapter.rates then return nil end
  return adapter, MODELS[name] or "m", quirks.of(found, MODELS[name] or "m")
end

local function body_of(adapter, model, q, params)
  local how = { quirks = q, params = params }
  local _, body = adapter.build(model, quirks.messages(q, TALK), quirks.params(q, params), how)
  return json.decode(json.encode(body))
end

--- Where a value stands in a body: "options.num_predict"; nil where it does not.
local function place_of(body, value, path)
  for _, name in ipairs(json.keys(body)) do
    local held, here = body[name], path and path .. "." .. name or name
    if held == value then return here end
    if type(held) == "table" then
      if json.is_array(held) then
        if held[1] == value then return here .. " (a list)" end
      else
        local found = place_of(held, value, here)
        if found then return found end
      end
    end
  end
end

--- What of a body is not in another one, as JSON.
local function beyond(body, plain)
  local more = {}
  for _, name in ipairs(json.keys(body)) do
    if plain[name] == nil or json.canonical(plain[name]) ~= json.canonical(body[name]) then more[name] = body[name] end
  end
  return json.canonical(more)
end

--- The table's head and rows: a row for each provider, with what is sent for each parameter ("-": it is left out).
---@return string[] heads
---@return string[][] rows
function mapped.parameters()
  local heads, rows = { "provider" }, {}
  for i, param in ipairs(PARAMS) do heads[i + 1] = param[1] end
  for _, name in ipairs(provider.names()) do
    local adapter, model, q = subject(name)
    if adapter then
      local row = { name }
      for i, param in ipairs(PARAMS) do
        local refused = adapter.refuses and adapter.refuses[param[1]]
        local body = body_of(adapter, model, q, { [param[1]] = param[2] })
        row[i + 1] = refused and "refused" or place_of(body, param[2]) or "-"
      end
      rows[#rows + 1] = row
    end
  end
  return heads, rows
end

local EFFORTS = { "none", "low", "high", 2000 }

--- The same for reasoning_effort: what is sent at some of its values, beside max_tokens = 100.
---@return string[] heads
---@return string[][] rows
function mapped.efforts()
  local heads, rows = { "provider" }, {}
  for i, effort in ipairs(EFFORTS) do heads[i + 1] = tostring(effort) end
  for _, name in ipairs(provider.names()) do
    local adapter, model, q = subject(name)
    if adapter then
      local plain, row = body_of(adapter, model, q, { max_tokens = 100 }), { name }
      for i, effort in ipairs(EFFORTS) do
        row[i + 1] = beyond(body_of(adapter, model, q, { max_tokens = 100, reasoning_effort = effort }), plain)
      end
      rows[#rows + 1] = row
    end
  end
  return heads, rows
end

local function markdown(heads, rows)
  local lines = { "| " .. table.concat(heads, " | ") .. " |", "|" .. ("---|"):rep(#heads) }
  for _, row in ipairs(rows) do
    local cells = {}
    for i, text in ipairs(row) do
      local is_code = i > 1 and text ~= "-" and text ~= "refused"
      cells[i] = is_code and ("`%s`"):format((text:gsub("|", "\\|"))) or text
    end
    lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
  end
  return table.concat(lines, "\n")
end

--- Both tables in Markdown, with a line on each.
---@return string
function mapped.markdown()
  return "## What providers are sent\n\nWhere a parameter stands in a request; `-`: it is left out, since the provider "
    .. "or its usual model refuses it.\n\n" .. markdown(mapped.parameters())
    .. "\n\nWhat `reasoning_effort` becomes (a level, or a number of tokens), with `max_tokens` = 100:\n\n"
    .. markdown(mapped.efforts()) .. "\n"
end

return mapped
