-- Scores by log-probabilities: the mean over the scores that a model might have written in the place of the one that
-- it wrote, each weighted by how likely it was (as in G-Eval, arXiv 2303.16634, section 2).

local expected = {}

--- The token in which a text's byte stands, `behind` bytes (itself included) from the text's end; and how many of the
--- token's bytes come before it. The text is what the tokens end with, or some of them before an end mark.
local function token_at(tokens, text, behind)
  local pieces, total, exact = {}, 0, true
  for i, token in ipairs(tokens) do
    pieces[i], total = token.token, total + token.length
    exact = exact and #token.token == token.length
  end
  local stop = total
  if exact and text ~= "" then
    local all = table.concat(pieces)
    local from = #all - #text + 1
    while from > 1 and all:sub(from, from + #text - 1) ~= text do from = from - 1 end
    if from < 1 or all:sub(from, from + #text - 1) ~= text then return nil end
    stop = from + #text - 1
  end
  local wanted, at = stop - behind + 1, 1
  for i, token in ipairs(tokens) do
    if wanted < at + token.length then return i, wanted - at end
    at = at + token.length
  end
end

--- The digits that a token begins with after white space, and whether nothing follows them in it.
local function digits_of(token)
  local digits, rest = token:match "^%s*(%d+)(.*)$"
  return digits, rest == ""
end

--- Probabilities by the number that a token begins with. The token that was chosen counts where it is missing.
local function weights_at(token, skip)
  local weights, seen = {}, false
  for _, other in ipairs(token.top) do
    local digits = digits_of(other.token:sub(skip + 1))
    if digits then weights[digits] = (weights[digits] or 0) + math.exp(other.logprob) end
    seen = seen or other.token == token.token
  end
  if not seen then
    local digits = digits_of(token.token:sub(skip + 1))
    if digits then weights[digits] = (weights[digits] or 0) + math.exp(token.logprob) end
  end
  return weights
end

--- Whether a number may go on in the next token: "1" where the scale has 10.
local function goes_on(digits, scale)
  return tonumber(digits) > 0 and tonumber(digits) * 10 <= scale
end

--- Where tokens are single digits, the chosen one's share is divided by what the next token might have been. A number
--- that was not chosen and may go on cannot be told from its longer one: it is left out.
local function divide(weights, tokens, at, scale, skip)
  local chosen = digits_of(tokens[at].token:sub(skip + 1))
  for digits in pairs(weights) do
    if #digits > 1 then return weights end -- whole numbers are tokens: nothing to divide
  end
  local divided = {}
  for digits, weight in pairs(weights) do
    if not goes_on(digits, scale) then divided[digits] = weight
    elseif digits == chosen and tokens[at + 1] then
      local on = 0
      for more, share in pairs(weights_at(tokens[at + 1], 0)) do
        local longer = digits .. more
        if tokens[at + 1].token:match "^%s" == nil and tonumber(longer) <= scale then
          divided[longer], on = (divided[longer] or 0) + weight * share, on + share
        end
      end
      divided[digits] = (divided[digits] or 0) + weight * math.max(0, 1 - on)
    end
  end
  return divided
end

--- The expected score; nil and why it cannot be told.
---@param tokens { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[]
---@param text string the answer that ends with these tokens
---@param behind integer bytes from the score's first digit to the text's end
---@param scale integer scores from 1 to this
---@return number?
---@return string? problem
function expected.score(tokens, text, behind, scale)
  local at, skip = token_at(tokens, text, behind)
  if not at then return nil, "the log-probabilities are not those of the text" end
  local sum, total = 0, 0
  for digits, weight in pairs(divide(weights_at(tokens[at], skip), tokens, at, scale, skip)) do
    local score = tonumber(digits)
    if score >= 1 and score <= scale then sum, total = sum + score * weight, total + weight end
  end
  if total == 0 then return nil, "no token in the score's place is a score" end
  return sum / total
end

return expected
