-- New prompts: how many came out, by which move, and why others were left out.

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"

local prompts = {}

local number = estimates.number

--- The section; nil where no prompts were to be made.
---@param source fellowship.report.Source
---@return fellowship.report.Section?
function prompts.section(source)
  local results = source.results
  if not results or results.left_out == nil or number(results.prompts) == nil then return nil end
  local rows = { { "new prompts", number(results.prompts) } }
  for _, part in ipairs { { "made", "made by the move %s" }, { "left_out", "left out: %s" } } do
    local counts = content.present(results[part[1]])
    for _, name in ipairs(type(counts) == "table" and json.keys(counts) or {}) do
      rows[#rows + 1] = { part[2]:format(name), number(counts[name]) or false }
    end
  end
  return { id = "prompts", title = "New prompts",
    blocks = { blocks.table("What came out, and what was left out", { "", "count" }, rows) } }
end

return prompts
