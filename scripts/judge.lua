-- Judges pairs of responses, each row on its own.

local compare = require "fellowship.command.compare"

return compare.script("judge", "compare two responses a row, by each model")
