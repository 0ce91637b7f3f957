-- What is compared: a prompt with two responses, or two conversations, and maybe a reference answer.

local check = require "fellowship.base.check"
local text = require "fellowship.base.text"
local conversation = require "fellowship.dataset.conversation"

local pair = {}

local known = { prompt = "string|table?", a = "string?", b = "string?", reference = "string?",
  conversation_a = "table?", conversation_b = "table?", sample = "integer?" }

--- Checks a pair, and gives it as texts: conversations (MT-Bench style) become transcripts, a prompt of several
--- messages too.
---@param given table see fellowship.Judge.compare
---@return { prompt: string, a: string, b: string, reference: string?, sample: integer?, images: fellowship.Part[]? }
function pair.read(given)
  check.options("compare", given, known, 3)
  local prompt, a, b = given.prompt, given.a, given.b
  if given.conversation_a or given.conversation_b then
    if not (given.conversation_a and given.conversation_b) or a or b then
      error("compare needs conversation_a and conversation_b, without a and b", 3)
    end
    a, b = conversation.text(given.conversation_a), conversation.text(given.conversation_b)
    prompt = prompt or "A conversation of several turns; judge the assistant's part in it as a whole."
  end
  if not (prompt and a and b) then error("compare needs prompt, a and b (or two conversations)", 3) end
  return { prompt = conversation.text(prompt), a = a, b = b, reference = given.reference, sample = given.sample,
    images = conversation.images(prompt) }
end

--- What there is to say of two responses that are the same, white space at their ends aside: nobody is asked, whatever an
--- answer would prefer could only be a place. Nil when they differ.
---@param p { a: string, b: string }
---@return fellowship.Verdict?
function pair.identical(p)
  if p.a ~= p.b and text.trim(p.a) ~= text.trim(p.b) then return nil end
  return { winner = "tie", scores = {}, identical = true, evidence = {} }
end

--- The same with the responses in the other order.
---@param p table
---@return table
function pair.swap(p)
  return { prompt = p.prompt, a = p.b, b = p.a, reference = p.reference, sample = p.sample, images = p.images }
end

return pair
