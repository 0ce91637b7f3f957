-- The two forms in which answers are streamed, cut into events wherever the network cut them: server-sent events
-- (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6) and JSON Lines. Pure.

local events = {}

--- Whole lines of a text that comes in parts. A line ends in LF, CR LF or CR; a CR at the end of a part waits for
--- what follows it.
local function lines()
  local rest = ""
  return function(bytes, ended)
    rest = rest .. bytes
    local list, from = {}, 1
    while true do
      local at = rest:find("[\r\n]", from)
      if not at or (at == #rest and rest:sub(at) == "\r" and not ended) then break end
      list[#list + 1] = rest:sub(from, at - 1)
      from = at + (rest:sub(at, at + 1) == "\r\n" and 2 or 1)
    end
    rest = rest:sub(from)
    if ended and rest ~= "" then
      list[#list + 1], rest = rest, ""
    end
    return list
  end
end

--- A reader of server-sent events: give it bytes, and at the end "" and true; it gives the events that are whole,
--- { name =, data = }. Comments (keep-alive) and events without data are left out. What stands unfinished at the
--- end is dropped, as the standard says, unless `data` could be a whole one: then the server left out the last
--- empty line.
---@return fun(bytes: string, ended: boolean?): { name: string?, data: string }[]
function events.sse()
  local cut, name, data = lines(), nil, {}
  return function(bytes, ended)
    local list = {}
    local function close()
      if #data > 0 then list[#list + 1] = { name = name, data = table.concat(data, "\n") } end
      name, data = nil, {}
    end
    for _, line in ipairs(cut(bytes, ended)) do
      if line == "" then close() end
      local field, value = line:match "^([^:]+):? ?(.*)$"
      if field == "event" then name = value end
      if field == "data" then data[#data + 1] = value end
    end
    if ended then close() end
    return list
  end
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
