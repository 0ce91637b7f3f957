-- What holds for all model calls of a run: the store, offline, retries, timeouts, and the entries of
-- a --models file. The command line sets it once, before the first call.

local check = require "fellowship.base.check"
local limits = require "fellowship.core.limits"
local sys = require "fellowship.core.sys"

local settings = {
  store = nil, ---@type string? path of the store; nil for the default place
  offline = false,
  dry_run = false, -- nothing is asked, nothing is written: see fellowship.rehearse
  durable = false,
  prompt = false, -- somebody waits for each answer, so that the store does not gather what it commits
  fresh = 0, ---@type integer shifts every sample number
  concurrency = 16,
  batch = nil, ---@type { after: number?, failed: "batch"|"live" }? calls go in batches, where the provider takes them
  share = 1, -- the part of models' rates that is this process's, where several work on one run
  bounded = false, -- by --max-cost or --max-calls: see fellowship.money.budget
  warn = nil, ---@type fun(text: string)? tells of trouble that is not final
  models = {}, ---@type table<string, table> entries of --models by name
}

settings.timeouts = { connect = 30, first = 0, idle = 120, total = 600 }
settings.watchdog = 60 -- seconds without the end of a call, after which it speaks
settings.patience = nil ---@type number? seconds that a server which is down is waited for; see fellowship.call.outage
settings.patience_with_others = 3600 -- seconds that a call which another process asks for is waited for
settings.attempts = 8 -- HTTP exchanges of a call before it fails
settings.max_answer = 64 << 20 -- bytes

local entry_types = {
  model = "string?", base_url = "string?", key_env = "string?", identity = "string?", headers = "table?",
  params = "table?", concurrency = "integer?", requests_per_minute = "integer?", tokens_per_minute = "integer?",
  attempts = "integer?", timeouts = "table?", price = "table?", quirks = "table?", fallback = "table?",
  accepts = "table?",
}

local price_types = { input = "number", output = "number", cached = "number?", cache_write = "number?",
  cache_write_1h = "number?", batch = "number|table?" }
local batch_types = { input = "number", output = "number", cached = "number?", cache_write = "number?",
  cache_write_1h = "number?" }

local MOST_PRICE = 1e6

--- Checks a price: numbers of USD for a million tokens, and what a batch costs, as a part of them or in full.
function settings.check_price(what, price, is_batch)
  check.options(what, price, is_batch and batch_types or price_types, -1)
  for name, value in pairs(price) do
    local usd = type(value) == "number"
    if usd and name == "batch" and not (value >= 0 and value <= 1) then
      error(("%s's option batch must be from 0 to 1, the part of the usual price that a batch costs, or a price of its "
        .. "own; it is %s"):format(what, value), 0)
    elseif usd and not (value >= 0 and value <= MOST_PRICE) then
      error(("%s's option %s must be USD for a million tokens, from 0 to %d; it is %s"):format(what, name, MOST_PRICE,
        value), 0)
    end
  end
  if type(price.batch) == "table" then settings.check_price(what .. "'s batch", price.batch, true) end
end

local quirk_types = { system = "string?", merge = "boolean?", rename = "table?", drop = "table?", schema = "string?",
  thinking = "string?", stream = "string?", stream_usage = "boolean?" }

local timeout_types = { connect = "number?", first = "number?", idle = "number?", total = "number?" }

--- Checks and takes the entries of a --models file:
---
---     return {
---       ["my-llama"] = { model = "openai:llama-3", base_url = "http://127.0.0.1:8080/v1",
---         key_env = "LLAMA_KEY", identity = "llama-3-8b-q4", timeouts = { total = 120 },
---         params = { max_tokens = 512 }, headers = { ["X-Team"] = "a" }, concurrency = 4, attempts = 3,
---         price = { input = 0.1, cached = 0.05, output = 0.4, batch = 0.5 }, -- USD for a million tokens; a batch: half
---         quirks = { system = "fold", thinking = "open" }, fallback = { "together:meta-llama/..." } },
---     }
---
--- `concurrency`, `requests_per_minute` and `tokens_per_minute` bound the calls to this model; unsaid,
--- they are found out.
--- An entry's name is an alias, or a model's own name (openai:gpt-4o) whose settings it changes.
--- `accepts` lists parameters that the model takes though fellowship does not know them; those in `params` need no saying.
--- `identity` names the endpoint in keys in place of its URL, so that a store stays valid when the
--- server moves. A `key_env` of "" says that the server wants no key. `quirks` are those of fellowship.provider.quirks,
--- for a model of which they are not known.
---@param entries table<string, table>
---@param where string the file, for messages
function settings.take_models(entries, where)
  check.type(where, entries, "table", -1)
  for name, entry in pairs(entries) do
    local what = ('%s: the entry "%s"'):format(where, tostring(name))
    check.type(what, entry, "table", -1)
    check.options(what, entry, entry_types, -1)
    if entry.timeouts then check.options(what .. "'s timeouts", entry.timeouts, timeout_types, -1) end
    if entry.price then settings.check_price(what .. "'s price", entry.price) end
    if entry.quirks then check.options(what .. "'s quirks", entry.quirks, quirk_types, -1) end
  end
  settings.models = entries
end

--- Says a line to the user, where there is one.
---@param form string as of string.format, with what follows
function settings.say(form, ...)
  if settings.warn then settings.warn(form:format(...)) end
end

--- Sets how many model calls may be on the wire, for the whole process.
---@param n integer
function settings.set_concurrency(n)
  settings.concurrency = n
  limits.slots(n)
end

--- Where a store is, or will be.
---@param given? string by --store
---@return string
function settings.store_path(given)
  local path = given or os.getenv "FELLOWSHIP_STORE"
  return path and path ~= "" and path or ".fellowship/store.db"
end

--- The store that a dry run reads: nil when there is none yet, or an empty file in its place.
---@return string?
function settings.present_store()
  local path = settings.store_path(settings.store)
  if sys.kind(path) == nil then return nil end
  local file <close> = sys.kind(path) == "file" and io.open(path, "rb") or nil
  if file and file:seek "end" == 0 then return nil end
  return path
end

return settings
