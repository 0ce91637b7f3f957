#!/usr/bin/env fellowship
-- Parts of preference sets by themselves: refusals, conversations.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local conversation = require "fellowship.dataset.conversation"
local refusal = require "fellowship.preference.refusal"
local tap = require "tap"

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
  ['[{"role":"user","content":["a","b"]}]'] = "user=ab",
  ['[null,{"role":"user","content":"a"}]'] = "user=a",
} do
  tap.is(shown(assert(conversation.read(read(text)))), wanted, "reads " .. text)
end

for text, wanted in pairs {
  ["[]"] = "the list of messages is empty",
  ['{"role":"user"}'] = "it is an object, not a list",
  ['["a"]'] = "message 1 is no object",
  ['[null]'] = "the list of messages is empty",
  ['[{"role":"user","content":"a"},{"role":"function","content":"b"}]'] = 'message 2 has the role "function"',
  ['[{"role":7,"content":"b"}]'] = "message 1 has no role",
  ['[{"role":"user"}]'] = "message 1 (user) has no content that is text",
  ['[{"role":"user","content":[]}]'] = "message 1 (user) has no content that is text",
  ['[{"role":"user","content":[7]}]'] = "message 1 (user) has no content that is text",
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
tap.is(conversation.text { message("user", { { type = "text", text = "See " }, { type = "image_url", image_url = { url = "x" } } }), A,
  message("user", { { type = "image_url", image_url = { url = "y" } } }) }, "[User]\nSee [image 1]\n\n[Assistant]\na\n\n[User]\n[image 2]", "text: images by their numbers")
tap.raises("turn 2", "text: of what is no conversation", conversation.text, { U, { role = "user" } })

-- Comparisons that go in a circle: nothing follows within it, and it is said; what stands outside has its place.
do
  local preference = require "fellowship.preference"
  local function beats(...)
    local list = {}
    for i, pair in ipairs { ... } do list[i] = { a = pair[1], b = pair[2], verdict = { winner = "a", scores = {} } } end
    return list
  end
  local function listed(list)
    local all = {}
    for i, pair in ipairs(list) do all[i] = ("%d>%d"):format(pair.chosen, pair.rejected) end
    return table.concat(all, " ")
  end
  local order = preference.order(3, beats({ 1, 2 }, { 2, 3 }, { 3, 1 }))
  tap.is(table.concat(order.cycle, " "), "1 2 3", "a circle is told by the order")
  for _, mode in ipairs { "best-worst", "best-rest", "all" } do -- sweet-spot goes by scores, which go in no circle
    local list, reason = preference.pairs(order, { "x", "y", "z" }, mode)
    tap.is(#list, 0, mode .. ": a circle gives no pair")
    tap.is(reason, "cycle", mode .. ": and says so")
  end
  order = preference.order(5, beats({ 1, 2 }, { 2, 3 }, { 3, 1 }, { 3, 4 }, { 5, 1 }))
  local texts = { "v", "w", "x", "y", "z" }
  tap.is(listed(preference.pairs(order, texts, "all")), "1>4 2>4 3>4 5>1 5>2 5>3 5>4", "all: what a circle lost to or won against")
  tap.is(listed(preference.pairs(order, texts, "best-worst")), "5>4", "best-worst")
  tap.is(listed(preference.pairs(order, texts, "best-rest")), "5>1 5>2 5>3 5>4", "best-rest")
  tap.is(preference.order(2, beats { 1, 2 }).cycle, nil, "an order has none")

  -- 2 and 3 are the same text, which lost to 1 and then won against it.
  order = preference.order(3, beats({ 1, 2 }, { 3, 1 }))
  for _, mode in ipairs { "best-worst", "best-rest", "all" } do -- sweet-spot goes by scores, which go in no circle
    local list, reason = preference.pairs(order, { "x", "y", " y\n" }, mode)
    tap.is(#list, 0, mode .. ": a text that is above and below another gives no pair")
    tap.is(reason, "cycle", mode .. ": and says so")
  end
  local list = { { chosen = 1, rejected = 2 }, { chosen = 3, rejected = 4 } }
  local labels = preference.labels(list, 4, { "x", "y", "y", "z" })
  tap.is(labels[2].label == false and labels[3].label == false, true, "the same text has the same label")
  tap.is(select(2, preference.pairs(preference.order(2, beats { 1, 2 }), { "x", "x " }, "all")), "identical", "equal texts never pair")
end

tap.done()
