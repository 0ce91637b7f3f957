-- Which providers take batches, and what their protocols say. A protocol is a pure module (no I/O). `b` is a batch as the
-- store knows it (uid, file, calls), `dialect` what the provider has otherwise:
--
--   most_calls, most_bytes                      bounds of a batch
--   line(id, wire, dialect) -> text             a call in it
--   upload(b, dialect, model) -> request        where the calls go first, if `uploads`; uploaded(value) -> file
--   create(b, dialect, model) -> request        what makes the batch
--   status(id), cancel(id), list(after) -> path
--   view(value, b, model) -> view               what an answer says of a batch
--   page(value, after) -> views, after          what a page of the account's batches says, and where the next one begins
--   is_ours(view, b) or may_be_ours(view, b)    for a batch whose making was not answered
--   result(value) -> id, status, body           a line of the results; without status, body says why there is no answer
--   results(place, after) -> path, results_page(value) -> values, after    if `paged`: results are no file of lines
--
-- A request is { path =, headers =, body = }; where the calls stand in it, head, between and tail are around their lines
-- in place of a body. An upload with `session(bytes)`, a request, is sent where place(header) of its answer says.
--
-- A view is { id =, status = as the provider says it, phase = "running" | "ended" | "refused" | "unknown", unsure = whether
-- that is not sure yet, total =, done =, failed =, created = seconds, results = paths or URLs, errors = in words,
-- code = of the first error, lines = what is said of which lines, gone = why the results cannot be had }.

local batch = {}

local function of_openai(dialect)
  return { protocol = "fellowship.batch.protocol.openai", dialect = dialect or {} }
end

-- By the provider's name. Azure is left out: its batches want deployments of a kind of their own.
local known = {
  openai = of_openai(),
  ["openai-responses"] = of_openai { endpoint = "/v1/responses" },
  groq = of_openai(),
  together = of_openai { purpose = "batch-api", upload = "/files/upload", file_name = true },
  anthropic = { protocol = "fellowship.batch.protocol.anthropic" },
  gemini = { protocol = "fellowship.batch.protocol.gemini" },
  mistral = { protocol = "fellowship.batch.protocol.mistral" },
  xai = { protocol = "fellowship.batch.protocol.xai" },
}

-- How a batch is refused, or its making, only because too much waits already: OpenAI's and Azure's code and words,
-- Google's quotas, Anthropic's queue, and what gateways make of them.
local FULL = { "token_limit_exceeded", "enqueued token", "enqueued_token", "enqueuedtoken", "processing queue",
  "batch queue", "batch requests in", "too many batches", "concurrent batch" }

--- Whether words or a code say that a batch was refused only because too much waits at the provider already.
---@param said string?
---@return boolean
function batch.is_full(said)
  local lower = (said or ""):sub(1, 10000):lower()
  for _, words in ipairs(FULL) do
    if lower:find(words, 1, true) then return true end
  end
  return false
end

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
