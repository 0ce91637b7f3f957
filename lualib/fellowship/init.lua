-- fellowship: what a script requires. Each part is loaded when it is first used.

---@class fellowship
---@field model fun(named: string|table, params?: table): fellowship.Model
---@field provider fun(options: fellowship.Provider)
---@field judge fun(options: table|string): fellowship.Judge
---@field jury fun(options: table): fellowship.Jury
---@field debate fun(options: table|string): fellowship.Debate
---@field feedback fun(options: table): fellowship.Loop
---@field preference table
---@field statistics table
---@field verdict table
---@field json table
---@field rows fun(path: string, options?: table): fellowship.Rows
---@field writer fun(path: string): fellowship.Writer
---@field spawn fun(fn: function, ...): fellowship.Task
---@field all fun(...: function): ...
---@field map fun(source: any, fn: function, options?: table): function
---@field each fun(source: any, fn: function, options?: table): integer
---@field sleep fun(seconds: number)
---@field version string
local fellowship = {}

local function member(module, name)
  return function() return require(module)[name] end
end

local function whole(module)
  return function() return require(module) end
end

local parts = {
  model = member("fellowship.model", "new"),
  provider = member("fellowship.provider", "add"),
  judge = member("fellowship.evaluate.judge", "new"),
  jury = member("fellowship.evaluate.jury", "new"),
  debate = member("fellowship.evaluate.debate", "new"),
  feedback = member("fellowship.generate.feedback", "new"),
  rows = member("fellowship.dataset.rows", "open"),
  writer = member("fellowship.dataset.writer", "open"),
  spawn = member("fellowship.flow", "spawn"),
  all = member("fellowship.flow", "all"),
  map = member("fellowship.flow", "map"),
  each = member("fellowship.flow", "each"),
  sleep = member("fellowship.flow", "sleep"),
  preference = whole "fellowship.preference",
  statistics = whole "fellowship.base.statistics",
  verdict = whole "fellowship.evaluate.verdict",
  errors = whole "fellowship.base.errors",
  json = whole "fellowship.core.json",
  version = member("fellowship.core.host", "version"),
}

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
    local value = part()
    rawset(self, name, value)
    return value
  end,
})
