#!/usr/bin/env fellowship
-- Parts of preference sets by themselves: near-duplicate prompts, refusals, conversations.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local conversation = require "fellowship.dataset.conversation"
local refusal = require "fellowship.preference.refusal"
local unique = require "fellowship.preference.unique"
local tap = require "tap"

math.randomseed(20240816) -- the texts are the same in every run

-- ---- MinHash ----

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
  local N, absolute, signed, expected, worst = 300, 0, 0, 0, 0
  for i = 1, N do
    local a = words(60 + i % 60)
    local b = altered(a, i % 15)
    local true_one = jaccard(a, b)
    local off = unique.similarity(table.concat(a, " "), table.concat(b, " ")) - true_one
    local deviation = math.sqrt(true_one * (1 - true_one) / 96) -- of 96 independent hashes
    absolute, signed, expected = absolute + math.abs(off), signed + off, expected + deviation
    if deviation > 0 then worst = math.max(worst, math.abs(off) / deviation) end
    if true_one == 1 then tap.is(off, 0.0, "equal texts: exactly 1") end
  end
  -- The mean of |error| is sqrt(2 / pi) deviations; 300 pairs put the sums within a tenth of that, and the mean error
  -- within three of its own deviations of 0.
  local ratio = absolute / (expected * math.sqrt(2 / math.pi))
  tap.ok(ratio > 0.85 and ratio < 1.15, ("MinHash: errors as large as 96 hashes allow (%.2f of it)"):format(ratio))
  tap.ok(math.abs(signed) / N < 3 * expected / N / math.sqrt(N), ("MinHash: no bias (%.4f)"):format(signed / N))
  tap.ok(worst < 4.5, ("MinHash: the largest of 300 errors is %.1f standard deviations"):format(worst))
end

do
  local a, b = words(80), words(80)
  tap.ok(unique.similarity(table.concat(a, " "), table.concat(b, " ")) < 0.05, "unrelated texts: about 0")
  local plain = table.concat(a, " ")
  tap.is(unique.similarity(plain, plain:upper():gsub(" ", ",\n  ") .. "!"), 1.0, "case, white space and punctuation do not count")
  tap.is(unique.similarity("one two", "One, two."), 1.0, "fewer words than three")
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

-- How surely pairs above the threshold are found: most of those well above it, few of those well below.
for _, near in ipairs { 0.5, 0.65, 0.8, 0.9 } do
  local above, found, below, wrong = 0, 0, 0, 0
  for i = 1, 300 do
    local a = words(100)
    local b = altered(a, i % 40)
    local true_one, _, seen = jaccard(a, b), left({ table.concat(a, " "), table.concat(b, " ") }, near)
    local got = seen.near + seen.exact
    if true_one >= near + 0.08 then above, found = above + 1, found + got end
    if true_one <= near - 0.12 then below, wrong = below + 1, wrong + got end
  end
  tap.ok(above >= 5 and found / above > 0.95, ("near %.2f finds %d of %d pairs above it"):format(near, found, above))
  tap.ok(wrong / math.max(1, below) < 0.03, ("near %.2f takes %d of %d pairs below it"):format(near, wrong, below))
end

local function same(prompts, wanted, name)
  local kept, seen = left(prompts)
  tap.is(tap.list(#kept, seen.exact, seen.near), tap.list(wanted, #prompts - wanted, 0), name)
end

same({ "Why?", "why", " WHY ?!", "(why)" }, 1, "exact: case, white space and punctuation aside")
same({ "C", "C++", "C#", "3 + 4", "3 - 4", "3 * 4", "a/b", "a<b", "a>b" }, 9, "exact: signs tell prompts apart")
same({ "?", "!", "...", "?" }, 3, "exact: texts of punctuation alone are compared as they are")
same({ "bad", "bad", "x" }, 3, "exact: rows without a prompt pass")
same({ "Ça va?", "ça va", "ca va" }, 3, "exact: letters beyond ASCII count as they are")
same({ "Hi", { { role = "user", content = "Hi" } }, { { role = "system", content = "x" }, { role = "user", content = "Hi" } } },
  3, "exact: a conversation is no duplicate of its last message")

-- ---- refusals ----

for _, text in ipairs {
  "I'm sorry, but I can't help with that.", "I’m sorry, but I can’t assist with this request.", "  \nI cannot fulfill this request.",
  "I can't help with that.", "Sorry, but I cannot provide instructions for that.", "I apologize, but I won't do this.",
  "I'm unable to assist with that request.", "I am not able to provide this.", "I won't write that.", "I must decline.",
  "As an AI language model, I cannot have opinions.", "As an AI developed by nobody, I don't have feelings.",
  "Unfortunately, I can't do that.", "I'm afraid I can't do that.", "My apologies, but no.", "I will not comply.",
  "Sorry, I can't help with that.", "I'm sorry, I can't do that.", "I am sorry, but I cannot do that.",
  "I’m really sorry, but I can't help with that.", "I'm not comfortable writing that.", "Thank you for asking. I cannot assist with that.",
  "As an AI assistant, I'm unable to browse.", "As an AI language model I cannot feel.", "I'm afraid I won't do that.",
} do
  tap.ok(refusal.is(text), "a refusal: " .. text)
end

for _, text in ipairs {
  "", "Paris is the capital of France.", "I can help with that. First, open the lid.", "Sure! I'm sorry to hear about your dog.",
  "The robot said: I am unable to love.", "Cannot is one word.", "I'm glad that you ask.", "Sorry Sight is a band.",
  "I can't believe how quickly autumn came, she thought.", "I cannot stress enough how much sleep matters.",
  "I can't wait to show you this recipe!", "I won't lie: it is hard.", "I can't help but smile when it rains.",
  "I'm sorry for your loss.", "As an AI assistant, I would start with a list.", "Unfortunately, I can only find two.",
  "I'm unsure, but I would say 1912.", "I apologize for the confusion. The answer is 7.", "You don't need to apologise.", "I am sorry that I missed your call, and I would like to meet on Monday.",
  ("A long and careful answer. "):rep(20) .. "I cannot assist with that.",
} do
  tap.ok(not refusal.is(text), "no refusal: " .. text:sub(1, 60))
end
tap.ok(not refusal.is(("é"):rep(100) .. "\xff"), "a text that is no UTF-8 is no matter")

-- ---- conversations ----

local function read(text)
  return assert(json.decode(text))
end

local function shown(messages)
  if type(messages) == "string" then return messages end
  local list = {}
  for i, message in ipairs(messages) do list[i] = message.role .. "=" .. message.content end
  return table.concat(list, " | ")
end

for text, wanted in pairs {
  ['[{"role":"user","content":"a"}]'] = "user=a",
  ['[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]'] = "user=a | assistant=b",
  ['[{"role":"developer","content":"s"},{"role":"user","content":""}]'] = "system=s | user=",
  ['[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]'] = "user=ab",
  ['[{"content":"a","role":"user","name":"x"}]'] = "user=a",
} do
  tap.is(shown(assert(conversation.read(read(text)))), wanted, "reads " .. text)
end

for text, wanted in pairs {
  ["[]"] = "the list of messages is empty",
  ['{"role":"user"}'] = "it is an object, not a list",
  ['["a"]'] = "message 1 is no object",
  ['[null]'] = "message 1 is no object",
  ['[{"role":"user","content":"a"},{"role":"function","content":"b"}]'] = 'message 2 has the role "function"',
  ['[{"role":7,"content":"b"}]'] = "message 1 has no role",
  ['[{"role":"user"}]'] = "message 1 (user) has no content that is text",
  ['[{"role":"user","content":[]}]'] = "message 1 (user) has no content that is text",
  ['[{"role":"user","content":["a"]}]'] = "message 1 (user) has no content that is text",
  ['[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"}]}]'] = "message 1 (user) has no content that is text: an image part without an image",
  ['[{"role":"user","content":[{"type":"audio","audio":"x"}]}]'] = 'has no content that is text: a part of the type "audio"',
} do
  local messages, problem = conversation.read(read(text))
  tap.ok(messages == nil, "refuses " .. text)
  tap.like(problem, wanted, "and says why")
end

local function message(role, content) return { role = role, content = content } end
local S, U, A = message("system", "s"), message("user", "u"), message("assistant", "a")
tap.is(conversation.prompt { U }, "u", "prompt: one message of the user is its text")
tap.is(conversation.prompt { U, A, A }, "u", "prompt: the assistant's last turns are left out")
tap.is(shown(conversation.prompt { S, U, A }), "system=s | user=u", "prompt: the system message stays")
tap.is(shown(conversation.prompt { U, A, U }), "user=u | assistant=a | user=u", "prompt: turns before the last stay")
for name, list in pairs { ["no user"] = { S }, ["the assistant alone"] = { A }, ["a system message last"] = { U, S } } do
  local prompt, problem = conversation.prompt(list)
  tap.ok(prompt == nil, "prompt: refuses " .. name)
  tap.like(problem, "no message of the user to answer", "and says why")
end

local given = { S, U }
local own = conversation.messages(given)
own[3] = A
tap.is(#given, 2, "messages: a list of one's own")
tap.is(shown(conversation.messages "x"), "user=x", "messages: of a text")
tap.is(conversation.text "x", "x", "text: of a text, itself")
tap.is(conversation.text { S, U, A }, "[System]\ns\n\n[User]\nu\n\n[Assistant]\na", "text: turn by turn")
tap.raises("turn 2", "text: of what is no conversation", conversation.text, { U, { role = "user" } })

tap.done()
