-- Measures of evaluators against human labels.

local agreement = require "fellowship.measure.agreement"

return {
  card = agreement.card,
}
