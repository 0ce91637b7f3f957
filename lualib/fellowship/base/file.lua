-- Small files, whole.

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

return file
