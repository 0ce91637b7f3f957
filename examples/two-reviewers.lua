#!/usr/bin/env fellowship
-- A feedback loop with two reviewers: what each says to every draft, and how the answer changes.
--   fellowship examples/two-reviewers.lua openai:gpt-4o-mini openai:gpt-4o together:google/gemma-2-9b-it
local fellowship = require "fellowship"

local loop = fellowship.feedback {
  generator = arg[1] or "sim:writer",
  reviewers = { arg[2] or "sim:strict", arg[3] or "sim:kind" },
  responses = 3,
}

local result = loop:respond(arg[4] or "Write a product description of a garden chair in three sentences.")

for round, response in ipairs(result.responses) do
  print(("---- answer %d ----\n%s\n"):format(round, response))
  for i, feedback in ipairs(result.feedback[round] or {}) do
    print(("reviewer %d: %s\n"):format(i, feedback))
  end
end
