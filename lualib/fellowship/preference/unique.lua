-- Duplicate prompts, left out before a model is asked: the same text but for case, white space and sentence
-- punctuation; and nearly the same, by the Jaccard similarity of their word trigrams, estimated with MinHash (Broder
-- 1997, "On the resemblance and containment of documents") and looked up by bands of the signature.

local conversation = require "fellowship.dataset.conversation"

local unique = {}

local HASHES = 96

--- How many hashes make a band: as many as leave a chance of 0.98 or more that a pair as similar as the threshold
--- shares one of the bands, 1 - (1 - threshold^rows)^(96 / rows).
local function rows_for(threshold)
  return threshold >= 0.8 and 6 or threshold >= 0.65 and 4 or 3
end

-- Multipliers and summands of the hash functions: splitmix64's sequence (Steele et al. 2014).
local multiply, add = {}, {}
do
  local state = 0
  local function following()
    state = state + 0x9e3779b97f4a7c15
    local z = (state ~ (state >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    return z ~ (z >> 31)
  end
  for i = 1, HASHES do multiply[i], add[i] = following() | 1, following() end
end

--- FNV-1a, 64 bits, of the words of a shingle.
local function hash(s)
  local h = 0xcbf29ce484222325
  for i = 1, #s do h = (h ~ s:byte(i)) * 0x100000001b3 end
  return h
end

-- Not signs like + and #: 3 + 4 is no duplicate of 3 - 4, nor C++ of C#. A text of nothing but punctuation stays.
local function normal(text)
  local plain = text:lower():gsub("[%s.,;:!?\"'()%[%]{}]+", " "):match "^%s*(.-)%s*$"
  return plain ~= "" and plain or text:match "^%s*(.-)%s*$"
end

--- Hashes of the trigrams of words; of all words where they are fewer.
local function shingles(plain)
  local words, list = {}, {}
  for word in plain:gmatch "%S+" do words[#words + 1] = word end
  for i = 1, math.max(1, #words - 2) do
    list[i] = hash(table.concat(words, " ", i, math.min(i + 2, #words)))
  end
  return list
end

local function signature(list)
  local least = {}
  for k = 1, HASHES do
    local a, b, smallest = multiply[k], add[k], math.maxinteger
    for i = 1, #list do
      local v = (list[i] * a + b) >> 1 -- not negative, so that < orders it
      if v < smallest then smallest = v end
    end
    least[k] = smallest >> 31 -- 32 bits are enough to compare
  end
  return least
end

local function packed(own)
  return string.pack("<" .. ("I4"):rep(HASHES), table.unpack(own))
end

--- The similarity of texts with these signatures, estimated: the part of the hashes that agree.
local function similarity(other, own)
  local same = 0
  for k = 1, HASHES do
    if string.unpack("<I4", other, 4 * k - 3) == own[k] then same = same + 1 end
  end
  return same / HASHES
end

---@class fellowship.Unique
---@field exact integer how many rows were left out as the same
---@field near integer and as nearly the same
local Unique = {}
Unique.__index = Unique

--- Remembers a text, unless it duplicates one that is remembered. Memory grows with what it remembers: about 50 bytes
--- a prompt, 1.5 KB with `near`.
---@param text string
---@return "exact"|"near"|nil duplicate
function Unique:see(text)
  local plain = normal(text)
  local digest = hash(plain)
  if self.seen[digest] then return "exact" end
  if self.threshold then
    local own = signature(shingles(plain))
    local bands, size = {}, self.rows
    for b = 1, HASHES // size do
      bands[b] = hash(string.pack("<" .. ("I4"):rep(size), table.unpack(own, (b - 1) * size + 1, b * size))) ~ b
    end
    for _, band in ipairs(bands) do
      local other = self.bands[band]
      if other and similarity(self.signatures[other], own) >= self.threshold then return "near" end
    end
    local n = #self.signatures + 1
    self.signatures[n] = packed(own)
    for _, band in ipairs(bands) do self.bands[band] = self.bands[band] or n end
  end
  self.seen[digest] = true
end

--- Rows left out so far.
---@return integer
function Unique:left_out()
  return self.exact + self.near
end

--- The estimated Jaccard similarity of two texts' word trigrams; its standard error is sqrt(J (1 - J) / 96).
---@param a string
---@param b string
---@return number
function unique.similarity(a, b)
  return similarity(packed(signature(shingles(normal(a)))), signature(shingles(normal(b))))
end

--- The rows of a source that are not duplicates of earlier ones; `exact` and `near` count those left out. A row
--- whose text cannot be taken passes: who works on it says why.
--- Example:
---     local rows = fellowship.preference.unique(fellowship.rows "prompts.jsonl", function(row) return row.prompt end)
---     for row in function() return rows:pull() end do print(row.prompt) end
---@param source { pull: function }
---@param prompt_of fun(row: table, number: integer): fellowship.Prompt may raise
---@param near? number similarity from which on two are duplicates, 0 to 1; nil: only the same text
---@return table source
function unique.rows(source, prompt_of, near)
  local self = setmetatable({ filtered = source, exact = 0, near = 0, seen = {}, bands = {}, signatures = {},
    threshold = near, rows = near and rows_for(near) }, Unique)
  function self.pull()
    while true do
      local row, number = source:pull()
      if row == nil then return row, number end
      local well, prompt = pcall(prompt_of, row, number)
      local duplicate = well and self:see(conversation.text(prompt)) or nil
      if not duplicate then return row, number end
      self[duplicate] = self[duplicate] + 1
    end
  end
  return self
end

return unique
