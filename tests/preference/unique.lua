#!/usr/bin/env fellowship
-- Duplicate prompts: what counts as the same words, in many scripts, and what is near.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local likeness = require "fellowship.core.likeness"
local unique = require "fellowship.preference.unique"
local growth = require "growth"
local tap = require "tap"

math.randomseed(20240816) -- the texts are the same in every run

-- ---- the words of a text ----

-- Texts of one line are the same.
local SAME = {
  case = { "Name a river", "NAME A RIVER", "name a River" },
  German = { "Über welche Flüsse führt die Brücke?", "ÜBER WELCHE FLÜSSE FÜHRT DIE BRÜCKE", "über welche Flüsse führt die Brücke!" },
  ["sharp s"] = { "Straße", "STRASSE", "STRAẞE", "strasse" },
  Greek = { "Ποιος είναι ο Σίσυφος;", "ΠΟΙΟΣ ΕΊΝΑΙ Ο ΣΊΣΥΦΟΣ;", "ποιοσ είναι ο σίσυφοσ" },
  ["Greek in capitals"] = { "Ποιος είναι ο Σίσυφος; Αϋπνία ΰ", "ΠΟΙΟΣ ΕΙΝΑΙ Ο ΣΙΣΥΦΟΣ; ΑΫΠΝΙΑ Ϋ" },
  Turkish = { "İstanbul'da kırmızı ışık nerede?", "İSTANBUL'DA KIRMIZI IŞIK NEREDE?", "istanbul'da kırmızı ışık nerede", "I\u{307}STANBUL'DA KIRMIZI IŞIK NEREDE" },
  Cyrillic = { "Назови реку.", "НАЗОВИ РЕКУ", "назови, реку!" },
  Armenian = { "Ի՞նչ է գետը։", "ինչ է գետը", "ԻՆՉ Է ԳԵՏԸ" },
  Georgian = { "დაასახელე მდინარე", "ᲓᲐᲐᲡᲐᲮᲔᲚᲔ ᲛᲓᲘᲜᲐᲠᲔ" },
  Cherokee = { "ᎠᎹ", "ꭰꮉ" },
  Deseret = { "𐐀𐐁", "𐐨𐐩" },
  Hebrew = { "מה שמו של הנהר?", "מה שמו של הנהר", "מה, שמו של הנהר" },
  Arabic = { "ما اسم النهر؟", "ما اسم النهر", "ما اسم، النهر" },
  ["Arabic's presentation forms"] = { "ﻣﺎ ﺍﺳﻢ", "ما اسم" },
  ["Arabic, made longer"] = { "اسم النهر", "اســـم النهر" },
  emoji = { "I \u{2764}\u{FE0F} rivers", "i \u{2764} rivers!" },
  Persian = { "نام رود می‌خواهم", "نام رود میخواهم" },
  Hindi = { "नदी का नाम क्या है।", "नदी का नाम क्या है", "नदी का नाम, क्या है॥" },
  Chinese = { "长江有多长？", "长江有多长", "长江有多长?", "长江，有多长", "长江 有多长", "「长江」有多长。" },
  Japanese = { "ﾅｲﾙ川の長さは？", "ナイル川の長さは", "ナイル川の長さは。" },
  Korean = { "강의 이름은?", "강의 이름은", "\u{1100}\u{1161}\u{11BC}의 이름은" },
  Thai = { "แม่น้ำชื่ออะไร", "แม่น้ำ ชื่ออะไร", "แม่น้ำชื่ออะไร?" },
  Amharic = { "ወንዙ ማን ይባላል፧", "ወንዙ ማን ይባላል", "ወንዙ፡ማን፡ይባላል።" },
  Tibetan = { "བོད་ཡིག", "བོད་ཡིག།" },
  quotes = { "What does \"river\" mean?", "What does “river” mean?", "What does «river» mean", "what does ‘river’ mean", "What does 「river」 mean" },
  apostrophes = { "Don't", "don’t", "don't" },
  spaces = { "How long is the Nile", "How long is the\u{A0}Nile", "How\u{2003}long\u{202F}is\u{3000}the\n\tNile ", "\u{FEFF}How long is the Nile",
    "How long is the\u{2028}Nile" },
  ["marks composed and not"] = { "caf\u{E9}", "cafe\u{301}", "CAF\u{C9}", "CAFE\u{301}" },
  ["several marks"] = { "Vi\u{1EC7}t", "Vie\u{323}\u{302}t", "Vie\u{302}\u{323}t" },
  ["full width"] = { "ＡＢＣ　１２３！", "abc 123" },
  ligatures = { "ﬁnd ﬂow", "find flow" },
  ["what is not seen"] = { "ri\u{AD}ver", "river", "ri\u{200B}ver", "ri\u{2060}ver", "river\u{FE0F}" },
  dashes = { "Paris - the city", "Paris – the city", "Paris — the city", "Paris ‐ the city" },
  minus = { "3 - 4", "3 − 4" },
  ellipsis = { "Well...", "Well…", "well" },
  ["Spanish"] = { "¿Cómo se llama el río?", "cómo se llama el río" },
}

for name, texts in pairs(SAME) do
  local first = likeness.words(texts[1])
  for i = 2, #texts do tap.is(likeness.words(texts[i]), first, ("%s: %s is the same"):format(name, texts[i])) end
end

-- Marks without end on one letter take time by their number, not by its square.
do
  local function marks(n)
    likeness.words("a" .. ("\u{301}\u{323}"):rep(n))
    likeness.words(("\u{FE77}\u{FE7F}"):rep(n))
  end
  tap.is(growth.problem(marks, 10000, 100000, 10), nil, "400,000 marks")
end

-- Texts of one line all differ.
local DIFFERENT = {
  signs = { "C", "C++", "C#", "3 + 4", "3 - 4", "3 * 4", "a/b", "a<b", "a>b", "50", "50%", "$5", "€5", "§ 5", "5′", "5″", "a_b" },
  letters = { "ca va", "ça va", "ca và" },
  ["emoji and tones"] = { "Good 😀", "Good 😢", "Good 👍", "Good 👍🏽", "Good" },
  ["marks below an i"] = { "i", "ị", "ï" },
  ["punctuation alone"] = { "?", "!", "..." },
  kana = { "かわ", "カワ" },
  emoji = { "🙂", "🙃" },
  numerals = { "1", "१", "一" },
}
for name, texts in pairs(DIFFERENT) do
  local seen, all = {}, 0
  for _, text in ipairs(texts) do
    local words = likeness.words(text)
    if not seen[words] then all = all + 1 end
    seen[words] = true
  end
  tap.is(all, #texts, name .. ": all of them differ")
end

tap.is(likeness.words "  Name\ta river! ", "name a river", "words: one space between each two")
tap.is(likeness.words "东京tower高い", "东 京 tower 高 い", "words: of scripts without spaces, each character")
tap.is(likeness.words " ?! ", "?!", "words: a text without any is itself")
tap.is(likeness.words "", "", "words: of nothing, nothing")
tap.is(likeness.words "a\xffB c", "a\xffB c", "words: bytes that are no UTF-8 stand as they are")
local long = ("É"):rep(10000)
tap.is(likeness.words(long), ("é"):rep(10000), "words: a long one beyond ASCII")

-- ---- near ----

local function words(n)
  local list = {}
  for i = 1, n do list[i] = ("w%d"):format(math.random(5000)) end
  return list
end

--- The Jaccard similarity of the word trigrams, by counting.
local function jaccard(a, b)
  local function trigrams(list)
    local set, n = {}, 0
    for i = 1, #list - 2 do
      local key = table.concat(list, " ", i, i + 2)
      if not set[key] then set[key], n = true, n + 1 end
    end
    return set, n
  end
  local first, m = trigrams(a)
  local second, n = trigrams(b)
  local both = 0
  for key in pairs(first) do
    if second[key] then both = both + 1 end
  end
  return both / (m + n - both)
end

--- A copy with some words changed.
local function altered(list, changes)
  local copy = table.move(list, 1, #list, 1, {})
  for _ = 1, changes do copy[math.random(#copy)] = ("x%d"):format(math.random(5000)) end
  return copy
end

do
  local off = 0
  for i = 1, 300 do
    local a = words(60 + i % 60)
    local b = altered(a, i % 15)
    if likeness.of(table.concat(a, " "), table.concat(b, " "):upper() .. "!") ~= jaccard(a, b) then off = off + 1 end
  end
  tap.is(off, 0, "the similarity is that of the runs of three words, to the bit")
  tap.is(likeness.of("one two", "One, two."), 1.0, "fewer words than three")
  local said = ("长江是亚洲最长的河流，全长约六千三百公里，流经十一个省市，最后在上海注入东海"):rep(1)
  tap.ok(likeness.of(said, (said:gsub("上海", "南京"))) > 0.7, "Chinese: two characters of thirty are near")
  tap.ok(likeness.of(said, "黄河是中国第二长的河流，发源于青海省，流入渤海") < 0.1, "and another sentence is not")
end

--- What unique.rows makes of some prompts: those that are left, and the counts.
local function left(prompts, near)
  local n, kept = 0, {}
  local source = { pull = function()
    n = n + 1
    return prompts[n] and { prompt = prompts[n] }, prompts[n] and n
  end }
  local seen = unique.rows(source, function(row)
    if row.prompt == "bad" then error "no prompt" end
    return row.prompt
  end, near)
  for row in function() return seen:pull() end do kept[#kept + 1] = row.prompt end
  return kept, seen
end

for _, near in ipairs { 0.5, 0.65, 0.8, 0.9, 1 } do
  local wrong, above = 0, 0
  for i = 1, 300 do
    local a = words(100)
    local b = altered(a, i % 40)
    local _, seen = left({ table.concat(a, " "), table.concat(b, " ") }, near)
    local wanted = jaccard(a, b) >= near
    above = above + (wanted and 1 or 0)
    if (seen.near + seen.exact == 1) ~= wanted then wrong = wrong + 1 end
  end
  tap.ok(above >= 5, ("near %.2f: %d of 300 pairs are"):format(near, above))
  tap.is(wrong, 0, ("near %.2f: those are found, and no others"):format(near))
end

local function same(prompts, wanted, name)
  local kept, seen = left(prompts)
  tap.is(tap.list(#kept, seen.exact, seen.near), tap.list(wanted, #prompts - wanted, 0), name)
end

local function message(role, content) return { role = role, content = content } end
same({ "Why?", "why", " WHY ?!", "(why)" }, 1, "exact: case, white space and punctuation aside")
same({ "C", "C++", "C#", "3 + 4", "3 - 4", "3 * 4", "a/b", "a<b", "a>b" }, 9, "exact: signs tell prompts apart")
same({ "?", "!", "...", "?" }, 3, "exact: texts of punctuation alone are compared as they are")
same({ "bad", "bad", "x" }, 3, "exact: rows without a prompt pass")
same({ "Ça va?", "ça va", "ca va" }, 2, "exact: letters beyond ASCII have a case too")
same({ "Hi", { message("user", "Hi") }, { message("system", "x"), message("user", "Hi") } }, 3,
  "exact: a conversation is no duplicate of its last message")
same({ { message("user", { { type = "image_url" } }) }, { message("user", { { type = "image_url" } }) } }, 2,
  "exact: conversations with images pass")
tap.raises("above 0", "a threshold that is none", likeness.texts, 2)

tap.done()
