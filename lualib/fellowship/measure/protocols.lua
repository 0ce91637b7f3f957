-- Benchmarks of judges: what their rows hold, and how each scores a judge, by the benchmarks' own code.

local json = require "fellowship.core.json"

local protocols = {}

protocols.names = { "judgebench", "llmbar", "rewardbench2", "ppe", "arena-hard" }

local function text_of(row, name)
  local value = row[name]
  return type(value) == "string" and value or nil
end

local LABELS = { ["A>B"] = "a", ["B>A"] = "b", ["1"] = "a", ["2"] = "b" }

--- A pair of JudgeBench (question, response_A, response_B, label "A>B" or "B>A", source) or of LLMBar (input, output_1,
--- output_2, label 1 or 2).
---@param protocol "judgebench"|"llmbar"
---@param row table
---@return { prompt: string, a: string, b: string, label: "a"|"b", group: string? }?
---@return string? problem
function protocols.pair(protocol, row)
  local names = protocol == "llmbar" and { "input", "output_1", "output_2", "subset" }
    or { "question", "response_A", "response_B", "source" }
  for i = 1, 3 do
    if not text_of(row, names[i]) then return nil, ("the row has no text in %s"):format(names[i]) end
  end
  local said = row.label
  if math.type(said) == "float" then said = math.tointeger(said) end
  local label = LABELS[tostring(said)]
  if not label then return nil, ("the label %s is none of the protocol's"):format(tostring(row.label)) end
  return { prompt = row[names[1]], a = row[names[2]], b = row[names[3]], label = label, group = text_of(row, names[4]) }
end

-- Columns of PPE's human preferences that say of what kind a prompt is.
local PPE_KINDS = { "hard_prompt", "easy_prompt", "if_prompt", "math_prompt", "is_code" }
local PPE_WINNERS = { model_a = "a", model_b = "b", tie = false, ["tie (bothbad)"] = false }

--- What people preferred: two responses and a winner.
local function ppe_preference(row)
  local a, b, label = text_of(row, "response_1"), text_of(row, "response_2"), PPE_WINNERS[row.winner]
  if not a or not b then return nil, "the row has no text in response_1 and response_2" end
  if label == nil then return nil, ("the winner %s is none of the protocol's"):format(tostring(row.winner)) end
  local groups = {}
  for _, kind in ipairs(PPE_KINDS) do
    if row[kind] == true then groups[#groups + 1] = kind end
  end
  return { pairs = label and { { a = a, b = b, label = label } } or {}, groups = groups }
end

--- A score of PPE's as a number: true or 1 where the response is right.
local function number_of(score) return score == true and 1 or score == false and 0 or score end

--- What can be checked: many responses, which of them are right, and pairs of a right and a wrong one, numbered from 0.
local function ppe_correctness(row)
  local found = { pairs = {}, groups = { text_of(row, "model_name") } }
  for _, two in ipairs(row.sampled_conflict_pairs) do
    local i, j = math.tointeger(two[1]), math.tointeger(two[2])
    local a, b = i and text_of(row, "response_" .. i + 1), j and text_of(row, "response_" .. j + 1)
    local x, y = i and number_of(row.scores[i + 1]), j and number_of(row.scores[j + 1])
    if not a or not b or type(x) ~= "number" or type(y) ~= "number" or x == y then
      return nil, ("the pair %s of sampled_conflict_pairs is no right and wrong response of the row")
        :format(json.encode(two))
    end
    found.pairs[#found.pairs + 1] = { a = a, b = b, label = x > y and "a" or "b" }
  end
  return found
end

--- The pairs of a row of PPE (Frick and others 2024, arXiv 2410.14872): of its human preferences one (prompt, response_1,
--- response_2, winner), or none where people saw a tie; of its sets of correctness (prompt, response_1 ... response_32,
--- scores, sampled_conflict_pairs) several.
---@param row table
---@return { prompt: string, pairs: { a: string, b: string, label: "a"|"b" }[], groups: string[] }?
---@return string? problem
function protocols.ppe_pairs(row)
  local prompt = text_of(row, "prompt")
  if not prompt then return nil, "the row has no text in prompt" end
  local checked = type(row.sampled_conflict_pairs) == "table" and type(row.scores) == "table"
  local found, problem = (checked and ppe_correctness or ppe_preference)(row)
  if not found then return nil, problem end
  found.prompt = prompt
  return found
end

--- PPE's score of some pairs: its accuracy, each pair asked in both orders and each order counting for itself; a tie, and
--- what could not be read, is not right.
---@param games string[][] of each pair, the winners of both
---@param pairs_of { label: "a"|"b" }[]
---@return { sum: number, count: integer, score: number, agree: integer } sum: of the pairs' shares that are right; count: pairs; agree: of them, both orders say the same
function protocols.ppe(games, pairs_of)
  local sum, agreed = 0, 0
  for i, two in ipairs(games) do
    local right, agree = protocols.llmbar(two, pairs_of[i].label)
    sum, agreed = sum + right, agreed + (agree and 1 or 0)
  end
  return { sum = sum, count = #games, score = sum / #games, agree = agreed }
end

--- The winners of a verdict's two games; a verdict that hangs on no order is both.
---@param verdict fellowship.Verdict
---@return string[]
function protocols.games(verdict)
  if not verdict.orders then return { verdict.winner, verdict.winner } end
  return { verdict.orders[1].winner, verdict.orders[2].winner }
end

--- JudgeBench's score of a pair (Tan and others 2024, arXiv 2410.12784): each game that is right counts 1, each that is
--- wrong -1, ties and what could not be read nothing; the pair is right when the sum is above 0.
---@param games string[]
---@param label "a"|"b"
---@return number 0 or 1
function protocols.judgebench(games, label)
  local sum = 0
  for _, winner in ipairs(games) do
    if winner == label then sum = sum + 1 elseif winner == "a" or winner == "b" then sum = sum - 1 end
  end
  return sum > 0 and 1 or 0
end

--- LLMBar's score of a pair (Zeng and others 2023, arXiv 2310.07641): the share of both orders that are right; and
--- whether both say the same.
---@param games string[]
---@param label "a"|"b"
---@return number score
---@return boolean agree
function protocols.llmbar(games, label)
  local right = 0
  for _, winner in ipairs(games) do
    if winner == label then right = right + 1 end
  end
  return right / #games, games[1] == games[2]
end

--- RewardBench 2's score of a prompt (Malik and others 2025, arXiv 2506.01937), but for its subset Ties: 1 when the first
--- response has the highest score alone, 1 / k when it shares it with k - 1 others, else 0.
---@param scores number[] the chosen response's first; one that could not be read is the lowest there is
---@return number
function protocols.best_of(scores)
  local top, shared = math.max(table.unpack(scores)), 0
  for _, score in ipairs(scores) do
    if score == top then shared = shared + 1 end
  end
  return scores[1] == top and top > -math.huge and 1 / shared or 0
end

local function margins_of(scores, correct)
  local best, worst, other = -math.huge, math.huge, -math.huge
  for i, score in ipairs(scores) do
    if i <= correct then best, worst = math.max(best, score), math.min(worst, score)
    else other = math.max(other, score) end
  end
  return { among = correct > 1 and best - worst or 0, over = worst - other }
end

--- RewardBench 2's score of its subset Ties: prompts with one right answer ("ref:N") and with several ("tied:N"). Right
--- answers must all score above wrong ones (30% for each kind of prompt), and their scores must be nearer to each other
--- than to the best wrong one's: in the tied prompt (20%), in both prompts of N (20%); the margin itself counts 1%.
---@param prompts { id: string, scores: number[], correct: integer }[] the right answers' scores first
---@return number?
function protocols.ties(prompts)
  local kinds, right, count = { ref = {}, tied = {} }, { ref = 0, tied = 0 }, { ref = 0, tied = 0 }
  for _, prompt in ipairs(prompts) do
    local kind, number = prompt.id:match "^(%a+):(.+)$"
    if kinds[kind] then
      local margins = margins_of(prompt.scores, prompt.correct)
      kinds[kind][number], count[kind] = margins, count[kind] + 1
      if margins.over > 0 then right[kind] = right[kind] + 1 end
    end
  end
  if count.ref + count.tied == 0 then return nil end
  local both, preferred, hard, margin = 0, 0, 0, 0
  for number, tied in pairs(kinds.tied) do
    local ref = kinds.ref[number]
    if ref then
      both = both + 1
      local least = math.min(ref.over, tied.over)
      if tied.over > tied.among then preferred = preferred + 1 end
      if least > tied.among then hard = hard + 1 end
      local ratio = least / tied.among
      margin = margin + (ratio == ratio and (ratio == math.huge and 1 or ratio == -math.huge and -1
        or 1 - 2 / (math.exp(2 * (ratio - 1)) + 1)) or 0)
    end
  end
  local function share(n, of) return of > 0 and n / of or 0 end
  return 0.3 * share(right.tied, count.tied) + 0.3 * share(right.ref, count.ref) + 0.2 * share(preferred, both)
    + 0.2 * share(hard, both) + 0.01 * share(margin, both)
end

-- What a label of Arena-Hard says of A: its score, and how often it counts.
local FIVE = { ["A>B"] = { 1, 1 }, ["A>>B"] = { 1, 3 }, ["A=B"] = { 0.5, 1 }, ["A<<B"] = { 0, 3 }, ["A<B"] = { 0, 1 },
  ["B>A"] = { 0, 1 }, ["B>>A"] = { 0, 3 }, ["B=A"] = { 0.5, 1 }, ["B<<A"] = { 1, 3 }, ["B<A"] = { 1, 1 } }

--- What a row of Arena-Hard's judgements says of its model: the sum of scores and how many there are. Two games with five
--- labels, much better (>>) counting 3; in the first one the model is B, in the second one A.
---@param games table
---@return number? sum nil where a game was not read
---@return integer? count
function protocols.arena_hard(games)
  if type(games) ~= "table" or type(games[1]) ~= "table" or type(games[2]) ~= "table" then return nil end
  local first, second = FIVE[games[1].score], FIVE[games[2].score]
  if not first or not second then return nil end
  return (1 - first[1]) * first[2] + second[1] * second[2], first[2] + second[2]
end

return protocols
