-- Where Anthropic's API is told to keep a prompt in its cache: it does not by itself, as others do. What is written costs a
-- quarter more, what is read a tenth: it pays for the beginning of a conversation that goes on, and for instructions
-- that come again with each row. Format: https://platform.claude.com/docs/en/build-with-claude/prompt-caching

local json = require "fellowship.core.json"

local caching = {}

-- A beginning that is shorter, in bytes, is not worth a block of its own: the API keeps none below 1,024 tokens.
local LEAST = 4096

local MARK = { type = "ephemeral" }

local function block(text, is_kept)
  return { type = "text", text = text, cache_control = is_kept and MARK or nil }
end

--- A message whose end is kept. The one that is given stays as it is.
local function kept(message)
  local content = message.content
  if type(content) == "string" then
    return { role = message.role, content = json.array { block(content, content ~= "") } }
  end
  local blocks = json.array {}
  for i, part in ipairs(content) do blocks[i] = part end
  local last, marked = blocks[#blocks], {}
  if not last then return message end
  for name, value in pairs(last) do marked[name] = value end
  marked.cache_control = MARK
  blocks[#blocks] = marked
  return { role = message.role, content = blocks }
end

--- A message cut at some places, kept up to the last of them.
local function cut(message, places)
  local blocks, from = json.array {}, 1
  for _, place in ipairs(places) do
    if place >= from and place < #message.content then
      blocks[#blocks + 1] = block(message.content:sub(from, place))
      from = place + 1
    end
  end
  if #blocks == 0 then return message end
  blocks[#blocks].cache_control = MARK
  blocks[#blocks + 1] = block(message.content:sub(from))
  return { role = message.role, content = blocks }
end

-- ---- instructions that come again ----

--- How many bytes two texts have in common at their beginning, by halves: a comparison of long texts is quick.
local function common(a, b)
  local low, high = 0, math.min(#a, #b)
  while low < high do
    local middle = (low + high + 1) // 2
    if a:sub(low + 1, middle) == b:sub(low + 1, middle) then low = middle else high = middle - 1 end
  end
  return low
end

--- The beginning that a text shares with those before it, in whole lines; nil while there is none. It only ever gets
--- shorter, so that what is written is read.
local function shared_head(q, text)
  local head = q.head
  if not head then
    q.head = #text >= LEAST and text or nil
    return nil
  end
  if text:sub(1, #head) == head and #head < #text then return q.head_is_shared and head or nil end
  local n = common(head, text)
  while n > 0 and text:byte(n) ~= 10 do n = n - 1 end
  if n < LEAST then return nil end
  q.head, q.head_is_shared = text:sub(1, n), true
  return q.head
end

-- ---- a request ----

--- Marks what of a request shall be kept.
---@param body table of Anthropic's; its messages are changed, not what they hold
---@param how fellowship.How
function caching.mark(body, how)
  if not how.may_cache or body.cache_control ~= nil then return end
  local messages, q = body.messages, how.quirks
  local last = messages[#messages]
  local is_text = type(last.content) == "string"
  if how.cuts and is_text then
    messages[#messages] = cut(last, how.cuts)
  elseif how.goes_on then
    messages[#messages] = kept(last)
  elseif how.goes_on == false and #messages > 2 then
    messages[#messages - 2] = kept(messages[#messages - 2])
  elseif type(body.system) == "string" and #body.system >= LEAST then
    if body.system == q.system_before then body.system = json.array { block(body.system, true) }
    else q.system_before = body.system end
  elseif #messages == 1 and is_text then
    local head = shared_head(q, last.content)
    if head then messages[1] = cut(last, { #head }) end
  end
end

return caching
