-- What a run that sends no batches says of those that are under way.

local text = require "fellowship.base.text"
local ledger = require "fellowship.batch.ledger"
local settings = require "fellowship.call.settings"

local notice = {}

--- Says once that calls under way would be paid twice.
---@param store fellowship.store
function notice.open(store)
  if settings.offline or not settings.warn then return end
  local calls, names = 0, {}
  for _, b in ipairs(ledger.rows(store)) do
    if b.pending > 0 then
      calls = calls + b.pending
      names[#names + 1] = b.uid
    end
  end
  if calls == 0 then return end
  settings.warn(("under way: %s in %s (%s); calls that this run makes as well are paid for twice; with --batch it "
    .. "collects them instead"):format(text.count(calls, "call"), text.count(#names, "batch", "batches"),
    table.concat(names, ", ", 1, math.min(#names, 3))
    .. (#names > 3 and ", ..." or "")))
end

--- Of a call that is under way: in which batch, as part of a sentence; nil when it is in none.
---@param store fellowship.store
---@param digest string
---@return string?
function notice.of(store, digest)
  local uid = store:holder(digest)
  return uid and ("is asked this in batch %s, which is under way (the same command with --batch collects it)")
    :format(uid)
end

return notice
