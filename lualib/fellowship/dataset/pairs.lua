-- Two responses to one prompt, in the columns that published preference sets have.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local contents = require "fellowship.base.content"
local columns_of = require "fellowship.dataset.columns"
local conversation = require "fellowship.dataset.conversation"

local present, get = contents.present, columns_of.get

local pairs_of = {}

---@class fellowship.RowPair what a row compares
---@field a? string
---@field b? string
---@field conversation_a? fellowship.Message[] in place of a and b, where more than the last answer differs
---@field conversation_b? fellowship.Message[]
---@field prompt? string|fellowship.Message[] where the responses bring it along
---@field label? "a"|"b"|"tie" what the set says of them, where its columns do
---@field names? { a: string, b: string } what stands behind a and b, where a column's name does not say it
---@field from string the columns, for messages

--- A number, which tables of CSV hold as a text.
local function number(value)
  return json.tonumber(value) or type(value) == "string" and tonumber(value) or nil
end

--- The better one by a number of which less than nought means the first.
local function by_sign(value)
  value = number(value)
  return value and (value < 0 and "a" or value > 0 and "b" or "tie") or nil
end

--- The better one by its number.
local function by_number(value, first, second)
  value = number(value)
  if value == first then return "a" end
  if value == second then return "b" end
end

--- The better one by a number between 1 and 2, as AlpacaEval's weighted annotators give it; 0 is a tie there too.
local function by_weight(value)
  value = number(value)
  if not value or value ~= 0 and (value < 1 or value > 2) then return nil end
  if value == 0 or value == 1.5 then return "tie" end
  return value < 1.5 and "a" or "b"
end

--- The better one by a number for each.
local function by_scores(first, second)
  first, second = number(first), number(second)
  if not first or not second then return nil end
  return first > second and "a" or first < second and "b" or "tie"
end

-- ---- two columns ----

---@class fellowship.Columns
---@field [1] string
---@field [2] string
---@field label? fun(row: table): string? what the row says of them

-- Chatbot Arena (Kaggle, 55k), PKU-SafeRLHF, HelpSteer2 and 3, SHP, AlpacaEval's annotations and LLMBar, WebGPT, JudgeLM.
---@type fellowship.Columns[]
local COLUMNS = {
  { "response_a", "response_b", label = function(row)
    for name, label in next, { winner_model_a = "a", winner_model_b = "b", winner_tie = "tie" } do
      local won = get(row, name)
      if won == true or number(won) == 1 then return label end
    end
  end },
  { "response_0", "response_1", label = function(row) return by_number(get(row, "better_response_id"), 0, 1) end },
  { "response_1", "response_2", label = function(row) return by_sign(get(row, "preference_strength")) end },
  { "response1", "response2", label = function(row) return by_sign(get(row, "overall_preference")) end },
  { "human_ref_A", "human_ref_B", label = function(row) return by_number(get(row, "labels"), 1, 0) end },
  { "output_1", "output_2", label = function(row)
    return by_weight(get(row, "preference")) or by_number(get(row, "label"), 1, 2)
  end },
  { "answer_0", "answer_1", label = function(row) return by_scores(get(row, "score_0"), get(row, "score_1")) end },
  { "answer1_body", "answer2_body", label = function(row)
    local scores = get(row, "score")
    return type(scores) == "table" and by_scores(scores[1], scores[2]) or nil
  end },
  { "answer_a", "answer_b" },
  { "answer_1", "answer_2" },
  { "answer1", "answer2" },
  { "completion_a", "completion_b" },
  { "completion_1", "completion_2" },
  { "model_a_response", "model_b_response" },
}

local function two_columns(row)
  for _, columns in ipairs(COLUMNS) do
    local a, b = get(row, columns[1]), get(row, columns[2])
    if type(a) == "string" and type(b) == "string" then
      local named = { a = columns_of.named(row, columns[1]), b = columns_of.named(row, columns[2]) }
      return { a = a, b = b, label = columns.label and columns.label(row),
        names = named.a ~= "response_a" and named or nil,
        from = ('"%s" and "%s"'):format(columns[1], columns[2]) }
    end
  end
end

-- ---- the turns of Chatbot Arena ----

--- A list of texts (or null) that is written as JSON.
local function turns_of(text)
  if type(text) ~= "string" or text:sub(1, 1) ~= "[" then return nil end
  local list = json.decode(text)
  if type(list) ~= "table" or not json.is_array(list) or #list == 0 then return nil end
  for i, turn in ipairs(list) do
    if turn == json.null then list[i] = "" elseif type(turn) ~= "string" then return nil end
  end
  return list
end

local function talk(prompts, answers)
  local messages = {}
  for i, prompt in ipairs(prompts) do
    messages[2 * i - 1] = { role = "user", content = prompt }
    messages[2 * i] = { role = "assistant", content = answers[i] }
  end
  return messages
end

--- The conversations of a row whose prompt and responses are lists of turns as JSON, as Chatbot Arena's table of
--- 55,000 has them; nil when it is none.
---@param row table
---@return { prompts: string[], a: string[], b: string[] }?
function pairs_of.arena(row)
  local prompts = turns_of(get(row, "prompt"))
  local a, b = prompts and turns_of(get(row, "response_a")), prompts and turns_of(get(row, "response_b"))
  if a and b and #a == #prompts and #b == #prompts then return { prompts = prompts, a = a, b = b } end
end

local function arena_pair(row)
  local turns = pairs_of.arena(row)
  if not turns then return nil end
  local pair = two_columns(row)
  pair.from, pair.a, pair.b = "the turns in \"response_a\" and \"response_b\"", nil, nil
  if #turns.prompts == 1 then
    pair.prompt, pair.a, pair.b = turns.prompts[1], turns.a[1], turns.b[1]
  else
    pair.conversation_a, pair.conversation_b = talk(turns.prompts, turns.a), talk(turns.prompts, turns.b)
  end
  return pair
end

-- ---- chosen and rejected ----

--- An answer, a conversation that ends with it, or nil and what is wrong.
local function answer_of(value)
  if type(value) == "string" then return conversation.transcript(value, true) or value end
  if type(value) ~= "table" then return nil, "must be a text or messages" end
  local alone = #value == 0 and (present(value.role) or present(value.from)) ~= nil -- LLaMA-Factory's, Axolotl's
  local messages, problem = conversation.read(alone and { value } or value)
  return messages, problem and "is no answer: " .. problem
end

local function same(m, n)
  return m.role == n.role and json.canonical { m.content } == json.canonical { n.content }
end

--- How many messages two conversations share before the answers, up to one of the user.
local function shared(c, r)
  local n, most = 0, math.min(#c, #r) - 1
  while n < most and same(c[n + 1], r[n + 1]) do n = n + 1 end
  while n > 0 and c[n].role ~= "user" do n = n - 1 end
  return n
end

--- What the user says first; nil where somebody else begins.
local function opening(messages)
  local first = messages[1] and messages[1].role == "system" and messages[2] or messages[1]
  return first and first.role == "user" and json.canonical { first.content } or nil
end

local function is_answer(messages, n)
  local last = messages[n]
  return #messages == n and last.role == "assistant" and type(last.content) == "string"
end

--- The chosen one is A or B by the texts' digest: always the first would make the position tell.
local function placed(chosen, rejected, prompt, from)
  local first = sys.sha256(json.canonical { chosen, rejected }):byte() % 2 == 0
  local key_a, key_b = "a", "b"
  if type(chosen) == "table" then key_a, key_b = "conversation_a", "conversation_b" end
  return { [key_a] = first and chosen or rejected, [key_b] = first and rejected or chosen, prompt = prompt,
    label = first and "a" or "b", from = from,
    names = first and { a = "chosen", b = "rejected" } or { a = "rejected", b = "chosen" } }
end

--- A pair of answers that are texts, or conversations of which the beginning is shared.
---@param c string|fellowship.Message[] the chosen one
---@param r string|fellowship.Message[]
---@param given string|fellowship.Message[]|nil the prompt that the row has besides
local function from_answers(c, r, given, from)
  if type(c) == "string" and type(r) == "string" then return placed(c, r, nil, from) end
  if type(c) ~= type(r) then return nil, "one is a text, the other one messages" end
  local n = shared(c, r)
  if is_answer(c, n + 1) and is_answer(r, n + 1) then
    local prompt = n > 0 and conversation.simplest(table.move(c, 1, n, 1, {})) or nil
    return placed(c[n + 1].content, r[n + 1].content, prompt, from)
  end
  local asked, asked_too = opening(c), opening(r)
  if asked and asked_too and asked ~= asked_too then return nil, "they answer different prompts" end
  if n == 0 and given and c[1].role == "assistant" then
    local function whole(rest)
      return table.move(rest, 1, #rest, #conversation.messages(given) + 1, conversation.messages(given))
    end
    c, r = whole(c), whole(r)
  end
  return placed(c, r, nil, from)
end

--- The prompt that chosen and rejected begin with; nil when they have none in common.
---@param row table
---@param names { chosen: string, rejected: string } the columns
---@return string|fellowship.Message[]|nil
function pairs_of.beginning(row, names)
  local c, r = answer_of(get(row, names.chosen)), answer_of(get(row, names.rejected))
  if type(c) ~= "table" or type(r) ~= "table" then return nil end
  local n = shared(c, r)
  return n > 0 and conversation.simplest(table.move(c, 1, n, 1, {})) or nil
end

-- Other names of chosen and rejected: OpenAI's preference fine-tuning, pairs of Stack Exchange, and by words.
local OTHERS = { { chosen = "preferred_output", rejected = "non_preferred_output" },
  { chosen = "response_j", rejected = "response_k" }, { chosen = "chosen_response", rejected = "rejected_response" } }

--- The columns of both that a row has, and what is wrong where it has but one of them.
local function columns_in(row, names)
  local function has(column) return get(row, column) ~= nil end
  if has(names.chosen) and has(names.rejected) then return names end
  for _, others in ipairs(OTHERS) do
    if has(others.chosen) and has(others.rejected) then return others end
  end
  if has(names.chosen) or has(names.rejected) then
    local column = has(names.chosen) and names.rejected or names.chosen
    return nil, ('the field "%s" is %s'):format(column, row[columns_of.named(row, column)] == nil and "missing"
      or "null")
  end
end

local function chosen_and_rejected(row, given_names, given)
  local names, missing = columns_in(row, given_names)
  if not names then return nil, missing end
  local chosen, rejected = get(row, names.chosen), get(row, names.rejected)
  local c, problem = answer_of(chosen)
  if not c then return nil, ('the field "%s" %s'):format(names.chosen, problem) end
  local r
  r, problem = answer_of(rejected)
  if not r then return nil, ('the field "%s" %s'):format(names.rejected, problem) end
  local pair
  pair, problem = from_answers(c, r, given, ('"%s" and "%s"'):format(names.chosen, names.rejected))
  return pair, problem and ('the fields "%s" and "%s": %s'):format(names.chosen, names.rejected, problem)
end

-- ---- lists of answers ----

--- The texts of "generations" with the numbers of "ratings" beside them, as distilabel has them.
local function rated_generations(row)
  local texts, ratings = get(row, "generations"), get(row, "ratings") or get(row, "rating")
  if type(texts) ~= "table" or type(ratings) ~= "table" or #texts ~= #ratings then return nil end
  local list = {}
  for i, text in ipairs(texts) do list[i] = { generation = text, rating = ratings[i] } end
  return list
end

-- UltraFeedback's completions by score, Nectar's answers by rank: the text, the number, and whether more is better.
local LISTS = { { "completions", "response", "overall_score", 1 }, { "answers", "answer", "rank", -1 },
  { "generations", "generation", "rating", 1 } }

local function best_and_worst(row)
  for _, form in ipairs(LISTS) do
    local list, text, rating, sign = get(row, form[1]), form[2], form[3], form[4]
    if form[1] == "generations" then list = rated_generations(row) end
    local best, worst
    for _, answer in ipairs(type(list) == "table" and list or {}) do
      local value = type(answer) == "table" and type(answer[text]) == "string" and number(answer[rating])
      if value then
        local entry = { text = answer[text], value = value * sign }
        if not best or entry.value > best.value then best = entry end
        if not worst or entry.value <= worst.value then worst = entry end
      end
    end
    if best and best ~= worst then
      local from = ('the best and the worst of "%s" by "%s"'):format(form[1], rating)
      local pair = placed(best.text, worst.text, nil, from)
      if best.value == worst.value then pair.label = "tie" end
      return pair
    end
  end
end

-- ---- all of them ----

--- Two conversations, MT-Bench's human judgments.
local function conversations(row)
  local a, b = get(row, "conversation_a"), get(row, "conversation_b")
  if type(a) ~= "table" or type(b) ~= "table" then return nil end
  return { conversation_a = conversation.read(a) or a, conversation_b = conversation.read(b) or b,
    from = '"conversation_a" and "conversation_b"' }
end

--- Reads what a row compares; nil when its columns are of no known set, and maybe what is wrong with them.
---@param row table
---@param names { chosen: string, rejected: string } columns of the answers that were preferred and were not
---@param given string|fellowship.Message[]|nil the prompt that the row has besides
---@return fellowship.RowPair? pair
---@return string? problem
function pairs_of.read(row, names, given)
  local pair, problem = conversations(row) or arena_pair(row) or two_columns(row), nil
  if not pair then pair, problem = chosen_and_rejected(row, names, given) end
  if not pair and not problem then pair = best_and_worst(row) end
  return pair, problem
end

return pairs_of
