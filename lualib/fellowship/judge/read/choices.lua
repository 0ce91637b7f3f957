-- All statements in a text of which of two is better, in order: behind headings of an answer, in sentences, and as a
-- letter alone.

local boxes = require "fellowship.judge.read.boxes"
local choice = require "fellowship.judge.read.choice"
local fold = require "fellowship.judge.read.fold"
local members = require "fellowship.judge.read.members"
local mentions = require "fellowship.judge.read.mentions"
local objects = require "fellowship.judge.read.objects"
local ranks = require "fellowship.judge.read.ranks"
local signs_of = require("fellowship.judge.read.signs").of
local source = require "fellowship.judge.read.source"
local tokens = require "fellowship.judge.read.tokens"

local choices = {}

local is = tokens.is

-- How much a statement counts: behind the heading that was asked for, or in double brackets; behind any heading of an
-- answer; in a sentence; a letter alone.
choices.FINAL, choices.ANSWER, choices.SENTENCE, choices.LETTER = 4, 3, 2, 1

-- A text with more sentences that could be statements is none of a judge; of a longer sentence only so much is read.
local MOST, LONG = 1500, 400

-- Short lines, and how much is looked at behind double brackets.
local SHORT = 60

---@class fellowship.Choice
---@field value "a"|"b"|"tie"|false false where it cannot be told which
---@field tier integer
---@field reported boolean what somebody else wrote
---@field line integer
---@field named boolean? "Assistant A", not the letter alone
---@field boxed boolean? in double brackets
---@field round integer how often what was said before it had been taken back

local Reader = {}
Reader.__index = Reader

-- Where objects stand: in no line.
local OUTSIDE = { cited = false }

function Reader:add(value, tier, line)
  local st = { value = value, tier = tier, line = self.lines, reported = line.cited or self.reported or false,
    round = self.round }
  if st.reported then
    if self.said then st.reported, self.reported = false, false end -- a second one is no part of it
    self.said = true
  end
  if self.example or self.under and tier <= choices.SENTENCE then return nil end
  -- Under a criterion a heading of an answer is one for the criterion.
  if self.topic and (tier == choices.ANSWER or tier == choices.SENTENCE) then return nil end
  self.list[#self.list + 1] = st
  return st
end

--- The value of a heading: what the signs behind it decide, or the rest of its line; and whether it took the rest.
local function value_of(text, from, to, signs)
  local found = choice.of(signs, true)
  local mark = signs:match "^[12]%.$"
  if found ~= nil and not mark or from > to then return found end
  local rest = signs_of(tokens.of(text, from, math.min(to, from + LONG)))
  if mark and not rest:find "^[ab]" then return found end
  return choice.of((mark or "") .. rest, true), true
end

local ALONE = { w = true, ["+w"] = true, ["w:"] = true, ["+w:"] = true, ["+"] = true, ["+:"] = true }

--- What the line just above says of one: that it is an example, or of what it is.
function Reader:begin(line)
  self.example, self.introduced = source.is_example(line, self.introduced, self.example), source.introduces(line)
  self.under, self.above = self.above and not line.apart, false
  self.covered, self.covers = self.covers, false
  local text, from, to = line.text, line.from, line.to
  if to - from < SHORT and not line.heading and not line.item and not text:find("[^%w ]", from) then
    local _, count = text:sub(from, to):gsub("%w+", "")
    self.above = count <= 3 -- a heading without a mark, unless it decides
  end
end

--- The rank of one: that of both decides. Once more the same one begins another list.
function Reader:place(side, rank, line)
  if self.placed[side] then self.placed = {} end
  local placed = self.placed
  placed[side] = rank
  local a, b = placed.a, placed.b
  if a and b then self:add(a < b and "a" or a > b and "b" or "tie", choices.ANSWER, line) end
end

--- Whether a line has to do with the heading of an answer: it is one, with its value or before it, or the value of one
--- above; and how far that goes.
function Reader:answer(line, signs, final, stop, pending)
  local text = line.text
  local side, rank = ranks.of(text:sub(line.from, line.to))
  if side then
    self:place(side, rank, line)
    return true, line.to
  end
  local rest, criterion = choice.heading(signs, final)
  if not rest and choice.asks(signs) then
    if stop >= line.to then
      self.pending = { tier = choices.ANSWER }
      return true, line.to
    end
    local value = choice.of(signs_of(tokens.of(text, stop + 1, math.min(line.to, stop + LONG))), true)
    if value ~= nil then self:add(value, choices.ANSWER, line) end
    return value ~= nil, line.to
  end
  local tier = (final or line.marked) and choices.FINAL or choices.ANSWER
  if rest and criterion then
    self.covers = not rest:find "[^,.]"
    return true, stop
  end
  if rest and (rest:find "[^,.]" or stop < line.to) then
    local value, whole = value_of(text, stop + 1, line.to, rest)
    self:add(value or false, tier, line)
    return true, whole and line.to or stop
  elseif rest or ALONE[signs] and (line.heading or line.to - line.from < 60 and text:find("^:", line.to)) then
    self.pending = { tier = tier }
    return true, line.to
  elseif pending and (not line.marked or #signs <= 3) then
    local value, whole = value_of(text, stop + 1, line.to, signs)
    self:add(value or false, pending.tier, line)
    return value ~= nil, whole and line.to or stop
  end
  return false
end

--- Begins anew where a sentence takes back what was said; whether it does.
function Reader:takes_back(signs)
  if not choice.takes_back(signs) then return false end
  local last = self.list[#self.list]
  if last and last.round == self.round then self.round = self.round + 1 end
  return true
end

function Reader:line(line)
  local text, from, to = line.text, line.from, line.to
  self:begin(line)
  local stop, pending = source.sentence_end(text, from, to), self.pending
  self.pending, self.count = nil, self.count + 1
  -- Without a heading, a sentence with a word that is not known decides nothing.
  local t = tokens.of(text, from, math.min(stop, from + LONG), nil, not pending and not text:find("^[:*\"']", to))
  local signs, overall, reports = signs_of(t)
  if t.stop and (choice.heading(signs, overall) or choice.begins_question(t) and text:byte(stop) == 63) then
    t = tokens.of(text, from, math.min(stop, from + LONG))
    signs, overall, reports = signs_of(t)
  end
  local boxed = text:find("[[", from, true)
  local back = self:takes_back(signs)
  local decides, read = self:answer(line, signs, overall or boxed ~= nil and 0, stop, pending)
  if not decides then
    decides, read = self:sentence(line, from, stop, t, signs, back), stop
  end
  if read < to then decides = self:sentences(line, read + 1) or decides end
  self:settle(line, signs, reports, decides)
end

--- What double brackets decide. Lines of them one below the other that differ list what might be said.
function Reader:boxed(value, line)
  local last = self.list[#self.list]
  local lists = last and last.boxed and last.line == self.lines - 1 and not line.apart and last.value ~= value
  if lists then last.value, value = false, false end
  local st = self:add(value, choices.FINAL, line)
  if st then st.boxed = true end
  return st
end

--- One sentence without a heading of an answer: whether it decides.
function Reader:sentence(line, from, stop, t, signs, back)
  local value, bare = choice.of(signs, back)
  local boxed = line.text:find("[[", from, true)
  if boxed and boxed <= stop then
    local sure, doubtful = boxes.value(line.text, from, stop)
    if doubtful then return nil end
    if value == nil or sure ~= nil and signs:find "[%?hi!]" then value = sure
    elseif sure ~= nil and sure ~= value then value = false end
    return value ~= nil and self:boxed(value, line)
  elseif value == nil then
    return nil
  elseif not bare or back then
    return value and self:add(value, choices.SENTENCE, line)
  end
  local whole = stop >= line.to and not line.number and (from == line.from or self.second)
  local st = whole and not self.covered and self:add(value, choices.LETTER, line)
  if st then st.named = is(t, t.what[1] == "*" and 3 or 1, "N") end
  return st
end

--- The sentences of a line from a place on.
function Reader:sentences(line, at)
  local text, to, decides = line.text, line.to, nil
  while at <= to and self.count <= MOST do
    local stop = source.sentence_end(text, at, to)
    self.count = self.count + 1
    local t = tokens.of(text, at, math.min(stop, at + LONG), nil, true)
    local signs, overall = signs_of(t)
    if t.stop and choice.heading(signs, overall) then
      t = tokens.of(text, at, math.min(stop, at + LONG))
      signs, overall = signs_of(t)
    end
    local back = self:takes_back(signs)
    local rest, criterion = choice.heading(signs, overall)
    if rest and not criterion and rest:find "%S" then
      decides = self:add(value_of(text, stop + 1, stop, rest) or false, overall and choices.ANSWER
        or choices.SENTENCE, line) or decides
    else
      decides = self:sentence(line, at, stop, t, signs, back) or decides
    end
    at = stop + 1
  end
  return decides
end

--- What a line means for those below it.
function Reader:settle(line, signs, reports, decides)
  local unknown, colon = signs:find("?", 1, true) ~= nil, line.text:find("^:%**$", line.to - 2)
    or line.text:find("^:", line.to)
  -- "### Correct answer" and a letter below it
  self.covers = self.covers or (line.heading or colon) and not decides and signs:find "[?abc]" ~= nil
  self.above = self.above and not decides and unknown and not signs:find "[ab]"
  if line.heading then self.topic = not decides and unknown and not signs:find "^[ab]$" end
  if reports and (colon or line.heading) and not decides then self.reported, self.said = true, false
  elseif not decides and unknown then self.reported = false end
end

--- A row of a table: an answer's heading and its value.
function Reader:row(row)
  local text, cells = row.text, row.cells
  self.count = self.count + 1
  if #cells == 1 then
    return self:line { text = text, from = cells[1].from, to = cells[1].to, level = row.level, heading = false,
      marked = false, cited = row.cited }
  elseif #cells == 2 then
    local head, overall = signs_of(tokens.of(text, cells[1].from, math.min(cells[1].to, cells[1].from + LONG)))
    local signs = signs_of(tokens.of(text, cells[2].from, math.min(cells[2].to, cells[2].from + LONG)))
    if ALONE[signs] then
      self.winners = true -- the head of a column
    elseif head:find "[w+]" and not head:find "[^w+s:]" or head == "" and overall and self.winners then
      self:add(choice.of(signs, true) or false, overall and choices.FINAL or choices.ANSWER, row)
    end
  end
end

-- ---- all of it ----

function Reader:text(text)
  local clean = mentions.resolve(source.clean(text))
  local first = ranks.first_of_list(clean)
  if first then self:add(first, choices.ANSWER, OUTSIDE) end
  for line in source.lines(clean) do
    self.lines = self.lines + 1
    if line.closes then self.topic = false
    elseif line.cells then self:row(line)
    elseif not line.rule then self:line(line) end
    if self.count > MOST then return false end
  end
  return true
end

--- Whether a text ends with words that somebody says what follows.
local function ends_reporting(text)
  local line = text:sub(-200):match "([^\n]*)%s*$"
  local _, _, reports = signs_of(tokens.of(fold.text(line)))
  return reports and not line:find "[.!?]$"
end

--- The statements of a choice in a text, in order; nil where there are too many.
---@param text string without thinking
---@param second? boolean it replies to a question for the answer alone: a letter behind a sentence counts too
---@return fellowship.Choice[]?
---@return integer lines
---@return integer round how often something was taken back
function choices.read(text, second)
  local reader = setmetatable({ second = second, list = {}, lines = 0, round = 0,
    count = 0, reported = false, topic = false, placed = {} }, Reader)
  local parts, many = objects.parts(text)
  if many then return nil, 0, 0 end
  local places = {}
  for i, part in ipairs(parts) do
    if part.text then
      if not reader:text(part.text) then return nil, reader.lines, 0 end
    else
      reader.reported, reader.said = ends_reporting(parts[i - 1].text), false
      reader.lines = reader.lines + 1
      local ranked, said = members.rank(part.object, places), members.choice(part.object)
      if ranked then reader:add(ranked, choices.FINAL, OUTSIDE) end
      if said ~= nil then reader:add(said, choices.FINAL, OUTSIDE) end
      reader.reported, reader.pending = false, nil
    end
  end
  if reader.pending then reader:add(false, reader.pending.tier, OUTSIDE) end
  return reader.list, reader.lines, reader.round
end

--- The statement that decides: the last final one, unless a later sentence says otherwise; others when they agree.
---@param all fellowship.Choice[]
---@param lines integer of the text
---@param round integer how often something was taken back: what was said before does not count
---@return fellowship.Choice?
---@return string? kind why not
function choices.decide(all, lines, round)
  local list = {}
  for _, st in ipairs(all) do
    if st.round == round then list[#list + 1] = st end
  end
  if #list == 0 and #all > 0 then return nil, "differ" end
  for tier = choices.FINAL, choices.SENTENCE, -1 do
    local last, differ
    for _, st in ipairs(list) do
      if st.tier == tier then
        if last and last.value ~= st.value then differ = true end
        last = st
      elseif last and st.tier >= choices.SENTENCE and st.value ~= last.value then
        differ = true
      end
    end
    if last then
      if tier == choices.FINAL then
        differ = false
        local seen = false
        for _, st in ipairs(list) do
          if seen and st.tier >= choices.SENTENCE and st.value ~= last.value then differ = true end
          seen = seen or st == last
        end
      end
      local letter = list[#list]
      if letter.tier == choices.LETTER and not letter.named and letter.line == lines and letter.value ~= last.value then
        differ = true
      end
      if differ then return nil, "differ" end
      if last.value == false then return nil, "missing" end
      return last
    end
  end
  local found
  local named = list[#list] and list[#list].named
  for _, st in ipairs(list) do -- a letter alone: the last line, or the first
    if st.value and (named or not st.named or st.line == lines) then
      if found and found.value ~= st.value then return nil, "differ" end
      if st.line == lines or st.line == 1 and not st.named then found = st
      elseif not found then found = { value = st.value, other = true } end
    end
  end
  if found and not found.other then return found end
  return nil, "missing"
end

return choices
