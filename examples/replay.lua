#!/usr/bin/env fellowship
-- A replayed experiment: whoever has the recording gets the same answers, without a network or a key.
--   fellowship store import examples/quickstart/recording.jsonl --store replay.db
--   fellowship --offline --store replay.db --models examples/quickstart/models.lua examples/replay.lua
-- A call that the recording does not hold is an error that says so; leave --offline off and it is asked.
local fellowship = require "fellowship"

local model = fellowship.model "SmolLM2-135M-Instruct" -- an alias of examples/quickstart/models.lua

for _, prompt in ipairs { "Write two sentences about the sea.", "Give three short tips for sleeping better." } do
  local answer = model:ask(prompt, { temperature = 0 })
  print(("%s\n  %s (%s, %s tokens, %s)"):format(prompt, answer.text:gsub("\n+", " "), answer.model,
    answer.usage.completion_tokens, answer.stored and "from the recording" or "asked now"))
end
