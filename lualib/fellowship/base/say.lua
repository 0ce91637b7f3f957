-- The one door to standard output and standard error for what the library prints. Much of that was written by others
-- (models, servers, files, their names), and no control character of theirs reaches a terminal.

local sys = require "fellowship.core.sys"
local text = require "fellowship.base.text"

local say = {}

-- Each returns what the file's write does: nil and a message when it cannot.

--- Text for people, to standard error.
---@param ... string|number
function say.err(...) return io.stderr:write(text.printable(table.concat { ... })) end

-- Columns that what goes on of a line stands further right.
local HANGING = 2

--- Lines folded between words to a width; what goes on of a line stands a little right of it.
local function folded(said, width)
  local lines = {}
  for line in (said .. "\n"):gmatch "([^\n]*)\n" do
    local indent = line:match "^ *"
    local whole = text.columns(line) <= width
    local rest, room = line:sub(#indent + 1), math.max(1, width - #indent - HANGING)
    local parts = whole and { rest } or text.wrap(rest, room)
    for i, part in ipairs(parts) do lines[#lines + 1] = indent .. (i > 1 and (" "):rep(HANGING) or "") .. part end
  end
  return table.concat(lines, "\n")
end

--- A message for people, to standard error: behind the program's name, and on a terminal in lines that it has room for.
---@param said string
function say.note(said)
  local width = sys.terminal(2)
  said = "fellowship: " .. text.printable(said)
  return say.err(width and folded(said, width) or said, "\n")
end

--- What came out, to standard output: on a terminal in words, else as the line of JSON that programs read.
---@param said string
---@param line string
function say.result(said, line)
  local width = sys.terminal(1)
  if width then return say.out(folded(text.printable(said), width), "\n") end
  return say.data(line, "\n")
end

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
