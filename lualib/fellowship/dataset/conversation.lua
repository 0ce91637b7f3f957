-- Prompts that are conversations: lists of messages in the forms that datasets have, and as text.

local json = require "fellowship.core.json"

local conversation = {}

---@class fellowship.Message
---@field role "system"|"user"|"assistant"
---@field content string

local KEYS = { "role", "content" }

-- Names of the roles: OpenAI's, and ShareGPT's.
local roles = { system = "system", developer = "system", user = "user", human = "user", assistant = "assistant",
  gpt = "assistant" }

--- The text of a message's content: a string, or OpenAI's list of parts, all of them texts.
local function text_of(content)
  if type(content) == "string" then return content end
  if type(content) ~= "table" or #content == 0 then return nil end
  local parts = {}
  for i, part in ipairs(content) do
    if type(part) ~= "table" or part.type ~= "text" or type(part.text) ~= "string" then return nil end
    parts[i] = part.text
  end
  return table.concat(parts)
end

--- Reads a list of messages, {role, content} or ShareGPT's {from, value}, into {role, content}.
---@param list table
---@return fellowship.Message[]? messages nil when it is none
---@return string? problem
function conversation.read(list)
  if #list == 0 then
    return nil, next(list) ~= nil and "it is an object, not a list of messages" or "the list of messages is empty"
  end
  local messages = {}
  for i, message in ipairs(list) do
    if type(message) ~= "table" then return nil, ("message %d is no object"):format(i) end
    local named = message.role or message.from
    if type(named) ~= "string" then return nil, ("message %d has no role"):format(i) end
    local role = roles[named]
    local content = text_of(message.content or message.value)
    if not role then
      return nil, ('message %d has the role "%s"; known are system, user and assistant'):format(i, named)
    end
    if not content then return nil, ("message %d (%s) has no content that is text"):format(i, role) end
    messages[i] = json.object({ role = role, content = content }, KEYS)
  end
  return messages
end

--- Why a conversation is none that models are trained on: an empty message, or roles that do not take turns.
---@param messages fellowship.Message[]
---@return string? problem
local function disorder(messages)
  local expected = "user"
  for i, message in ipairs(messages) do
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

--- The prompt that a conversation of a dataset holds: without the assistant's turns it ends with, since the
--- next answer is what models are asked for. One message of the user alone is its text.
---@param list table
---@return string|fellowship.Message[]|nil prompt
---@return string? problem
function conversation.prompt(list)
  local messages, problem = conversation.read(list)
  if not messages then return nil, problem end
  while #messages > 0 and messages[#messages].role == "assistant" do messages[#messages] = nil end
  if #messages == 0 or messages[#messages].role ~= "user" then return nil, "no message of the user to answer" end
  if #messages == 1 then return messages[1].content end
  return messages
end

--- The messages of a prompt, a list of our own.
---@param prompt string|fellowship.Message[]
---@return fellowship.Message[]
function conversation.messages(prompt)
  if type(prompt) == "string" then return { { role = "user", content = prompt } } end
  return table.move(prompt, 1, #prompt, 1, {})
end

local shown = { system = "System", user = "User", assistant = "Assistant" }

--- A conversation as text, turn by turn, each text as it stands; a text stays as it is.
---@param prompt string|fellowship.Message[]
---@return string
function conversation.text(prompt)
  if type(prompt) == "string" then return prompt end
  local parts = {}
  for i, message in ipairs(prompt) do
    if type(message) ~= "table" or type(message.content) ~= "string" then
      error(("turn %d of a conversation must be { role =, content = text }"):format(i), 0)
    end
    parts[i] = ("[%s]\n%s"):format(shown[message.role] or "Assistant", message.content)
  end
  return table.concat(parts, "\n\n")
end

return conversation
