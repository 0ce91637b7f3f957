-- Duplicate prompts, left out before a model is asked: the same words, in any script, or nearly the same ones.

local likeness = require "fellowship.core.likeness"
local conversation = require "fellowship.dataset.conversation"

local unique = {}

---@class fellowship.Unique
---@field exact integer how many rows were left out as the same
---@field near integer and as nearly the same
---@field filtered { pull: function } the source
---@field pull fun(): table?, any
local Unique = {}
Unique.__index = Unique

--- Rows left out so far.
---@return integer
function Unique:left_out()
  return self.exact + self.near
end

-- What a prompt says; nil when it shows images, since the same words mean something else beside another picture.
local function words(prompt_of, row, number)
  local prompt = prompt_of(row, number)
  return not conversation.images(prompt) and conversation.text(prompt) or nil
end

--- The rows of a source that are not duplicates of earlier ones; `exact` and `near` count those left out. Prompts are
--- the same whose words are, whatever their case, white space and punctuation; they are near when their runs of three
--- words agree in that part (their Jaccard similarity). A row whose text cannot be taken passes: who works on it says
--- why; so does one with images. Memory grows with the prompts: about 10 bytes each, and with `near` some 8 more for each word.
--- Example:
---     local rows = fellowship.preference.unique(fellowship.rows "prompts.jsonl", function(row) return row.prompt end)
---     for row in function() return rows:pull() end do print(row.prompt) end
---@param source { pull: function }
---@param prompt_of fun(row: table, number: integer): fellowship.Prompt may raise
---@param near? number similarity from which on two are duplicates, above 0 to 1; nil: only the same words
---@return fellowship.Unique
function unique.rows(source, prompt_of, near)
  local self = setmetatable({ filtered = source, exact = 0, near = 0 }, Unique)
  local texts = likeness.texts(near)
  function self.pull()
    while true do
      local row, number = source:pull()
      if row == nil then return row, number end
      local well, text = pcall(words, prompt_of, row, number)
      local duplicate = well and text and texts:see(text)
      if not duplicate then return row, number end
      self[duplicate] = self[duplicate] + 1
    end
  end
  return self
end

return unique
