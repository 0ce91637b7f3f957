-- Calls of tools in answers, in OpenAI's form whatever the provider. They are part of a completion where the script gave
-- tools; an answer that calls one without says nothing. Pure.

local json = require "fellowship.core.json"
local parts = require "fellowship.provider.parts"

local tools = {}

---@class fellowship.ToolCall
---@field id? string
---@field type "function"
---@field function { name: string, arguments: string } the arguments are JSON, as the model wrote it

--- Whether the script gave tools.
---@param how? fellowship.How
---@return boolean
function tools.were_given(how)
  return how ~= nil and how.params ~= nil and how.params.tools ~= nil
end

--- A call; nil where it has no name.
---@param id any
---@param name any
---@param arguments any a text of JSON, or what it says
---@return fellowship.ToolCall?
function tools.call(id, name, arguments)
  name = parts.text(name)
  if not name or name == "" then return nil end
  local text = parts.text(arguments)
  if not text then
    local is_none = arguments == nil or arguments == json.null or type(arguments) == "table" and next(arguments) == nil
    text = is_none and "{}" or json.encode(arguments)
  end
  return { id = parts.text(id), type = "function", ["function"] = { name = name, arguments = text } }
end

--- The calls of a message in OpenAI's form, also in the old one (`function_call`).
---@param message table
---@return fellowship.ToolCall[]
function tools.of_message(message)
  local list, given = {}, message.tool_calls
  if type(given) ~= "table" then given = { { ["function"] = message.function_call } } end
  for _, call in ipairs(given) do
    local fn = type(call) == "table" and call["function"]
    list[#list + 1] = type(fn) == "table" and tools.call(call.id, fn.name, fn.arguments) or nil
  end
  return list
end

--- Takes what is new of the calls of a message that is streamed: its parts are told apart by their index, or by an id
--- where a server leaves that out.
---@param message table
---@param deltas any
function tools.take(message, deltas)
  if type(deltas) ~= "table" then return end
  for _, delta in ipairs(deltas) do
    local fn = type(delta) == "table" and type(delta["function"]) == "table" and delta["function"] or {}
    local list = message.tool_calls or {}
    message.tool_calls = list
    local index = type(delta) == "table" and math.tointeger(delta.index)
    local is_new = not index and (#list == 0 or parts.text(delta.id) ~= nil and delta.id ~= list[#list].id)
    -- Calls stand in a list without holes.
    local at = is_new and #list + 1 or math.min(index and index >= 0 and index + 1 or #list, #list + 1)
    local call = list[at] or { ["function"] = {} }
    list[at] = call
    call.id = call.id or parts.text(delta.id)
    local whole = call["function"]
    whole.name = whole.name or parts.text(fn.name)
    if type(fn.arguments) == "table" then whole.arguments = fn.arguments
    else parts.add(whole, "arguments", fn.arguments) end
  end
end

--- Adds calls to a completion where the script gave tools. They are then what ended it.
---@param completion fellowship.Completion
---@param calls fellowship.ToolCall[]
---@return fellowship.Completion
function tools.add(completion, calls)
  if #calls > 0 then
    completion.tool_calls = json.array(calls)
    if completion.finish_reason ~= "length" then completion.finish_reason = "tool_calls" end
  end
  return completion
end

--- What an answer says in place of a text, in words.
---@param calls fellowship.ToolCall[]
---@param reasoning? string
---@return string
function tools.in_place_of_text(calls, reasoning)
  if calls[1] then
    return ("the answer calls a tool (%s) and says nothing"):format(calls[1]["function"].name)
  end
  return reasoning and "the answer has thoughts and no text" or "the answer is empty"
end

return tools
