-- What a row of each trainer's format must look like, for checking folders.

local json = require "fellowship.core.json"
local trim = require "fellowship.base.text".trim

local shape = {}

---@alias fellowship.Fault fun(message: string) reports what is wrong with a row

local function is_list(value)
  return type(value) == "table" and json.is_array(value)
end

local function is_object(value)
  return type(value) == "table" and not json.is_array(value)
end

local function kind_of(value)
  if value == nil then return "missing" end
  if value == json.null then return "null" end
  if type(value) == "string" then return "a text" end
  return is_list(value) and "a list" or is_object(value) and "an object" or "a " .. type(value)
end

local function text(name, value, fault)
  if type(value) ~= "string" then
    fault(('"%s" must be a text; it is %s'):format(name, kind_of(value)))
  elseif not utf8.len(value) then
    fault(('"%s" holds a lone surrogate (\\ud800 to \\udfff), for which loaders refuse the whole file'):format(name))
  elseif not value:find "%S" then
    fault(('"%s" is empty'):format(name))
  end
end

local function boolean(name, value, fault)
  if type(value) ~= "boolean" then fault(('"%s" must be true or false; it is %s'):format(name, kind_of(value))) end
end

--- One message, with its keys and one of the roles.
local function message(name, value, keys, roles, fault)
  if not is_object(value) then return fault(("%s must be an object with %s and %s"):format(name, keys[1], keys[2])) end
  for _, key in ipairs(json.keys(value)) do
    if key ~= keys[1] and key ~= keys[2] then
      fault(('%s has the column "%s", which does not belong there'):format(name, key))
    end
  end
  local role = value[keys[1]]
  if type(role) ~= "string" then
    fault(("%s has no %s"):format(name, keys[1]))
  elseif not roles[role] then
    fault(('%s has the %s "%s"'):format(name, keys[1], role))
  end
  text(("%s.%s"):format(name, keys[2]), value[keys[2]], fault)
end

local OPENAI, SHAREGPT = { "role", "content" }, { "from", "value" }
local part = { system = "system", user = "user", human = "user", assistant = "assistant", gpt = "assistant" }

--- A conversation: maybe a system message, then user and assistant in turns, ending with `last`.
local function talk(name, list, keys, last, fault)
  if not is_list(list) or #list == 0 then
    return fault(('"%s" must be a list of messages; it is %s'):format(name, is_list(list) and "empty" or kind_of(list)))
  end
  local roles = keys == OPENAI and { system = true, user = true, assistant = true }
    or { system = true, human = true, gpt = true }
  local expected
  for i, value in ipairs(list) do
    local where = ("%s[%d]"):format(name, i - 1)
    message(where, value, keys, roles, fault)
    local role = is_object(value) and part[value[keys[1]]]
    if role == "system" then
      if i > 1 then fault(where .. " is a system message that is not the first") end
    elseif role then
      if expected and role ~= expected then fault(("%s is the %s's, twice in a row"):format(where, role)) end
      if not expected and role ~= "user" then fault(where .. " must be the user's") end
      expected = role == "user" and "assistant" or "user"
    end
    if i == #list and role and role ~= last then
      fault(('"%s" must end with a message of the %s, not of the %s'):format(name, last, role))
    end
  end
end

--- The assistant's part alone: a list of one message.
local function answer_list(name, list, fault)
  if not is_list(list) or #list ~= 1 then
    return fault(('"%s" must be a list of one message of the assistant'):format(name))
  end
  message(name .. "[0]", list[1], OPENAI, { assistant = true }, fault)
end

local function answer(keys, who)
  return function(name, value, fault) message(name, value, keys, { [who] = true }, fault) end
end

local function talk_of(keys, last)
  return function(name, value, fault) talk(name, value, keys, last, fault) end
end

local function any_text(name, value, fault)
  if type(value) ~= "string" then fault(('"%s" must be a text; it is %s'):format(name, kind_of(value))) end
end

local function number_or_null(name, value, fault)
  if value ~= json.null and not json.tonumber(value) then
    fault(('"%s" must be a number or null; it is %s'):format(name, kind_of(value)))
  end
end

local function text_or_null(name, value, fault)
  if value ~= json.null then any_text(name, value, fault) end
end

local function list_or_null(name, value, fault)
  if value ~= json.null and type(value) ~= "string" and not is_list(value) then
    fault(('"%s" must be a list, its JSON, or null; it is %s'):format(name, kind_of(value)))
  end
end

--- The text that LLaMA-Factory decodes: the JSON of a list, or nothing.
local function tools_text(name, value, fault)
  local decoded = type(value) == "string" and value ~= "" and json.decode(value)
  if value ~= "" and not is_list(decoded) then
    fault(('"%s" must be the JSON of a list, as a text, or ""; it is %s'):format(name, kind_of(value)))
  end
end

--- NeMo-RL's completions with their ranks.
local function completions(name, value, fault)
  if not is_list(value) or #value < 2 then return fault(('"%s" must be a list of two and more'):format(name)) end
  for i, one in ipairs(value) do
    local where = ("%s[%d]"):format(name, i - 1)
    if not is_object(one) then return fault(where .. " must be an object") end
    if not math.tointeger(one.rank) then fault(where .. ".rank must be a whole number") end
    answer_list(where .. ".completion", one.completion, fault)
  end
end

local RANKED = { { "context", talk_of(OPENAI, "user") }, { "completions", completions } }

-- Columns that DPO rows may have besides, where the trainer takes them: what the ranking says, and who wrote the two.
local SCORES = { { "score_chosen", number_or_null }, { "score_rejected", number_or_null },
  { "margin", number_or_null } }
local MODELS = { { "chosen_model", text_or_null }, { "rejected_model", text_or_null } }

---@type table<"scores"|"models"|"tools", { [1]: string, [2]: function }[]>
shape.more = { scores = SCORES, models = MODELS, tools = { { "tools", list_or_null } } }

--- Which of them a format's trainer takes.
shape.takes = { ["trl"] = { scores = true, models = true, tools = true },
  ["trl-conversational"] = { scores = true, models = true, tools = true },
  ["llama-factory"] = { scores = true, models = true, tools = true },
  ["llama-factory-sharegpt"] = { scores = true, models = true, tools = true },
  ["axolotl"] = {} }

--- Formats whose tools are a text.
shape.tools_as_text = { ["llama-factory"] = true, ["llama-factory-sharegpt"] = true }

-- Columns of each format and kind, with what checks each.
---@type table<string, table<"dpo"|"kto"|"sft"|"ranked", { [1]: string, [2]: function }[]>>
shape.columns = {
  ["trl"] = {
    dpo = { { "prompt", text }, { "chosen", text }, { "rejected", text } },
    kto = { { "prompt", text }, { "completion", text }, { "label", boolean } },
    sft = { { "prompt", text }, { "completion", text } },
  },
  ["trl-conversational"] = {
    dpo = { { "prompt", talk_of(OPENAI, "user") }, { "chosen", answer_list }, { "rejected", answer_list } },
    kto = { { "prompt", talk_of(OPENAI, "user") }, { "completion", answer_list }, { "label", boolean } },
    sft = { { "prompt", talk_of(OPENAI, "user") }, { "completion", answer_list } },
  },
  ["llama-factory"] = {
    dpo = { { "instruction", text }, { "input", any_text }, { "chosen", text }, { "rejected", text } },
    kto = { { "instruction", text }, { "input", any_text }, { "output", text }, { "kto_tag", boolean } },
    sft = { { "instruction", text }, { "input", any_text }, { "output", text } },
  },
  ["llama-factory-sharegpt"] = {
    dpo = { { "conversations", talk_of(SHAREGPT, "user") }, { "chosen", answer(SHAREGPT, "gpt") },
      { "rejected", answer(SHAREGPT, "gpt") } },
    kto = { { "conversations", talk_of(SHAREGPT, "assistant") }, { "kto_tag", boolean } },
    sft = { { "conversations", talk_of(SHAREGPT, "assistant") } },
  },
  ["axolotl"] = {
    dpo = { { "messages", talk_of(OPENAI, "user") }, { "chosen", answer(OPENAI, "assistant") },
      { "rejected", answer(OPENAI, "assistant") } },
    kto = { { "prompt", text }, { "completion", text }, { "label", boolean } },
  },
}

for name, kinds in pairs(shape.columns) do
  kinds.ranked = RANKED
  kinds.sft = kinds.sft or { { "messages", talk_of(OPENAI, "assistant") } } -- Axolotl's
  for _, kind in ipairs { "dpo", "kto", "sft" } do
    local more = { tools = shape.takes[name].tools, scores = kind == "dpo" and shape.takes[name].scores,
      models = kind == "dpo" and shape.takes[name].models }
    kinds[kind].more = {}
    for set, columns in pairs(shape.more) do
      for _, column in ipairs(more[set] and columns or {}) do kinds[kind].more[column[1]] = column[2] end
    end
    if more.tools and shape.tools_as_text[name] then kinds[kind].more.tools = tools_text end
  end
end

--- The names of a format's columns, in order.
---@param format string
---@param kind "dpo"|"kto"|"sft"|"ranked"
---@param more? string[] which of shape.more come after them
---@return string[]
function shape.names(format, kind, more)
  local names = {}
  for i, column in ipairs(shape.columns[format][kind]) do names[i] = column[1] end
  for _, set in ipairs(kind == "dpo" and more or {}) do
    for _, column in ipairs(shape.more[set]) do names[#names + 1] = column[1] end
  end
  return names
end

--- The text of an answer in whatever form.
---@param value any
---@return string?
function shape.answer_text(value)
  if type(value) == "string" then return value end
  if not (is_list(value) or is_object(value)) then return nil end
  local first = is_list(value) and value[1] or value
  if not is_object(first) then return nil end
  local found = first.content or first.value
  return type(found) == "string" and found or nil
end

--- Checks a row against a format.
---@param columns { [1]: string, [2]: function }[]
---@param row table
---@param fault fellowship.Fault
function shape.check(columns, row, fault)
  local known = {}
  for _, column in ipairs(columns) do
    known[column[1]] = true
    if row[column[1]] == nil then
      fault(('the column "%s" is missing'):format(column[1]))
    else
      column[2](column[1], row[column[1]], fault)
    end
  end
  for _, key in ipairs(json.keys(row)) do
    local check_more = not known[key] and columns.more and columns.more[key]
    if check_more then check_more(key, row[key], fault)
    elseif not known[key] then fault(('the column "%s" does not belong to the format'):format(key)) end
  end
  local chosen, rejected = shape.answer_text(row.chosen), shape.answer_text(row.rejected)
  if chosen and rejected and trim(chosen) == trim(rejected) then
    fault "chosen and rejected are the same text"
  end
end

--- The format and kind that a row's columns show; nil when they show none.
---@param row table
---@return string? format
---@return "dpo"|"kto"|nil kind
function shape.detect(row)
  local best
  for _, format in ipairs { "trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl" } do
    for _, kind in ipairs { "dpo", "kto" } do
      local all, sound = true, true
      for _, column in ipairs(shape.columns[format][kind]) do
        if row[column[1]] == nil then all = false break end
        column[2](column[1], row[column[1]], function() sound = false end)
      end
      if all and sound then return format, kind end
      if all and not best then best = { format, kind } end
    end
  end
  if best then return best[1], best[2] end
end

return shape
