-- A reader of the human labels of a run's rows.

local sys = require "fellowship.core.sys"
local naming = require "fellowship.dataset.naming"
local labels = require "fellowship.measure.labels"

local label_reader = {}

--- Whether rows can be read more than once: no pipe, and not standard input.
local function is_lasting(path)
  local kind = path ~= "-" and not naming.is_elsewhere(path) and sys.kind(path)
  return path ~= "-" and (not kind or kind == "file" or kind == "folder")
end

--- The reader for the rows of an option; what numbers mean is looked up in all of them, at the first one.
--- What is no row is told where the rows are worked on.
---@param run fellowship.Run
---@param option string
---@param column? string the field with the labels; "human" when not given
---@return fellowship.Labels
function label_reader.of(run, option, column)
  local paths = run.options[option]
  return labels.reader(function()
    for _, path in ipairs(type(paths) == "table" and paths or { paths }) do
      if not is_lasting(path) then return false end
    end
    local rows <close> = run:rows(option, nil, true)
    return labels.are_places(function()
      local row, problem
      repeat row, problem = rows:pull() until row ~= nil or problem == nil
      if row == nil then return nil end
      local value = run:field(row, column or "human")
      return value == nil and "" or value
    end)
  end)
end

return label_reader
