-- Which of two is better, in objects: { "winner": "A" }, { "verdict": { "choice": "tie" } }, { "is_tie": true }, ranks.

local choice = require "fellowship.judge.read.choice"
local fold = require "fellowship.judge.read.fold"
local signs_of = require("fellowship.judge.read.signs").of
local tokens = require "fellowship.judge.read.tokens"

local members = {}

local LONG, NAME = 60, 30

local function signs_of_text(text)
  return signs_of(tokens.of(fold.text(text)))
end

local TRUE = { ["true"] = true, yes = true }

-- Values that name nobody.
local NOBODY = { none = true, neither = true, ["n/a"] = true, na = true, ["-"] = true, [""] = true }

--- Notes what a field says.
local function note(said, value, final)
  said[#said + 1] = { value = value or false, final = final }
end

--- What the ranks of both amount to, where they are known.
local function value_of_ranks(ranks)
  if not (ranks.a and ranks.b) then return nil end
  return ranks.a < ranks.b and "a" or ranks.a > ranks.b and "b" or "tie"
end

--- Takes up { "model": "A", "rank": 1 }.
local function take_rank(object, ranks)
  local side, rank
  for i, name in ipairs(object.names or {}) do
    local held = object.values[i]
    if name == "rank" or name == "ranking" or name == "position" then rank = tonumber(held)
    elseif type(held) == "string" and #held <= NAME then side = side or choice.of(signs_of_text(held), true) end
  end
  if rank and (side == "a" or side == "b") then
    ranks[side] = rank
    return true
  end
end

--- { "A": 1, "B": 2 }, what "rank" holds
local function take_ranks(object, said)
  local ranks = {}
  for i, name in ipairs(object.names or {}) do
    local side = choice.of(signs_of_text(name), true)
    ranks[side or ""] = tonumber(object.values[i])
  end
  local value = value_of_ranks(ranks)
  if value then note(said, value) end
end

-- Fields of a name: { "winner": { "name": "Assistant B" } }.
local NAMES = { name = true, id = true, assistant = true, model = true, response = true, label = true, answer = true }

--- The name that an object holds; nil where it holds none, or several that differ.
local function named_in(object)
  local found
  for i, name in ipairs(object.names or {}) do
    local held = object.values[i]
    if NAMES[name:lower()] and type(held) == "string" and #held <= NAME then
      if found and found ~= held then return nil end
      found = held
    end
  end
  return found
end

local read, read_text

local function read_table(name, held, signs, final, said)
  local ranks, any = {}, false
  if name:find "^[Rr]ank" and held.list and #held.list == 2 then -- ["B", "A"], the best first
    local first, second = held.list[1], held.list[2]
    local x = type(first) == "string" and choice.of(signs_of_text(first), true)
    local y = type(second) == "string" and choice.of(signs_of_text(second), true)
    if x and y and x ~= y and x ~= "tie" and y ~= "tie" then note(said, x) end
  end
  for _, item in ipairs(held.list or {}) do
    if type(item) == "table" and item.names then any = take_rank(item, ranks) or any end
  end
  if any and value_of_ranks(ranks) then note(said, value_of_ranks(ranks)) end
  if signs:find("?", 1, true) then return end -- else it is one of a criterion
  local inner = signs:find "[w+p]" and named_in(held)
  if inner then read_text(name, inner, signs, final, said) end
  if name:find "^[Rr]ank" then take_ranks(held, said) end
  read(held, said)
end

--- { "is_tie": true }, { "a_is_better": "yes" }: the name says it.
local function read_true(name, signs, said)
  local value, bare = choice.of(signs, false)
  local small = name:lower()
  if value == "tie" and not (small:find "tie" or small:find "draw" or small:find "equal") then return end
  if value and not bare then note(said, value) end
end

--- A field whose name is a heading of an answer, or of the loser.
function read_text(name, held, signs, final, said)
  if #held > LONG or NOBODY[held:lower()] then return end
  if signs:find "^w*%-+w*$" then -- { "loser": "A" }
    local side = choice.of(signs_of_text(held), true)
    if side == "a" or side == "b" then note(said, side == "a" and "b" or "a") end
  elseif signs == "" and final then -- "overall", beside criteria
    local said_of = signs_of_text(held)
    if said_of:find "^[abe]$" then note(said, choice.of(said_of, true), true) end
  elseif name:lower():find "^rank_?1$" then
    note(said, choice.of(signs_of_text(held), true))
  elseif signs:find "[w+p]" and not signs:find "[^w+spr]" and not (name:find "^[Rr]ank" and tonumber(held)) then
    note(said, choice.of(signs_of_text(held), true), final or signs:find("r", 1, true) ~= nil)
  end
end

function read(object, said)
  for i, name in ipairs(object.names or {}) do
    local held = object.values[i]
    local signs, final = signs_of_text(name)
    if name:lower():find "^wh[io]" then signs = signs:gsub("^%?", ""):gsub("v", "+") end -- "which_is_better"
    if type(held) == "table" then read_table(name, held, signs, final, said)
    elseif held == true or type(held) == "string" and TRUE[held:lower()] then read_true(name, signs, said)
    elseif type(held) == "string" then read_text(name, held, signs, final, said) end
  end
end

--- What an object says; nil when it says nothing, false when its fields contradict each other. Fields for the final or
--- the revised verdict count more than others.
---@param object fellowship.ReadObject
---@return "a"|"b"|"tie"|false|nil
function members.choice(object)
  local said = {}
  read(object, said)
  local any = false
  for _, st in ipairs(said) do any = any or st.final end
  local found
  for _, st in ipairs(said) do
    if st.final or not any then
      if found ~= nil and found ~= st.value then return false end
      found = st.value
    end
  end
  return found
end

--- Takes up the rank that an object of a text says: { "model": "A", "rank": 1 }; what it and those before it amount to.
---@param object fellowship.ReadObject
---@param ranks { a: number?, b: number? } of the objects before it
---@return "a"|"b"|"tie"|nil
function members.rank(object, ranks)
  return take_rank(object, ranks) and value_of_ranks(ranks) or nil
end

return members
