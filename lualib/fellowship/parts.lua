-- What `require "fellowship"` offers, and where each part lives: { module, member }, or { module } whole.

---@type table<string, { [1]: string, [2]: string? }>
return {
  model = { "fellowship.call.model", "new" },
  provider = { "fellowship.provider", "add" },
  judge = { "fellowship.judge.judge", "new" },
  jury = { "fellowship.judge.jury", "new" },
  debate = { "fellowship.judge.debate", "new" },
  feedback = { "fellowship.generate.feedback", "new" },
  rows = { "fellowship.dataset.rows", "open" },
  reading = { "fellowship.dataset.reading", "new" },
  join = { "fellowship.dataset.join" },
  writer = { "fellowship.dataset.writer", "open" },
  spawn = { "fellowship.flow", "spawn" },
  all = { "fellowship.flow", "all" },
  gather = { "fellowship.flow", "gather" },
  lock = { "fellowship.flow.lock", "new" },
  semaphore = { "fellowship.flow.lock", "semaphore" },
  map = { "fellowship.flow", "map" },
  each = { "fellowship.flow", "each" },
  sleep = { "fellowship.flow", "sleep" },
  preference = { "fellowship.preference" },
  statistics = { "fellowship.measure.statistics" },
  verdict = { "fellowship.judge.verdict" },
  errors = { "fellowship.base.errors" },
  json = { "fellowship.core.json" },
  version = { "fellowship.core.host", "version" },
}
