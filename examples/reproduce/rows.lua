-- FairEval's 80 questions with both answers and the human label, as rows that evaluate takes:
--   fellowship examples/reproduce/rows.lua FOLDER rows.jsonl
-- FOLDER holds a clone of github.com/i-Eval/FairEval. Response A is vicuna-13b's, response B ChatGPT's.
local fellowship = require "fellowship"

local folder, labels = arg[1] .. "/FairEval/", { VICUNA13B = "a", CHATGPT = "b", TIE = "tie" }

local function texts(path)
  local byid = {}
  for row in fellowship.rows(folder .. path) do byid[row.question_id] = row.text end
  return byid
end

local humans = {}
for line in io.lines(folder .. "review/review_gpt35_vicuna-13b_human.txt") do
  humans[#humans + 1] = labels[line:match "%S+"]
end

local a, b = texts "answer/answer_vicuna-13b.jsonl", texts "answer/answer_gpt35.jsonl"
local out <close> = fellowship.writer(arg[2], { columns = { "id", "prompt", "response_a", "response_b", "human" } })
for row, number in fellowship.rows(folder .. "question.jsonl") do
  local id = row.question_id
  out:write { id = id, prompt = row.text, response_a = a[id], response_b = b[id], human = humans[number + 1] }
end
