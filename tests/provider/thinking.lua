#!/usr/bin/env fellowship
-- Thinking told from the answer: in all of its tags, whole and in pieces cut anywhere, and in linear time.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local growth = require "growth"
local tap = require "tap"
local thinking = require "fellowship.provider.thinking"

local ok, is = tap.ok, tap.is

--- Reads a text in pieces; gives the answer as one who listens has it at the end, and the thoughts.
local function in_pieces(text, mode, cuts)
  local reader, said, from = thinking.reader(mode), "", 1
  for _, to in ipairs(cuts) do
    local new, anew = reader:read(text:sub(from, to))
    said, from = (anew and "" or said) .. new, to + 1
  end
  local new, anew = reader:read(text:sub(from), true)
  return (anew and "" or said) .. new, reader:thought()
end

local HARMONY = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>"
for _, case in ipairs {
  -- text, mode, answer, thought
  { "<think>\nHm.\n</think>\n\nHi", "tags", "Hi", "Hm." }, { " \n<think>a</think>b</think>c", "tags", "b</think>c", "a" },
  { "<think></think>\n\nHi", "tags", "Hi", nil }, { "Hi <think>x</think>", "tags", "Hi <think>x</think>", nil },
  { "  Hi\n", "tags", "  Hi\n", nil }, { "<th", "tags", "<th", nil }, { "", "tags", "", nil }, { " \n ", "tags", " \n ", nil },
  { "<think>On and", "tags", "", "On and" }, { "Hm.\n</think>\n\nHi", "open", "Hi", "Hm." }, { "Hi", "open", "Hi", nil },
  { " Hi\n", "open", " Hi\n", nil }, { "<think>Hm.</think>Hi", "open", "Hi", "Hm." },
  { "<think>Hm.</think>Hi", "none", "<think>Hm.</think>Hi", nil },
  { "<thinking>Hm.</thinking>Hi", "tags", "Hi", "Hm." }, { "<thought>Hm.</thought>Hi", "tags", "Hi", "Hm." },
  { "<reasoning>Hm.</reasoning>\nHi", "tags", "Hi", "Hm." }, { "[THINK]Hm.[/THINK]Hi", "tags", "Hi", "Hm." },
  { "<seed:think>Hm.</seed:think>Hi", "tags", "Hi", "Hm." }, { "◁think▷Hm.◁/think▷Hi", "tags", "Hi", "Hm." },
  { "<Think>Hm.</Think>Hi", "tags", "Hi", "Hm." }, { "<THINK>Hm.</THINK>Hi", "tags", "Hi", "Hm." },
  { "<|channel>thought\nHm.<channel|>Hi", "tags", "Hi", "Hm." }, { "<unused94>thought\nHm.<unused95>Hi", "tags", "Hi", "Hm." },
  { "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>", "tags", "Hi", "Hm." },
  { "<|begin_of_thought|>Hm.<|end_of_thought|>\n<|begin_of_solution|>Hi<|end_of_solution|>\n", "tags", "Hi", "Hm." },
  { HARMONY .. "Hi", "tags", "Hi", "Hm." }, { "<|start|>assistant" .. HARMONY .. "Hi<|return|>", "tags", "Hi", "Hm." },
  { "<|channel|>final<|message|>Hi < you<|end|>\n", "tags", "Hi < you", nil },
  { HARMONY .. "a <|b|> c", "tags", "a <|b|> c", "Hm." }, { HARMONY .. "a <", "tags", "a <", "Hm." },
  { "analysisWe greet.assistantfinalHi", "tags", "Hi", "We greet." }, { "analysisWe greet.", "tags", "analysisWe greet.", nil },
  { "analysis of it", "tags", "analysis of it", nil }, { "analysis", "tags", "analysis", nil },
  -- a closing tag alone: the template opened it
  { "Hm, a river.\n</think>\n\nThe Rhine.", "tags", "The Rhine.", "Hm, a river." }, { "</think>Hi", "tags", "Hi", nil },
  { "Hm.</thought>Hi", "tags", "Hi", "Hm." }, { "Hm.[/THINK]Hi", "tags", "Hi", "Hm." },
  { "Close it by `</think>`.", "tags", "Close it by `</think>`.", nil },
  { "Close it by “</think>”: so. Hm.</think>Hi", "tags", "Hi", "Close it by “</think>”: so. Hm." },
  { "</think> is a tag.", "tags", "</think> is a tag.", nil }, { "So </think> is one.", "tags", "So </think> is one.", nil },
  { "Hm. </think> Hi", "tags", "Hi", "Hm." }, { "</reasoning> stays", "tags", "</reasoning> stays", nil }, { "a < b", "tags", "a < b", nil }, { "a </thi", "tags", "a </thi", nil },
  -- several blocks
  { "<think>a</think>\n<think>b</think>\nHi", "tags", "Hi", "a\n\nb" }, { "<think></think><thought>b", "tags", "", "b" },
} do
  local text, mode, wanted, thought = table.unpack(case, 1, 4)
  local name = ("%q (%s)"):format(text, mode)
  local answer, found = thinking.whole(text, mode)
  is(answer, wanted, name)
  is(found, thought, name .. ": its thinking")
  local wrong, singles = {}, {}
  for i = 1, #text - 1 do
    singles[i] = i
    local cut, thoughts = in_pieces(text, mode, { i })
    if cut ~= wanted or thoughts ~= thought then wrong[#wrong + 1] = i end
  end
  is(table.concat(wrong, " "), "", name .. ": wherever it is cut")
  local cut, thoughts = in_pieces(text, mode, singles)
  ok(cut == wanted and thoughts == thought, name .. ": byte by byte", cut, thoughts)
end

-- thoughts in a field of their own: a closing tag that leaked into the answer is none of it, one within it is its own
is(thinking.whole("</think>\n\nHi", "tags", true), "Hi", "a closing tag that leaked")
is(thinking.whole("Write </think> there", "tags", true), "Write </think> there", "one that is spoken of")
is(thinking.whole("Hi", "open", true), "Hi", "and the text does not begin inside")
do
  local reader = thinking.reader "open"
  local held = reader:read "Hi "
  is(held .. reader:thoughts_elsewhere() .. reader:read("you", true), "Hi you", "what was held back is given")
end

-- generated texts, cut at random: what comes in pieces is what comes whole
do
  math.randomseed(7)
  local words = { "<think>", "</think>", "<thought>", "</thought>", "[THINK]", "[/THINK]", "<", "</", "[", "|>", "a", "B ", "\n", " ",
    "`", "◁think▷", "◁/think▷", "◁", "<|channel|>analysis<|message|>", "<|end|>", "<|channel|>final<|message|>",
    "<|start|>assistant", "<|return|>", "analysis", "assistantfinal", "<|channel>", "<channel|>", "“", "</thi" }
  local wrong, ran = {}, 0
  for _ = 1, 4000 do
    local parts = {}
    for i = 1, math.random(0, 7) do parts[i] = words[math.random(#words)] end
    local text, mode, cuts = table.concat(parts), math.random(2) == 1 and "tags" or "open", {}
    for at = 1, #text - 1 do
      if math.random(4) == 1 then cuts[#cuts + 1] = at end
    end
    local answer, thought = thinking.whole(text, mode)
    local cut, thoughts = in_pieces(text, mode, cuts)
    ran = ran + 1
    if answer ~= cut or thought ~= thoughts then wrong[#wrong + 1] = ("%q %s"):format(text, mode) end
  end
  is(wrong[1], nil, ran .. " generated texts, cut at random")
end

-- no text makes it slow
do
  local function read(text)
    thinking.whole(text, "tags")
    thinking.whole(text, "open")
    local reader = thinking.reader "tags"
    for at = 1, #text, 40 do reader:read(text:sub(at, at + 39)) end
    reader:read("", true)
  end
  for name, make in pairs {
    ["spaces after a tag"] = function(n) return "<think>a" .. (" "):rep(n) .. "b" end, ["#"] = function(n) return ("#"):rep(n) end,
    ["pairs of tags"] = function(n) return ("<think></think>"):rep(n // 15) end, ["spaces"] = function(n) return (" "):rep(n) end,
    ["closing tags"] = function(n) return "a" .. ("`</think>"):rep(n // 9) end, ["<"] = function(n) return ("<"):rep(n) end,
    ["thoughts"] = function(n) return "<think>" .. ("thought "):rep(n // 8) end, ["["] = function(n) return "a" .. ("["):rep(n) end,
    ["harmony"] = function(n) return "<|channel|>final<|message|>" .. ("<|"):rep(n // 2) end,
    ["bare words"] = function(n) return "analysisW" .. ("analysis"):rep(n // 8) end,
  } do
    is(growth.problem(read, make(25000), make(200000), 8), nil, name .. ": 200 KB")
  end
end

tap.done()
