-- A line of folded text in tokens: words with their kinds, runs of digits, fractions, and single signs.

local fold = require "fellowship.judge.read.fold"
local words = require "fellowship.judge.read.words"

local tokens = {}

-- So many tokens of one sentence are read; a statement has fewer.
local MOST = 120

---@class fellowship.Tokens lists of the same length, a place for each token
---@field n integer
---@field what string[] "word", "digits", "fraction", or the sign itself
---@field text string[] a word folded and in small letters
---@field kinds string[] of words; "" when it is not known
---@field letter (string|nil)[] "a" or "b" or "c" where the word is that letter
---@field capital boolean[] the letter is a capital one
---@field tight boolean[] nothing stands between it and the token before
---@field joined boolean[] it is a part of an identifier: score_a, scoreA
---@field at integer[] where it begins in the text
---@field stop integer? where the text goes on that was not read

-- A word of a script with letters that look like Latin ones, which are folded.
local MIXED = "^[%a\128-\255]+()"

local LETTERS = { a = "a", b = "b", c = "c", ["б"] = "b" }

local kinds_of = words.kinds

local function add_word(list, written, at, tight, joined)
  local word = fold.word(written)
  local n = list.n + 1
  if word:byte() >= 0xe0 then
    for i, piece in ipairs(words.pieces(word)) do
      list.what[n], list.text[n], list.at[n], list.tight[n] = "word", piece, at, tight or i > 1
      list.kinds[n], list.joined[n] = kinds_of(piece) or "", joined
      at, n = at + #piece, n + 1
    end
    list.n = n - 1
    return
  end
  list.n = n
  list.what[n], list.text[n], list.at[n], list.tight[n] = "word", word, at, tight
  list.kinds[n], list.joined[n] = kinds_of(word) or "", joined
  local letter = LETTERS[word]
  if letter then list.letter[n], list.capital[n] = letter, not written:find "^%l" end
end

--- Splits scoreA into its words.
local function add_words(list, written, at, tight, joined)
  if not written:find "%l%u" then return add_word(list, written, at, tight, joined) end
  for part in written:gsub("(%l)(%u)", "%1\0%2"):gmatch "[^%z]+" do
    add_word(list, part, at, tight, joined)
    at, tight, joined = at + #part, true, true
  end
end

--- The tokens of a text from one place to another.
---@param text string folded
---@param from? integer
---@param to? integer
---@param most? integer so many tokens at most
---@param known? boolean up to the first word that is not known
---@return fellowship.Tokens
function tokens.of(text, from, to, most, known)
  local what, texts, places, tights, kinds, joins = {}, {}, {}, {}, {}, {}
  local list = { n = 0, what = what, text = texts, kinds = kinds, letter = {}, capital = {}, tight = tights,
    joined = joins,
    at = places }
  local at, last = from or 1, to or #text
  local tight, joined = false, false
  most = most or MOST
  while at <= last do
    if list.n >= most then
      list.stop = at
      break
    end
    local byte = text:byte(at)
    local stop
    if byte == 32 or byte == 9 then
      at, tight, joined = text:find("[^ \t]", at) or last + 1, false, false
    elseif byte >= 65 and byte <= 90 or byte >= 97 and byte <= 122 or byte >= 128 then
      stop = text:match(byte >= 224 and "^[\128-\255]+()" or byte >= 128 and MIXED or "^%a+()", at)
      if byte < 128 and (text:byte(stop) or 0) >= 195 and text:byte(stop) <= 223 then stop = text:match(MIXED, at) end
      if stop > last + 1 then stop = last + 1 end
      add_words(list, text:sub(at, stop - 1), at, tight, joined)
      at, tight, joined = stop, true, false
      if known and kinds[list.n] == "" and not list.letter[list.n] then
        if at <= last then list.stop = at end
        break
      end
    elseif byte >= 48 and byte <= 57 then
      stop = text:match("^%d+()", at)
      local n = list.n + 1
      list.n, what[n], texts[n], places[n], tights[n], kinds[n], joins[n] = n, "digits", text:sub(at, stop - 1), at,
        tight, "", joined
      at, tight, joined = stop, true, false
    else
      if byte == 95 then
        joined = tight and (what[list.n] == "word" or what[list.n] == "digits") -- else it is emphasis
      else
        local char, n = text:sub(at, at), list.n + 1
        list.n, what[n], texts[n], places[n], tights[n], kinds[n] = n, byte < 6 and "fraction" or char, char, at,
          tight, ""
        tight = true
      end
      at = at + 1
    end
  end
  return list
end

--- Whether a token is a word of a kind.
---@param list fellowship.Tokens
---@param i integer
---@param kind string a letter, see fellowship.judge.read.words
---@return boolean
function tokens.is(list, i, kind)
  local kinds = list.kinds[i]
  return kinds ~= nil and kinds:find(kind, 1, true) ~= nil
end

return tokens
