-- All statements of scores in a text, in order: from its lines, its tables and its objects, each with what the headings
-- above it say.

local choice = require "fellowship.judge.read.choice"
local fields = require "fellowship.judge.read.fields"
local label = require "fellowship.judge.read.label"
local mentions = require "fellowship.judge.read.mentions"
local objects = require "fellowship.judge.read.objects"
local outline = require "fellowship.judge.read.outline"
local scores = require "fellowship.judge.read.scores"
local signs_of = require("fellowship.judge.read.signs").of
local source = require "fellowship.judge.read.source"
local tables = require "fellowship.judge.read.tables"
local tokens = require "fellowship.judge.read.tokens"

local statements = {}

-- A text with more lines or sentences that could be statements is none of a judge.
local MOST_LINES, MOST_SENTENCES = 1500, 1500

-- Longer lines without a number are prose, unless a colon stands in so many first bytes of them; longer sentences are
-- looked at from their end.
local SHORT, HEAD, SENTENCE = 80, 50, 600

local DIGIT = "[%d\1-\5]"

---@class fellowship.ScoreReader
---@field scale integer
---@field sides boolean scores are those of A and of B
---@field list fellowship.Statement[]
---@field pending fellowship.Label? a heading whose value is to come
---@field reported boolean what follows is what somebody else wrote
---@field other boolean? a sentence says that scores are of another scale
---@field rows fellowship.Line[]? those of the table that is read
---@field round integer how often what was said had been taken back
local Reader = {}
Reader.__index = Reader

for _, methods in ipairs { fields, tables } do
  for name, method in pairs(methods) do Reader[name] = method end
end

-- Where objects stand: in no line.
local OUTSIDE = { marked = false, cited = false, base = 0 }

--- Notes what stands around the statements that were added since there were `from`.
function Reader:place(from, line)
  local side, topic, overall, headed = self.outline:context()
  for i = from + 1, #self.list do
    local st = self.list[i]
    st.topic, st.round = topic, st.round or self.round
    if st.at then st.at, st.stop = st.at + line.base, st.stop + line.base end
    if self.sides then st.side = st.side or (not st.unnamed or st.out) and side or nil end
    if st.tier == scores.BARE and headed and not topic then st.tier = scores.SCORE end
    local tier, whole = st.tier, self.sides and st.score and st.named
    if tier > scores.CRITERION then
      if overall and not topic and (tier > scores.BARE or self.outline:awaits(st.side)) then tier = scores.OVERALL
      elseif topic and tier < scores.OVERALL and not whole then tier = scores.CRITERION
      elseif (line.marked or line.headed) and whole and tier == scores.SCORE then tier = scores.OVERALL end
    end
    st.tier, st.marked, st.topic = tier, line.marked or line.headed, topic or self.outline.title
    if tier > scores.CRITERION then self.unfinished = nil end
    st.reported = line.cited or self.reported
    if st.reported and self.sides and st.side then
      if self.said[st.side] then st.reported, self.reported = false, false end -- a second one is no part of it
      self.said[st.side] = true
    elseif st.reported then
      if self.said.any then st.reported, self.reported = false, false end
      self.said.any = true
    end
  end
end

--- Begins or ends what somebody else is reported to have written.
function Reader:report(reported)
  self.reported, self.said = reported, {}
end

-- What takes something back stands within so many bytes of a sentence's beginning.
local BEGINNING = 40

local function may_take_back(t)
  for i = 1, math.min(t.n, 8) do
    if t.kinds[i]:find "[GRX]" or t.text[i] == "second" then return true end
  end
  return false
end

--- Begins anew where a sentence takes back what was said: "Wait, ...".
---@param t fellowship.Tokens? its tokens, where they are known
function Reader:take_back(text, from, to, t)
  local last = self.list[#self.list]
  if not last or (last.round or self.round) ~= self.round then return end
  t = t or tokens.of(text, from, math.min(to, from + BEGINNING), 8)
  if may_take_back(t) and choice.takes_back((signs_of(t))) then self.round = self.round + 1 end
end

--- The sentences of a line: where each begins and ends.
local function sentences(text, from, to)
  local at = from
  return function()
    if at > to then return nil end
    local start, stop = at, source.sentence_end(text, at, to)
    at = text:find("%S", stop + 1) or to + 1
    return start, stop
  end
end

-- The other side's name, as a word.
local OTHERS = { a = "%f[%w][Bb2]%f[%W]", b = "%f[%w][Aa1]%f[%W]" }

local function begins_with_side(t)
  local i = 1
  while i <= t.n and (t.what[i] == "*" or t.text[i] == "the" or tokens.is(t, i, "N")) do i = i + 1 end
  local side = i <= t.n and label.side(t, i) or nil
  return OTHERS[side] and side or nil
end

local function names_other(t, side)
  for i = 1, t.n do
    local named = label.side(t, i)
    if named and named ~= "c" and named ~= side then return true end
  end
  return false
end

--- Whether there is nothing in a line but prose: it holds no number, and says nothing of the lines below it.
local function is_prose(line)
  local text, from, to = line.text, line.from, line.to
  if line.heading or to - from < SHORT or (text:find(DIGIT, from) or to + 1) <= to then return false end
  local colon = text:find(":", from, true)
  return not colon or colon > to or colon > from + HEAD and colon < to - 2
end

--- Where the next number of a line stands, from a place on.
local function next_digit(known, text, at)
  if known.digit < at then known.digit = text:find(DIGIT, at) or #text + 1 end
  return known.digit
end

-- Words that begin a sentence, not the name of a criterion.
local SENTENCES = {}
for word in ("i it we this that they there he she you sorry thanks thank apologies sure ok okay well yes alright "
  .. "certainly understood here es ich sie il je elle c'est lo yo"):gmatch "%S+" do SENTENCES[word] = true end

--- Reads a sentence of a line; its label, and how many numbers it has.
function Reader:sentence(line, start, stop, known)
  local text = line.text
  local has_digit = next_digit(known, text, start) <= stop
  if known.n > 1 and not has_digit then
    self:take_back(text, start, stop)
    if known.side and text:sub(start, stop):find(OTHERS[known.side]) then known.side = nil end
    known.any = true
    if stop >= line.to then
      known.last = scores.read({}, tokens.of(text, math.max(start, stop - HEAD), stop), self.scale, { sides = false })
    end
    return
  end
  self.sentences = self.sentences + 1
  if has_digit and stop - start > SENTENCE then start = stop - SENTENCE end
  local t = tokens.of(text, start, stop, not has_digit and HEAD or nil)
  self:take_back(text, start, stop, t)
  local from = #self.list
  local l, count, first = scores.read(self.list, t, self.scale, { label = known.pending, embedded = known.n > 1
    and known.any, pairs = self.sides and not self.outline:context(),
    leads = known.n == 1 and line.above, sides = self.sides })
  known.pending = nil
  -- "Scale: 1-5", a sentence of its own
  if #self.list == from and l.wrong_scale and label.is_clear(l) and stop - start < SHORT then self.other = true end
  if known.n == 1 then
    known.side, known.first = begins_with_side(t), first
    known.topic = t.n <= 6 and (first.colon or first.words <= 2 or line.item) and count == 0
      and not label.is_clear(first)
      and not first.neutral and not known.side and not SENTENCES[t.text[1]]
  end
  if known.side and names_other(t, known.side) then known.side = nil end
  for i = from + 1, #self.list do
    local st = self.list[i]
    st.named, st.round = st.side ~= nil, self.round
    st.side = st.side or known.side
    if known.n > 1 and known.topic then st.tier = scores.CRITERION end
  end
  if count == 0 and l.reports and text:find("^:", stop) then self:report(true) end
  known.any = known.any or l.words > 0 or count > 0
  known.last = l
end

--- A line that is no row of a table.
function Reader:line(line)
  self.example, self.introduced = source.is_example(line, self.introduced, self.example), source.introduces(line)
  if is_prose(line) then
    self:take_back(line.text, line.from, line.to)
    self.pending = nil
    return self:report(false)
  end
  self.lines = self.lines + 1
  local before = #self.list
  local known = { n = 0, any = false, digit = 0, pending = not line.marked and self.pending
    and label.copy(self.pending) or nil }
  line.headed = known.pending and known.pending.marked
  for start, stop in sentences(line.text, line.from, line.to) do
    known.n = known.n + 1
    self:sentence(line, start, stop, known)
    if self.sentences > MOST_SENTENCES then break end
  end
  if self.example then
    for i = #self.list, before + 1, -1 do self.list[i] = nil end
  end
  if line.heading and #self.list > before then self.outline:close(line.level + 1) end
  self:place(before, line)
  local decides = false
  for i = before + 1, #self.list do decides = decides or self.list[i].tier > scores.CRITERION end
  known.first.last = known.last
  self:settle(line, known.first, decides, known.n == 1)
end

--- What a line means for those below it.
function Reader:settle(line, l, has_value, alone)
  local text = line.text
  local colon = text:find("^[:=]", line.to) ~= nil or text:find("^[:=]%*+$", line.to - 2) ~= nil
    and text:find("[:=]%*+", line.to - 2) ~= nil
  if has_value then
    self.pending, self.unfinished = nil, nil
    if line.heading then self.outline:close(line.level) end
    return
  end
  if colon and not alone and l.last and label.is_clear(l.last) and (l.last.score or l.last.overall) then
    l, alone = l.last, true -- a heading behind a sentence
  end
  local short = line.to - line.from < 80 and alone
  if line.heading or colon and short then
    self.outline:open(line.level, l)
    self.pending, l.marked = label.is_clear(l) and l or nil, line.marked
    if not (label.is_clear(l)) then self:report(l.reports and (colon or line.heading)) end
    if self.pending and l.score and #l.sides == (self.sides and 1 or 0) then self.unfinished = true end
  else
    self.pending = nil
    if colon and l.last and l.last.reports then self:report(true)
    elseif not (short and label.is_clear(l)) then self:report(false) end
    local named = #l.sides == 1 and l.first
    if named and (l.colon or short and label.is_clear(l) and l.words <= 3) then
      self.outline:open(line.level, l)
      if not l.colon then self.pending = l end -- "Assistant A" above its score
    elseif short and not line.item and l.words <= 4 and not l.colon and not label.is_clear(l)
      and not text:find("[.!?]", line.to) then
      self.outline:open(line.level, l) -- a heading without a mark
    end
  end
end

-- ---- all of it ----

--- Whether a text ends with words that somebody says what follows.
local function ends_reporting(text)
  local line = text:sub(-200):match "([^\n]*)%s*$"
  local l = label.new()
  label.take_text(l, line, 0)
  return l.reports and not line:find "[.!?]$"
end

--- Two elements of the same name for a score, and nothing else of that name, are those of both: "<score>8</score>
--- <score>6</score>".
local function paired(text)
  local from, stop, name = text:find "<(%a+)>[^<>]*</%a+>%s*<%a+>"
  if not from or stop - from > SHORT then return text end
  local before = text:sub(math.max(1, from - SHORT), from - 1):match "([^ \t])[ \t]*$"
  if before and before:find "[%w,:)%]]" then return text end
  local l = label.new()
  label.take_text(l, name, 0)
  if not (l.score and label.is_clear(l)) or select(2, text:gsub("<" .. name .. ">", "")) ~= 2 then return text end
  return (text:gsub("<" .. name .. ">([^<>]*)</" .. name .. ">%s*<" .. name .. ">([^<>]*)</" .. name .. ">",
    "<" .. name .. "_a>%1</" .. name .. "_a><" .. name .. "_b>%2</" .. name .. "_b>", 1))
end

function Reader:text(text)
  local clean, rows = mentions.resolve(source.clean(self.sides and paired(text) or text)), nil
  for line in source.lines(clean) do
    if rows and not (line.cells or line.rule) then
      self:table(rows)
      rows = nil
    end
    if line.closes then self.outline:close(line.level)
    elseif line.rule then
      if rows and #rows == 1 then rows.rule = true end
    elseif line.cells then
      rows = rows or {}
      rows[#rows + 1] = line
      self.lines = self.lines + 1
    else
      line.above = self.lines == 0 and clean:find("%S", line.base + #line.text + 1) ~= nil
      self:line(line)
    end
    if self.lines > MOST_LINES or self.sentences > MOST_SENTENCES then return false end
  end
  if rows then self:table(rows) end
  self.clean = clean
  return true
end

--- The statements of scores in a text, in order; nil where there are too many lines.
---@param text string without thinking
---@param scale integer
---@param sides boolean scores are those of A and of B
---@return fellowship.Statement[]?
---@return fellowship.ScoreReader about `unfinished`: a heading of a score has no value behind it; `round`
function statements.read(text, scale, sides)
  local reader = setmetatable({ scale = scale, sides = sides, list = {}, outline = outline.new(), reported = false,
    said = {}, lines = 0, sentences = 0, round = 0 }, Reader)
  local parts, many = objects.parts(text)
  if many then return nil, reader end
  for i, part in ipairs(parts) do
    if part.text then
      if not reader:text(part.text) then return nil, reader end
      for _, st in ipairs(reader.list) do st.part = st.part or i end
    else
      local from = #reader.list
      reader:report(ends_reporting(parts[i - 1].text))
      reader:object(part.object, label.new())
      reader:place(from, OUTSIDE)
      reader:report(false)
      for k = from + 1, #reader.list do reader.list[k].part = i end
      reader.pending = nil
    end
  end
  if reader.other then
    for _, st in ipairs(reader.list) do st.value = st.out and st.value end
  end
  reader.parts = parts
  return reader.list, reader
end

return statements
