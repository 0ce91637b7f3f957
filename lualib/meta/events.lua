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
---
---With a plan whose first path is that of a text, events that follow each other and differ in that text alone
---are one, of all that the plan names: `text` has their texts, `data` their data with line feeds between them,
---and from [2] on stand the plan's other values.
---@param bytes string
---@param ended? boolean no more will come
---@param plan? fellowship.json.plan
---@return { name: string?, data: string, text: string? }[]
function cutter:take(bytes, ended, plan) end

---Frees what it holds.
function cutter:close() end

return events
