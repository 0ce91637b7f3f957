-- Prompts out of nothing, in Magpie's way (arXiv 2406.08464): a model that was trained on conversations is given what its
-- chat template has before a user's words, and goes on as a user would. For servers that complete a raw text.

local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local model = require "fellowship.call.model"
local rubric = require "fellowship.judge.rubric"
local text = require "fellowship.base.text"

local magpie = {}

---@class fellowship.Opening a chat template's beginning; what stands before all, such as <s>, is added by the server
---@field user string what stands before a user's words
---@field system string what a system prompt is put into, as %s
---@field stop string[] what ends a user's turn, and what comes where the model goes on past it
local OPENINGS = {
  chatml = { user = "<|im_start|>user\n", system = "<|im_start|>system\n%s<|im_end|>\n",
    stop = { "<|im_end|>", "<|im_start|>", "<|endoftext|>" } },
  ["llama-3"] = { user = "<|start_header_id|>user<|end_header_id|>\n\n",
    system = "<|start_header_id|>system<|end_header_id|>\n\n%s<|eot_id|>",
    stop = { "<|eot_id|>", "<|start_header_id|>", "<|end_of_text|>" } },
  gemma = { user = "<start_of_turn>user\n", stop = { "<end_of_turn>", "<start_of_turn>", "<eos>" } },
  mistral = { user = "[INST] ", stop = { "[/INST]", "[INST]", "</s>" } },
  ["phi-3"] = { user = "<|user|>\n", system = "<|system|>\n%s<|end|>\n",
    stop = { "<|end|>", "<|assistant|>", "<|user|>", "<|endoftext|>" } },
}

--- Names of the chat templates whose openings are known.
magpie.openings = { "chatml", "llama-3", "gemma", "mistral", "phi-3" }

local CRITERIA = { "Is the text a single prompt that a person might give to an AI assistant, and that can be answered?",
  "Is the text free of an answer, and of words of the assistant?" }
for i, question in ipairs(CRITERIA) do CRITERIA[i] = { criterion = question, kind = "yes/no" } end

local JUDGED = "Write a prompt for an AI assistant."

---@class fellowship.Magpie
---@field opening string what the model is given
local Magpie = {}
Magpie.__index = Magpie
Magpie.__name = "fellowship.Magpie"

--- What a template's opening says, by its name or as a text of one's own, with a system prompt in it.
local function opening_of(given, system)
  local known = OPENINGS[given]
  if not known then
    if not given:find "%W" then
      error(("magpie's opening %s is none of %s, and no text of a chat template"):format(given,
        table.concat(magpie.openings, ", ")), 3)
    end
    if system then error("magpie's opening is a text of your own: put the system prompt into it", 3) end
    return given, nil
  end
  if not system then return known.user, known.stop end
  if not known.system then error(("magpie's opening %s has no place for a system prompt"):format(given), 3) end
  return known.system:gsub("%%s", function() return system end) .. known.user, known.stop
end

--- What makes prompts of a model's chat template. Temperature 1 and 512 tokens at most unless the model's parameters say
--- otherwise.
--- Example: `print(fellowship.magpie({ model = "sim:writer", opening = "chatml" }):prompt(1).prompt ~= nil) --> true`
---@param options { model: string|fellowship.Model, opening: string, system: string?, judge: string|fellowship.Model|nil } a model that completes raw text (raw:NAME); the opening by the template's name (chatml, llama-3, gemma, mistral, phi-3), or as a text; a system prompt steers what is asked; the judge says whether what comes is a prompt
---@return fellowship.Magpie
function magpie.new(options, ...)
  check.no_more("magpie", "one table of options", ...)
  check.options("magpie", options, { model = "string|table", opening = "string", system = "string?",
    judge = "string|table?" })
  local opening, stop = opening_of(options.opening, options.system)
  local asked = model.new(options.model)
  if not asked.adapter.raw then
    errors.raise { kind = "usage", fatal = true, model = asked.named,
      message = ("%s puts a chat template around what it is asked; Magpie needs a raw completion: name the model as "
        .. "raw:%s"):format(asked.named, asked.name) }
  end
  local judge = options.judge and rubric.new { model = options.judge, criteria = CRITERIA } or nil
  return setmetatable({ opening = opening, judge = judge,
    model = asked:with_defaults { temperature = 1, max_tokens = 512, stop = stop } }, Magpie)
end

--- Why what came is no prompt; nil when it is one.
local function problem_with(self, said, words)
  if said.finish_reason == "length" then return "cut" end
  if words == "" then return "empty" end
  if not self.judge then return nil end
  local found = self.judge:score { prompt = JUDGED, response = words }
  if not found.score then return "unparsed" end
  return found.score < 1 and "judged" or nil
end

--- One prompt.
--- Example: `print(fellowship.magpie({ model = "sim:writer", opening = "gemma" }):prompt(7).dropped) --> nil`
---@param sample integer which of several, from 1
---@return { prompt: string, dropped: string? } dropped: why it is no good prompt: "cut", "empty", "judged" or "unparsed"
function Magpie:prompt(sample, ...)
  check.method(self, Magpie, "magpie:prompt")
  check.no_more("prompt", "the number of a sample", ...)
  check.type("the sample", sample, "integer")
  local said = self.model:ask(self.opening, { sample = sample, how = { empty = true } })
  local words = text.trim(said.text)
  return { prompt = words, dropped = problem_with(self, said, words) }
end

return magpie
