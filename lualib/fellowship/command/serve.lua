-- `fellowship serve`: the call path and workflows as an OpenAI endpoint.

local host = require "fellowship.core.host"
local tables = require "fellowship.base.table"
local catalogue = require "fellowship.command.catalogue"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"
local server = require "fellowship.serve"

local serve = {}

-- What every command has, and a server has no use for.
local NOT = { out = true, limit = true, shard = true, force = true, ["on-error"] = true, window = true, seed = true,
  ["dry-run"] = true, ["batch-cancel"] = true, fresh = true }

-- Clients are many.
local CONCURRENCY = 256

--- The options of `fellowship serve`.
---@return fellowship.Option[]
function serve.options()
  local list = {
    { "script", type = "string", positional = true, metavar = "SCRIPT.lua",
      help = "returns { models = { NAME = function(request) ... end } }: functions that clients call as models" },
    { "address", type = "string", default = "127.0.0.1", metavar = "IP",
      help = "where it listens; others than this machine's own want a token in $FELLOWSHIP_SERVE_TOKEN" },
    { "port", type = "integer", least = 0, most = 65535, default = 8080, metavar = "N", help = "0: any that is free" },
    { "connections", type = "integer", least = 1, default = 4096, metavar = "N", help = "clients at a time" },
    { "idle", type = "number", least = 1, most = 86400, default = 120, metavar = "SECONDS",
      help = "a connection on which nothing comes for so long is closed" },
    { "max-body", type = "integer", least = 1, most = 4096, default = 64, metavar = "MiB", help = "of a request" },
  }
  for _, option in ipairs(options.common) do
    if not NOT[option[1]] then
      list[#list + 1] = option[1] == "concurrency" and tables.merged(option, { default = CONCURRENCY }) or option
    end
  end
  return list
end

--- The functions that a script gives.
local function models_of(path)
  if not path then return nil end
  local value = catalogue.load(path)()
  local models = type(value) == "table" and value.models
  if type(models) ~= "table" then
    setup.usage("%s must return { models = { NAME = function(request) ... end } }", path)
  end
  for name, fn in pairs(models) do
    if type(name) ~= "string" or type(fn) ~= "function" then
      setup.usage("%s: the model %s is no function", path, tostring(name))
    end
  end
  return models
end

--- Serves until it is told to end.
---@param arguments string[]
---@return integer status
function serve.run(arguments)
  local values, problem = options.read(serve.options(), arguments)
  if not values then setup.usage("%s (fellowship serve --help shows the options)", problem) end
  values.fresh, values.seed = 0, 0
  setup.apply(values)
  local token = os.getenv "FELLOWSHIP_SERVE_TOKEN"
  local tell = setup.teller(values.quiet)
  server.run({ address = values.address, port = values.port, token = token ~= "" and token or nil,
    connections = values.connections, idle = values.idle, body = values["max-body"] << 20,
    models = models_of(values.script) }, function(port)
    local shown = values.address:find(":", 1, true) and "[" .. values.address .. "]" or values.address
    tell(("%s serves http://%s:%d/v1 (Ctrl+C ends it)"):format(host.program:match "[^/]*$", shown, port))
  end)
  return 0
end

return serve
