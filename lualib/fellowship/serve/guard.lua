-- Who may ask. On other addresses than this machine's own a token is required. On its own, whatever runs here may ask, but
-- no page of another site in a browser: such a request comes with an Origin that is not ours, or, where a name was bent
-- to this address (DNS rebinding), with a Host that is not.

local errors = require "fellowship.base.errors"

local guard = {}

--- Whether an address is this machine's own alone.
---@param address string
---@return boolean
function guard.is_local(address)
  return address == "::1" or address:find "^127%." ~= nil
end

--- The host of "host:port" or "[::1]:port", in lower case; "" where it is none.
local function host_of(text)
  text = text:lower()
  return text:match "^(%[[%x:.]+%])$" or text:match "^(%[[%x:.]+%]):%d+$" or text:match "^([%w.-]+)$"
    or text:match "^([%w.-]+):%d+$" or ""
end

--- Whether an Origin is the place that the client calls by this Host: of another port is another program's page.
local function is_own(origin, host)
  local own, default = host:lower(), ":80"
  if own:sub(-#default) == default then own = own:sub(1, -#default - 1) end
  origin = origin:lower()
  return origin == "http://" .. own or origin == "https://" .. own -- behind a proxy that has TLS
end

local function is_here(host, address)
  return host == "localhost" or host == "[::1]" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil or host == address
    or host == "[" .. address .. "]"
end

local last_host, last_address -- of a request that was ours: most of a client's are alike

local function is_ours(host, address)
  if host == last_host and address == last_address then return true end
  if not is_here(host_of(host), address) then return false end
  last_host, last_address = host, address
  return true
end

local function refuse(kind, message)
  errors.raise { kind = kind, message = message }
end

--- Checks a request; raises why it is refused.
---@param request fellowship.server.request
---@param policy { address: string }
function guard.check(request, policy)
  local host, origin = request:header "Host" or "", request:header "Origin"
  if guard.is_local(policy.address) and not is_ours(host, policy.address) then
    refuse("forbidden", "this server answers to localhost alone; the request's Host is another one")
  end
  local from = request:header "Sec-Fetch-Site" or "none"
  if origin and not is_own(origin, host) or from ~= "none" and from ~= "same-origin" then
    refuse("forbidden", "pages of other sites may not use this server")
  end
  if not request:known() then
    refuse("auth", "this server wants its token as the API key (FELLOWSHIP_SERVE_TOKEN where it runs)")
  end
end

return guard
