-- What the quickstart's run made, in a few lines: show.lua FOLDER PROGRAM

local fellowship = require "fellowship"

local folder, program = arg[1], arg[2]
local pairs_file = folder .. "/out/data/dpo-00000-of-00001.jsonl"

--- A JSON file's value, or the first row of JSON lines.
local function read(path) return fellowship.rows(folder .. "/" .. path)() end

--- A text's words in lines of at most so many columns; code keeps its lines.
local function lines_of(text, width)
  local lines = {}
  for paragraph in (text .. "\n"):gmatch "(.-)\n" do
    local line = paragraph:match "^%s*"
    for word in paragraph:gmatch "%S+" do
      if line:find "%S" and utf8.len(line) + 1 + utf8.len(word) > width then
        lines[#lines + 1], line = line, ""
      end
      line = line .. (line:find "%S" and " " or "") .. word
    end
    if line:find "%S" then lines[#lines + 1] = line end
  end
  return lines
end

--- Two texts beside each other, of which the first ten lines are shown.
local function side_by_side(left, right)
  local width, most, shown = 37, 10, {}
  left, right = lines_of(left, width), lines_of(right, width)
  for i = 1, math.min(math.max(#left, #right), most) do
    local cell = left[i] or ""
    shown[i] = ("  %s%s  %s"):format(cell, (" "):rep(width - utf8.len(cell)), right[i] or ""):gsub("%s+$", "")
  end
  if #left > most or #right > most then shown[#shown + 1] = "  ..." end
  return table.concat(shown, "\n")
end

-- The pair whose texts are the shortest together fits a terminal best.
local shortest, count = nil, 0
for row in fellowship.rows(pairs_file) do
  count = count + 1
  local length = #row.chosen + #row.rejected
  if not shortest or length < shortest.length then shortest = { row = row, length = length } end
end
local done = read "summary.json"

print(([[
%d preference pairs from %d prompts in %.2f s (%d completions from the recording, %d calls made)
  pairs   %s
  card    %s/out/README.md
  report  %s/out/report.html

One of them:
  %s
]]):format(count, done.rows, done.seconds, done.stored, done.calls, pairs_file, folder, folder,
  table.concat(lines_of(shortest.row.prompt, 76), "\n  ")))
print(side_by_side("CHOSEN", "REJECTED"))
print(side_by_side(shortest.row.chosen, shortest.row.rejected))
print(([[

A very small model (SmolLM2-135M) wrote and judged these; they show the machinery, not quality.
The same job on your own model:
  OPENAI_API_KEY=... %s run preference \
    --data examples/quickstart/prompts.jsonl --out my-preferences \
    --generator openai:gpt-4o-mini --reviewer openai:gpt-4o-mini --judge openai:gpt-4o]]):format(program))
