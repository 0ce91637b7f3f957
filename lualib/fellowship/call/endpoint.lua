-- Where a model's calls go: base URL, headers, key variable, limits. One endpoint for each base URL,
-- key and model, made when the first call needs it.

local http = require "fellowship.core.http"
local limits = require "fellowship.core.limits"
local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local settings = require "fellowship.call.settings"

local endpoint = {}

--- A URL without user information and query, lower-case scheme and host, no default port and no
--- slash at the end: what stands in keys and messages.
---@param url string
---@return string
function endpoint.normalise(url)
  local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
  if not scheme then return (url:gsub("[?#].*$", ""):gsub("^[^/]*@", ""):gsub("/+$", "")) end
  local authority, path = rest:gsub("[?#].*$", ""):match "^([^/]*)(.*)$"
  authority = authority:gsub("^.*@", ""):lower()
  scheme = scheme:lower()
  local usual = scheme == "https" and ":443" or scheme == "http" and ":80"
  if usual and authority:sub(-#usual) == usual then authority = authority:sub(1, -#usual - 1) end
  return scheme .. "://" .. authority .. path:gsub("/+$", "")
end

---@class fellowship.Endpoint
---@field url string base URL, as it is called
---@field shown string the same without secrets, for messages
---@field identity string what the key says of it

--- What the key says of an address: of a provider's usual one its name. The server that a task of `fellowship submit`
--- started for itself ($FELLOWSHIP_SERVED) listens anywhere, and is one with those of other tasks: its path counts, where
--- it is not the usual one.
local function identity_of(provider, shown)
  local usual = provider.url and endpoint.normalise(provider.url)
  if shown == usual then return provider.name end
  local served = os.getenv "FELLOWSHIP_SERVED"
  if not served or served == "" or shown:sub(1, #served) ~= served then return shown end
  local path = shown:sub(#served + 1)
  if provider.key_optional and usual and usual:match "^%a+://[^/]*(.*)$" == path then return provider.name end
  return "served" .. path
end

-- What stands behind a base URL; some are given whole, as documents show them.
local DOORS = { "/chat/completions", "/completions", "/responses", "/messages", "/api/chat" }

--- A base URL without the door that was copied with it.
local function without_door(url)
  local base, query = url:match "^([^?#]*)(.*)$"
  for _, door in ipairs(DOORS) do
    local rest = base:gsub("/+$", "")
    if rest:sub(-#door) == door then return rest:sub(1, -#door - 1) .. query end
  end
  return url
end

--- Resolves where a model is served, from its --models entry, the environment, and the provider.
---@param provider fellowship.Provider
---@param entry table its entry of --models, or an empty table
---@return fellowship.Endpoint
function endpoint.resolve(provider, entry)
  if provider.simulated then return { url = "", shown = "sim", identity = "sim" } end
  local from_env = provider.url_env and os.getenv(provider.url_env)
  if from_env == "" then from_env = nil end
  if from_env and provider.url_of then from_env = provider.url_of(from_env) end
  local given = entry.base_url or from_env or provider.url
  if not given then
    errors.raise { kind = "usage", fatal = true, message = ("%s has no usual address: give one in %s, or as base_url "
      .. "in --models"):format(provider.name, provider.url_env or "--models") }
  end
  local url = without_door(given):gsub("/+$", "")
  local shown = endpoint.normalise(url)
  return { url = url, shown = shown, identity = entry.identity or identity_of(provider, shown) }
end

--- Whether a model is served by a server of the user's own, or by one that is not its provider's, as far as one can tell.
---@param model fellowship.Model
---@return boolean
function endpoint.is_own(model)
  return model.provider.key_optional == true or model.endpoint.identity ~= model.provider.name
end

-- Calls at a time to an endpoint of which nothing is known; it grows from there while answers come well.
local START = 256

local gates, targets, places = {}, {}, {}

--- What is known of a base URL, for all models that are asked there: see fellowship.call.outage.
---@param url string
---@return fellowship.Place
function endpoint.place(url)
  places[url] = places[url] or { served = {} }
  return places[url]
end

--- The headers of a model's calls, sorted: its provider's, and those of its entry of --models.
local function headers_of(model)
  local all, list = {}, {}
  for name, value in pairs(model.provider.headers or {}) do all[name:lower()] = { name, value } end
  for name, value in pairs(model.entry.headers or {}) do all[name:lower()] = { name, value } end
  for _, header in pairs(all) do list[#list + 1] = header end
  table.sort(list, function(x, y) return x[1] < y[1] end)
  return list
end

--- How the key is sent, or nil when none is: Lua names its variable, C reads it.
local function auth_of(model)
  if not model.key_env then return nil end
  local auth = model.provider.auth or { header = "Authorization", prefix = "Bearer " }
  return { header = auth.header, prefix = auth.prefix, env = model.key_env }
end

--- A target, without a key where the provider can do without and its variable is not set.
local function make_target(model, url, more, isolated)
  local options = { url = url, home = model.endpoint.url, headers = headers_of(model), auth = auth_of(model),
    isolated = isolated }
  for _, header in ipairs(more or {}) do options.headers[#options.headers + 1] = header end
  local target, problem = http.target(options)
  if not target and problem.kind == "auth" and model.provider.key_optional and not model.entry.key_env then
    options.auth = nil
    target, problem = http.target(options)
  end
  return target, problem
end

local bounded = {} -- entries of --models by their gates

--- The part of a rate that is this process's: see settings.share.
local function shared(rate)
  return rate and math.max(1, math.floor(rate * settings.share)) or nil
end

--- Takes another part of all rates from now on.
---@param share number of 1
function endpoint.share(share)
  settings.share = share
  for gate, entry in pairs(bounded) do
    gate:bound(shared(entry.requests_per_minute) or 0, shared(entry.tokens_per_minute) or 0)
  end
end

--- The gate that a model's calls wait at: slots and pauses of its endpoint.
---@param model fellowship.Model
function endpoint.gate(model)
  if model.gate then return model.gate end
  local id = table.concat({ model.endpoint.url, model.key_env or "", model.name }, "\0")
  local gate = gates[id]
  if not gate then
    local own = model.entry.concurrency
    gate = limits.endpoint(own or 0, { start = own or START, requests = shared(model.entry.requests_per_minute),
      tokens = shared(model.entry.tokens_per_minute) })
    gates[id] = gate
    bounded[gate] = model.entry
  end
  model.gate = gate
  return gate
end

local function url_of(model, path)
  local url, query = model.endpoint.url:match "^([^?]*)(.*)$"
  if path:find("?", 1, true) then query = query:gsub("^%?", "&") end
  return url .. path .. query
end

--- Raises why there is no target.
local function refuse(model, problem)
  if problem.kind == "auth" then
    errors.raise { kind = "auth", fatal = true, model = model.named, message =
      ("%s needs a key: %s (set it to your key for %s; a server that wants none takes any value)")
      :format(model.named, problem.message, model.endpoint.shown) }
  end
  errors.raise { kind = "usage", fatal = true, model = model.named,
    message = ("%s: the base URL %s is %s"):format(model.named, model.endpoint.shown, problem.message) }
end

--- The target that a model's calls are sent to. Raises when the key's variable is not set.
---@param model fellowship.Model
---@param path string under the base URL
function endpoint.target(model, path)
  if model.target and model.target_path == path then return model.target end
  local id = table.concat({ model.endpoint.url, model.key_env or "", path, model.entry_name or "" }, "\0")
  model.target, model.target_path = targets[id], path
  if targets[id] then return targets[id] end
  local target, problem = make_target(model, url_of(model, path))
  targets[id] = target or refuse(model, problem)
  return target
end

--- A target of its own for a request beside the calls, as of batches.
---@param model fellowship.Model
---@param path string under the base URL, or a whole URL
---@param more? string[][] headers besides
---@param isolated? boolean what is sent must never be sent twice
function endpoint.beside(model, path, more, isolated)
  local target, problem = make_target(model, path:find "^%a+://" and path or url_of(model, path), more, isolated)
  return target or refuse(model, problem)
end

--- What reads an answer's headers: a function of a header's name.
---@param head string
---@return fun(name: string): string?
function endpoint.header(head)
  return function(name) return http.header(head, name) end
end

--- Timeouts of a model's calls, in seconds, and the bound on an answer's size.
---@param entry table the model's entry of --models
---@return table
function endpoint.timeouts(entry)
  local times = tables.merged(settings.timeouts, entry.timeouts)
  times.max_body = settings.max_answer
  times.once = settings.bounded -- what is sent is counted
  return times
end

return endpoint
