-- Panels of evaluators as a command tells them: a line each.

local json = require "fellowship.core.json"
local summary = require "fellowship.command.summary"
local tables = require "fellowship.report.table"

local panels = {}

local HEADS = { "models", "n", "first wins", "lean", "flips", "repeats itself", "longer wins", "by people",
  "length coefficient", "ties", "own family wins", "beyond people", "top scores", "calibration error", "kappa" }

local function line_of(p)
  local function number(value) return value ~= json.null and value or nil end
  local length, own = p.length or {}, p.own_family or {}
  return { table.concat(p.models, " + "), p.verdicts, p.position and p.position.first_wins,
    p.position and p.position.lean, number(p.card.flip_rate), p.repeats and p.repeats.rate,
    number(length.longer_wins), number(length.longer_wins_human), number(length.coefficient), number(p.ties.judge),
    number(own.own_wins), number(own.equal_opportunity), p.scale and p.scale.at_top,
    p.calibration and p.calibration.ece, number(p.card.kappa) }
end

--- The table of panels, for people.
---@param list table[] as fellowship.Panel:summary gives them
---@return string
function panels.text(list)
  local rows = {}
  for i, p in ipairs(list) do rows[i] = line_of(p) end
  local heads
  heads, rows = tables.telling(HEADS, rows, { models = true, n = true })
  return "what judges lean to\n" .. tables.text(heads, rows, summary.width())
end

return panels
