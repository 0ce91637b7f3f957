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

--- Puts a small file in the place of what has its name, at once: whoever reads it sees the one or the other.
---@param path string
---@param content string
---@return boolean? well
---@return string? problem
function file.replace(path, content)
  local folder, name = path:match "^(.-)([^/]+)$"
  local made = folder .. "." .. name .. ".partial"
  local opened, problem = io.open(made, "wb")
  if not opened then return nil, problem end
  local well
  well, problem = opened:write(content)
  local closed, why = opened:close()
  if not (well and closed) then
    os.remove(made)
    return nil, problem or why
  end
  return os.rename(made, path)
end

--- Whether a path is that of an ordinary file, which can be read more than once: no pipe, and not standard input.
---@param path string
---@return boolean
function file.is_ordinary(path)
  return sys.kind(path) == "file"
end

return file
