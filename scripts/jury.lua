-- A jury of models compares two responses a row.

local compare = require "fellowship.command.compare"

return compare.script("jury", "LLMs-as-a-Jury: several models compare two responses a row; their votes decide")
