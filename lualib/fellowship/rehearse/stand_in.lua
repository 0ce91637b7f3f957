-- Texts that stand in for what models would write, in a dry run: as long as that likely is, in the form that the
-- request asks for, and marked, so that they are known again in the prompts that hold them.

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local form = require "fellowship.base.form"
local schema_value = require "fellowship.base.schema_value"
local sim = require "fellowship.provider.sim"

local stand_in = {}

-- "[sim k3 0000812 1f00c2aa]": which group of calls wrote it, and how many bytes it has, the mark included.
local MARK, FOUND, START = "[sim k%d %07d %08x]", "^%[sim k(%d+) (%d+) %x+%]", "[sim k"

-- No word of a verdict, no digit, nothing that JSON escapes.
local FILLER = (" This text stands in for what the model would write; it is about as long as that likely is."):rep(64)

local LONGEST = 9999999

-- The filler of the last text: without a store all are as long.
local latest, latest_room = "", 0

local function filler_of(room)
  if room ~= latest_room then
    local filler = FILLER
    if room > #filler then filler = filler:rep(room // #filler + 1) end
    latest, latest_room = filler:sub(1, room), room
  end
  return latest
end

--- A marked text of about so many bytes, with what it has to end with.
local function marked(group, id, bytes, ending)
  local least = #MARK:format(group, 0, id) + #ending
  bytes = math.min(math.max(bytes, least), LONGEST)
  return MARK:format(group, bytes, id) .. filler_of(bytes - least) .. ending
end

--- A value that fits the schema, as JSON of about so many bytes.
local function fitting(schema, draw, group, id, bytes)
  local function text(most)
    local made = marked(group, id, bytes, "")
    bytes = 0 -- the first text is the long one
    return most and #made > most and "" or made
  end
  return json.encode(schema_value(schema, draw, text))
end

--- Whether a request asks which of two is better, so that what comes after may depend on it. (A reviewer's score of
--- one response, which is asked for in the same form as an independent judgement, is only passed on.)
---@param messages table[]
---@return boolean
function stand_in.decides(messages)
  local asked = form.asked(content.text(messages[#messages].content))
  return asked ~= nil and asked.strategy ~= "independent" and asked.strategy ~= "rubric"
end

--- What a model would answer, as far as a workflow can tell.
---@param flight { digest: string, messages: table[], params: table, schema: table? }
---@param group integer which group of calls it belongs to
---@param bytes integer
---@return string text
---@return table? logprobs
function stand_in.write(flight, group, bytes)
  local draw, id = sim.numbers(flight.digest), (string.unpack("<I4", flight.digest))
  if flight.schema then return fitting(flight.schema, draw, group, id, bytes) end
  local text = marked(group, id, bytes, sim.judgement(content.text(flight.messages[#flight.messages].content), draw))
  return text, flight.params.logprobs and sim.tokens(text) or nil
end

--- Parts a message into what stands in for a model's text and the rest.
---@param said string
---@param take fun(group: integer, bytes: integer, part: number) called for each stand-in: how much of it is there
---@return string rest
function stand_in.part(said, take)
  local at, from, rest = 1, 1, {}
  while true do
    local start = said:find(START, from, true)
    if not start then break end
    local group, bytes = said:match(FOUND, start)
    if group then
      local whole = math.tointeger(tonumber(bytes))
      bytes = math.min(whole, #said - start + 1) -- a script may have cut it
      take(math.tointeger(tonumber(group)), bytes, bytes / math.max(whole, 1))
      rest[#rest + 1] = said:sub(at, start - 1)
      at = start + bytes
      from = at
    else
      from = start + 1
    end
  end
  if at == 1 then return said end
  rest[#rest + 1] = said:sub(at)
  return table.concat(rest, "\0")
end

return stand_in
