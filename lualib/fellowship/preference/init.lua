-- Preference sets from several responses to each prompt: ladder, order and pairs; sets of files in trainers' formats;
-- and below that formats, quality, and what trains a loop's members.

local branches = require "fellowship.generate.branches"
local card = require "fellowship.preference.card"
local format = require "fellowship.preference.format"
local improvement = require "fellowship.preference.improvement"
local ladder = require "fellowship.preference.ladder"
local loading = require "fellowship.preference.loading"
local pairing = require "fellowship.preference.pairs"
local ranking = require "fellowship.preference.ranking"
local rubric = require "fellowship.judge.rubric"
local quality = require "fellowship.preference.quality"
local refusal = require "fellowship.preference.refusal"
local set = require "fellowship.preference.set"
local unique = require "fellowship.preference.unique"
local validate = require "fellowship.preference.validate"

return {
  climb = ladder.climb,
  order = ladder.order,
  everyone = ladder.everyone,
  unwind = ladder.unwind,
  by_scores = ladder.by_scores,
  best = pairing.best,
  rankings = { ladder = ranking.ladder, round_robin = ranking.round_robin, scores = ranking.scores,
    rubric = ranking.rubric, reward = ranking.reward,
    criteria = rubric.read, by = ranking.by },
  pairs = pairing.make,
  labels = pairing.labels,
  modes = pairing.modes,
  set = set.open,
  unique = unique.rows,
  card = card.text,
  validate = validate.folder,
  formats = {
    names = format.names,
    rows = format.rows,
    conversational = format.conversational,
    check_prompt = format.check_prompt,
    check_tools = format.check_tools,
    wants_info = loading.wants_info,
    dataset_info = loading.dataset_info,
  },
  quality = {
    scores = quality.scores,
    is_refusal = refusal.is,
  },
  members = {
    grow = branches.grow,
    judge = improvement.judge,
    revisions = improvement.of_revisions,
    reviews = improvement.of_reviews,
  },
}
