-- Characters folded to what they stand for, so that one grammar reads what models write in any script: digits of all
-- scripts are ASCII ones, compatibility forms (full-width, mathematical, circled) and letters with marks are their
-- base letters, look-alikes of Cyrillic and Greek the Latin ones, every dash, space, quote and bracket the plain one;
-- what nobody sees is gone. The vocabulary goes through the same folding. Case is kept: "A" may be a verdict where "a"
-- is an article.
--
-- Unicode's own tables (NFKC, confusables) are not in Debian's Lua; these ranges hold what verdicts are made of.

local sys = require "fellowship.core.sys"

local fold = {}

-- Fractions become one control character each, which texts cannot hold after folding.
fold.FRACTIONS = { ["\1"] = 0.5, ["\2"] = 0.25, ["\3"] = 0.75, ["\4"] = 1 / 3, ["\5"] = 2 / 3 }

local CHARS = {
  ["½"] = "\1", ["¼"] = "\2", ["¾"] = "\3", ["⅓"] = "\4", ["⅔"] = "\5",
  ["‘"] = "'", ["’"] = "'", ["‚"] = "'", ["‛"] = "'", ["′"] = "'", ["´"] = "'", ["ʼ"] = "'", ["‹"] = "'", ["›"] = "'",
  ["“"] = '"', ["”"] = '"', ["„"] = '"', ["‟"] = '"', ["″"] = '"', ["«"] = '"', ["»"] = '"', ["「"] = '"', ["」"] = '"',
  ["『"] = '"', ["』"] = '"', ["《"] = '"', ["》"] = '"', ["〈"] = '"', ["〉"] = '"', ["【"] = "[", ["】"] = "]",
  ["〔"] = "[", ["〕"] = "]", ["⟦"] = "[[", ["⟧"] = "]]", ["〖"] = "[", ["〗"] = "]",
  ["‐"] = "-", ["‑"] = "-", ["‒"] = "-", ["–"] = "-", ["—"] = " - ", ["―"] = " - ", ["−"] = "-", ["﹣"] = "-",
  ["─"] = "-", ["━"] = "-", ["•"] = "\n- ", ["·"] = " ", ["‧"] = " ", ["・"] = " ", ["…"] = "...",
    ["。"] = ". ", ["、"] = ", ",
  ["،"] = ", ", ["؛"] = "; ", ["؟"] = "? ", ["।"] = ". ", ["॥"] = ". ", ["٫"] = ".", ["٪"] = "%",
    ["‰"] = "%", ["¿"] = " ", ["¡"] = " ",
  ["〜"] = "~", ["～"] = "~", ["∼"] = "~", ["≈"] = "~", ["≃"] = "~", ["⁄"] = "/", ["∕"] = "/", ["÷"] = "/", ["×"] = "*",
  ["→"] = "=>", ["⇒"] = "=>", ["➔"] = "=>", ["➜"] = "=>", ["➡"] = "=>", ["⟶"] = "=>", ["⟹"] = "=>",
  ["≻"] = ">", ["≫"] = ">>", ["≺"] = "<", ["≪"] = "<<", ["≽"] = "%", ["≼"] = "%", ["≥"] = "%",
    ["≤"] = "%", ["≠"] = "%", ["±"] = "%",
  ["│"] = "|", ["┃"] = "|", ["║"] = "|", ["∣"] = "|", ["¦"] = "|", ["❘"] = "|",
  ["🔟"] = "10", ["ﬁ"] = "fi", ["ﬂ"] = "fl", ["ﬀ"] = "ff", ["ß"] = "ss", ["ẞ"] = "ss", ["æ"] = "ae", ["Æ"] = "Ae",
  ["œ"] = "oe", ["Œ"] = "Oe", ["à"] = "à", ["é"] = "é", ["è"] = "è", ["ĳ"] = "ij", ["ª"] = "a",
    ["º"] = "o", ["ａ"] = "a", ["№"] = " ",
  ["\u{85}"] = "\n", ["\u{2028}"] = "\n", ["\u{2029}"] = "\n",
}

-- Letters with marks, by base letter.
local MARKED = {
  a = "áâãäåāăąǎǟǡǻȁȃạảấầẩẫậắằẳẵặḁ",
    A = "ÀÁÂÃÄÅĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", b = "ḃḅḇ", B = "ḂḄḆ",
      c = "çćĉċčḉ", C = "ÇĆĈĊČ", d = "ďđḋḍḏð",
  D = "ĎĐÐ", e = "êëēĕėęěẹẻẽếềểễệ", E = "ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", g = "ĝğġģǧ", G = "ĜĞĠĢ", h = "ĥħḥ", H = "ĤĦ",
  i = "ìíîïĩīĭįıǐỉị", I = "ÌÍÎÏĨĪĬĮİỈỊ", j = "ĵ", J = "Ĵ", k = "ķ", K = "Ķ",
    l = "ĺļľŀł", L = "ĹĻĽĿŁ", n = "ñńņňŉ", N = "ÑŃŅŇ",
  o = "òóôõöøōŏőǒọỏốồổỗộớờởỡợơ", O = "ÒÓÔÕÖØŌŎŐỌỎỐỒỔỖỘỚỜỞỠỢƠ", r = "ŕŗř", R = "ŔŖŘ", s = "śŝşšșṣ", S = "ŚŜŞŠȘ",
  t = "ţťŧțṭ", T = "ŢŤŦȚ", u = "ùúûüũūŭůűųǔụủứừửữựư",
    U = "ÙÚÛÜŨŪŬŮŰŲỤỦỨỪỬỮỰƯ", w = "ŵ", W = "Ŵ", y = "ýÿŷỳỵỷỹ",
      Y = "ÝŸŶỲỴỶỸ",
  z = "źżž", Z = "ŹŻŽ",
}

-- Letters of other scripts that look like Latin ones.
local LOOKALIKES = {
  a = "аα", A = "АΑᴀ", B = "ВΒʙ", c = "сϲ", C = "СϹ", d = "ԁ", e = "её", E = "ЕЁΕ", g = "ɡ",
    H = "НΗ", h = "һ", i = "іι", I = "ІΙ",
  j = "ј", J = "Ј", K = "КΚ", M = "МΜ", N = "Ν", o = "оοօ", O = "ОΟՕ", p = "рρ", P = "РΡ",
    q = "ԛ", s = "ѕ", S = "Ѕ", T = "ТΤ",
  v = "ѵν", w = "ԝ", x = "хχ", X = "ХΧ", y = "уγ", Y = "ҮΥ", Z = "Ζ",
}

for _, list in ipairs { MARKED, LOOKALIKES } do
  for base, letters in pairs(list) do
    for _, code in utf8.codes(letters) do CHARS[utf8.char(code)] = base end
  end
end

-- First code points of ten decimal digits in a row.
local DIGITS = { 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
  0xf20, 0x1040,
  0x17e0, 0x1810, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1fbf0 }

-- Numbers from 1 on in a row: first and last code point.
local COUNTED = { { 0x2460, 0x2469 }, { 0x2474, 0x247d }, { 0x2488, 0x2491 }, { 0x24f5, 0x24fe }, { 0x2776, 0x277f },
  { 0x2780, 0x2789 }, { 0x278a, 0x2793 } }

-- Letters in a row: the first code point, and how the row begins.
local LETTERS = { { 0xff21, "A" }, { 0xff41, "a" }, { 0x24b6, "A" }, { 0x24d0, "a" }, { 0x249c, "a" }, { 0x1f110,
  "A" }, { 0x1f130, "A" },
  { 0x1f150, "A" }, { 0x1f170, "A" }, { 0x1f1e6, "A" } }

-- What is not seen: nothing at all.
local UNSEEN = { { 0xad, 0xad }, { 0x300, 0x36f }, { 0x61c, 0x61c }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
  { 0x202a, 0x202e },
  { 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff }, { 0xe0000,
    0xe0fff } }

-- Spaces, and signs that say nothing: pictures, arrows, stars, boxes.
local BLANK = { { 0x80, 0xa9 }, { 0xab, 0xb4 }, { 0xb6, 0xb9 }, { 0xbb, 0xbf }, { 0x2000, 0x2bff }, { 0x3000,
  0x3004 }, { 0x3008, 0x3020 }, { 0x3030, 0x303f },
  { 0xe000, 0xf8ff }, { 0xfe10, 0xfe6f }, { 0xffe0, 0xffff }, { 0x1f000, 0x1faff } }

local function among(ranges, code)
  for _, range in ipairs(ranges) do
    if code >= range[1] and code <= range[2] then return range[1] end
  end
end

local function in_rows(code)
  for _, first in ipairs(DIGITS) do
    if code >= first and code <= first + 9 then return tostring(code - first) end
  end
  local first = among(COUNTED, code)
  if first then return tostring(code - first + 1) end
  if code == 0x24ea or code == 0x24ff then return "0" end
  for _, row in ipairs(LETTERS) do
    if code >= row[1] and code <= row[1] + 25 then return string.char(row[2]:byte() + code - row[1]) end
  end
  if code >= 0x1d400 and code <= 0x1d6a3 then -- mathematical alphabets: 26 capitals and 26 small ones, again and again
    local at = (code - 0x1d400) % 52
    return string.char(at < 26 and 65 + at or 97 + at - 26)
  end
end

--- A raised or lowered digit: a footnote, or an exponent.
local function is_raised(code)
  return code == 0xb2 or code == 0xb3 or code == 0xb9 or code >= 0x2070 and code <= 0x2089
end

local function fold_char(char)
  local length = utf8.len(char)
  if length ~= 1 then return " " end -- no UTF-8
  local code = utf8.codepoint(char)
  if is_raised(code) then return "^" end
  local row = in_rows(code)
  if row then return row end
  if among(UNSEEN, code) then return "" end
  if code >= 0xff01 and code <= 0xff5e then return string.char(code - 0xfee0) end
  if among(BLANK, code) then return " " end
  if code >= 0x410 and code <= 0x42f or code >= 0x391 and code <= 0x3a9 then -- capitals, Cyrillic and Greek
    local small = utf8.char(code + 32)
    return CHARS[small] or small
  end
  return char
end

-- Found once, kept; a text may hold each character there is, so not for ever.
local kept, MOST = 0, 20000
local folded = setmetatable({}, { __index = function(t, char)
  local found = CHARS[char] or fold_char(char)
  if kept < MOST then
    kept = kept + 1
    t[char] = found
  end
  return found
end })

--- A text in plain characters. Linear.
--- Example: `fold "Ｓcоre：８½" --> "Score:8\1"`
---@param text string
---@return string
function fold.text(text)
  if sys.plain(text) then return text end
  if text:find "[%z\1-\8\11-\31\127]" then
    text = text:gsub("\r\n?", "\n"):gsub("[\11\12]", "\n"):gsub("[%z\1-\8\14-\31\127]", "")
  end
  if text:find "[\x80-\xff]" then text = text:gsub("[\x80-\xff][\x80-\xbf]*", folded) end
  return text
end

-- Cyrillic small letters whose capitals look like Latin ones.
local CAPITALS = { b = "в", h = "н", k = "к", m = "м", t = "т" }

--- A word of folded text as the vocabulary has it: small letters, and in a word of another script no capitals that
--- look like Latin ones.
---@param word string
---@return string
function fold.word(word)
  word = word:lower()
  if not word:find "[\xc3\xd0-\xd2]" then return word end
  if #word > 2 and word:find "\xc3" then word = word:gsub("à", "a"):gsub("é", "e"):gsub("è", "e") end -- alone they are words
  if word:find "[\xd0-\xd2]" then word = word:gsub("[bhkmt]", CAPITALS) end
  return word
end

return fold
