-- Small matrices, as lists of rows.

local matrix = {}

--- The inverse of a positive definite matrix, by Gauss and Jordan.
---@param m number[][] which is lost
---@return number[][]
function matrix.inverse(m)
  local n, out = #m, {}
  for i = 1, n do
    out[i] = {}
    for j = 1, n do out[i][j] = i == j and 1 or 0 end
  end
  for i = 1, n do
    local pivot = m[i][i]
    for j = 1, n do m[i][j], out[i][j] = m[i][j] / pivot, out[i][j] / pivot end
    for r = 1, n do
      local by = m[r][i]
      for j = 1, r ~= i and by ~= 0 and n or 0 do
        m[r][j], out[r][j] = m[r][j] - by * m[i][j], out[r][j] - by * out[i][j]
      end
    end
  end
  return out
end

return matrix
