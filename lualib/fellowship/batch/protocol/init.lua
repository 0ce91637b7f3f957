-- Which providers take batches, and what their protocols say. A protocol is a pure module (no I/O):
--
--   most_calls, most_bytes                      bounds of a batch
--   line(id, wire) -> text                      a call in it
--   upload(uid, dialect) -> request             where the calls go first, if `uploads`; uploaded(value) -> file
--   create(uid, file) -> request                what makes the batch
--   status(id), cancel(id), list(after) -> path
--   view(value) -> view                         what an answer says of a batch
--   page(value) -> views, after                 what a page of the account's batches says
--   is_ours(view, state) or may_be_ours(view, state)     for a batch whose making was not answered
--   result(value) -> id, status, body           a line of the results; without status, body says why there is no answer
--   is_full(view)                               refused because too much waits already
--
-- A request is { path =, headers =, body = }; where the calls stand in it, head, between and tail are around their lines
-- in place of a body.
--
-- A view is { id =, status = as the provider says it, phase = "running" | "ended" | "refused" | "unknown", total =, done =,
-- failed =, created = seconds, results = paths or URLs, errors = in words, gone = why the results cannot be had }.

local batch = {}

local OPENAI, ANTHROPIC = "fellowship.batch.protocol.openai", "fellowship.batch.protocol.anthropic"

-- By the provider's name. Azure is left out: its batches want deployments of a kind of their own.
local known = {
  openai = { protocol = OPENAI },
  groq = { protocol = OPENAI },
  together = { protocol = OPENAI, dialect = { purpose = "batch-api", upload = "/files/upload", file_name = true } },
  anthropic = { protocol = ANTHROPIC },
}

--- The protocol of a provider's batches, and in what the provider differs; nil when it has none that is known.
---@param provider fellowship.Provider
---@return table? protocol
---@return table dialect
function batch.of(provider)
  local found = known[provider.name]
  if not found then return nil, {} end
  return require(found.protocol), found.dialect or {}
end

--- The names of the providers that take batches, for messages.
---@return string
function batch.names()
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

return batch
