-- What the headers of a request say of how it is asked.

local key = require "fellowship.call.key"
local fail = require "fellowship.serve.fail"

local headers = {}

local function whole(request, name, default)
  local text = request:header(name)
  if not text then return default end
  local value = math.tointeger(tonumber(text))
  if not value or value < 0 then fail.raise(("the header %s must be a whole number, from 0"):format(name)) end
  return value
end

--- Which of several answers is wanted, x-fellowship-sample, 1 when not said; and how far x-fellowship-fresh shifts it.
---@param request { header: fun(self: any, name: string): string? }
---@return integer sample
---@return integer shift
function headers.sample_and_shift(request)
  local sample = whole(request, "x-fellowship-sample", 1)
  if sample < 1 then fail.raise "the header x-fellowship-sample counts from 1" end
  return sample, whole(request, "x-fellowship-fresh", 0) * key.FRESH
end

--- The sample of a call that has one answer.
---@param request { header: fun(self: any, name: string): string? }
---@return integer
function headers.sample(request)
  local sample, shift = headers.sample_and_shift(request)
  return sample + shift
end

--- How it is asked, by x-fellowship-no-store.
---@param request { header: fun(self: any, name: string): string? }
---@return fellowship.Wants?
function headers.wants(request)
  return request:header "x-fellowship-no-store" and { unkept = true } or nil
end

return headers
