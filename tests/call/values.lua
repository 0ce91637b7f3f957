#!/usr/bin/env fellowship
-- The JSON value in an answer that was asked for by a schema, whatever stands around it, in linear time.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local growth = require "growth"
local tap = require "tap"
local json = require "fellowship.core.json"
local structured = require "fellowship.call.structured"

local is = tap.is

local function read(text)
  local value, problem = structured.read({}, text)
  return value ~= nil and json.canonical(value) or problem
end

local V = '{"a":1}'
for name, text in pairs {
  ["bare"] = V, ["with white space"] = "\n " .. V .. " \n", ["in a fence"] = "```json\n" .. V .. "\n```", ["in one without a name"] = "```\n" .. V .. "\n```",
  ["in one line"] = "```json " .. V .. "```", ["in prose"] = "Here it is:\n\n```json\n" .. V .. "\n```\nI hope it helps.",
  ["in a fence that is not closed"] = "```json\n" .. V .. "\n", ["in the last of two"] = "```json\n{\"a\":2}\n```\nNo:\n```json\n" .. V .. "\n```",
  ["after a fence too many"] = "``` ```json\n" .. V .. "\n```", ["indented"] = "- so:\n  ```json\n  " .. V .. "\n  ```",
  ["in prose without a fence"] = "The verdict is " .. V .. ", as said.", ["with backticks inside"] = "So: " .. V,
  ["before a note in braces"] = V .. "\nNote: use {x} and [y].", ["behind braces"] = "Given {x}, it is " .. V, ["the last of two in prose"] = '{"a":2}, no: ' .. V,
  ["with a comma too many"] = '{"a":1,}', ["in a fence, with commas too many"] = '```json\n{"a":1 ,\n}\n```', ["behind a byte order mark"] = "\xef\xbb\xbf" .. V,
} do
  is(read(text), V, name)
end
is(read '{"a":"one\ntwo", "b":[1,2,]}', '{"a":"one\\ntwo","b":[1,2]}', "a bare new line in a text")
is(read 'So: {"a":"} \\" {"} (sure)', '{"a":"} \\" {"}', "brackets and quotes within a text")
is(read '{"a":"```json"}', '{"a":"```json"}', "a fence within the value")
tap.like(read "nothing here", "it is no JSON", "no value")
tap.like(read "```json\n{\n```", "it is no JSON", "a broken one")

-- Model text that goes on without end is common.
for name, unit in pairs { ["a fence and newlines"] = "\n", ["fences"] = "```", ["fences and newlines"] = "```json\n", ["braces"] = "{", ["brackets"] = "[",
  ["closing braces"] = "}", ["spaces"] = " ", ["backticks"] = "` " } do
  is(growth.of_text(function(text) read("```json\n" .. text) end, unit, 25000, 200000), nil, name .. ": 200 KB")
end

tap.done()
