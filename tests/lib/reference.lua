-- Runs as a command of the program under test: compares what scripts can reach with what the reference has, and runs
-- every example. Writes a row {name, well, detail} for each check.

local fellowship = require "fellowship"
local reference = require "fellowship.command.reference"
local json = fellowship.json

local EXAMPLE_SECONDS = 20

--- Names that scripts can reach: parts, functions of modules, methods of objects.
local function reachable(objects)
  local names = {}
  for part in pairs(require "fellowship.parts") do
    names[#names + 1] = "fellowship." .. part
    local value = fellowship[part]
    for member, inner in pairs(type(value) == "table" and value or {}) do
      if type(inner) == "function" and not member:find "^__" then names[#names + 1] = ("fellowship.%s.%s"):format(part, member) end
    end
  end
  for called, methods in pairs(objects) do
    for method, value in pairs(methods) do
      local is_method = type(method) == "string" and type(value) == "function" and not method:find "^__"
      if is_method and not reference.is_internal(value) then names[#names + 1] = called .. ":" .. method end
    end
  end
  table.sort(names)
  return names
end

return {
  summary = "checks the reference",
  options = { { "data", type = "data", required = true, metavar = "ROWS", help = "rows with prompt" } },

  run = function(run)
    local out <close> = run:writer "checks.jsonl"
    local function check(name, well, detail)
      out:write { name = name, well = well and true or false, detail = tostring(detail or "") }
    end

    local llama = fellowship.model "openai:llama"
    local judge = fellowship.judge(llama)
    local jury = fellowship.jury { "openai:one", "openai:two", "openai:three" }
    local debate = fellowship.debate { model = llama, rounds = 1 }
    local loop = fellowship.feedback { generator = llama, reviewers = { "openai:reviewer" }, responses = 2 }
    local writer = fellowship.writer "unused.jsonl"
    writer:abandon()
    local task = fellowship.spawn(function() end)
    local set = fellowship.preference.set { name = "single", mode = "all", format = "trl", quality = {},
      provenance = writer, open = function() return writer end }
    local function index(value) return getmetatable(value).__index end
    local methods = { model = index(llama), judge = index(judge), jury = index(jury), debate = index(debate),
      loop = index(loop), rows = index(fellowship.rows(run.options.data)), out = index(writer), run = index(run),
      task = debug.getmetatable(task).__index, set = index(set), reading = index(run.reading),
      outcome = index(run.outcome), join = index(fellowship.join.new "x"), games = index(fellowship.contest.games()),
      semaphore = index(fellowship.semaphore(1)) }
    task:await()

    for _, name in ipairs(reachable(methods)) do
      local entry = reference.find(name)
      check(name .. " is in the reference", entry)
      if entry then
        check(name .. " says what it is", #entry.text > 0)
        check(name .. " has an example", #entry.examples > 0 or entry.class)
      end
    end

    local pair = { prompt = "Name a river.", a = "The Rhine.", b = "A river." }
    local scope = { fellowship = fellowship, llama = llama, judge = judge, jury = jury, debate = debate, loop = loop,
      pair = pair, run = run, print = function(...) return ... end, json = json }
    for _, entry in ipairs(reference.entries()) do
      for n, example in ipairs(entry.examples) do
        local name = ("example %d of %s"):format(n, entry.name)
        local printed = {}
        scope.print = function(...)
          local parts = table.pack(...)
          for i = 1, parts.n do parts[i] = tostring(parts[i]) end
          printed[#printed + 1] = table.concat(parts, " ")
        end
        local chunk, problem = load(example, "=" .. name, "t", setmetatable({}, { __index = function(_, key)
          return scope[key] or rawget(_G, key)
        end }))
        check(name .. " is valid", chunk, problem)
        if chunk then
          local spawned = fellowship.spawn(chunk)
          local timer = fellowship.spawn(function()
            fellowship.sleep(EXAMPLE_SECONDS)
            spawned:cancel()
          end)
          local well, failure = spawned:join()
          timer:cancel()
          check(name .. " runs", well, failure)
          local want = example:match "%-%-> ([^\n]*)$"
          if want then check(name .. " prints what it says", printed[#printed] == want, printed[#printed]) end
        end
      end
    end

    -- Whatever an entry speaks of has an entry too.
    local known = reference.objects()
    for _, entry in ipairs(reference.entries()) do known[entry.name] = true end
    for _, entry in ipairs(reference.entries()) do
      for _, list in ipairs { entry.params, entry.returns, entry.fields } do
        for _, item in ipairs(list) do
          for class in item.type:gmatch "fellowship%.%u[%w_]*" do
            check(("%s, of which %s speaks, is told of"):format(class, entry.name), known[class])
          end
        end
      end
    end

    -- What an annotation says that a constructor takes is what it takes.
    for _, name in ipairs { "judge", "jury", "debate", "feedback" } do
      local entry = reference.find("fellowship." .. name)
      local documented = reference.keys(entry.params[1].type)
      local members = name == "jury" and { "openai:one" } or {}
      members.no_such_option = true
      local _, problem = pcall(fellowship[name], members)
      local takes = {}
      for key in tostring(problem):match "it has ([^)]*)":gmatch "[%w_]+" do takes[#takes + 1] = key end
      table.sort(documented)
      check(entry.name .. "'s options are documented", table.concat(documented, " ") == table.concat(takes, " "),
        table.concat(documented, " ") .. " / " .. table.concat(takes, " "))
    end
  end,
}
