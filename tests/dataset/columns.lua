#!/usr/bin/env fellowship
-- Which columns of a row are read, and what is said where they hold no pair or no response.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local tap = require "tap"
local json = fellowship.json

local function user(text) return { role = "user", content = text } end
local function assistant(text) return { role = "assistant", content = text } end

local function read(method, row)
  local well, found = pcall(function()
    local reading = fellowship.reading()
    return reading[method](reading, row, 0)
  end)
  return well and found or tostring(found), well
end

-- ---- no pair, and why ----

for name, case in pairs {
  ["chosen is null"] = { { prompt = "Q", chosen = json.null, rejected = "x" }, '"chosen" is null' },
  ["there is no rejected"] = { { prompt = "Q", chosen = "x" }, '"rejected" is missing' },
  ["other prompts"] = { { chosen = { user "Q", assistant "x" }, rejected = { user "R", assistant "y" } },
    "they answer different prompts" },
  ["other prompts behind one system message"] = { { chosen = { { role = "system", content = "S" }, user "Q", assistant "x" },
    rejected = { { role = "system", content = "S" }, user "R", assistant "y" } }, "they answer different prompts" },
  ["ratings of other length"] = { { prompt = "Q", generations = { "x", "y" }, ratings = { 1 } }, "no two responses" },
} do
  local said, well = read("pair", case[1])
  tap.ok(not well and said:find(case[2], 1, true), name, said)
end

-- ---- the label ----

for preference, label in pairs { [0] = "tie", [1] = "a", [1.2] = "a", [1.5] = "tie", [1.93] = "b", [2] = "b", [3] = "none" } do
  local _, facts = fellowship.reading():pair({ instruction = "Q", output_1 = "x", output_2 = "y", preference = preference }, 0)
  tap.ok((facts.label or "none") == label, ("AlpacaEval's preference %s is %s"):format(preference, label), facts.label)
end
local _, facts = fellowship.reading():pair({ question = "Q", answer_0 = "x", answer_1 = "y", score_0 = 1, score_1 = 1 }, 0)
tap.ok(facts.label == "tie", "equal scores are a tie", facts.label)

-- ---- a response ----

local talk = { user "Q", assistant "R" }
for name, case in pairs {
  ["messages end with it"] = { { messages = talk }, "R" },
  ["messages as JSON"] = { { messages = json.encode(json.array(talk)) }, "R" },
  ["ShareGPT's"] = { { conversations = { { from = "human", value = "Q" }, { from = "gpt", value = "R" } } }, "R" },
  ["a column of outputs"] = { { prompt = "Q", generated_text = "R" }, "R" },
  ["a response beside messages"] = { { messages = talk, response = "S" }, "S" },
  ["messages of the user alone"] = { { messages = { user "Q" } }, nil },
  ["messages that are no JSON"] = { { messages = "Q and R" }, nil },
} do
  local found, well = read("response", case[1])
  tap.ok(well and found == case[2] or not well and case[2] == nil, name, tostring(found))
end
local prompt = read("prompt", { custom_id = "1", body = { model = "m", messages = { user "Q" } } })
tap.ok(prompt == "Q", "a request of a batch", tostring(prompt))

tap.done()
