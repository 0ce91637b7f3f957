-- Plain calls through the whole stack for some seconds: the clients of calls.py all do the same.
-- usage: fellowship --concurrency N calls.lua SECONDS [CALLS]
local fellowship = require "fellowship"
local task = require "fellowship.core.task"

local seconds, most = tonumber(arg[1]), tonumber(arg[2]) or math.huge
local filler = os.getenv "BENCH_PROMPT"
local expected = os.getenv "BENCH_ANSWER"
local model = fellowship.model "openai:bench"
local started, number, calls, bad = task.now(), 0, 0, 0

local function rows()
  if number >= most or task.now() - started >= seconds then return nil end
  number = number + 1
  return number
end

local marks = {}
for _, good in fellowship.map(rows, function(n)
  return model:ask(n .. filler).text == expected
end) do
  calls = calls + 1
  if not good then bad = bad + 1 end
  if most < math.huge and calls % 10000 == 0 then marks[#marks + 1] = os.clock() end
end

print(("{\"calls\":%d,\"bad\":%d,\"seconds\":%.3f,\"marks\":[%s]}")
  :format(calls, bad, task.now() - started, table.concat(marks, ",")))
