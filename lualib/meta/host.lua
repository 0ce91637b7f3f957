---@meta fellowship.core.host
-- luacheck: ignore 212

---What the command line knows of the program that it runs in.
---@class fellowship.core.host
---@field home string folder that holds lualib and scripts
---@field version string
---@field program string as it was called
---@field executable string the path of its file
local host = {}

---Sets a function that is called, outside of any task, when an interrupt has ended the run.
---@param fn fun()?
function host.on_interrupt(fn) end

---Ends the run although tasks are left: they begin no call any more, and what is paid for is finished and stored.
function host.stop() end

---Whether the program has said on stderr that it was interrupted.
---@return boolean
function host.interrupt_told() end

return host
