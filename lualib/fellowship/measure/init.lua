-- Measures of evaluators against human labels, and of what they lean to.

local agreement = require "fellowship.measure.agreement"
local bias = require "fellowship.measure.bias"

return {
  card = agreement.card,
  family = bias.family,
}
