-- What the quickstart's run made, in a few lines: show.lua FOLDER PROGRAM

local fellowship = require "fellowship"

local folder, program = arg[1], arg[2]
local file = folder .. "/out/data/dpo-00000-of-00001.jsonl"

--- A text in at most four lines that fit a terminal, indented.
local function paragraph(title, text)
  local lines = { "" }
  for word in text:gmatch "%S+" do
    local longer = lines[#lines] .. " " .. word
    if utf8.len(longer) > 74 then lines[#lines + 1] = " " .. word else lines[#lines] = longer end
  end
  if #lines > 4 then lines = { lines[1], lines[2], lines[3], lines[4] .. " ..." } end
  return ("  %s\n   %s"):format(title, table.concat(lines, "\n   "))
end

local count, first = 0, nil
for row in fellowship.rows(file) do
  count, first = count + 1, first or row
end
local done = fellowship.rows(folder .. "/summary.json")()

print(("%d preference pairs from %d prompts in %.2f s (%d completions from the recording, %d calls made)"):format(
  count, done.rows, done.seconds, done.stored, done.calls))
print(("  pairs  %s\n  card   %s/out/README.md\n\nOne of them:"):format(file, folder))
for _, name in ipairs { "prompt", "chosen", "rejected" } do
  print(paragraph(name, first[name]))
end
print(([[

A very small model (SmolLM2-135M) wrote and judged these; they show the machinery, not quality.
The same job on your own model:
  OPENAI_API_KEY=... %s run preference \
    --data examples/quickstart/prompts.jsonl --out my-preferences \
    --generator openai:gpt-4o-mini --reviewer openai:gpt-4o-mini --judge openai:gpt-4o]]):format(program))
