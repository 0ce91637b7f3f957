-- Tables of text for the terminal.

local tables = {}

local function width_of(text)
  return utf8.len(text) or #text
end

--- Lines of aligned columns. Numbers (and what is not there, "-") stand right, text left.
--- Example: `io.stderr:write(tables.text({ "model", "kappa" }, { { "gpt-4o", 0.3265 } }))`
---@param heads string[]
---@param rows any[][] strings, numbers (shown with three decimals, whole ones plain), or false for nothing
---@return string
function tables.text(heads, rows)
  local cells, right, widths = { heads }, {}, {}
  for i, row in ipairs(rows) do
    local line = {}
    for c = 1, #heads do
      local value = row[c]
      if math.type(value) == "float" then value = ("%.3f"):format(value)
      elseif not value then value = "-" end
      right[c] = right[c] or type(row[c]) == "number"
      line[c] = tostring(value)
    end
    cells[i + 1] = line
  end
  for c in ipairs(heads) do
    widths[c] = 0
    for _, line in ipairs(cells) do widths[c] = math.max(widths[c], width_of(line[c])) end
  end
  local lines = {}
  for i, line in ipairs(cells) do
    local parts = {}
    for c, text in ipairs(line) do
      local space = (" "):rep(widths[c] - width_of(text))
      parts[c] = right[c] and space .. text or text .. space
    end
    lines[i] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n") .. "\n"
end

return tables
