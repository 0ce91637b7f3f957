-- Preference sets from several responses to each prompt: ladder, pairs, labels, quality, trainers' formats.

local branches = require "fellowship.generate.branches"
local card = require "fellowship.preference.card"
local format = require "fellowship.preference.format"
local improvement = require "fellowship.preference.improvement"
local ladder = require "fellowship.preference.ladder"
local loading = require "fellowship.preference.loading"
local pairing = require "fellowship.preference.pairs"
local quality = require "fellowship.preference.quality"
local refusal = require "fellowship.preference.refusal"
local set = require "fellowship.preference.set"
local unique = require "fellowship.preference.unique"
local validate = require "fellowship.preference.validate"

return {
  climb = ladder.climb,
  order = ladder.order,
  pairs = pairing.make,
  labels = pairing.labels,
  modes = pairing.modes,
  scores = quality.scores,
  is_refusal = refusal.is,
  unique = unique.rows,
  set = set.open,
  format = format.rows,
  formats = format.names,
  conversational = format.conversational,
  check_prompt = format.check_prompt,
  wants_info = loading.wants_info,
  dataset_info = loading.dataset_info,
  branches = branches.grow,
  judge_branches = improvement.judge,
  of_revisions = improvement.of_revisions,
  of_reviews = improvement.of_reviews,
  card = card.text,
  validate = validate.folder,
}
