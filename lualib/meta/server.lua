---@meta fellowship.core.server
-- luacheck: ignore 212

---An HTTP/1.1 server on the loop (libmicrohttpd), for `fellowship serve`.
---@class fellowship.core.server
local core = {}

---@class fellowship.server: userdata
local server = {}

---Waits for the next request; nil when the run ends, and there will be none.
---@return fellowship.server.request?
function server:accept() end

---The port at which it listens.
---@return integer
function server:port() end

---Ends it, and all its exchanges.
function server:close() end

---A request, which is here as a whole.
---@class fellowship.server.request: userdata
local request = {}

---@return string "POST"
function request:method() end

---@return string without the query
function request:path() end

---@param name string in any case
---@return string?
function request:header(name) end

---@return boolean known whether the server's token came with it, or the server has none
function request:known() end

---All of the body; it is given out once.
---@return string
function request:body() end

---Answers as a whole. Raises when it was answered before.
---@param status integer
---@param headers table<string, string>
---@param body string
function request:answer(status, headers, body) end

---Begins an answer of unknown length.
---@param status integer
---@param headers table<string, string>
function request:begin(status, headers) end

---Writes a piece; waits while the client is slow.
---@param text string
---@return boolean there whether the client is still there
function request:write(text) end

---Ends an answer that was begun.
function request:finish() end

---Waits until the client has all of the answer, or is gone.
---@return boolean gone
function request:gone() end

---Lets go; an answer that has no end yet is broken off.
function request:close() end

---Listens. Returns nil and an error of kind "file" when it cannot.
---@param options { address: string, port: integer?, token: string?, connections: integer?, idle: number?, header: integer?, body: integer?, bodies: integer? } numeric address; port 0 is any; the token that clients are to give; connections at a time, of which those that wait longest are closed for new ones; seconds without a byte; bytes of a request's header and body, and of all bodies together
---@return fellowship.server?
---@return fellowship.Error?
function core.listen(options) end

return core
