---@meta fellowship.core.events
-- luacheck: ignore 212

---Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6), cut out of
---bytes however the network parts them.
---@class fellowship.core.events
local events = {}

---@class fellowship.events.cutter: userdata
local cutter = {}

---A cutter of one stream.
---
---    local cutter = require("fellowship.core.events").cutter()
---    print(cutter:take("data: a\n\ndata: b")[1].data, #cutter:take("\n\n")) --> a 1
---@return fellowship.events.cutter
function events.cutter() end

---Takes bytes. Gives the events that are whole now. Comments (keep-alive) and events without data are left
---out. What stands unfinished at the end counts where it has data: then the server left out the last empty
---line, though the standard drops it.
---@param bytes string
---@param ended? boolean no more will come
---@return { name: string?, data: string }[]
function cutter:take(bytes, ended) end

---Frees what it holds.
function cutter:close() end

return events
