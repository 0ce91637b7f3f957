-- Thinking that stands in the text itself, in front of the answer. Servers with a parser for it give it in a field of its
-- own; others leave the tags, or only the closing one, since the chat template has opened it. Linear in the text,
-- however it comes in pieces: each byte is looked at a bounded number of times.
--
-- Tags count at the very beginning alone, one block after the other. A closing tag that nothing opened counts wherever
-- it stands first, unless it is quoted or the sentence goes on behind it: what stands before it was thought.

local thinking = {}

-- Opening and closing tags. Chat templates and parsers of DeepSeek, Qwen and most others; EXAONE, Gemma behind Google's
-- API, Reka; Mistral; Seed-OSS; Kimi-VL; Cohere; Sky-T1; Gemma 4 and MedGemma; OpenAI's harmony format (analysis and
-- commentary).
local PAIRS = {
  { "<think>", "</think>" }, { "<thinking>", "</thinking>" }, { "<thought>", "</thought>" },
  { "<thoughts>", "</thoughts>" }, { "<reasoning>", "</reasoning>" },
  { "[THINK]", "[/THINK]" }, { "<seed:think>", "</seed:think>" }, { "◁think▷", "◁/think▷" },
  { "<|START_THINKING|>", "<|END_THINKING|>" }, { "<|begin_of_thought|>", "<|end_of_thought|>" },
  { "<|channel>", "<channel|>" }, { "<unused94>", "<unused95>" },
  { "<|channel|>analysis<|message|>", "<|end|>" }, { "<|channel|>commentary<|message|>", "<|end|>" },
}

thinking.pairs = PAIRS ---@type string[][]

-- The same of harmony where the server dropped its special tokens. The word may begin an answer too: it counts with a
-- capital behind it, and only once the other one comes.
local BARE = { "analysis", "assistantfinal" }

-- What stands in front of the answer and says no more than that it begins; then what may end it.
local SKIPPED = { "<|start|>assistant", "<|channel|>final<|message|>", "<|START_RESPONSE|>", "<|begin_of_solution|>" }
local TRAILING = { "<|return|>", "<|end|>", "<|END_RESPONSE|>", "<|end_of_solution|>" }

-- Closing tags that count though nothing opened them; those of words that scripts use for tags of their own do not.
local ORPHANS = { "</think>", "</thinking>", "</thought>", "[/THINK]", "</seed:think>", "◁/think▷",
  "<|END_THINKING|>", "<|end_of_thought|>", "<channel|>" }

local LONGEST = #"<|channel|>commentary<|message|>"

local QUOTES = { ["`"] = true, ["'"] = true, ['"'] = true, ["\x9c"] = true, ["\x98"] = true } -- the last bytes of “ and ‘

--- A text without white space around it, in linear time.
local function trimmed(s)
  local first, last = s:find "%S", #s
  if not first then return "" end
  while s:find("^%s", last) do last = last - 1 end
  return s:sub(first, last)
end

-- ---- tags ----

--- Whether a tag stands at a place: true, false, or nil while it cannot be told yet.
local function stands(tag, data, at, ended)
  local n = #data - at + 1
  if n >= #tag then return data:sub(at, at + #tag - 1) == tag end
  if ended or data:sub(at) ~= tag:sub(1, n) then return false end
  return nil
end

--- The same, with letters of either case: and as it is written there.
local function opens(tag, data, at, ended)
  local written = data:sub(at, at + #tag - 1)
  if written:lower() ~= tag:sub(1, #written):lower() then return false end
  if #written == #tag then return written end
  return not ended and nil
end

--- How a block that was opened ends.
local function closing(pair, written)
  local slashed = written:sub(1, 1) .. "/" .. written:sub(2)
  return slashed:lower() == pair[2]:lower() and slashed or pair[2]
end

--- Whether a closing tag that nothing opened stands at a place and is meant as one; nil while it cannot be told yet.
local function is_orphan(tag, data, at, ended)
  local there = stands(tag, data, at, ended)
  if not there then return there end
  if at > 1 and QUOTES[data:sub(at - 1, at - 1)] then return false end
  local behind = data:sub(at + #tag, at + #tag + 1)
  if not ended and (behind == "" or behind == " ") then return nil end
  return not behind:find "^ %l"
end

--- What stands where an answer may begin: "open" and its closing tag, "skip", "bare", "none", or nil while it cannot be
--- told; with the place behind it.
local function head_of(data, at, ended, first)
  local undecided = false
  for _, pair in ipairs(PAIRS) do
    local written = opens(pair[1], data, at, ended)
    if written then return "open", at + #written, closing(pair, written) end
    undecided = undecided or written == nil
  end
  for i, list in ipairs { SKIPPED, ORPHANS } do
    for _, tag in ipairs(list) do
      local there = (i == 1 and stands or is_orphan)(tag, data, at, ended)
      if there then return "skip", at + #tag end
      undecided = undecided or there == nil
    end
  end
  local behind = at + #BARE[1]
  if first and stands(BARE[1], data, at, ended) ~= false then
    if data:find("^%u", behind) then return "bare", behind end
    undecided = undecided or #data < behind and not ended
  end
  if undecided then return nil end
  return "none", at
end

-- What the tags begin with.
local LIKELY = "[<%[\xe2][/tTrscuS|\x97]"

--- The first closing tag from a place on that nothing opened: its first and last byte; or false once a tag is opened,
--- since later ones belong to that; or nil and the place where more must be known.
local function orphan_in(data, from, ended)
  local at = data:find(LIKELY, from)
  while at do
    local undecided = false
    for _, pair in ipairs(PAIRS) do
      local there = stands(pair[1], data, at, ended)
      if there then return false end
      undecided = undecided or there == nil
    end
    for _, tag in ipairs(ORPHANS) do
      local there = is_orphan(tag, data, at, ended)
      if there then return at, at + #tag - 1 end
      undecided = undecided or there == nil
    end
    if undecided then return nil, at end
    at = data:find(LIKELY, at + 1)
  end
  return nil, math.max(from, #data)
end

-- ---- the reader ----

---@class fellowship.ThinkingReader
local Reader = {}
Reader.__index = Reader

-- Each takes what has come from a place on and gives the place where the next state goes on; or nil when it has taken
-- all, and keeps in `rest` what can only be read with what follows.
local states = {}

--- Before the answer, and between blocks.
function states.head(self, data, at, ended)
  local start = data:find("%S", at) or #data + 1
  if self.first then self.blank[#self.blank + 1] = data:sub(at, start - 1) end
  if start > #data then
    if ended then self.out[#self.out + 1] = table.concat(self.blank) end
    return nil
  end
  local what, behind, close = head_of(data, start, ended, self.first)
  if not what then
    self.rest = data:sub(start)
    return nil
  end
  if what == "none" then
    local blank = table.concat(self.blank)
    self.state = (not self.first or self.elsewhere) and "answer" or self.mode == "open" and "held" or "watched"
    if self.state == "held" then self.held[1] = blank else self.out[#self.out + 1], self.said[1] = blank, blank end
    return start
  elseif what == "bare" then
    self.state, self.closes = "held", { BARE[2] }
    self.held[1] = table.concat(self.blank) .. BARE[1]
  elseif what == "open" then
    self.state, self.close = "block", close
  else
    self.trails = true
  end
  self.first, self.blank = false, {}
  return behind
end

--- Within a block that a tag opened.
function states.block(self, data, at, ended)
  local first, last = data:find(self.close, at, true)
  local keep = ended and 0 or math.min(#data - at + 1, #self.close - 1)
  self.thoughts[#self.thoughts + 1] = data:sub(at, (first or #data - keep + 1) - 1)
  if not first then
    self.rest = data:sub(#data - keep + 1)
    return nil
  end
  self.thoughts[#self.thoughts + 1] = "\n\n"
  self.state = "head"
  return last + 1
end

--- Where it cannot be told yet whether it is thought: once a closing tag comes it was; at the end it was not.
function states.held(self, data, at, ended)
  local first, last
  for _, close in ipairs(self.closes) do
    local a, b = data:find(close, at, true)
    if a and (not first or a < first) then first, last = a, b end
  end
  if first then
    self.held[#self.held + 1] = data:sub(at, first - 1)
    self.thoughts[#self.thoughts + 1] = table.concat(self.held):gsub("^" .. BARE[1] .. "%f[%u]", "") .. "\n\n"
    self.held, self.first, self.state = {}, false, "head"
    return last + 1
  end
  local keep = ended and 0 or math.min(#data - at + 1, LONGEST)
  self.held[#self.held + 1] = data:sub(at, #data - keep)
  self.rest = data:sub(#data - keep + 1)
  if ended then self.out[#self.out + 1] = table.concat(self.held) end
end

--- An answer that began without a tag: a closing one would say that it was thought. What is kept was given already.
function states.watched(self, data, at, ended)
  local first, last = orphan_in(data, at + (self.given > 0 and 1 or 0), ended)
  local new = data:sub(at + self.given, first and first - 1 or #data)
  self.out[#self.out + 1], self.said[#self.said + 1] = new, new
  if first then
    local all = table.concat(self.said)
    -- The tag may have begun in what was given before.
    self.thoughts[#self.thoughts + 1] = all:sub(1, #all - math.max(0, at + self.given - first)) .. "\n\n"
    self.said, self.out, self.given, self.first, self.state, self.anew = {}, {}, 0, false, "head", true
    return last + 1
  elseif first == false then
    self.state, self.said, self.given = "answer", {}, 0
  else -- with a byte more than the tag may have, to see whether it is quoted
    self.rest = data:sub(math.max(at, last - 1))
    self.given = #self.rest
  end
end

--- The rest is the answer, but for what may end it.
function states.answer(self, data, at, ended)
  if not self.trails then
    self.out[#self.out + 1] = data:sub(at)
    return nil
  end
  local tail = math.max(at, #data - LONGEST)
  self.out[#self.out + 1] = data:sub(at, tail - 1)
  local last = data:sub(tail)
  if not ended then
    self.rest = last
    return nil
  end
  for _, tag in ipairs(TRAILING) do
    local there = last:find(tag, 1, true)
    if there and not last:find("%S", there + #tag) then last = last:sub(1, there - 1) end
  end
  self.out[#self.out + 1] = last
end

--- Takes what has come. Gives what is new of the answer, without thoughts; and true when all that was given before was
--- thought, as a closing tag then says.
---@param piece string
---@param ended boolean? no more will come
---@return string new
---@return boolean? anew
function Reader:read(piece, ended)
  if self.mode == "none" then return piece end
  local data, at = self.rest .. piece, 1
  self.out, self.anew, self.rest = {}, nil, ""
  while at and (at <= #data or ended) do at = states[self.state](self, data, at, ended) end
  return table.concat(self.out), self.anew
end

--- Says that the thoughts come in a field of their own: then only tags at the beginning are none of the answer's.
---@return string new what was held back meanwhile
function Reader:thoughts_elsewhere()
  if self.elsewhere or self.mode == "none" then return "" end
  self.elsewhere = true
  local given = ""
  if self.state == "held" then given = table.concat(self.held) .. self.rest end
  if self.state == "held" or self.state == "watched" then
    self.held, self.rest, self.said, self.given, self.state = {}, "", {}, 0, "answer"
  end
  if self.mode == "open" then self.mode = "tags" end
  return given
end

--- What was thought so far; nil when nothing was.
---@return string?
function Reader:thought()
  local all = trimmed(table.concat(self.thoughts))
  if all:sub(1, 8) == "thought\n" then all = trimmed(all:sub(9)) end -- Gemma 4 names its channel
  return all ~= "" and all or nil
end

--- A reader of an answer that comes in pieces.
---@param mode? "tags"|"open"|"none" with "open", the chat template itself opens the tag: the text begins inside; with
---  "none", all of the text is the answer
---@return fellowship.ThinkingReader
function thinking.reader(mode)
  return setmetatable({ mode = mode or "tags", state = "head", first = true, rest = "", given = 0, closes = ORPHANS,
    blank = {}, held = {}, said = {}, thoughts = {}, out = {} }, Reader)
end

local BARE_FIRST = "^%s*" .. BARE[1]

--- Whether a text has nothing that could be a tag of thinking: true of most.
---@param text string
---@return boolean
function thinking.is_plain(text)
  return not (text:find("<", 1, true) or text:find("[", 1, true) or text:find("◁", 1, true)
    or text:find(BARE_FIRST))
end

--- The answer in a whole text, and what was thought before it. What follows a tag's end is the answer, without the
--- white space before it; a block that nothing closes was cut off while it thought.
---@param text string
---@param mode? "tags"|"open"|"none"
---@param elsewhere? boolean the thoughts came in a field of their own
---@return string answer
---@return string? thought
function thinking.whole(text, mode, elsewhere)
  if mode == "none" or thinking.is_plain(text) then return text end
  local reader = thinking.reader(mode)
  if elsewhere then reader:thoughts_elsewhere() end
  local answer = reader:read(text, true)
  return answer, reader:thought()
end

return thinking
