-- What a call is known by: the SHA-256 of the request as it was asked.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"

local key = {
  VERSION = 1,
}

--- The request as asked, in canonical JSON (RFC 8785), and its digest (32 bytes). How it is sent is
--- no part of it, so that it is the same when that changes.
---@param model fellowship.Model
---@param messages { role: string, content: string }[] with these two fields alone
---@param params table<string, any>
---@param sample integer
---@return string digest
---@return string request
function key.of(model, messages, params, sample)
  local request = json.canonical {
    v = key.VERSION,
    provider = model.provider.name,
    model = model.name,
    endpoint = model.endpoint.identity,
    messages = messages,
    params = json.object(params),
    sample = sample,
  }
  return sys.sha256(request), request
end

return key
