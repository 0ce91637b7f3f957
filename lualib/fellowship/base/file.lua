-- Small files, whole.

local sys = require "fellowship.core.sys"

local file = {}

--- A file's content.
---@param path string
---@return string? content nil when it cannot be read
---@return string? problem
function file.read(path)
  local opened, problem = io.open(path, "rb")
  if not opened then return nil, problem end
  local content
  content, problem = opened:read "a"
  opened:close()
  return content, problem
end

--- Whether a path is that of an ordinary file, which can be read more than once: no pipe, and not standard input.
---@param path string
---@return boolean
function file.is_ordinary(path)
  return sys.kind(path) == "file"
end

return file
