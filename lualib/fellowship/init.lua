-- fellowship: what a script requires. Each part is loaded when it is first used.

local parts = require "fellowship.parts"

---@class fellowship
---@field model fun(named: string|table, params?: table): fellowship.Model
---@field provider fun(options: fellowship.Provider)
---@field judge fun(options: table|string): fellowship.Judge
---@field jury fun(options: table): fellowship.Jury
---@field debate fun(options: table|string): fellowship.Debate
---@field feedback fun(options: table): fellowship.Loop
---@field candidates fun(options: table): fellowship.Candidates
---@field rubric fun(options: table): fellowship.Rubric
---@field evolve fun(options: table): fellowship.Evolver
---@field magpie fun(options: table): fellowship.Magpie
---@field preference table
---@field measure table
---@field contest table
---@field statistics table
---@field verdict table
---@field errors table
---@field json table
---@field rows fun(path: string|string[], options?: fellowship.RowsOptions): fellowship.Rows
---@field reading fun(options?: table): fellowship.Reading
---@field join table
---@field writer fun(path: string, options?: fellowship.WriterOptions): fellowship.Writer
---@field spawn fun(fn: function, ...): fellowship.Task
---@field all fun(...: function|function[]): ...
---@field gather fun(list: any[], fn: fun(item: any, index: integer): any): any[]
---@field lock fun(): fellowship.Semaphore
---@field semaphore fun(count: integer): fellowship.Semaphore
---@field map fun(source: any, fn: function, options?: table): function
---@field each fun(source: any, fn: function, options?: table): integer
---@field sleep fun(seconds: number)
---@field version string
local fellowship = {}

return setmetatable(fellowship, {
  __index = function(self, name)
    local part = parts[name]
    if not part then
      local known = {}
      for key in pairs(parts) do known[#known + 1] = key end
      table.sort(known)
      local hint = require("fellowship.base.nearest").hint(tostring(name), known)
      error(('fellowship has no "%s"%s'):format(tostring(name), hint), 2)
    end
    local value = require(part[1])
    if part[2] then value = value[part[2]] end
    rawset(self, name, value)
    return value
  end,
})
