-- Verdicts, read from what a judge wrote. The forms that are asked for are the paper's (arXiv 2408.08688): combined
-- scoring ends with "### Score Assistant A:" and "X/10", then "### Score Assistant B:" and "Y/10" (Assistant 1 and 2 in
-- debates); independent scoring with "### Overall Score:"; direct comparison with "### Answer:" and A, B or C for a tie.
-- Models write them in many ways, and JSON. What is ambiguous is not read.
--
-- The stages, each in a module of judge/read: thoughts (what the judge thought is taken off), fold (characters), source
-- (lines, sentences, headings), objects (JSON), tokens, words and number; label, scores, tables, fields and statements
-- (scores, and how much each counts), signs, choice, boxes and choices (which of two); quoted (what somebody else said),
-- decide. asked is the shortest way, for answers that are just as they were asked for.

local check = require "fellowship.base.check"
local form = require "fellowship.base.form"
local asked = require "fellowship.judge.read.asked"
local choices = require "fellowship.judge.read.choices"
local decide = require "fellowship.judge.read.decide"
local quoted = require "fellowship.judge.read.quoted"
local statements = require "fellowship.judge.read.statements"
local without_thoughts = require "fellowship.judge.read.thoughts"

local verdict = {}

---@class fellowship.Verdict
---@field winner "a"|"b"|"tie"|"unparsed"
---@field scores? { a: number?, b: number?, score: number? }
---@field evidence? table[] what the models wrote: { model =, text = }
---@field evaluator? string
---@field models? string[]
---@field votes? fellowship.Verdict[] of a jury: each member's verdict
---@field parsed? integer of a jury: how many votes could be read
---@field orders? { winner: string, scores: table }[] of a judge that asked in both orders: what it said in each, as A and B of the pair
---@field flipped? boolean of the same: whether they disagreed
---@field flip? "side"|"tie" how: each order has another winner, or one of them a tie
---@field identical? boolean the two responses are the same: nobody was asked
---@field problem? any why it could not be read
---@field problem_kind? string the same in a word: one of fellowship.judge.read.decide's KINDS

verdict.strategies = { "combined", "independent", "direct" }

local WHAT = { independent = "score for the response", direct = "answer (A, B or C)", a = "score for Assistant A",
  b = "score for Assistant B" }

local function explain(kind, strategy, scale, side)
  return decide.KINDS[kind]:format(WHAT[strategy] or WHAT[side or "a"], scale)
end

--- How many bytes there are from a number's first digit to the text's end: the number of its run of digits, counted
--- from the end, is the same in the text as it is read and as it was written. Nil where markup had digits of its own.
local function bytes_behind(about, text, st)
  if not st.at then return nil end
  local clean, count = about.clean, 0
  if not clean then return nil end
  for _ in clean:gmatch("%d+", st.at) do count = count + 1 end
  local starts = {}
  for start in text:gmatch "()%d+" do starts[#starts + 1] = start end
  local at = starts[#starts - count + 1]
  if not at or text:match("^%d+", at) ~= st.digits then return nil end
  return #text - at + 1
end

--- Whether a statement is the last of a text and might have been going on: "1" of "10".
local function goes_on(about, st)
  return not st.out and about.clean ~= nil and st.at ~= nil and about.clean:find("^[%w.,/]*%s*$", st.stop) ~= nil
end

local FINAL = require("fellowship.judge.read.scores").OVERALL

local readers = {}

--- Two numbers and nothing else, in reply to "State only your scores".
local function bare_pair(list)
  if #list ~= 2 or list[1].side or list[2].side or not list[1].value or not list[2].value then return nil end
  return { a = list[1], b = list[2] }
end

function readers.combined(text, options, shown)
  local list, about = statements.read(text, options.scale, true)
  if not list then return nil, "long" end
  local own = shown:own(list)
  local found, why, side = decide.both(own, about.round)
  if not found and options.second then found = bare_pair(own) end
  if found and not options.second and shown:plants { found.a, found.b } then
    found = decide.both(shown:unshared(own), about.round)
    if not found then return nil, "quoted" end
  elseif not found then
    return nil, #own < #list and "quoted" or why, side
  end
  if options.final and math.min(found.a.tier, found.b.tier) < FINAL then return nil, "long" end
  if about.unfinished or options.cut and (found.partial or goes_on(about, found.a) or goes_on(about,
    found.b)) then return nil,
    "unfinished" end
  local read = form.verdict(form.of "combined", { found.a.value, found.b.value })
  read.behind = { a = bytes_behind(about, text, found.a), b = bytes_behind(about, text, found.b) }
  return read
end

function readers.independent(text, options, shown)
  local list, about = statements.read(text, options.scale, false)
  if not list then return nil, "long" end
  local own = shown:own(list)
  local found, why = decide.one(own, about.round)
  if found and not options.second and shown:plants { found } then
    found = decide.one(shown:unshared(own), about.round)
    if not found then return nil, "quoted" end
  elseif not found then
    return nil, #own < #list and "quoted" or why
  end
  if options.final and found.tier < FINAL then return nil, "long" end
  if about.unfinished or options.cut and goes_on(about, found) then return nil, "unfinished" end
  return { scores = { score = found.value }, behind = { score = bytes_behind(about, text, found) } }
end

function readers.direct(text, options, shown)
  local list, lines, round = choices.read(text, options.second)
  if not list then return nil, "long" end
  local own = shown:own(list)
  local found, why = choices.decide(own, lines, round)
  if not found then return nil, #own < #list and "quoted" or why end
  if options.final and found.tier < choices.FINAL then return nil, "long" end
  if options.cut and found.line == lines then return nil, "unfinished" end
  return { winner = found.value, scores = {} }
end

--- What stands in the lines that were asked for at the text's end, where that is all there is to it.
local function at_once(text, strategy, scale, shown)
  local f, values, places = asked.values(text, strategy, scale)
  if not f then return nil end
  local read = form.verdict(f, values)
  if strategy == "direct" then return read end
  local names = strategy == "combined" and { "a", "b" } or { "score" }
  local stated = {}
  for i, value in ipairs(values) do stated[i] = { side = strategy == "combined" and names[i] or nil, value = value } end
  if shown:plants(stated) then return nil end
  read.behind = {}
  for i, name in ipairs(names) do read.behind[name] = #text - places[i] + 1 end
  return read
end

-- Of a longer answer only the end is read, and only what is marked as final there counts: what stands before it is not
-- known.
local LONGEST = 150000

local function end_of(text)
  local tail = text:sub(-LONGEST)
  return tail:sub((tail:find("\n", 1, true) or 0) + 1)
end

local option_types = { strategy = "string?", scale = "integer?", candidates = "table?", second = "boolean?",
  cut = "boolean?" }

--- Reads a verdict. The last complete statement wins; criteria, and what is quoted from a text that the judge was shown,
--- do not count. What is ambiguous (a range, another scale, several statements that differ) is not read.
--- Example:
---     local text = "### Score Assistant A:\n7/10\n\n### Score Assistant B:\n4/10"
---     local found, problem = fellowship.verdict.parse(text, { strategy = "combined", scale = 10 })
---     print(found.winner, found.scores.a) --> a 7
---@param text string
---@param options? { strategy: "combined"|"independent"|"direct"|nil, scale: integer?, candidates: string[]?, second: boolean?, cut: boolean? } candidates: the texts that the judge was shown; second: it replies to the question to state its verdict alone; cut: the answer was cut off, so that its last word may have been going on
---@return fellowship.Verdict? verdict { winner =, scores = { a =, b = } }, or { scores = { score = } }; and, where the
--- scores stand in lines, `behind`: how many bytes there are from each score to the text's end
---@return string? problem
---@return string? kind of problem, in a word
function verdict.parse(text, options)
  check.type("the verdict's text", text, "string")
  options = options or {}
  check.options("verdict.parse", options, option_types)
  local strategy, scale = options.strategy or "combined", options.scale or 10
  check.choice("strategy", strategy, verdict.strategies)
  local how = { strategy = strategy, scale = scale, second = options.second, cut = options.cut }
  local shown = quoted.shown(options.candidates, how)
  local own, behind = without_thoughts(text, function(tag) return shown:holds(tag) end)
  if #own > LONGEST then own, how.final = end_of(own), true end
  local found, kind, side = not options.cut and at_once(own, strategy, scale, shown) or nil, nil, nil
  if not found then found, kind, side = readers[strategy](own, how, shown) end
  if not found then return nil, explain(kind, strategy, scale, side), kind end
  for name, bytes in pairs(found.behind or {}) do found.behind[name] = bytes + behind end
  return found
end

return verdict
