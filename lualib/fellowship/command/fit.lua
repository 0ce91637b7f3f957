-- Whether the program fits its library: one that was built before the library came to need a function lacks it, and would
-- fail somewhere in the middle, in words that help nobody.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"

local fit = {}

-- The stubs, a file for each module in C, name what the library knows of it.
local STUBS = host.home .. "/lualib/meta"

--- The functions of a module by its stub.
---@param stub string
---@return string[]
local function names_in(stub)
  local names, variable = {}, stub:match "\nreturn ([%a_][%w_]*)%s*$"
  for owner, name in stub:gmatch "\nfunction ([%a_][%w_]*)%.([%w_]+)%(" do
    if owner == variable then names[#names + 1] = name end
  end
  return names
end

--- What the program lacks of the library's needs: the first of its functions; nil when it has them all.
---@return string?
function fit.lacking()
  for _, path in ipairs(sys.glob(STUBS .. "/*.lua") or {}) do
    local module = "fellowship.core." .. path:match "([%w_]+)%.lua$"
    local there, functions = pcall(require, module)
    if not there then return module end
    for _, name in ipairs(names_in(file.read(path) or "")) do
      if functions[name] == nil then return module .. "." .. name end
    end
  end
end

--- Raises when the program does not fit. Looks closer only where the library is newer than the program, since that can
--- be told at once.
function fit.check()
  local _, changed, changed_ns = sys.stamp(STUBS)
  local _, built, built_ns = sys.stamp "/proc/self/exe"
  if not (changed and built) or changed < built or changed == built and changed_ns <= built_ns then return end
  local lacking = fit.lacking()
  if not lacking then return end
  errors.raise { kind = "program", fatal = true, message = ("this program was built for another version of its "
    .. "library: %s/lualib needs %s, which it has not; build it anew there (make), or install both together")
    :format(host.home, lacking) }
end

return fit
