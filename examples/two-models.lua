#!/usr/bin/env fellowship
-- Asks two models the same question, side by side.
--   fellowship examples/two-models.lua openai:gpt-4o-mini together:google/gemma-2-9b-it "Why is the sky blue?"
local fellowship = require "fellowship"

local one = fellowship.model(arg[1] or "sim:one")
local other = fellowship.model(arg[2] or "sim:other")
local question = arg[3] or "Why is the sky blue? Answer in one sentence."

local first, second = fellowship.all(
  function() return one:ask(question, { temperature = 0 }).text end,
  function() return other:ask(question, { temperature = 0 }).text end)

print(("%s:\n%s\n\n%s:\n%s"):format(one, first, other, second))
