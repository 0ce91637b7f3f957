-- A jury of models compares two responses a row.

local compare = require "fellowship.command.compare"

return compare.script("jury", "several models compare two responses a row and vote")
