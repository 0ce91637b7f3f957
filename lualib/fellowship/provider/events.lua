-- The two forms in which answers are streamed, cut into events wherever the network cut them: server-sent events
-- (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6) and JSON Lines. Pure, and linear in the bytes
-- also where a line comes in thousands of parts.

local core = require "fellowship.core.events"

local events = {}

local BYTE_ORDER_MARK = "\xef\xbb\xbf"

--- Whole lines of a text that comes in parts. A line ends in LF, CR LF or CR; a CR at the end of a part ends its line,
--- and an LF that follows it belongs to it.
local function lines()
  local held, after_cr, begun = {}, false, false -- pieces of the line that has not ended
  local function whole(piece)
    if held[1] then
      held[#held + 1] = piece
      piece = table.concat(held)
      held = {}
    end
    -- Some servers begin with a byte order mark; the standard drops one.
    if not begun and piece:sub(1, 3) == BYTE_ORDER_MARK then piece = piece:sub(4) end
    begun = true
    return piece
  end
  return function(bytes, ended)
    local list, from = {}, 1
    if after_cr and bytes ~= "" then
      if bytes:byte(from) == 10 then from = from + 1 end
      after_cr = false
    end
    local has_cr = bytes:find("\r", 1, true)
    while true do
      local at = has_cr and bytes:find("[\r\n]", from) or not has_cr and bytes:find("\n", from, true)
      if not at then break end
      list[#list + 1] = whole(bytes:sub(from, at - 1))
      if bytes:byte(at) == 13 then
        if at == #bytes then after_cr = true
        elseif bytes:byte(at + 1) == 10 then at = at + 1 end
      end
      from = at + 1
    end
    if from <= #bytes then held[#held + 1] = bytes:sub(from) end
    if ended and #held > 0 then list[#list + 1] = whole "" end
    return list
  end
end

--- A reader of server-sent events: give it bytes, and at the end "" and true; it gives the events that are whole.
--- Comments (keep-alive) and events without data are left out. What stands unfinished at the end is dropped, as the
--- standard says, unless `data` could be a whole one: then the server left out the last empty line.
---@param plan? fellowship.json.plan by which events that differ in a text alone are put together
---@return fun(bytes: string, ended: boolean?): { name: string?, data: string, text: string? }[]
function events.sse(plan)
  local cutter = core.cutter()
  return function(bytes, ended) return cutter:take(bytes, ended, plan) end
end

--- The same for JSON Lines (NDJSON): an event is a line that is not blank.
---@return fun(bytes: string, ended: boolean?): { data: string }[]
function events.ndjson()
  local cut = lines()
  return function(bytes, ended)
    local list = {}
    for _, line in ipairs(cut(bytes, ended)) do
      if line:find "%S" then list[#list + 1] = { data = line } end
    end
    return list
  end
end

return events
