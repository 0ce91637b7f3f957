---@meta fellowship.core.http
-- luacheck: ignore 212

---HTTP exchanges, one attempt each; what to make of an answer is policy and lies above.
---
---    local target = assert(http.target { url = "http://127.0.0.1:8080/v1/chat/completions" })
---    local answer, problem = target:send('{"model":"m","messages":[]}', { total = 60 })
---    print(answer and answer.status or problem.message)
---@class fellowship.core.http
local http = {}

---Where calls go: a URL and the headers that go with each of them.
---@class fellowship.http.target: userdata
local target = {}

---@class fellowship.http.target_options
---@field url string
---@field home? string a URL: calls that lead to another scheme, host or port than this are refused; needed for `auth`
---@field headers? string[][] pairs of name and value; Content-Type and Accept are JSON's unless they stand here
---@field auth? { env: string, header: string, prefix: string? } puts the value of an environment variable, which Lua never sees, behind the prefix into a header
---@field isolated? boolean each call has a connection of its own; on one that was used before, a request may be sent again when it breaks without an answer

---Times in seconds, 0 for none.
---@class fellowship.http.send_options
---@field connect? number until the connection stands (default 30)
---@field first? number from start to the first byte of the answer (default 0)
---@field idle? number between bytes, once they flow (default 120)
---@field total? number the whole exchange (default 600)
---@field max_body? integer bytes of the answer (default 64 MiB)
---@field once? boolean not sent again by itself when a connection that was used before breaks without an answer

---@class fellowship.http.answer
---@field status integer
---@field head string the header lines
---@field body string
---@field elapsed number seconds

---@class fellowship.http.problem
---@field kind "refused"|"connect"|"tls"|"timeout"|"broken"|"too_large"
---@field message string
---@field status integer 0 when none came

---A body that is put together in parts, and stands in memory once.
---@class fellowship.http.body: userdata
local parts = {}

---Puts texts behind what it has. Raises when it was sent before.
---@param ... string
function parts:add(...) end

---Frees it. No call that sends it may be under way.
function parts:close() end

---@return fellowship.http.body
function http.body() end

---Posts the body, or gets without one, and waits for the whole answer. Redirects are not followed.
---@param body? string|fellowship.http.body
---@param options? fellowship.http.send_options
---@return fellowship.http.answer? answer whatever its status
---@return fellowship.http.problem? problem
function target:send(body, options) end

---An answer that is read while it comes. Closing it, or leaving it as a to-be-closed variable, ends
---the exchange.
---@class fellowship.http.stream: userdata
local stream = {}

---Begins to post the body, or to get without one. Nothing waits until the first `read`, which one task does at a time.
---@param body? string|fellowship.http.body
---@param options? fellowship.http.send_options
---@return fellowship.http.stream? stream
---@return fellowship.http.problem? problem
function target:stream(body, options) end

---Waits for more of the answer. nil at its end, and nil with a problem when it broke.
---@return string? bytes
---@return fellowship.http.problem? problem
function stream:read() end

---What is known since the first `read`.
---@return integer status 0 when none has come
---@return string head the header lines
---@return number elapsed seconds, once the answer has ended
function stream:head() end

---Ends the exchange, if it has not ended. Who waits for more in another task gets an error.
function stream:close() end

---A new target. Fails when the URL is not usable ("usage") or the key's variable not set ("auth").
---@param options fellowship.http.target_options
---@return fellowship.http.target? target
---@return { kind: "usage"|"auth", message: string }? problem
function http.target(options) end

---The text without the target's secrets (its key, what its URL and headers hold of passwords and tokens), in the forms
---that servers give them: escaped, in hexadecimal, in base64. Answers are without them already; this is for what was
---put together from pieces of some.
---@param text string
---@return string
function target:redact(text) end

---Leaves the target's secrets out of a text that comes in pieces.
---@class fellowship.http.redaction: userdata
local redaction = {}

---@return fellowship.http.redaction
function target:redaction() end

---@param piece string
---@param last? boolean nothing follows it
---@return string what may be shown by now, and was not given before
function redaction:add(piece, last) end

---Frees it. No call to it may be under way.
function target:close() end

---How far the call of a task is that waits in `send`: nil when it does not.
---@param t fellowship.task
---@return "connect"|"sent"|"body"|nil
---@return integer? bytes of the body that have come
function http.phase(t) end

---The value of the last header line of that name, in any case; nil when there is none.
---@param head string an answer's head
---@param name string
---@return string?
function http.header(head, name) end

return http
