-- What `require "fellowship"` offers, and where each part lives: { module, member }, or { module } whole.

---@type table<string, { [1]: string, [2]: string? }>
return {
  model = { "fellowship.model", "new" },
  provider = { "fellowship.provider", "add" },
  judge = { "fellowship.evaluate.judge", "new" },
  jury = { "fellowship.evaluate.jury", "new" },
  debate = { "fellowship.evaluate.debate", "new" },
  feedback = { "fellowship.generate.feedback", "new" },
  rows = { "fellowship.dataset.rows", "open" },
  writer = { "fellowship.dataset.writer", "open" },
  spawn = { "fellowship.flow", "spawn" },
  all = { "fellowship.flow", "all" },
  map = { "fellowship.flow", "map" },
  each = { "fellowship.flow", "each" },
  sleep = { "fellowship.flow", "sleep" },
  preference = { "fellowship.preference" },
  statistics = { "fellowship.base.statistics" },
  verdict = { "fellowship.evaluate.verdict" },
  errors = { "fellowship.base.errors" },
  json = { "fellowship.core.json" },
  version = { "fellowship.core.host", "version" },
}
