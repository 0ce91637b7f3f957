#!/usr/bin/env fellowship
-- A preference set from a CSV file whose first line names the columns; one of them is prompt.
--   fellowship examples/csv-preferences.lua prompts.csv preferences.jsonl openai:gpt-4o-mini openai:gpt-4o
local fellowship = require "fellowship"

--- Rows of a CSV file (RFC 4180): commas, quotes and line ends may stand inside of quotes.
local function csv(path)
  local text, at = assert(io.open(path, "rb")):read "a", 1
  local function record()
    local fields = {}
    while at <= #text do
      local value, stop = text:match("^([^,\r\n]*)()", at)
      if text:sub(at, at) == '"' then
        local close = at
        repeat close = text:find('"', close + 1, true) + 1 until text:sub(close, close) ~= '"'
        value, stop = text:sub(at + 1, close - 2):gsub('""', '"'), close
      end
      fields[#fields + 1] = value
      local more = text:sub(stop, stop) == ","
      at = more and stop + 1 or text:match("^\r?\n?()", stop)
      if not more then return fields end
    end
  end
  local names = record()
  return function()
    local fields, row = record(), {}
    for i, name in ipairs(fields and names or {}) do row[name] = fields[i] end
    return fields and row
  end
end

local model, judge = fellowship.model(arg[3] or "sim:writer"), fellowship.judge(arg[4] or "sim:judge")
local out <close> = fellowship.writer(arg[2] or "preferences.jsonl")
for row, verdict, a, b in fellowship.map(csv(arg[1] or "prompts.csv"), function(row)
  local first, second = model:ask(row.prompt, { sample = 1 }).text, model:ask(row.prompt, { sample = 2 }).text
  return judge:compare { prompt = row.prompt, a = first, b = second }, first, second
end) do
  local better, worse = verdict.winner == "b" and b or a, verdict.winner == "b" and a or b
  if verdict.scores.a ~= verdict.scores.b then out:write { prompt = row.prompt, chosen = better, rejected = worse } end
end
