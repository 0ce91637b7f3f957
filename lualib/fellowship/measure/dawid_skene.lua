-- What is true where only raters tell, and how good each of them is: the model of Dawid and Skene (1979), by expectation
-- and maximisation. Each rater says label s of what is t with a chance of its own; given what is true, raters are
-- independent.

local flow = require "fellowship.flow"

local dawid_skene = {}

-- What is held before anything is seen, in rows for each true label: right twice as often as any one error. Without it a
-- label that nobody gave has the chance 0 for good, and small tables run to the edge.
local PRIOR = { right = 1, wrong = 0.5 }

local STEPS, SMALL = 200, 1e-8
local LEAST = 1e-10 -- of a chance whose logarithm is taken

---@class fellowship.DawidSkene
---@field share number[] how often each label is true
---@field errors number[][][] errors[rater][true label][said label]: chances
---@field accuracy number[] of each rater: how often it is right
---@field posterior number[][] of each pattern: the chance that each label is true
---@field steps integer
---@field likelihood number its logarithm, of what raters said

local function normalised(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  for i, value in ipairs(list) do list[i] = sum > 0 and value / sum or 1 / #list end
  return list
end

--- The chance of each label when every rater's vote counts the same.
local function by_votes(said, raters, labels)
  local posterior = {}
  for p, one in ipairs(said) do
    local list = {}
    for t = 1, labels do list[t] = 0 end
    for m = 1, raters do
      if one[m] > 0 then list[one[m]] = list[one[m]] + 1 end
    end
    posterior[p] = normalised(list)
  end
  return posterior
end

local function maximise(said, counts, raters, labels, posterior, prior)
  local share, errors = {}, {}
  for t = 1, labels do share[t] = prior.right end
  for m = 1, raters do
    errors[m] = {}
    for t = 1, labels do
      errors[m][t] = {}
      for s = 1, labels do errors[m][t][s] = s == t and prior.right or prior.wrong end
    end
  end
  for p, one in ipairs(said) do
    for t = 1, labels do
      local weight = counts[p] * posterior[p][t]
      share[t] = share[t] + weight
      for m = 1, raters do
        local s = one[m]
        if s > 0 then errors[m][t][s] = errors[m][t][s] + weight end
      end
    end
  end
  for m = 1, raters do
    for t = 1, labels do normalised(errors[m][t]) end
  end
  return normalised(share), errors
end

local function logs_of(share, errors)
  local function log(x) return math.log(math.max(x, LEAST)) end
  local priors, said = {}, {}
  for t, value in ipairs(share) do priors[t] = log(value) end
  for m, rows in ipairs(errors) do
    said[m] = {}
    for t, row in ipairs(rows) do
      said[m][t] = {}
      for s, value in ipairs(row) do said[m][t][s] = log(value) end
    end
  end
  return priors, said
end

--- The chances of what is true given what was said, into `list`; and the logarithm of how likely it was to be said.
local function expect(one, raters, priors, logs, list)
  local most = -math.huge
  for t = 1, #priors do
    local sum = priors[t]
    for m = 1, raters do
      local s = one[m]
      if s > 0 then sum = sum + logs[m][t][s] end
    end
    list[t] = sum
    if sum > most then most = sum end
  end
  local all = 0
  for t = 1, #priors do
    list[t] = math.exp(list[t] - most)
    all = all + list[t]
  end
  for t = 1, #priors do list[t] = list[t] / all end
  return most + math.log(all)
end

--- The logarithm of the prior's density, without its constant: what is climbed is the likelihood times the prior.
local function log_prior(share, errors, prior)
  local sum = 0
  local function add(count, chance) sum = sum + count * math.log(math.max(chance, LEAST)) end
  for _, value in ipairs(share) do add(prior.right, value) end
  for _, rows in ipairs(errors) do
    for t, row in ipairs(rows) do
      for s, value in ipairs(row) do add(s == t and prior.right or prior.wrong, value) end
    end
  end
  return sum
end

--- Fits the model to patterns of labels.
---@param said integer[][] each pattern's labels by rater: 1 to `labels`, 0 where a rater said nothing
---@param counts integer[] how many rows have each pattern
---@param raters integer
---@param labels integer
---@param options? { prior: { right: number, wrong: number }?, steps: integer?, small: number? } steps: at most; small: the gain of a step that is the last one, for each row
---@return fellowship.DawidSkene
function dawid_skene.fit(said, counts, raters, labels, options)
  options = options or {}
  local prior, posterior = options.prior or PRIOR, by_votes(said, raters, labels)
  local rows, before = 0, -math.huge
  for _, count in ipairs(counts) do rows = rows + count end
  local found = { posterior = posterior, steps = 0, accuracy = {} }
  for step = 1, options.steps or STEPS do
    flow.sleep(0)
    found.share, found.errors = maximise(said, counts, raters, labels, posterior, prior)
    local priors, logs = logs_of(found.share, found.errors)
    found.likelihood, found.steps = 0, step
    for p, one in ipairs(said) do
      found.likelihood = found.likelihood + counts[p] * expect(one, raters, priors, logs, posterior[p])
    end
    local now = found.likelihood + log_prior(found.share, found.errors, prior)
    if now - before <= (options.small or SMALL) * math.max(rows, 1) then break end
    before = now
  end
  for m = 1, raters do
    local right = 0
    for t = 1, labels do right = right + found.share[t] * found.errors[m][t][t] end
    found.accuracy[m] = right
  end
  return found
end

--- What is likeliest to be true given what raters say, by a fitted model: nil where none said anything.
---@param found fellowship.DawidSkene
---@return fun(said: integer[]): integer?, number? label, and its chance
function dawid_skene.decider(found)
  local priors, logs = logs_of(found.share, found.errors)
  local list, raters = {}, #found.errors
  return function(said)
    local any = false
    for m = 1, raters do any = any or said[m] > 0 end
    if not any then return nil end
    expect(said, raters, priors, logs, list)
    local best = 1
    for t = 2, #priors do
      if list[t] > list[best] then best = t end
    end
    return best, list[best]
  end
end

--- The same from lists of labels, as the other statistics take them: what is likeliest to be true of each row, and how
--- good each rater is, with no label known to be right.
--- Example:
---     local found = fellowship.measure.dawid_skene({ { "a", "b", "a" }, { "a", "b", "a" }, { "b", "b", "b" } }, 3)
---     print(table.concat(found.labels, " "), found.accuracy[1] > found.accuracy[3]) --> a b a true
---@param raters table[] each rater's labels, 1 to n, nil where missing
---@param n integer
---@param options? { labels: any[]?, prior: { right: number, wrong: number }? } labels: what may be true; those that were given, when not said
---@return { labels: any[], chances: number[], accuracy: number[], share: table<any, number>, errors: table[], steps: integer } labels, chances: of each row, nil where nobody said anything; errors: of each rater, [true][said]
function dawid_skene.of(raters, n, options)
  options = options or {}
  local names, place = {}, {}
  local function name(label)
    if label ~= nil and not place[label] then
      if options.labels and #names >= #options.labels then
        error(("label %s is none of the given ones"):format(tostring(label)), 3)
      end
      names[#names + 1], place[label] = label, #names + 1
    end
  end
  for _, label in ipairs(options.labels or {}) do name(label) end
  local said, counts = {}, {}
  for i = 1, n do
    said[i], counts[i] = {}, 1
    for m, list in ipairs(raters) do
      name(list[i])
      said[i][m] = place[list[i]] or 0
    end
  end
  local found = dawid_skene.fit(said, counts, #raters, #names, options)
  local out = { labels = {}, chances = {}, accuracy = found.accuracy, share = {}, errors = {}, steps = found.steps }
  local decide = dawid_skene.decider(found)
  for i = 1, n do
    local label, chance = decide(said[i])
    out.labels[i], out.chances[i] = label and names[label], chance
  end
  for t, label in ipairs(names) do out.share[label] = found.share[t] end
  for m = 1, #raters do
    out.errors[m] = {}
    for t, label in ipairs(names) do
      out.errors[m][label] = {}
      for s, other in ipairs(names) do out.errors[m][label][other] = found.errors[m][t][s] end
    end
  end
  return out
end

return dawid_skene
