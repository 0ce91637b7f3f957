-- Records as a page's script reads them, and what its list of rows shows of each. page.js names the same places.

local json = require "fellowship.core.json"
local text = require "fellowship.base.text"

local pack = {}

-- Characters of a prompt that the list shows.
local HEAD = 90

--- What a row may be filtered by, as bits.
pack.flags = { unparsed = 1, disagreement = 2, flip = 4, wrong = 8, turned = 16, cut = 32, unpaired = 64 }

local WINNERS = { a = 1, b = 2, tie = 4, unparsed = 8 }

local function id_of(record)
  if math.type(record.id) == "integer" then return tostring(record.id) end
  return type(record.id) == "string" and text.valid(record.id) or json.encode(record.id)
end

--- A text, or messages, as one text.
local function plain(value)
  if type(value) ~= "table" then return value or "" end
  local parts = {}
  for i, message in ipairs(value) do parts[i] = message.content end
  return table.concat(parts, "\n")
end

--- Characters of a text; bytes where it is no UTF-8.
---@param value string|fellowship.Message[]|nil
---@return integer
function pack.length(value)
  local s = plain(value)
  return utf8.len(s) or #s
end

-- ---- a record ----

local function optional(value)
  if value == nil then return json.null end
  return value
end

local function readable(value)
  if type(value) ~= "table" then return optional(value and text.valid(value)) end
  local list = json.array {}
  for i, message in ipairs(value) do list[i] = json.array { message.role, message.content } end
  return list
end

--- What a piece of evidence says of itself: its round, whether it decides, in which order the responses were shown.
local function note_of(piece, order)
  local parts = {}
  if piece.round then parts[1] = ("round %s"):format(piece.round) end
  if piece.final == true then parts[#parts + 1] = "final" end
  if order then parts[#parts + 1] = order.shown == "ba" and "B shown first" or "A shown first" end
  if piece.finish_reason == "length" then parts[#parts + 1] = "cut off" end
  return table.concat(parts, ", ")
end

local function spoken(judgement)
  local list, orders = json.array {}, judgement.orders
  local by_order = type(orders) == "table" and #orders == #judgement.said
  for i, piece in ipairs(judgement.said) do
    local who = json.is_null(piece.role) and piece.model or piece.role or piece.model or "?"
    list[i] = json.array { tostring(who), optional(piece.text), optional(piece.reasoning),
      note_of(piece, by_order and orders[i]), piece.role and optional(piece.model) or json.null }
  end
  return list
end

local function votes_of(judgement)
  local list = json.array {}
  for i, vote in ipairs(type(judgement.votes) == "table" and judgement.votes or {}) do
    local scores = type(vote.scores) == "table" and vote.scores or {}
    local models = type(vote.models) == "table" and table.concat(vote.models, " + ") or tostring(vote.model or i)
    list[i] = json.array { models, optional(vote.winner), optional(scores.a), optional(scores.b) }
  end
  return list
end

local JUDGEMENT = { "by", "a", "b", "w", "s", "f", "pr", "v", "said", "run" }
local RECORD = { "i", "p", "c", "j", "g", "r", "h", "f", "m" }

local function packed_judgement(j)
  return json.object({ by = text.valid(j.by), a = j.a, b = j.b, w = j.winner,
    s = json.array { optional(j.scores.a), optional(j.scores.b) }, f = j.flip,
    pr = j.problem, v = j.votes and votes_of(j), said = spoken(j), run = j.run }, JUDGEMENT)
end

--- Makes a list of others by a function.
local function mapped(list, fn)
  local made = json.array {}
  for i, value in ipairs(list or {}) do made[i] = fn(value) end
  return made
end

--- What is said of one candidate alone: by whom, its number, score, problem, criteria, evidence.
local function packed_rating(rating)
  return json.array { text.valid(rating.by), rating.candidate, optional(rating.score), optional(rating.problem),
    mapped(rating.criteria, function(each) return json.array { text.valid(each[1]), each[2], optional(each[3]) } end),
    spoken(rating) }
end

--- A record as JSON, in which no "<" stands, so that it may stand in a page.
---@param record fellowship.report.Record
---@return string
function pack.record(record)
  local packed = json.encode(json.object({ i = id_of(record), p = readable(record.prompt),
    c = mapped(record.candidates, function(c)
      return json.array { text.valid(c.name), readable(c.text), optional(c.thoughts), c.cut or false }
    end),
    j = mapped(record.judgements, packed_judgement), g = record.ratings and mapped(record.ratings, packed_rating),
    r = #record.pairs > 0 and mapped(record.pairs, function(p)
      local scores = type(p.scores) == "table" and p.scores or {}
      return json.array { p.chosen, p.rejected, optional(p.margin), optional(scores.chosen), optional(scores.rejected) }
    end) or nil,
    h = record.human, f = record.feedback, m = #record.more > 0 and mapped(record.more, json.array) or nil }, RECORD))
  return pack.safe(packed)
end

--- JSON that may stand in a page and in a script.
---@param s string
---@return string
function pack.safe(s)
  -- Plain searches first: most texts have none of these, and gsub looks at every byte of them.
  if s:find("<", 1, true) then s = s:gsub("<", "\\u003c") end
  if s:find("\226\128\168", 1, true) then s = s:gsub("\226\128\168", "\\u2028") end
  if s:find("\226\128\169", 1, true) then s = s:gsub("\226\128\169", "\\u2029") end
  return s
end

-- ---- what the list shows ----

---@class fellowship.report.Line
---@field id string
---@field head string the begin of the prompt
---@field by string[] the evaluators
---@field winners table<string, integer> by evaluator: which winners it named, as bits
---@field margin? number
---@field flags integer
---@field names string[] the candidates' own names, where these tell rows apart
---@field a integer characters of the first candidate, or of the chosen one
---@field b integer
---@field outcome? string what pairs came of it

--- The widest difference of scores in a record.
local function margin_of(record)
  local pair = record.pairs[1]
  if pair then return pair.margin end
  local most
  for _, j in ipairs(record.judgements) do
    if j.scores.a and j.scores.b then most = math.max(most or 0, math.abs(j.scores.a - j.scores.b)) end
  end
  return most
end

--- Whether evaluators say different things of the same candidates.
local function disagree(record)
  local seen = {}
  for _, j in ipairs(record.judgements) do
    local key = j.a * 1000 + j.b
    if j.winner ~= "unparsed" then
      if seen[key] and seen[key] ~= j.winner then return true end
      seen[key] = j.winner
    end
  end
  return false
end

local function flags_of(record, with_pairs)
  local flags, f = 0, pack.flags
  for _, j in ipairs(record.judgements) do
    if j.winner == "unparsed" then flags = flags | f.unparsed end
    if j.flip then flags = flags | f.flip end
    if WINNERS[record.human] and j.winner ~= "unparsed" and j.winner ~= record.human then flags = flags | f.wrong end
  end
  for _, rating in ipairs(record.ratings or {}) do
    if not rating.score then flags = flags | f.unparsed end
  end
  for _, c in ipairs(record.candidates) do
    if c.cut then flags = flags | f.cut end
  end
  if disagree(record) then flags = flags | f.disagreement end
  if record.turned then flags = flags | f.turned end
  if with_pairs and #record.pairs == 0 then flags = flags | f.unpaired end
  return flags
end

--- A record's line in the list.
---@param record fellowship.report.Record
---@param with_pairs boolean whether the run was to make pairs
---@return fellowship.report.Line
function pack.line(record, with_pairs)
  local winners, by, pair = {}, {}, record.pairs[1]
  for _, j in ipairs(record.judgements) do
    if not winners[j.by] then by[#by + 1] = j.by end
    winners[j.by] = (winners[j.by] or 0) | (WINNERS[j.winner] or 8)
  end
  for _, rating in ipairs(record.ratings or {}) do
    if not winners[rating.by] then by[#by + 1], winners[rating.by] = rating.by, 0 end
  end
  local first, second = record.candidates[pair and pair.chosen or 1], record.candidates[pair and pair.rejected or 2]
  local names = {}
  for i, c in ipairs(record.candidates) do names[i] = c.by or c.name end
  -- White space is folded in what can be shown alone: a prompt may be a megabyte.
  local head = plain(record.prompt):sub(1, HEAD * 4):gsub("%s+", " ")
  return { id = id_of(record), head = text.cut(head, HEAD), by = by, winners = winners, margin = margin_of(record),
    flags = flags_of(record, with_pairs), names = names, a = pack.length(first and first.text),
    b = pack.length(second and second.text), outcome = pair and ("%d > %d"):format(pair.chosen, pair.rejected) }
end

return pack
