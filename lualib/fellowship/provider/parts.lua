-- What a message says: a text, or a list of parts, as Mistral, OpenAI's Responses and others write it, whole or piece by
-- piece. Text, thoughts and refusals are told apart, whatever the parts are called.

local json = require "fellowship.core.json"

local parts = {}

-- ---- texts that come in pieces ----

-- A text that is not put together before it is whole: as long as its pieces, however many these are.
local Pieces = { __name = "fellowship.pieces" }

--- Adds to a field of a message that is streamed.
---@param message table
---@param name string
---@param more any what is no text is left out
function parts.add(message, name, more)
  if type(more) ~= "string" or more == "" then
    if more == "" and message[name] == nil then message[name] = "" end
    return
  end
  local held = message[name]
  if getmetatable(held) == Pieces then held[#held + 1] = more
  else message[name] = setmetatable({ type(held) == "string" and held or "", more }, Pieces) end
end

-- Halves of a character beyond the first 65,536 of Unicode, as JSON escapes them one by one: servers that count in such
-- units cut between them.
local HIGH, PAIR = "\xED[\xA0-\xAF][\x80-\xBF]", "\xED([\xA0-\xAF])([\x80-\xBF])\xED([\xB0-\xBF])([\x80-\xBF])"

local function character(a, b, c, d)
  local first, second = (a:byte() - 0xA0) << 6 | b:byte() & 0x3F, (c:byte() & 0x0F) << 6 | d:byte() & 0x3F
  return utf8.char(0x10000 + (first << 10 | second))
end

--- A text with its halves put together, and the half that stands at its end and waits for another one.
---@param text string
---@return string text
---@return string half "" for none
function parts.halves(text)
  if not text:find("\xED", 1, true) then return text, "" end
  text = text:gsub(PAIR, character)
  local half = text:match(HIGH .. "$")
  return half and text:sub(1, -4) or text, half or ""
end

--- A text, also one that came in pieces; nil when it is none.
---@param value any
---@return string?
function parts.text(value)
  if type(value) == "string" then return value end
  if getmetatable(value) ~= Pieces then return nil end
  local text, half = parts.halves(table.concat(value))
  return text .. half
end

-- ---- parts ----

-- Where parts have what they say, by their type: the documents of OpenAI (chat, Responses), Mistral, Anthropic, Cohere.
local TEXT = { text = true, output_text = true, input_text = true, summary_text = false, thinking = false,
  reasoning = false, reasoning_text = false, redacted_thinking = false, refusal = true }
local FIELDS = { "text", "thinking", "reasoning", "content", "summary" }

local read_part

--- The texts of a list or a text that stands within a thought.
local function flat(value)
  if parts.text(value) then return parts.text(value) end
  if type(value) ~= "table" then return "" end
  local texts = {}
  for _, part in ipairs(value[1] ~= nil and value or { value }) do
    local text, thought = read_part(part)
    texts[#texts + 1] = text or thought
  end
  return table.concat(texts)
end

--- What a part says: a text, or a thought, or a refusal. Raises what is wrong with it.
function read_part(part)
  if type(part) == "string" then return part end
  if type(part) ~= "table" then error("a part of the content is " .. json.encode(part), 0) end
  local kind = parts.text(part.type) or part.thought == true and "thinking" or "text" -- the latter: Gemini
  local is_text = TEXT[kind]
  if kind == "refusal" then return nil, nil, parts.text(part.refusal) or parts.text(part.text) end
  if is_text == nil and not (kind:find("think", 1, true) or kind:find("reason", 1, true)) then
    return nil -- an image, a reference, a call of a tool
  end
  if is_text then
    local text = parts.text(part.text) or parts.text(part.content)
      or type(part.text) == "table" and parts.text(part.text.value) -- of OpenAI's assistants
    if part.text == json.null then return nil end
    if not text and part.type == nil and part.text == nil then return nil end -- Gemini's calls of functions, and such
    if not text then error(("a part of the content that is a text has none: %s"):format(json.encode(part)), 0) end
    return text
  end
  for _, name in ipairs(FIELDS) do
    local said = part[name] ~= nil and part[name] ~= json.null and flat(part[name])
    if said and said ~= "" then return nil, said end
  end
  return nil, ""
end

local function joined(list)
  return #list > 0 and table.concat(list) or nil
end

--- Text, thoughts and refusal of a content; each nil when there is none. Raises a text that says what is wrong when it
--- makes no sense.
---@param value any a text, a part or a list of parts
---@return string? text
---@return string? thought
---@return string? refusal
function parts.read(value)
  local text = parts.text(value)
  if text or value == nil or value == json.null then return text end
  if type(value) ~= "table" then error("the content is " .. json.encode(value), 0) end
  local texts, thoughts, refusals = {}, {}, {}
  for _, part in ipairs(value.type ~= nil and { value } or value) do
    local said, thought, refusal = read_part(part)
    texts[#texts + 1], thoughts[#thoughts + 1], refusals[#refusals + 1] = said, thought, refusal
  end
  return joined(texts), joined(thoughts), joined(refusals)
end

return parts
