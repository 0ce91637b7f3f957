---@meta fellowship.core.child
-- luacheck: ignore 212

---Other programs, which run beside the loop: tasks wait for them, calls go on.
---@class fellowship.core.child
local child = {}

---A program that was started. It reads nothing. Closing it kills it, and whatever it started.
---@class fellowship.child: userdata
local program = {}

---@class fellowship.child_options
---@field output? boolean whether its output is wanted
---@field hide? string[] names or patterns of variables of the environment that it must not see
---@field env? string[] variables that it sees besides, "NAME=value"
---@field log? string a file at whose end all that it writes is put, its complaints too
---@field shared? boolean it says what it says where this program does
---@field folder? string that it works in
---@field drains? boolean an interrupt that ends this run interrupts it, and the end of the run waits for it
---@field whole? boolean of one that drains: it is not interrupted, only waited for

---Starts a program, which is found in the PATH.
---@param argv string[] the program and its arguments
---@param options? fellowship.child_options
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

---Interrupts it, as Ctrl+C would.
function program:interrupt() end

---Kills it if it has not ended.
function program:close() end

return child
