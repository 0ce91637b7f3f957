-- Measures of evaluators against human labels, and of what they lean to.

local agreement = require "fellowship.measure.agreement"
local bias = require "fellowship.measure.bias"
local calibration = require "fellowship.measure.calibration"
local dawid_skene = require "fellowship.measure.dawid_skene"
local judge_weighted = require "fellowship.measure.judge_weighted"
local juries = require "fellowship.measure.juries"
local paired = require "fellowship.measure.paired"
local style = require "fellowship.measure.style"

return {
  card = agreement.card,
  family = bias.family,
  dawid_skene = dawid_skene.of,
  judge_weighted = judge_weighted.of,
  effective = juries.effective,
  calibrated = calibration.of,
  holm = paired.holm,
  style = style.of,
}
