-- `reasoning_effort`, one parameter for all providers: a level, or a number of tokens. How much a model may think is said
-- otherwise at each of them; here it becomes what each one takes. What is asked by a provider's own names (thinking,
-- reasoning, thinkingConfig, think) passes as it is. Pure.

local effort = {}

-- Tokens of thinking that go with a level: those of Google's documents for low, medium and high, where budgets are asked
-- for by levels (https://ai.google.dev/gemini-api/docs/openai); twice and four times as many above.
local BUDGETS = { none = 0, minimal = 512, low = 1024, medium = 8192, high = 24576, xhigh = 49152, max = 98304 }

local LEVELS = { "none", "minimal", "low", "medium", "high", "xhigh", "max" }

local rank = {}
for i, level in ipairs(LEVELS) do rank[level] = i end

--- The level and the tokens of what was asked; nil when nothing was, or what is no effort (which is sent as it is).
---@param value any
---@return string? level
---@return integer? budget
---@return boolean? exact the tokens were asked for
local function read(value)
  local tokens = math.tointeger(value)
  if BUDGETS[value] then return value, BUDGETS[value] end
  if not tokens or tokens < 0 then return nil end
  for _, level in ipairs(LEVELS) do
    if tokens <= BUDGETS[level] then return level, tokens, true end
  end
  return "max", tokens, true
end

--- The nearest of some levels; of two that are as near, the lower one.
---@param level string
---@param known table<string, any>
---@return string?
function effort.nearest(level, known)
  local best
  for _, other in ipairs(LEVELS) do
    if known[other] and (not best or math.abs(rank[other] - rank[level]) < math.abs(rank[best] - rank[level])) then
      best = other
    end
  end
  return best
end

--- The levels that a text names in quotes, as refusals do ("Supported values are: 'low', 'medium', and 'high'.");
--- nil when there are none.
---@param said string
---@return table<string, true>?
function effort.named(said)
  local found
  for word in said:sub(1, 2000):gmatch "['\"`](%l+)['\"`]" do
    if rank[word] then found = found or {} found[word] = true end
  end
  return found
end

-- ---- what each provider takes ----

-- Each gets the level, the budget, whether that was asked for in tokens, and the quirks with the model's name; gives
-- parameters.
local styles = {}

local function of(levels)
  local known = {}
  for level in levels:gmatch "%l+" do known[level] = true end
  return known
end

--- OpenAI, Azure, xAI, Mistral, Fireworks, Cerebras, LM Studio: by name.
function styles.openai(level)
  return { reasoning_effort = level }
end

--- https://openrouter.ai/docs/use-cases/reasoning-tokens
function styles.openrouter(level, budget, exact)
  if exact and budget > 0 then return { reasoning = { max_tokens = budget } } end
  return { reasoning = { effort = level } }
end

--- https://api-docs.deepseek.com/guides/thinking_mode
local DEEPSEEK = of "low high max"

function styles.deepseek(level)
  if level == "none" then return { thinking = { type = "disabled" } } end
  level = level == "medium" and "high" or effort.nearest(level, DEEPSEEK)
  return { thinking = { type = "enabled" }, reasoning_effort = level }
end

local THREE = of "low medium high"

--- Chat templates take it, by the names that Qwen, GLM, DeepSeek and gpt-oss have in theirs; the budgets are vLLM's
--- (thinking_token_budget) and llama.cpp's (thinking_budget_tokens). https://docs.vllm.ai/en/latest/features/reasoning_outputs/,
--- https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
function styles.template(level, budget, exact)
  local on = level ~= "none"
  local made = { chat_template_kwargs = { enable_thinking = on, thinking = on } }
  if on then made.reasoning_effort = effort.nearest(level, THREE) end
  if on and exact then made.thinking_token_budget, made.thinking_budget_tokens = budget, budget end
  return made
end

--- https://docs.together.ai/docs/reasoning
function styles.together(level)
  if level == "none" then return { reasoning = { enabled = false } } end
  return { reasoning = { enabled = true }, reasoning_effort = effort.nearest(level, THREE) }
end

--- gpt-oss has levels, the others are switched: https://console.groq.com/docs/reasoning
function styles.groq(level, _, _, q)
  if q.name:find("gpt-oss", 1, true) then return { reasoning_effort = effort.nearest(level, THREE) } end
  return { reasoning_effort = level == "none" and "none" or "default" }
end

-- gpt-oss has levels, which others do not know: https://github.com/ollama/ollama/blob/main/docs/api.md
function styles.ollama(level, _, _, q)
  if q.name:find("gpt-oss", 1, true) then return { think = effort.nearest(level, THREE) } end
  return { think = level ~= "none" }
end

local GEMINI_3 = of "minimal low medium high xhigh"

--- Budgets up to Gemini 2.5, levels since 3: https://ai.google.dev/gemini-api/docs/thinking
function styles.gemini(level, budget, exact, q)
  local name = q.name
  local version = tonumber(name:match "gemini%-(%d+)")
  local is_new = not version and not name:find("gemini-2", 1, true) or version and version >= 3
  local config = { includeThoughts = level ~= "none" or nil }
  if is_new and not exact then
    config.thinkingLevel = effort.nearest(level, GEMINI_3)
  else
    local least = name:find("pro", 1, true) and 128 or 0 -- 2.5 Pro cannot do without
    config.thinkingBudget = math.max(least, math.min(budget, 24576))
  end
  return { thinkingConfig = config }
end

-- Models that think by a budget, and cannot otherwise; the later ones think as they see fit, by effort.
local ANTHROPIC_BUDGET = { "^claude%-3", "^claude%-%a+%-4%-[0-5]", "^claude%-%a+%-4$", "^claude%-%a+%-4%-20" }
local ANTHROPIC = of "low medium high xhigh max"
local ANTHROPIC_LEAST = 1024

--- https://platform.claude.com/docs/en/build-with-claude/thinking
function styles.anthropic(level, budget, _, q)
  if level == "none" then return { thinking = { type = "disabled" } } end
  local by_budget = q.thinks == "budget"
  for _, old in ipairs(ANTHROPIC_BUDGET) do by_budget = by_budget or not q.thinks and q.name:find(old) ~= nil end
  if by_budget then
    return { thinking = { type = "enabled", budget_tokens = math.max(budget, ANTHROPIC_LEAST) } }
  end
  return { thinking = { type = "adaptive" }, output_config = { effort = effort.nearest(level, ANTHROPIC) } }
end

--- OpenAI's Responses. https://developers.openai.com/api/docs/guides/reasoning
function styles.responses(level)
  return { reasoning = { effort = level } }
end

-- ---- asking ----

--- Parameters with the effort as a provider takes it, and room for it in the bound of tokens. The same table when no
--- effort is asked.
---@param params table<string, any> by OpenAI's names
---@param q fellowship.Quirks
---@return table<string, any>
function effort.apply(params, q)
  local level, budget, exact = read(params.reasoning_effort)
  if not level then return params end
  if q.efforts and not exact then level = effort.nearest(level, q.efforts) or level end
  local list = {}
  for key, value in pairs(params) do list[key] = value end
  list.reasoning_effort = nil
  local bound = math.tointeger(list.max_tokens == nil and q.bound or list.max_tokens)
  if bound then list.max_tokens = bound + budget end
  for key, value in pairs(styles[q.effort or "openai"](level, budget, exact, q)) do
    -- What a script says by the provider's own name counts.
    if type(list[key]) == "table" and type(value) == "table" then
      local both = {}
      for inner, given in pairs(value) do both[inner] = given end
      for inner, given in pairs(list[key]) do both[inner] = given end
      value = both
    elseif list[key] ~= nil then
      value = list[key]
    end
    list[key] = value
  end
  return list
end

return effort
