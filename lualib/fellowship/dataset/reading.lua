-- What the rows of a dataset mean: which of their columns hold the prompt, the responses and the id, as people name
-- them. One reading serves a run; it says once which columns it took, and each can be named by an option.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local contents = require "fellowship.base.content"
local columns_of = require "fellowship.dataset.columns"
local conversation = require "fellowship.dataset.conversation"
local pairs_of = require "fellowship.dataset.pairs"
local rows = require "fellowship.dataset.rows"

local get, present = columns_of.get, contents.present

local reading = {}

-- Where a prompt is looked for, in this order: texts or conversations; and what other columns make up for.
local PROMPTS = { "prompt", "instruction", "question", "query", "messages", "conversations", "conversation", "history",
  "input", "context" }
-- Where nothing else is known to hold it.
local PERHAPS = { "problem", "dialogue", "dialog", "contents", "turns", "question_body", "body" }
local TALKS = { messages = true, conversations = true, conversation = true, context = true, dialogue = true,
  dialog = true, contents = true }
local RESPONSES = { "response", "output", "completion", "answer", "generation", "generated_text", "model_output" }
local IDS = { "id", "key", "uid", "uuid", "prompt_id", "custom_id" }
-- What stands below an instruction: Alpaca's input, Dolly's context.
local INPUTS = { "input", "context" }
local SYSTEMS = { "system", "system_prompt" }

---@class fellowship.Reading
---@field columns table<string, string> the columns that were named, by what they hold
---@field options table<string, string> the option that names each
---@field tell fun(text: string)
---@field taken table<string, boolean> the columns that were read so far
local Reading = {}
Reading.__index = Reading
Reading.__name = "fellowship.Reading"

--- Begins to read a dataset's rows.
--- Example:
---     local reading = fellowship.reading { columns = { prompt = "task" } }
---     print(reading:prompt({ task = "Name a river." }, 0)) --> Name a river.
---@param o? { columns: table<string, string>?, options: table<string, string>?, tell: fun(text: string)? } columns by name; the options that give them, for messages; who hears which columns are read
---@return fellowship.Reading
function reading.new(o)
  o = o or {}
  return setmetatable({ columns = o.columns or {}, options = o.options or {}, tell = o.tell or function() end,
    told = {}, noted = {}, taken = {}, news = {}, at_once = {} }, Reading)
end

-- ---- which columns ----

local function quoted(...)
  return '"' .. table.concat({ ... }, '" + "') .. '"'
end

--- Remembers what columns, called so to the letter, something was read from last.
local function remember(self, what, from)
  local last = { from = from }
  for column in from:gmatch '"([^"]+)"' do last[#last + 1] = column end
  self.at_once[what] = last
end

--- Whether something is read from the same columns as in the row before, as it is in most rows.
local function is_as_before(self, row, what, from)
  local last = self.at_once[what]
  if not last or last.from ~= from then return false end
  for i = 1, #last do
    if row[last[i]] == nil then return false end
  end
  return true
end

--- Takes down from where something of a row is read, the first time that it is read from there.
local function note(self, row, what, asked)
  if is_as_before(self, row, what, asked) then return end
  local from = asked:gsub('"([^"]+)"', function(column) return quoted(columns_of.named(row, column)) end)
  if from == asked then remember(self, what, from) end
  local key = what .. "\0" .. from
  if self.noted[key] then return end
  self.noted[key] = true
  for column in from:gmatch '"([^"]+)"' do self.taken[column] = true end
  self.news[#self.news + 1] = { what = what, from = from }
end

--- Tells what was taken down; where it is not of the first row, with the row that is read otherwise.
local function tell(self, row, number)
  if #self.news == 0 then return end
  local parts, other = {}, false
  for i, new in ipairs(self.news) do
    parts[i] = ("%s from %s"):format(new.what, new.from)
    other = other or self.told[new.what]
    self.told[new.what] = true
  end
  self.news = {}
  self.tell((other and rows.origin(row, number) .. ": " or "") .. "reading " .. table.concat(parts, ", "))
end

--- The first of some columns that is there; one that holds more than "" where there is such a one.
local function first_of(row, names)
  local empty
  for _, name in ipairs(names) do
    local value = get(row, name)
    if value ~= nil and value ~= "" then return name, value end
    if value == "" then empty = empty or name end
  end
  return empty, empty and ""
end

--- Raises an error that fails the row, about what it should hold.
local function fail(self, row, number, what, problem, ...)
  local option = self.options[what]
  errors.raise { kind = "data", message = ("%s: %s%s"):format(rows.origin(row, number), problem:format(...),
    option and ("; --%s NAME says which field holds the %s"):format(option, what:gsub("_", " ")) or "") }
end

-- Fields that hold a dataset's rows, where a file is one object.
local WRAPPERS = { "data", "rows", "examples", "items", "records", "instances", "train" }

--- What a row has, and what to do where it seems to hold the rows.
local function held(row)
  for _, name in ipairs(WRAPPERS) do
    local list = row[name]
    if type(list) == "table" and type(list[1]) == "table" then
      return ('(the row has: %s; if its "%s" holds the rows, jq -c \'.%s[]\' makes lines of them)'):format(
        table.concat(json.keys(row), ", "), name, name)
    end
  end
  return ("(the row has: %s)"):format(table.concat(json.keys(row), ", "))
end

-- What writes rows where pandas wrote columns.
local AS_ROWS = "all fields of the row are lists of one length, or objects of numbered values: the file "
  .. "holds columns, not rows (pandas writes rows with to_json(path, orient=\"records\", lines=True))"

--- Whether an object holds columns: { "prompt": ["a", "b"], "id": [1, 2] }, { "prompt": { "0": "a", "1": "b" } }.
local function holds_columns(row)
  local length, any
  for _, name in ipairs(json.keys(row)) do
    local column = row[name]
    if type(column) ~= "table" then return false end
    local count = 0
    for key, value in pairs(column) do
      if not (math.type(key) or tostring(key):find "^%d+$") or type(value) == "table" then return false end
      count, any = count + 1, any or value ~= json.null
    end
    if count == 0 or length and count ~= length then return false end
    length = count
  end
  return length ~= nil and any == true
end

local function is_a(value)
  if value == nil then return "missing" end
  if value == json.null then return "null" end
  return "a " .. type(value)
end

--- The value of the column that was named for `what`; raises when it is not there.
local function named(self, row, number, what)
  local column = self.columns[what]
  local value = get(row, column)
  if value == nil then
    fail(self, row, number, what, 'the field "%s" is %s %s', column, is_a(row[columns_of.named(row, column)]),
      held(row))
  end
  return column, value
end

-- ---- the id ----

--- A row's id, or its number in the dataset where it has none.
--- Example: `print(fellowship.reading():id({ key = "sea" }, 0)) --> sea`
---@param row table
---@param number integer
---@return any
function Reading:id(row, number)
  for _, name in ipairs(self.columns.id and { self.columns.id } or IDS) do
    local value = get(row, name)
    if value ~= nil and (self.columns.id or type(value) ~= "table") then
      note(self, row, "id", quoted(name))
      return value
    end
  end
  note(self, row, "id", "the row's number")
  return number
end

--- A column of ids that was named must be there; and once a row is read, that is told.
local function conclude(self, row, number)
  if self.columns.id then named(self, row, number, "id") end
  self:id(row, number)
  tell(self, row, number)
end

-- ---- the prompt ----

--- The column of what stands beside a prompt, when it holds a text: the one that was named, or one of those known.
local function beside(self, row, what, known, wanted)
  local column = self.columns[what]
  if column == nil and wanted then column = first_of(row, known) end
  local value = column and get(row, column)
  if type(value) == "string" and value ~= "" then return column, value end
end

--- A prompt that is a text: with the input below an instruction, and the system's text before it.
local function from_text(self, row, column, text)
  local asked = self.columns.prompt ~= nil
  local talk = not asked and conversation.transcript(text)
  if talk then return conversation.simplest(talk), quoted(column) .. " as a transcript" end
  local from = { column }
  local below, input = beside(self, row, "input", INPUTS, column == "instruction")
  if below and below ~= column then
    text, from[2] = text .. "\n" .. input, below
  end
  local above, system = beside(self, row, "system", SYSTEMS, not asked and column ~= "prompt")
  if not above then return text, quoted(table.unpack(from)) end
  return { { role = "system", content = system }, { role = "user", content = text } },
    quoted(above, table.unpack(from))
end

--- A prompt that is a list of messages, maybe written as JSON.
local function from_talk(self, row, column, value)
  if type(value) == "string" then
    local list = json.decode(value)
    if type(list) ~= "table" then return nil, "it is a text, not a list of messages" end
    value = list
  end
  if type(present(value.full_text)) == "string" then return value.full_text, quoted(column) end -- WebGPT's question
  -- a request of OpenAI's API, as its batches and its preference fine-tuning have it
  if #value == 0 and type(present(value.messages)) == "table" then value = value.messages end
  local prompt, problem = conversation.prompt(value)
  if not prompt then return nil, problem end
  local above, system = beside(self, row, "system", SYSTEMS, false)
  if not above then return prompt, quoted(column) end
  local messages = conversation.messages(prompt)
  table.insert(messages, 1, { role = "system", content = system })
  return messages, quoted(above, column)
end

--- Whether a prompt that is a text is but one turn of the conversation that chosen and rejected begin with.
local function is_turn_of(text, messages)
  if type(text) ~= "string" or type(messages) ~= "table" then return false end
  for _, message in ipairs(messages) do
    if message.content == text then return true end
  end
  return false
end

--- The user's turns alone, as MT-Bench's and Arena-Hard's questions have them; nil when it is something else.
local function turns_of(list)
  local turns = {}
  for i, turn in ipairs(type(list) == "table" and list or {}) do
    if type(turn) == "table" and turn.role == nil and turn.from == nil then turn = turn.content end
    if type(turn) ~= "string" then return nil end
    turns[i] = turn
  end
  return turns[1] and turns
end

--- The prompt of a row whose prompt column was not named, and from where it is.
local function found_prompt(self, row, number)
  local column, value = first_of(row, PROMPTS)
  local begin = pairs_of.beginning(row, self:pair_columns())
  if begin and (column == nil or is_turn_of(value, begin)) then
    return begin, ('what "%s" and "%s" begin with'):format(self:answer_columns())
  end
  if column == nil then column, value = first_of(row, PERHAPS) end
  if column == nil then
    fail(self, row, number, "prompt", "no prompt: there is none of %s, %s %s", table.concat(PROMPTS, ", "),
      table.concat(PERHAPS, ", "), held(row))
  end
  local arena = column == "prompt" and pairs_of.arena(row)
  local turns = arena and arena.prompts or column == "turns" and turns_of(value)
  if turns and #turns == 1 then return turns[1], ('"%s" as a list of one turn'):format(column) end
  if turns then
    fail(self, row, number, "prompt", "the prompt has %d turns, which hang on the responses between them", #turns)
  end
  return value, nil, column
end

--- The columns of the answers that were preferred and were not.
---@package
function Reading:pair_columns()
  return { chosen = self.columns.chosen or "chosen", rejected = self.columns.rejected or "rejected" }
end

---@package
function Reading:answer_columns()
  local columns = self:pair_columns()
  return columns.chosen, columns.rejected
end

local function prompt_of(self, row, number)
  local prompt, from, column, value
  if self.columns.prompt then
    column, value = named(self, row, number, "prompt")
  else
    prompt, from, column = found_prompt(self, row, number)
    value = prompt
    if from then return prompt, from end
  end
  if type(value) == "table" or TALKS[column] then
    prompt, from = from_talk(self, row, column, value)
    if not prompt then
      fail(self, row, number, "prompt", 'the field "%s" is no conversation: %s', column, holds_columns(row) and AS_ROWS
        or from)
    end
    return prompt, from
  end
  if type(value) ~= "string" then
    fail(self, row, number, "prompt", 'the field "%s" must be a text or messages; it is %s %s', column, is_a(value),
      held(row))
  end
  return from_text(self, row, column, value)
end

--- The prompt of a row: a text, or a conversation without the assistant's turns at its end. It stands in `prompt`,
--- `instruction` (with Alpaca's `input` below it, a line for itself), `question`, `messages`, `conversations` or the
--- like, or is what `chosen` and `rejected` begin with. Raises an error that fails the row.
--- Example: `print(fellowship.reading():prompt({ instruction = "Translate.", input = "Fluss" }, 0))`
---@param row table
---@param number integer
---@return string|fellowship.Message[]
function Reading:prompt(row, number)
  local prompt, from = prompt_of(self, row, number)
  note(self, row, "prompt", from)
  conclude(self, row, number)
  return prompt
end

-- ---- other columns ----

--- The field of a row that holds something; nil when the row has none, or null.
--- Example: `print(fellowship.reading():field({ human = "a" }, "human")) --> a`
---@param row table
---@param name string
---@return any
function Reading:field(row, name)
  return get(row, self.columns[name] or name)
end

--- A field that is a text; raises an error that fails the row, saying where it stands and what it has.
--- Example: `print(fellowship.reading():text({ title = "Rivers" }, 0, "title")) --> Rivers`
---@param row table
---@param number integer
---@param name string
---@return string
function Reading:text(row, number, name)
  local column = self.columns[name] or name
  local value = row[columns_of.named(row, column)]
  if type(value) == "string" then return value end
  fail(self, row, number, name, 'the field "%s" must be a text; it is %s %s', column, is_a(value), held(row))
end

--- The text of an answer: a text, or the assistant's message that ends a conversation.
local function answer_text(value, column)
  if type(value) == "string" and column == "chosen" then value = conversation.transcript(value, true) or value end
  if type(value) == "string" and TALKS[column] then value = json.decode(value) end
  if type(value) == "string" then return value end
  local messages = type(value) == "table" and conversation.read(value)
  local last = messages and messages[#messages]
  return last and last.role == "assistant" and type(last.content) == "string" and last.content or nil
end

--- A row's own response: `response`, the last of `responses`, `output`, `completion`, `answer`, or what was chosen.
--- Raises an error that fails the row.
--- Example: `print(fellowship.reading():response({ output = "The Rhine." }, 0)) --> The Rhine.`
---@param row table
---@param number integer
---@return string
function Reading:response(row, number)
  local column, value
  if self.columns.response then
    column, value = named(self, row, number, "response")
  else
    column, value = first_of(row, RESPONSES)
    local all = get(row, "responses")
    if (column == nil or column ~= "response") and type(all) == "table" and all[#all] ~= nil then
      column, value = "responses", all[#all]
    end
    if column == nil then column, value = first_of(row, { self:pair_columns().chosen }) end
    if column == nil then column, value = first_of(row, { "messages", "conversations", "conversation" }) end
  end
  local text = answer_text(value, column)
  if not text then
    fail(self, row, number, "response", "no response: there is no text in any of %s, responses, chosen, messages %s",
      table.concat(RESPONSES, ", "), held(row))
  end
  note(self, row, "response", quoted(column))
  conclude(self, row, number)
  return text
end

--- The two responses in the columns that were named, or have the names that this library's scripts write.
local function own_pair(self, row, number)
  local c = self.columns
  return { a = self:text(row, number, "response_a"), b = self:text(row, number, "response_b"),
    from = quoted(c.response_a or "response_a") .. " and " .. quoted(c.response_b or "response_b") }
end

--- The two responses of a row; raises when there are none.
local function responses_of(self, row, number, given)
  local named_ones, found, problem = self.columns.response_a or self.columns.response_b, nil, nil
  if not named_ones then found, problem = pairs_of.read(row, self:pair_columns(), given) end
  if found then return found end
  if named_ones or get(row, "response_a") ~= nil or get(row, "response_b") ~= nil then
    return own_pair(self, row, number)
  end
  fail(self, row, number, "response_a", "no two responses: %s %s", problem
    or "there is neither response_a and response_b nor chosen and rejected", held(row))
end

--- What a row compares: a prompt and two responses, or two conversations, in this library's own columns or those of
--- published preference sets (chosen and rejected in all their forms, and others). Raises an error that fails the row.
--- Example:
---     local pair = fellowship.reading():pair({ prompt = "Why?", response_a = "So.", response_b = "Thus." }, 0)
---     print(pair.a, pair.b)
---@param row table
---@param number integer
---@return { prompt: string|fellowship.Message[]|nil, a: string?, b: string?, conversation_a: fellowship.Message[]?, conversation_b: fellowship.Message[]?, reference: string? } pair what evaluators compare
---@return { label: "a"|"b"|"tie"|nil, names: { a: string, b: string }? } facts what the set says of them, and what stands behind a and b
function Reading:pair(row, number)
  local well, given, from = pcall(prompt_of, self, row, number)
  local found = responses_of(self, row, number, well and given or nil)
  local reference = self:field(row, "reference")
  local pair = { a = found.a, b = found.b, conversation_a = found.conversation_a, conversation_b = found.conversation_b,
    reference = type(reference) == "string" and reference or nil }
  if found.a then
    pair.prompt = found.prompt
    if pair.prompt == nil then
      if not well then error(given, 0) end
      pair.prompt = given
      note(self, row, "prompt", from)
    end
  end
  note(self, row, "responses", found.from)
  conclude(self, row, number)
  return pair, { label = found.label, names = found.names }
end

return reading
