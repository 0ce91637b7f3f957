-- GET /metrics: counts of this server in Prometheus' text format
-- (https://prometheus.io/docs/instrumenting/exposition_formats/).

local limits = require "fellowship.core.limits"
local count = require "fellowship.money.count"

local metrics = {
  requests = {}, ---@type table<string, integer> by path and status: "/v1/models 200"
}

local function line(list, name, labels, value)
  list[#list + 1] = ("fellowship_%s%s %s"):format(name, labels, math.type(value) == "integer" and value
    or ("%.9g"):format(value))
end

local function header(list, name, kind, help)
  list[#list + 1] = ("# HELP fellowship_%s %s"):format(name, help)
  list[#list + 1] = ("# TYPE fellowship_%s %s"):format(name, kind)
end

local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

--- Notes a request that was answered, or refused.
---@param path string as routes name it
---@param status integer
function metrics.note(path, status)
  local name = path .. " " .. status
  metrics.requests[name] = (metrics.requests[name] or 0) + 1
end

local SINGLE = {
  { "calls_total", "counter", "Calls that providers answered.", "made" },
  { "stored_total", "counter", "Calls that the store answered.", "stored" },
  { "attempts_total", "counter", "Exchanges with providers.", "attempts" },
  { "retries_total", "counter", "Attempts that were repeated.", "retries" },
  { "rate_limited_total", "counter", "Attempts that a provider refused for their number.", "rate_limited" },
  { "failed_total", "counter", "Calls that failed for good.", "failed" },
  { "in_flight", "gauge", "Calls on the wire.", "in_flight" },
}

local function models(list)
  local sums = {
    { "model_calls_total", "Calls that a model answered.", function(s) return s.count end },
    { "prompt_tokens_total", "Tokens of prompts, of calls that told.", function(s) return s.prompt end },
    { "completion_tokens_total", "Tokens of completions, of calls that told.", function(s) return s.completion end },
    { "cost_usd_total", "USD paid, of calls whose price is known.", function(s) return s.cost end },
  }
  for _, row in ipairs(sums) do
    header(list, row[1], "counter", row[2])
    for _, named in ipairs(count.models) do
      local spent = count.spent[named]
      if spent then line(list, row[1], ("{model=%s}"):format(quoted(named)), row[3](spent)) end
    end
  end
end

--- All of it.
---@return string
function metrics.text()
  local list = {}
  for _, row in ipairs(SINGLE) do
    header(list, row[1], row[2], row[3])
    line(list, row[1], "", count[row[4]])
  end
  header(list, "waiting", "gauge", "Calls that wait for their turn.")
  line(list, "waiting", "", select(2, limits.in_use()))
  header(list, "requests_total", "counter", "Requests that were answered.")
  local names = {}
  for name in pairs(metrics.requests) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path, status = name:match "^(.*) (%d+)$"
    line(list, "requests_total", ("{path=%s,status=%s}"):format(quoted(path), quoted(status)), metrics.requests[name])
  end
  models(list)
  return table.concat(list, "\n") .. "\n"
end

return metrics
