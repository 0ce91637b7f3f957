-- Judges pairs of responses, each row on its own.

local compare = require "fellowship.command.compare"

return compare.script("judge", "LLM-as-a-Judge: compare two responses a row; with several models each judges every row")
