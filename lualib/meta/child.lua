---@meta fellowship.core.child
-- luacheck: ignore 212

---Other programs, which run beside the loop: tasks wait for them, calls go on.
---@class fellowship.core.child
local child = {}

---A program that was started. It reads nothing. Closing it kills it, and whatever it started.
---@class fellowship.child: userdata
local program = {}

---Starts a program, which is found in the PATH.
---@param argv string[] the program and its arguments
---@param options? { output: boolean?, hide: string[]? } whether its output is wanted; names or patterns of variables of the environment that it must not see
---@return fellowship.child? child
---@return { kind: "file", message: string }? problem
function child.start(argv, options) end

---The path under which its output can be opened, while the child is open; nil when it is not wanted.
---@return string?
function program:output() end

---Waits for its end; the task is suspended.
---@return integer? status nil when a signal ended it
---@return string complaint what it wrote to its standard error, the last of it; or the signal
function program:wait() end

---Kills it if it has not ended.
function program:close() end

return child
