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

-- Columns of each format and kind, with what checks each.
---@type table<string, table<"dpo"|"kto", { [1]: string, [2]: function }[]>>
shape.columns = {
  ["trl"] = {
    dpo = { { "prompt", text }, { "chosen", text }, { "rejected", text } },
    kto = { { "prompt", text }, { "completion", text }, { "label", boolean } },
  },
  ["trl-conversational"] = {
    dpo = { { "prompt", talk_of(OPENAI, "user") }, { "chosen", answer_list }, { "rejected", answer_list } },
    kto = { { "prompt", talk_of(OPENAI, "user") }, { "completion", answer_list }, { "label", boolean } },
  },
  ["llama-factory"] = {
    dpo = { { "instruction", text }, { "input", any_text }, { "chosen", text }, { "rejected", text } },
    kto = { { "instruction", text }, { "input", any_text }, { "output", text }, { "kto_tag", boolean } },
  },
  ["llama-factory-sharegpt"] = {
    dpo = { { "conversations", talk_of(SHAREGPT, "user") }, { "chosen", answer(SHAREGPT, "gpt") },
      { "rejected", answer(SHAREGPT, "gpt") } },
    kto = { { "conversations", talk_of(SHAREGPT, "assistant") }, { "kto_tag", boolean } },
  },
  ["axolotl"] = {
    dpo = { { "messages", talk_of(OPENAI, "user") }, { "chosen", answer(OPENAI, "assistant") },
      { "rejected", answer(OPENAI, "assistant") } },
    kto = { { "prompt", text }, { "completion", text }, { "label", boolean } },
  },
}

--- The names of a format's columns, in order.
---@param format string
---@param kind "dpo"|"kto"
---@return string[]
function shape.names(format, kind)
  local names = {}
  for i, column in ipairs(shape.columns[format][kind]) do names[i] = column[1] end
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
    if not known[key] then fault(('the column "%s" does not belong to the format'):format(key)) end
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
