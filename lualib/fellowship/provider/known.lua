-- Parameters that providers take, by the names that scripts may use for them: OpenAI's, and each provider's own. What
-- none of them knows is a misspelling more often than not, and most servers say nothing of it. Pure.

local nearest = require "fellowship.base.nearest"
local names = require "fellowship.provider.names"

local known = {}

local NUMBER, INTEGER, FLAG, TEXT, LIST, TABLE = "number", "integer", "boolean", "string", "string|table", "table"

-- What OpenAI's chat completions take, and every provider in its own words.
local COMMON = { temperature = NUMBER, top_p = NUMBER, max_tokens = INTEGER, max_completion_tokens = INTEGER,
  stop = LIST,
  seed = INTEGER, presence_penalty = NUMBER, frequency_penalty = NUMBER, logprobs = FLAG, top_logprobs = INTEGER,
  reasoning_effort = "string|integer", n = INTEGER,
  candidateCount = INTEGER, num_return_sequences = INTEGER, response_format = TABLE, tools = TABLE, tool_choice = LIST }

-- What belongs to OpenAI's API besides: https://platform.openai.com/docs/api-reference/chat/create
local OPENAI = { logit_bias = TABLE, user = TEXT, service_tier = TEXT, metadata = TABLE, store = FLAG, verbosity = TEXT,
  prediction = TABLE, parallel_tool_calls = FLAG, modalities = TABLE, audio = TABLE, prompt_cache_key = TEXT,
  prompt_cache_retention = TEXT, safety_identifier = TEXT, web_search_options = TABLE, reasoning = TABLE, text = TABLE,
  truncation = TEXT, include = TABLE, previous_response_id = TEXT, instructions = TEXT, max_output_tokens = INTEGER,
  functions = TABLE, function_call = LIST }

-- What servers of open models take: vLLM's, SGLang's, llama.cpp's and LM Studio's documents.
local SAMPLING = { top_k = INTEGER, min_p = NUMBER, top_a = NUMBER, typical_p = NUMBER, tfs_z = NUMBER,
  repetition_penalty = NUMBER, repeat_penalty = NUMBER, repeat_last_n = INTEGER, length_penalty = NUMBER,
  no_repeat_ngram_size = INTEGER, mirostat = INTEGER, mirostat_tau = NUMBER, mirostat_eta = NUMBER,
  mirostat_lr = NUMBER,
  mirostat_ent = NUMBER, best_of = INTEGER, use_beam_search = FLAG, min_tokens = INTEGER, max_new_tokens = INTEGER,
  n_predict = INTEGER, num_predict = INTEGER, ignore_eos = FLAG, stop_token_ids = TABLE, skip_special_tokens = FLAG,
  spaces_between_special_tokens = FLAG, include_stop_str_in_output = FLAG, add_generation_prompt = FLAG,
  continue_final_message = FLAG, chat_template = TEXT, chat_template_kwargs = TABLE, grammar = TEXT,
  json_schema = TABLE,
  guided_json = LIST, guided_regex = TEXT, guided_choice = TABLE, guided_grammar = TEXT, structured_outputs = TABLE,
  guided_decoding_backend = TEXT, cache_prompt = FLAG, id_slot = INTEGER, dry_multiplier = NUMBER, dry_base = NUMBER,
  dry_allowed_length = INTEGER, dynatemp_range = NUMBER, dynatemp_exponent = NUMBER, xtc_probability = NUMBER,
  xtc_threshold = NUMBER, samplers = TABLE, n_probs = INTEGER, min_keep = INTEGER, n_keep = INTEGER, priority = INTEGER,
  truncate_prompt_tokens = INTEGER, prompt_logprobs = INTEGER, bad_words = TABLE, allowed_token_ids = TABLE,
  thinking_budget = INTEGER, thinking_token_budget = INTEGER, enable_thinking = FLAG, separate_reasoning = FLAG,
  reasoning_format = TEXT, reasoning_budget = INTEGER, thinking = TABLE, ttl = INTEGER, draft_model = TEXT,
  lora = TABLE,
  mm_processor_kwargs = TABLE, ebnf = TEXT, regex = TEXT, echo = FLAG, t_max_predict_ms = INTEGER, logit_bias = LIST,
  parallel_tool_calls = FLAG, user = TEXT, do_sample = FLAG, options = TABLE }

-- What gateways and hosts take besides.
local OPENROUTER = { models = TABLE, route = TEXT, transforms = TABLE, provider = TABLE, plugins = TABLE, usage = TABLE,
  reasoning = TABLE, include_reasoning = FLAG, preset = TEXT, top_a = NUMBER, verbosity = TEXT, user = TEXT }
local HOSTS = { safety_model = TEXT, context_length_exceeded_behavior = TEXT, prompt_truncate_len = INTEGER,
  prompt_truncate_length = INTEGER, service_tier = TEXT, citation_options = TEXT, documents = TABLE,
  compound_custom = TABLE, search_settings = TABLE, search_parameters = TABLE, deferred = FLAG, safe_prompt = FLAG,
  random_seed = INTEGER, prompt_mode = TEXT, prediction = TABLE, thinking = TABLE, reasoning = TABLE,
  include_reasoning = FLAG, reasoning_format = TEXT, disable_reasoning = FLAG, metadata = TABLE, store = FLAG }

-- https://docs.claude.com/en/api/messages
local ANTHROPIC = { top_k = INTEGER, stop_sequences = LIST, thinking = TABLE, metadata = TABLE, service_tier = TEXT,
  container = LIST, mcp_servers = TABLE, context_management = TABLE, output_config = TABLE, output_format = TABLE,
  inference_geo = TEXT, cache_control = TABLE, betas = TABLE, system = LIST, speed = TEXT }

-- https://ai.google.dev/api/generate-content
local GEMINI = { topP = NUMBER, topK = NUMBER, top_k = NUMBER, maxOutputTokens = INTEGER, candidateCount = INTEGER,
  stopSequences = LIST, stop_sequences = LIST, presencePenalty = NUMBER, frequencyPenalty = NUMBER,
  responseLogprobs = FLAG, responseMimeType = TEXT, responseSchema = TABLE, responseJsonSchema = TABLE,
  thinkingConfig = TABLE, thinking_config = TABLE, speechConfig = TABLE, mediaResolution = TEXT,
  responseModalities = TABLE, enableEnhancedCivicAnswers = FLAG, safetySettings = TABLE, generationConfig = TABLE,
  toolConfig = TABLE, cachedContent = TEXT, labels = TABLE }

-- https://github.com/ollama/ollama/blob/main/docs/api.md, and what its models' files name.
local OLLAMA = { num_ctx = INTEGER, num_predict = INTEGER, num_keep = INTEGER, num_batch = INTEGER, num_gpu = INTEGER,
  main_gpu = INTEGER, num_thread = INTEGER, numa = FLAG, use_mmap = FLAG, use_mlock = FLAG, low_vram = FLAG,
  penalize_newline = FLAG, keep_alive = "string|integer", think = "boolean|string", raw = FLAG, format = LIST,
  template = TEXT, truncate = FLAG, shift = FLAG }

-- The stand-in's own: how long it takes, how much it says, and how it judges.
local SIM = { latency = NUMBER, length = INTEGER, quality = NUMBER, bias = TEXT, skill = NUMBER }

-- Of models that rate: which door, which class, and what vLLM's and TEI's take besides.
local REWARD = { api = TEXT, class = "string|integer", use_activation = FLAG, truncate_prompt_tokens = INTEGER,
  truncate = FLAG, truncation_direction = TEXT, raw_scores = FLAG, softmax = FLAG, chat_template = TEXT,
  chat_template_kwargs = TABLE, add_special_tokens = FLAG, add_generation_prompt = FLAG, priority = INTEGER,
  top_n = INTEGER, instruction = TEXT, task = TEXT, mm_processor_kwargs = TABLE }

local HOSTED = { COMMON, SAMPLING, HOSTS }
local SERVER = { COMMON, SAMPLING, OPENAI }

-- By provider; one of a script's own knows what it knows.
local of = { openai = { COMMON, OPENAI }, azure = { COMMON, OPENAI, { data_sources = TABLE } },
  ["openai-responses"] = { COMMON, OPENAI }, anthropic = { COMMON, ANTHROPIC }, gemini = { COMMON, GEMINI },
  ollama = { COMMON, SAMPLING, OLLAMA }, vllm = SERVER, llamacpp = SERVER, lmstudio = SERVER,
  openrouter = { COMMON, SAMPLING, OPENAI, OPENROUTER }, together = HOSTED, groq = HOSTED, deepseek = HOSTED,
  mistral = HOSTED, fireworks = HOSTED, xai = { COMMON, OPENAI, HOSTS }, cerebras = HOSTED,
  sim = { COMMON, SAMPLING, SIM }, reward = { REWARD }, raw = SERVER }

--- Types by name, by provider; with what servers of open models take where one of those is asked in its place.
local flat = setmetatable({}, { __index = function(made, key)
  local provider, elsewhere = key:match "^(.-)(%+?)$"
  if not of[provider] then return nil end
  local types = {}
  for _, set in ipairs { SAMPLING, table.unpack(of[provider]) } do
    for name, kind in pairs((set ~= SAMPLING or elsewhere == "+") and set or {}) do types[name] = kind end
  end
  for _, set in ipairs(of[provider]) do
    for name, kind in pairs(set) do types[name] = kind end
  end
  made[key] = types
  return types
end })

local function fits(value, wanted)
  local found = math.type(value) or type(value)
  if found == "float" and math.tointeger(value) then found = "integer" end
  for choice in wanted:gmatch "[^|]+" do
    if choice == found or choice == type(value) then return true end
  end
  return false
end

--- Names of the parameters that a provider takes, sorted; nil when it is one of a script's own.
---@param provider string
---@return string[]?
function known.names(provider)
  local types = flat[provider]
  return types and nearest.names(types)
end

local function problem_of(provider, types, name, value)
  local wanted = types[name] or types[names.meant(name)]
  if not wanted then
    return ('%s knows no parameter "%s"%s; one that it does take can be allowed in --models: accepts = { "%s" }')
      :format(provider.name, name, nearest.hint(tostring(name), nearest.names(types)), name)
  end
  return ("the parameter %s must be %s; it is %s"):format(name, (wanted:gsub("|", " or "):gsub("string", "text")),
    type(value) == "string" and ('"%s"'):format(value) or "a " .. type(value))
end

-- Shorter names than this are near to too many others.
local TELLING = 4

--- Whether a name is most likely a misspelling of one that is known.
local function is_misspelt(name, types)
  return type(name) == "string" and #name >= TELLING and nearest.find(name, nearest.names(types)) ~= nil
end

--- Why one of the parameters cannot be meant: nobody knows its name, or its value is of another type; nil when all can.
--- The name that is not known is most likely a misspelling only where it is near to one that is: see `doubt`.
---@param provider fellowship.Provider
---@param params table<string, any>
---@param entry table its entry of --models: what that names in `params` or `accepts` is allowed
---@param elsewhere boolean whether it is asked at another address than the usual one
---@param own? boolean whether a script gives them as a table of its own, whose other names are meant
---@return string? problem
---@return string? doubt what such a name was most likely meant to be, in words
function known.problem(provider, params, entry, elsewhere, own)
  local types = flat[provider.name .. (elsewhere and "+" or "")]
  if not types then return nil end
  local wrong, doubt
  for name, value in next, params do
    local wanted = types[name] or types[names.meant(name)]
    local allowed = entry.params and entry.params[name] ~= nil
    for _, other in ipairs(entry.accepts or {}) do allowed = allowed or other == name end
    if not allowed and not wanted and own then
      doubt = doubt or is_misspelt(name, types) and name
    elseif not allowed and not (wanted and fits(value, wanted)) and (not wrong or tostring(name) < tostring(wrong)) then
      wrong = name
    end
  end
  return wrong ~= nil and problem_of(provider, types, wrong, params[wrong]) or nil,
    doubt and problem_of(provider, types, doubt) or nil
end

return known
