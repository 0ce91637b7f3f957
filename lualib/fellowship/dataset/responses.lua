-- Several responses to one prompt, in the columns that rows have them in: a list, numbered columns, or one for each row of
-- a file in which an id stands several times; and who wrote each, where that is told.

local json = require "fellowship.core.json"
local contents = require "fellowship.base.content"
local errors = require "fellowship.base.errors"
local join = require "fellowship.dataset.join"
local rows = require "fellowship.dataset.rows"

local present = contents.present

local responses = {}

---@class fellowship.GivenResponse
---@field text string
---@field model string? who wrote it

-- fellowship's own and vLLM's, UltraFeedback's, Nectar's; and what an element that is an object calls its text.
local LISTS = { "responses", "completions", "answers", "candidates", "generations", "outputs" }
local TEXTS = { "response", "text", "completion", "content", "answer", "output", "generated_text" }
local MODELS = { "model", "model_name", "generator", "source" }
local NUMBERED = { "response_%d", "response%d", "output_%d", "completion_%d", "answer_%d" }
local LETTERS = { "response_%s", "answer_%s", "completion_%s" }

local function text_in(row, names)
  for _, name in ipairs(names) do
    local value = present(row[name])
    if type(value) == "string" then return value, name end
  end
end

--- An element of a list: a text, an object, or the messages of an answer.
local function element(value)
  if type(value) == "string" then return { text = value } end
  if type(value) ~= "table" then return nil end
  local text = text_in(#value > 0 and type(value[#value]) == "table" and value[#value] or value, TEXTS)
  return text and { text = text, model = text_in(value, MODELS) }
end

local function fail(row, number, message, ...)
  errors.raise { kind = "data", message = ("%s: "):format(rows.origin(row, number)) .. message:format(...) }
end

--- A list of responses; its models may stand in a list beside it.
local function from_list(row, number, column, value)
  if type(value) == "string" then value = json.decode(value) or value end
  if type(value) ~= "table" or not json.is_array(value) then
    fail(row, number, 'the field "%s" is no list of responses', column)
  end
  local list, models = {}, present(row.models)
  for i, each in ipairs(value) do
    if present(each) ~= nil then
      local found = element(each)
      if not found then
        fail(row, number, 'the field "%s": response %d is no text, and no object with one', column, i)
      end
      if not found.model and type(models) == "table" and type(models[i]) == "string" then found.model = models[i] end
      list[#list + 1] = found
    end
  end
  return list
end

local function from_columns(row, columns)
  local list = {}
  for _, column in ipairs(columns) do
    local found = element(present(row[column]))
    if found then
      found.model = found.model or column
      list[#list + 1] = found
    end
  end
  return list
end

--- Names of numbered columns that a row has, from 0 or 1 on, or a, b, c.
local function numbered(row)
  for _, form in ipairs(NUMBERED) do
    local names = {}
    for i = 0, #json.keys(row) do
      local name = form:format(i)
      if type(present(row[name])) == "string" then names[#names + 1] = name end
    end
    if #names > 1 then return names end
  end
  for _, form in ipairs(LETTERS) do
    local names = {}
    for letter in ("abcdefghijklmnop"):gmatch "." do
      local name = form:format(letter)
      if type(present(row[name])) == "string" then names[#names + 1] = name end
    end
    if #names > 1 then return names end
  end
end

--- The responses that a row holds: those of the columns that are named, a list, numbered columns, or else one.
---@param row table
---@param number integer
---@param o { columns: string[]?, reading: fellowship.Reading } which columns hold them; what reads a single one
---@return fellowship.GivenResponse[]
function responses.of_row(row, number, o)
  if o.columns then
    for _, column in ipairs(o.columns) do
      if row[column] == nil then
        fail(row, number, 'the field "%s" is missing (the row has: %s)', column, table.concat(json.keys(row), ", "))
      end
    end
    local only = #o.columns == 1 and present(row[o.columns[1]])
    if only and (type(only) == "table" or only:find "^%s*%[") then
      return from_list(row, number, o.columns[1], only)
    end
    return from_columns(row, o.columns)
  end
  for _, column in ipairs(LISTS) do
    local value = present(row[column])
    if value ~= nil and (type(value) == "table" or type(json.decode(tostring(value))) == "table") then
      return from_list(row, number, column, value)
    end
  end
  local names = numbered(row)
  if names then return from_columns(row, names) end
  return { { text = o.reading:response(row, number), model = text_in(row, MODELS) } }
end

---@class fellowship.ResponseFile responses by the id of their prompts
local ResponseFile = {}
ResponseFile.__index = ResponseFile

--- Takes up all responses of a file.
---@param source fellowship.Rows
---@param o { columns: string[]?, reading: fellowship.Reading, name: string } the file's name, for messages
---@return fellowship.ResponseFile
function responses.read(source, o)
  local self = setmetatable({ name = o.name, by_id = {}, count = 0 }, ResponseFile)
  for row, number in source do
    local key = join.key(o.reading:id(row, number))
    local list = self.by_id[key] or {}
    self.by_id[key] = list
    for _, given in ipairs(responses.of_row(row, number, o)) do
      list[#list + 1], self.count = given, self.count + 1
    end
  end
  return self
end

--- Those with an id; none is an empty list.
---@param id any
---@return fellowship.GivenResponse[]
function ResponseFile:find(id)
  return self.by_id[join.key(id)] or {}
end

return responses
