-- The one door to standard output and standard error for what the library prints. Much of that was written by others
-- (models, servers, files, their names), and no control character of theirs reaches a terminal.

local sys = require "fellowship.core.sys"
local text = require "fellowship.base.text"

local say = {}

-- Each returns what the file's write does: nil and a message when it cannot.

--- Text for people, to standard error.
---@param ... string|number
function say.err(...) return io.stderr:write(text.printable(table.concat { ... })) end

--- Text for people, to standard output.
---@param ... string|number
function say.out(...) return io.stdout:write(text.printable(table.concat { ... })) end

--- Text for programs, to standard output: as it is, but on a terminal.
---@param ... string|number
function say.data(...)
  if sys.terminal(1) then return say.out(...) end
  return io.stdout:write(...)
end

--- What was written to standard output goes on now.
function say.flush() io.stdout:flush() end

--- As Lua's print; on a terminal without control characters. (io.write writes what it is given.)
---@param ... any
function say.print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  say.data(table.concat(parts, "\t", 1, parts.n), "\n")
end

return say
