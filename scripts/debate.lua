-- Referees debate two responses a row.

local compare = require "fellowship.command.compare"

return compare.script("debate", "referees discuss two responses a row, then score")
