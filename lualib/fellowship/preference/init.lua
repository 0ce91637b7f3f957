-- Preference sets from several responses to each prompt: ladder, pairs, labels, trainers' formats.

local card = require "fellowship.preference.card"
local format = require "fellowship.preference.format"
local ladder = require "fellowship.preference.ladder"
local pairing = require "fellowship.preference.pairs"

return {
  climb = ladder.climb,
  order = ladder.order,
  pairs = pairing.make,
  labels = pairing.labels,
  modes = pairing.modes,
  format = format.rows,
  formats = format.names,
  card = card.text,
}
