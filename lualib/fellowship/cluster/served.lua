-- The server of models that a task starts for itself: `--serve "vllm serve MODEL --port $PORT"`.

local child = require "fellowship.core.child"
local http = require "fellowship.core.http"
local server = require "fellowship.core.server"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local beat = require "fellowship.cluster.beat"

local served = {}

-- Seconds between two looks whether it answers.
local LOOK = 0.5

-- Variables in which providers of one's own servers find its address; see fellowship.provider.
local VARIABLES = { "VLLM_BASE_URL", "LLAMACPP_BASE_URL", "LMSTUDIO_BASE_URL" }
local BARE = { "OLLAMA_HOST", "REWARD_BASE_URL" }

-- The server ends with the process that wanted it, however that ends: whoever is killed takes nobody with him. So a
-- shell stands between, which looks once a second, and ends its whole group.
local WATCHED = [[
trap '' INT
( eval "$1" ) &
server=$!
while kill -0 "$server" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 1; done
kill -0 "$server" 2>/dev/null && kill -KILL 0
wait "$server"
]]

---@class fellowship.Served
---@field url string where it listens
---@field ended boolean by itself
---@field package program fellowship.child
local Served = {}
Served.__index = Served

--- A port that nobody listens at now.
local function free_port()
  local listener, problem = server.listen { address = "127.0.0.1", port = 0 }
  if not listener then errors.raise { kind = "file", message = "no free port: " .. problem.message } end
  local port = listener:port()
  listener:close()
  return port
end

--- Variables of the environment by which a run finds a server.
---@param url string "http://127.0.0.1:PORT"
---@return string[]
function served.environment(url)
  local list = { "FELLOWSHIP_SERVED=" .. url }
  for _, name in ipairs(VARIABLES) do list[#list + 1] = ("%s=%s/v1"):format(name, url) end
  for _, name in ipairs(BARE) do list[#list + 1] = ("%s=%s"):format(name, url) end
  return list
end

--- Those of a run that asks nobody: the same keys, no server.
served.NOBODY = "http://127.0.0.1:9"

--- What the log ends with.
local function last_words(log)
  local text = (file.read(log) or ""):sub(-2000)
  return text:match "([^\n]+)%s*$" or "it said nothing"
end

local function wait_for(self, job, log)
  local target = http.target { url = self.url .. job.ready }
  local began = task.now()
  while true do
    local answer = target:send(nil, { connect = 5, total = 30 })
    if answer and answer.status < 500 then return end
    if self.ended then
      errors.raise { kind = "server", message = ("the server (%s) ended before it answered: %s; its log is %s")
        :format(job.serve, last_words(log), log) }
    end
    if task.now() - began > job.patience then
      errors.raise { kind = "server", message = ("the server (%s) has not answered at %s for %d s; its log is %s")
        :format(job.serve, job.ready, job.patience, log) }
    end
    task.sleep(LOOK)
  end
end

--- Starts a submission's server and waits until it answers.
---@param job fellowship.Job
---@param name string the task's
---@param on_end? fun() called when it ends by itself
---@return fellowship.Served? nil where none is wanted
function served.start(job, name, on_end)
  if not job.serve then return nil end
  local port, log = free_port(), job:path("logs/server-%s.log", name)
  local program, problem = child.start({ "/bin/sh", "-c", WATCHED, "sh", job.serve, tostring(beat.pid()) },
    { log = log, env = { "PORT=" .. port } })
  if not program then errors.raise { kind = "server", message = problem.message } end
  local self = setmetatable({ program = program, url = "http://127.0.0.1:" .. port, ended = false }, Served)
  self.waiting = task.aside(function()
    program:wait()
    self.ended = true
    if on_end then on_end() end
  end)
  local well, why = pcall(wait_for, self, job, log)
  if well then return self end
  self:close()
  error(why, 0)
end

--- Ends it.
function Served:close()
  self.waiting:cancel()
  self.program:close()
end

Served.__close = Served.close

return served
