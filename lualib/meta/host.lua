---@meta fellowship.core.host
-- luacheck: ignore 212

---What the command line knows of the program that it runs in.
---@class fellowship.core.host
---@field home string folder that holds lualib and scripts
---@field version string
local host = {}

---Sets a function that is called, outside of any task, when an interrupt has ended the run.
---@param fn fun()?
function host.on_interrupt(fn) end

return host
