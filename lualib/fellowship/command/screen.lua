-- What stands at the bottom of a terminal (a line that is typed, the progress of a run), while whatever else is
-- printed goes above it.

local say = require "fellowship.base.say"

local screen = {}

local methods = getmetatable(io.stdout).__index
local raw_write = methods.write
local at_start = true -- whether what was printed last ended its line

--- Writes past the screen.
---@param file file*
---@param ... string
function screen.raw(file, ...)
  return raw_write(file, ...)
end

--- Whether what was printed ended its line.
---@return boolean
function screen.at_start()
  return at_start
end

--- Says that the cursor is (or is not) at the start of a line.
---@param whether boolean
function screen.set_start(whether)
  at_start = whether
end

local function note_end(...)
  for i = select("#", ...), 1, -1 do
    local last = tostring((select(i, ...)))
    if last ~= "" then
      at_start = last:sub(-1) == "\n"
      return
    end
  end
end

--- Calls `before` ahead of everything that is printed with print, io.write or a method of io.stdout and io.stderr, and
--- `after` behind it. Returns a function that ends this.
---@param before fun()
---@param after fun(file: file*)
---@return fun()
function screen.share(before, after)
  local stdout, stderr, io_write, own_print = io.stdout, io.stderr, io.write, print
  local function write(file, ...)
    if file ~= stdout and file ~= stderr then return raw_write(file, ...) end
    before()
    local result, problem, code = raw_write(file, ...)
    note_end(...)
    after(file)
    return result, problem, code
  end
  methods.write = write
  rawset(io, "write", function(...) return write(io.output(), ...) end)
  rawset(_G, "print", say.print)
  return function()
    methods.write = raw_write
    rawset(io, "write", io_write)
    rawset(_G, "print", own_print)
  end
end

return screen
