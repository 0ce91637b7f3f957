-- What evidence costs at list prices, from its tokens alone: the same whoever served it, now or from the store.

local model = require "fellowship.call.model"
local prices = require "fellowship.money.prices"

local list_price = {}

---@class fellowship.ListPrice
---@field known table<string, fellowship.Price|false> by a model's name
local ListPrice = {}
ListPrice.__index = ListPrice

--- A reader of price lists, which looks each model up once.
---@return fellowship.ListPrice
function list_price.new()
  return setmetatable({ known = {} }, ListPrice)
end

function ListPrice:price(name)
  if self.known[name] == nil then
    local well, made = pcall(model.new, name)
    self.known[name] = well and prices.of(made) or false
  end
  return self.known[name]
end

--- USD of evidence; nil where a price or a number of tokens is not known.
---@param list table[] of a verdict
---@return number?
function ListPrice:of(list)
  local sum = 0
  for _, e in ipairs(list) do
    local price = self:price(e.model)
    local cost = price and prices.cost(price, { prompt_tokens = e.prompt_tokens,
      completion_tokens = e.completion_tokens })
    if not cost then return nil end
    sum = sum + cost
  end
  return sum
end

return list_price
