-- Who may ask. On other addresses than this machine's own a token is required. On its own, whatever runs here may ask, but
-- no page of another site in a browser: such a request comes with an Origin that is not ours, or, where a name was bent
-- to this address (DNS rebinding), with a Host that is not.

local server = require "fellowship.core.server"
local errors = require "fellowship.base.errors"

local guard = {}

--- Whether an address is this machine's own alone.
---@param address string
---@return boolean
function guard.is_local(address)
  return address == "::1" or address:find "^127%." ~= nil
end

--- The host of "host:port", "[::1]:port" or a URL, in lower case.
local function host_of(text)
  local rest = text:lower():gsub("^%a[%w+.-]*://", "")
  return rest:match "^(%[[%x:.]+%])" or rest:match "^([^:/]*)"
end

local function is_here(host, address)
  return host == "localhost" or host == "[::1]" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil or host == address
    or host == "[" .. address .. "]"
end

local function refuse(kind, message)
  errors.raise { kind = kind, message = message }
end

--- Checks a request; raises why it is refused.
---@param request fellowship.server.request
---@param policy { address: string, token: string? }
function guard.check(request, policy)
  local host, origin = request:header "Host", request:header "Origin"
  if guard.is_local(policy.address) and not is_here(host_of(host or ""), policy.address) then
    refuse("forbidden", "this server answers to localhost alone; the request's Host is another one")
  end
  if origin and host_of(origin) ~= host_of(host or "") or request:header "Sec-Fetch-Site" == "cross-site" then
    refuse("forbidden", "pages of other sites may not use this server")
  end
  if not policy.token then return end
  local given = (request:header "Authorization" or ""):match "^[Bb]earer%s+(.-)%s*$" or request:header "api-key" or ""
  if not server.same(given, policy.token) then
    refuse("auth", "this server wants its token as the API key (FELLOWSHIP_SERVE_TOKEN where it runs)")
  end
end

return guard
