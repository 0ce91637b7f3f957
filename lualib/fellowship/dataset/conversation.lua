-- Prompts that are conversations: lists of messages in the forms that datasets have, and as text.

local json = require "fellowship.core.json"
local contents = require "fellowship.base.content"

local present = contents.present

local conversation = {}

---@class fellowship.Message
---@field role "system"|"user"|"assistant"
---@field content fellowship.Content

local KEYS = { "role", "content" }

-- Names of the roles, in any case: OpenAI's, ShareGPT's and its variants', Gemini's, Cohere's, OpenAssistant's.
local roles = { system = "system", developer = "system", user = "user", human = "user", prompter = "user",
  assistant = "assistant", gpt = "assistant", chatgpt = "assistant", bing = "assistant", bard = "assistant",
  model = "assistant", bot = "assistant", chatbot = "assistant", ai = "assistant" }

-- Models by whose name a turn may be called: gpt4, GPT-3.5-turbo, claude-2, ...
local MODELS = { "^gpt[%d.-]", "^claude", "^gemini", "^llama", "^llm$" }

--- The role that a name stands for; nil when it is none of those known.
local function role_of(named)
  if roles[named] then return roles[named] end
  if #named > 64 then return nil end
  named = named:lower():match "^%s*(.-)%s*:?%s*$"
  for _, model in ipairs(MODELS) do
    if named:find(model) then return "assistant" end
  end
  return roles[named]
end

--- The turns of a list in which the two of them stand together, as Capybara has them: {input, output}.
local function unfolded(list)
  local first = list[1]
  if type(first) ~= "table" or present(first.input) == nil or first.role or first.from then return list end
  local turns = {}
  for i, both in ipairs(list) do
    if type(both) ~= "table" then return list end
    turns[#turns + 1] = { role = "user", content = both.input }
    local answer = present(both.output)
    if answer ~= nil or i < #list then turns[#turns + 1] = { role = "assistant", content = answer } end
  end
  return turns
end

--- The messages of a value that should be a list of them, as they stand.
local function listed(value)
  value = contents.without_nulls(value)
  if #value > 0 then return unfolded(value) end
  return nil, next(value) ~= nil and "it is an object, not a list of messages" or "the list of messages is empty"
end

--- The roles of messages, in order.
local function roles_of(list)
  local found = {}
  for i, message in ipairs(list) do
    if type(message) ~= "table" then return nil, ("message %d is no object"):format(i) end
    local named = present(message.role) or present(message.from) or present(message.speaker)
    if type(named) ~= "string" then return nil, ("message %d has no role"):format(i) end
    found[i] = role_of(named)
    if not found[i] then
      return nil, ('message %d has the role "%s"; known are system, user and assistant'):format(i, named)
    end
  end
  return found
end

-- What a message says stands in one of these: OpenAI's, ShareGPT's, OpenAssistant's, Gemini's, Cohere's.
local CONTENTS = { "content", "value", "text", "parts", "message" }

local function said_by(message)
  for _, name in ipairs(CONTENTS) do
    local value = present(message[name])
    if value ~= nil then return value end
  end
end

--- The first `count` messages as {role, content}; a message of the system that says nothing is none.
local function messages_of(list, roles_found, count)
  local messages = {}
  for i = 1, count do
    local role, value = roles_found[i], said_by(list[i])
    if role ~= "system" or value ~= nil then
      local content, problem = contents.read(value)
      if not content then return nil, ("message %d (%s) %s"):format(i, role, problem) end
      messages[#messages + 1] = json.object({ role = role, content = content }, KEYS)
    end
  end
  return messages
end

--- Reads a list of messages, {role, content}, ShareGPT's {from, value}, Gemini's {role, parts}, Cohere's {role, message}
--- or Capybara's {input, output}, into {role, content}. Null is the same as what is not there.
---@param value table
---@return fellowship.Message[]? messages nil when it is none
---@return string? problem
function conversation.read(value)
  local list, problem = listed(value)
  if not list then return nil, problem end
  local found
  found, problem = roles_of(list)
  if not found then return nil, problem end
  return messages_of(list, found, #list)
end

--- Why a conversation is none that models are trained on: an empty message, or roles that do not take turns.
---@param messages fellowship.Message[]
---@return string? problem
local function disorder(messages)
  local expected = "user"
  for i, message in ipairs(messages) do
    if type(message.content) ~= "string" then
      return ("message %d (%s) holds images, and preference sets hold texts"):format(i, message.role)
    end
    if not message.content:find "%S" then return ("message %d (%s) is empty"):format(i, message.role) end
    if message.role == "system" then
      if i > 1 then return ("message %d is a system message, which only the first can be"):format(i) end
    elseif message.role ~= expected then
      return ("message %d is the %s's where the %s's turn is"):format(i, message.role, expected)
    else
      expected = expected == "user" and "assistant" or "user"
    end
  end
end

--- Checks a prompt that goes into a preference set, where trainers want words and roles that take turns.
---@param prompt string|fellowship.Message[]
---@return string? problem nil when it is sound
function conversation.problem(prompt)
  if type(prompt) == "string" then return not prompt:find "%S" and "it is empty" or nil end
  return disorder(prompt)
end

--- The simplest form of a prompt: one message of the user that is a text is that text.
---@param messages fellowship.Message[]
---@return string|fellowship.Message[]
function conversation.simplest(messages)
  local only = #messages == 1 and messages[1]
  if only and only.role == "user" and type(only.content) == "string" then return only.content end
  return messages
end

--- The prompt that a conversation of a dataset holds: without the assistant's turns it ends with, since the
--- next answer is what models are asked for; these may say anything. One message of the user alone is its text.
---@param value table
---@return string|fellowship.Message[]|nil prompt
---@return string? problem
function conversation.prompt(value)
  local list, problem = listed(value)
  if not list then return nil, problem end
  local found
  found, problem = roles_of(list)
  if not found then return nil, problem end
  local count = #list
  while count > 0 and found[count] == "assistant" do count = count - 1 end
  if count == 0 or found[count] ~= "user" then return nil, "no message of the user to answer" end
  local messages
  messages, problem = messages_of(list, found, count)
  if not messages then return nil, problem end
  return conversation.simplest(messages)
end

--- The messages of a prompt, a list of our own.
---@param prompt string|fellowship.Message[]
---@return fellowship.Message[]
function conversation.messages(prompt)
  if type(prompt) == "string" then return { { role = "user", content = prompt } } end
  return table.move(prompt, 1, #prompt, 1, {})
end

-- ---- as text ----

local shown = { system = "System", user = "User", assistant = "Assistant" }

--- What a turn says as text, its images as "[image 1]", counted through the conversation; nil when it is none.
local function turn_text(message, count)
  if type(message) ~= "table" then return nil end
  local said = message.content
  if type(said) ~= "table" then return type(said) == "string" and said or nil, count end
  local parts = {}
  for i, part in ipairs(said) do
    if type(part) ~= "table" then return nil end
    if part.type == "image_url" then
      count = count + 1
      parts[i] = ("[image %d]"):format(count)
    elseif type(part.text) == "string" then parts[i] = part.text
    else return nil end
  end
  return table.concat(parts), count
end

--- A conversation as text, turn by turn, each text as it stands and images as their numbers; a text stays as it is.
---@param prompt string|fellowship.Message[]
---@return string
function conversation.text(prompt)
  if type(prompt) == "string" then return prompt end
  local parts, count = {}, 0
  for i, message in ipairs(prompt) do
    local said
    said, count = turn_text(message, count)
    if not said then error(("turn %d of a conversation must be { role =, content = text }"):format(i), 0) end
    parts[i] = ("[%s]\n%s"):format(shown[message.role] or "Assistant", said)
  end
  return table.concat(parts, "\n\n")
end

--- The images of a conversation, in order; nil when it has none.
---@param prompt string|fellowship.Message[]
---@return fellowship.Part[]?
function conversation.images(prompt)
  local images
  for _, message in ipairs(type(prompt) == "table" and prompt or {}) do
    for _, part in ipairs(type(message.content) == "table" and message.content or {}) do
      if part.type == "image_url" then
        images = images or {}
        images[#images + 1] = part
      end
    end
  end
  return images
end

--- What is said of a conversation that is shown as text: with its images behind it.
---@param text string
---@param images? fellowship.Part[]
---@return fellowship.Content
function conversation.with_images(text, images)
  if not images then return text end
  local parts = json.array { { type = "text", text = text } }
  table.move(images, 1, #images, 2, parts)
  return parts
end

-- ---- transcripts ----

local MARKS = { user = "\n\nHuman:", assistant = "\n\nAssistant:" }

--- The messages of a transcript as HH-RLHF and Nectar have them, "\n\nHuman: ...\n\nAssistant: ...": it begins so, and
--- a turn goes to the other one's mark. An empty turn of the assistant at the end is the answer that is asked for, and
--- left out.
---@param text string
---@param stripped? boolean the empty lines before its first mark may be gone
---@return fellowship.Message[]? messages nil when it is none
function conversation.transcript(text, stripped)
  if stripped and text:find "^Human:" and text:find(MARKS.assistant, 1, true) then text = "\n\n" .. text end
  if text:sub(1, #MARKS.user) ~= MARKS.user then return nil end
  local messages, role, other, at = {}, "user", "assistant", 1
  while at <= #text do
    local begin = at + #MARKS[role]
    local stop = text:find(MARKS[other], begin, true) or #text + 1
    if text:byte(begin) == 32 and begin < stop then begin = begin + 1 end
    messages[#messages + 1] = json.object({ role = role, content = text:sub(begin, stop - 1) }, KEYS)
    at, role, other = stop, other, role
  end
  local last = messages[#messages]
  if last.role == "assistant" and not last.content:find "%S" then messages[#messages] = nil end
  return messages
end

return conversation
