-- Several runs side by side: their records joined by id, and which verdicts turned from one to another.

local join = require "fellowship.dataset.join"

local runs = {}

---@class fellowship.report.Turns
---@field n integer[] verdicts that the first run and another one both have, by run
---@field turned integer[] of these, that differ
---@field cells table<string, table<string, integer>>[] by run: verdicts of the first run by what became of them

local function key_of(record)
  local first, second = record.candidates[1], record.candidates[2]
  local named = first and second and #record.judgements > 0 and not first.name:find "^response %d"
  return join.key(record.id) .. (named and "\0" .. first.name .. "\0" .. second.name or "")
end

--- The stream's record that has a key; those passed on the way are kept, in their order.
local function find(stream, key)
  local waiting = stream.waiting[key]
  if waiting and #waiting > 0 then return table.remove(waiting, 1) end
  while not stream.over do
    local record = stream.next()
    if not record then
      stream.over = true
      return nil
    end
    local own = key_of(record)
    if own == key then return record end
    stream.waiting[own] = stream.waiting[own] or {}
    table.insert(stream.waiting[own], record)
    stream.order[#stream.order + 1] = own
  end
end

--- What is left in a stream, in its order.
local function rest(stream)
  while stream.at <= #stream.order do
    local list = stream.waiting[stream.order[stream.at]]
    stream.at = stream.at + 1
    if #list > 0 then return table.remove(list, 1) end
  end
  return not stream.over and stream.next() or nil
end

--- Counts a verdict that two runs have at the same place.
local function note(turns, run, before, after)
  turns.n[run] = (turns.n[run] or 0) + 1
  local cells = turns.cells[run] or {}
  turns.cells[run] = cells
  local row = cells[before] or {}
  cells[before] = row
  row[after] = (row[after] or 0) + 1
  if before == after then return false end
  turns.turned[run] = (turns.turned[run] or 0) + 1
  return true
end

--- Adds another run's record to the joined one. Its judgements answer those of the first run by their place.
local function merge(joined, first, other, run, name, turns)
  local own = #joined.candidates
  local same = #first.candidates == #other.candidates
  for i, candidate in ipairs(other.candidates) do
    same = same and first.candidates[i] ~= nil and first.candidates[i].text == candidate.text
  end
  if not same then
    for _, candidate in ipairs(other.candidates) do
      candidate.name = name .. ": " .. candidate.name
      joined.candidates[#joined.candidates + 1] = candidate
    end
  end
  for i, judgement in ipairs(other.judgements) do
    local before = first.judgements[i]
    if before and note(turns, run, before.winner, judgement.winner) then joined.turned = true end
    judgement.run = run
    if not same then judgement.a, judgement.b = judgement.a + own, judgement.b + own end
    joined.judgements[#joined.judgements + 1] = judgement
  end
  joined.prompt = joined.prompt or other.prompt
  joined.human = joined.human or other.human
end

local function begin(record, run)
  for _, judgement in ipairs(record.judgements) do judgement.run = run end
  return record
end

--- A copy of what a record had before others are added to it.
local function as_it_was(record)
  return { candidates = table.move(record.candidates, 1, #record.candidates, 1, {}),
    judgements = table.move(record.judgements, 1, #record.judgements, 1, {}) }
end

--- The records of several runs, joined by id: those of the first run in its order, with what the others have of them,
--- then those that it has not. Runs in the same order need no memory for it.
---@param list { next: fun(): fellowship.report.Record? }[]
---@param names string[]
---@return fun(): fellowship.report.Record? next
---@return fellowship.report.Turns turns filled as the records pass
function runs.joined(list, names)
  local streams, turns, current = {}, { n = {}, turned = {}, cells = {} }, 1
  for i, each in ipairs(list) do streams[i] = { next = each.next, waiting = {}, order = {}, at = 1 } end
  local function next_record()
    while current <= #streams do
      local record
      if current == 1 then record = streams[1].next() else record = rest(streams[current]) end
      if record then
        local first, key = as_it_was(record), key_of(record)
        begin(record, current)
        for i = current + 1, #streams do
          local other = find(streams[i], key)
          if other then merge(record, first, other, i, names[i], turns) end
        end
        return record
      end
      current = current + 1
    end
  end
  return next_record, turns
end

return runs
