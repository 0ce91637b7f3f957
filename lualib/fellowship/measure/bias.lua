-- What a judge leans to beside the better response: its own family, the ends of its scale, some kinds of prompts. Where it
-- was shown a response, its length and whether it repeats itself stand in its report card.

local json = require "fellowship.core.json"
local coefficients = require "fellowship.measure.coefficients"
local resampling = require "fellowship.measure.resampling"

local bias = {}

-- Names of families whose models have several: the first word of a model's name says the others.
local ALIASES = { mixtral = "mistral", ministral = "mistral", magistral = "mistral", codestral = "mistral",
  pixtral = "mistral", devstral = "mistral", o1 = "gpt", o3 = "gpt", o4 = "gpt", chatgpt = "gpt", text = "gpt",
  gemma = "gemini", qwq = "qwen", meta = "llama", codellama = "llama" }

--- The family of a model by its name: the first word of its last part ("openai:gpt-4o", "meta-llama/Llama-3-8b",
--- "answers/gemma-2-9b-it.jsonl"), small, where families of one maker count as one.
--- Example: `print(fellowship.measure.family "together:meta-llama/Llama-3-8b") --> llama`
---@param name string
---@param families? table<string, string> what is known better, by name
---@return string
function bias.family(name, families)
  if families and families[name] then return families[name] end
  local last = name:match "([^/:]+)/*$" or name
  local word = last:lower():match "^%a+%d?" or last:lower()
  if not ALIASES[word] then word = word:match "^%a+" or word end
  return ALIASES[word] or word
end

--- Which of two responses is of an evaluator's own family: nil when neither is, or both.
---@param models string[] of the evaluator
---@param names { a: string, b: string }? who wrote them
---@param families? table<string, string>
---@return "a"|"b"|nil
function bias.own(models, names, families)
  if not names or type(names.a) ~= "string" or type(names.b) ~= "string" then return nil end
  local found
  local a, b = bias.family(names.a, families), bias.family(names.b, families)
  for _, model in ipairs(models) do
    local family = bias.family(model, families)
    if a == family and b ~= family then found = found ~= "b" and "a" or "both"
    elseif b == family and a ~= family then found = found ~= "a" and "b" or "both" end
  end
  return found ~= "both" and found or nil
end

local PLACE = { a = 1, b = 3 }

--- Counts of rows with a response of the judge's family: 1 and 2, rows where the judge is decided, and takes its own; 3 and
--- 4, people take its own, and the judge does too; 5 and 6, people take the other, and the judge does too.
local function own_vector(human, v)
  if not v or not v.own or v.place == 4 then return { 0, 0, 0, 0, 0, 0 } end
  local own, other = PLACE[v.own], 4 - PLACE[v.own]
  local function is(place, of) return place == of and 1 or 0 end
  return { v.place ~= 2 and 1 or 0, is(v.place, own), is(human, own), human == own and is(v.place, own) or 0,
    is(human, other), human == other and is(v.place, other) or 0 }
end

local function own_figures(s)
  return { own_wins = s[1] > 0 and s[2] / s[1] or nil,
    equal_opportunity = s[3] > 0 and s[5] > 0 and s[4] / s[3] - s[6] / s[5] or nil }
end

--- How far a judge prefers responses of its own family: how often its own wins, of decided rows; and where people decided,
--- P(it takes its own | people do) - P(it takes the other | people do), which is 0 for a fair one whatever its family
--- can do (equal opportunity; Wataoka and others 2024, arXiv 2410.21819). Nil where no response is of its family.
---@param b fellowship.Ballots
---@param m integer
---@param options? { seed: integer? }
---@return table?
function bias.own_family(b, m, options)
  local view = b:view { m }
  local values, sums = {}, { 0, 0, 0, 0, 0, 0 }
  for _, rows, human, _, _, _, list in b:patterns(view, 1) do
    local v = own_vector(human, list[1])
    table.move(v, 1, 6, #values + 1, values)
    for i = 1, 6 do sums[i] = sums[i] + rows * v[i] end
  end
  if sums[1] == 0 then return nil end
  local found = own_figures(sums)
  local ends = resampling.intervals(view, values, 6, own_figures, options)
  local function listed(list) return list and json.array(list) or json.null end
  return json.object({ own_wins = found.own_wins, ci95 = listed(ends.own_wins), n = sums[1],
    equal_opportunity = found.equal_opportunity or json.null, equal_opportunity_ci95 = listed(ends.equal_opportunity),
    n_human = sums[3] + sums[5] },
    { "own_wins", "ci95", "n", "equal_opportunity", "equal_opportunity_ci95", "n_human" })
end

--- Agreement with people by category, the largest first.
---@param b fellowship.Ballots
---@param m integer
---@return table[] { category, n, kappa, agreement }
function bias.categories(b, m)
  local tables, order = {}, {}
  for _, rows, human, _, category, _, list in b:patterns(b:view({ m }, { category = true }), 1) do
    if category ~= nil then
      local entry = tables[category]
      if not entry then
        entry = { category = category, n = 0, t = { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } } }
        tables[category], order[#order + 1] = entry, entry
      end
      local v = list[1]
      if human and v and v.place < 4 then
        entry.t[human][v.place], entry.n = entry.t[human][v.place] + rows, entry.n + rows
      end
    end
  end
  table.sort(order, function(x, y)
    if x.n ~= y.n then return x.n > y.n end
    return tostring(x.category) < tostring(y.category)
  end)
  local found = json.array()
  for i, entry in ipairs(order) do
    found[i] = json.object({ category = entry.category, n = entry.n, kappa = coefficients.kappa(entry.t) or json.null,
      agreement = coefficients.agreement(entry.t) or json.null }, { "category", "n", "kappa", "agreement" })
  end
  return found
end

---@class fellowship.Scale counts how a judge uses its scale
---@field counts table<number, integer>
---@field n integer
local Scale = {}
Scale.__index = Scale

--- An empty count.
---@return fellowship.Scale
function bias.scale()
  return setmetatable({ counts = {}, n = 0, equal = 0, pairs = 0 }, Scale)
end

--- Counts a verdict's scores, rounded to whole ones.
---@param scores { a: number?, b: number? }?
function Scale:add(scores)
  if type(scores) ~= "table" then return end
  for _, side in ipairs { "a", "b" } do
    local score = scores[side]
    if type(score) == "number" and score == score then
      local at = math.floor(score + 0.5)
      self.counts[at], self.n = (self.counts[at] or 0) + 1, self.n + 1
    end
  end
  if type(scores.a) == "number" and type(scores.b) == "number" then
    self.pairs, self.equal = self.pairs + 1, self.equal + (scores.a == scores.b and 1 or 0)
  end
end

--- The histogram, how many scores are the highest one that was given, how many pairs of scores are equal. Nil without
--- scores.
---@return table?
function Scale:summary()
  if self.n == 0 then return nil end
  local list, sum, histogram, keys = {}, 0, {}, {}
  for score, count in pairs(self.counts) do
    list[#list + 1], sum = score, sum + score * count
  end
  table.sort(list)
  for i, score in ipairs(list) do
    keys[i] = tostring(score)
    histogram[keys[i]] = self.counts[score]
  end
  local top = list[#list]
  return json.object({ histogram = json.object(histogram, keys), mean = sum / self.n, n = self.n, top = top,
    at_top = self.counts[top] / self.n, equal = self.pairs > 0 and self.equal / self.pairs or json.null },
    { "histogram", "mean", "n", "top", "at_top", "equal" })
end

return bias
