-- What happened, noted in a list in its order.

local notes = {}

--- A variable to be closed that notes in `log` that it was, and with which error.
---@param log string[]
---@param name string
function notes.closing(log, name)
  return setmetatable({}, { __close = function(_, problem)
    log[#log + 1] = name .. (problem ~= nil and ":" .. tostring(problem) or "")
  end })
end

--- The notes in a line.
---@param log string[]
---@return string
function notes.told(log) return table.concat(log, " ") end

return notes
