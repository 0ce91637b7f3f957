#!/usr/bin/env fellowship
-- No function that takes text of a model, of data or of a server may be worse than linear in it: white space, brackets or
-- fences without end are common failures of models, and what freezes the loop once freezes every rerun from the store.
--
-- Each function below is given each shape of text, 2 KB and 20 KB of it, and its time on the processor is compared;
-- 100 KB and 1 MB with $FELLOWSHIP_LINEAR=full, which takes minutes. A function that reads such text belongs in the list.
-- linear.lua [NAME] tries those alone whose names hold NAME.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local growth = require "growth"
local tap = require "tap"
local http = require "fellowship.core.http"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local content = require "fellowship.base.content"
local template = require "fellowship.base.template"
local text = require "fellowship.base.text"
local conversation = require "fellowship.dataset.conversation"
local naming = require "fellowship.dataset.naming"
local error_body = require "fellowship.provider.error_body"
local events = require "fellowship.provider.events"
local learn = require "fellowship.provider.learn"
local quirks = require "fellowship.provider.quirks"
local retry_after = require "fellowship.provider.retry_after"
local stream = require "fellowship.provider.stream"
local thinking = require "fellowship.provider.thinking"
local structured = require "fellowship.call.structured"
local expected = require "fellowship.judge.expected"
local ladder = require "fellowship.preference.ladder"
local pairing = require "fellowship.preference.pairs"
local quality = require "fellowship.preference.quality"
local refusal = require "fellowship.preference.refusal"
local shape = require "fellowship.preference.shape"
local style = require "fellowship.measure.style"
local tables = require "fellowship.report.table"

local LARGE = os.getenv "FELLOWSHIP_LINEAR" == "full" and 1000000 or 20000
local SMALL = LARGE // 10

-- ---- shapes ----

local SHAPES = {
  "#", "*", "_", "-", "=", "`", "1", "0.", "9/", " ", "\n", "\t", "\r\n", "a", "word ", "é", "\u{200b}", "\u{301}", "\xff", "\0", "\27[",
  "{", "}", "[", "]", "(", "<", ">", "{}", "[[", '{"a":', '"', "\\", "'", "/", "%", "$", "|", ":", ",", "data: ", "data:\n\n",
  "```", "```\n", "```json\n", "<think>", "</think>", "<think></think>", "<think>a ", "[THINK]", "◁think▷", "Thinking: ", "<a>", "</a", "&amp;",
  "### Score Assistant A:\n", "Answer: A ", "10/10 ", "\n\nHuman:", "\n\nHuman: a\n\nAssistant:", "- a\n", "a\n", "a \n", ".jsonl",
  "temperature ", "'temperature' ", "try again in 1s ", "1h", "Mon, ",
}

--- Texts of about n bytes: the shape without end; and with something before and behind it.
local function texts_of(piece, n)
  local run = piece:rep(n // #piece)
  return { run, "a" .. run .. "b" }
end

-- ---- functions ----

local function header() return nil end

local HOW = { quirks = quirks.of("openai", "m"), params = {} }
local SCHEMA = { type = "object", properties = { a = { type = "string" } }, required = { "a" } }

local TARGET = http.target { url = "http://127.0.0.1:1/?token=sk-0123456789abcdefghij" }

--- Gives bytes to a reader in parts.
local function in_parts(bytes, size, take)
  for at = 1, #bytes, size do take(bytes:sub(at, at + size - 1)) end
end

local FUNCTIONS = {
  ["json.decode"] = json.decode,
  ["json.decode of a string"] = function(s) return json.decode(json.encode(sys.valid(s))) end,
  ["json.pluck"] = function(s) return json.pluck(s, json.plan { "a.b", "a.1" }) end,
  ["sys.printable"] = sys.printable,
  ["target:redact"] = function(s) return TARGET:redact(s) end,
  ["target:redaction in parts"] = function(s)
    local redaction = TARGET:redaction()
    in_parts(s, 20, function(part) redaction:add(part) end)
    return redaction:add("", true)
  end,
  ["text.valid"] = text.valid,
  ["text.cut"] = function(s) return text.cut(s, 60) end,
  ["text.fit"] = function(s) return text.fit(s, 60) end,
  ["text.columns"] = text.columns,
  ["text.trim"] = text.trim,
  ["text.wrap"] = function(s) return text.wrap(s, 60) end,
  ["tables.text"] = function(s) return tables.text({ "name", "n" }, { { s, 1 } }, 80) end,
  ["template.fill"] = function(s) return template.fill("{a} and {b}", { a = s, b = s }) end,
  ["template.fill of it"] = function(s) return template.fill(s, { a = "x" }) end,
  ["content.read"] = function(s) return content.read { { type = "text", text = s }, { type = "text", text = s } } end,
  ["conversation.transcript"] = conversation.transcript,
  ["conversation.problem"] = conversation.problem,
  ["naming.read"] = naming.read,
  ["naming.is_shard"] = function(s) return naming.is_shard(naming.read "a.jsonl", s) end,
  ["error_body.of"] = error_body.of,
  ["error_body.told"] = function(s) return error_body.told(nil, s) end,
  ["retry_after.parse"] = function(s) return retry_after.parse(s, 0) end,
  ["retry_after.epoch"] = retry_after.epoch,
  ["retry_after.date"] = retry_after.date,
  ["retry_after.in_words"] = retry_after.in_words,
  ["events.sse"] = function(s) return events.sse()(s, true) end,
  ["events.ndjson"] = function(s) return events.ndjson()(s, true) end,
  ["events.sse in parts"] = function(s)
    local take = events.sse()
    in_parts(s, 5, take)
    return take("", true)
  end,
  ["structured.read"] = function(s) return structured.read(SCHEMA, s) end,
  ["structured.read behind words"] = function(s) return structured.read(SCHEMA, "Here it is:\n" .. s) end,
  ["pairs.make"] = function(s)
    return pairing.make(ladder.order(2, { { a = 1, b = 2, verdict = { winner = "a" } } }), { s .. "x", s .. "y" }, "all")
  end,
  ["shape.check"] = function(s)
    local columns = { { "prompt", function() end } }
    shape.check(columns, json.object({ prompt = "p", chosen = s .. "x", rejected = s .. "y" }, { "prompt", "chosen", "rejected" }), function() end)
  end,
  ["refusal.is"] = refusal.is,
  ["style.of"] = style.of,
  ["quality.writable"] = quality.writable,
  ["expected.score"] = function(s)
    return expected.score({ { token = s, length = #s, logprob = -0.1, top = { { token = s, logprob = -0.1 } } } }, s, 1, 10)
  end,
}

for _, mode in ipairs { "tags", "open" } do
  FUNCTIONS["thinking.whole, " .. mode] = function(s) return thinking.whole(s, mode) end
  FUNCTIONS["thinking in parts, " .. mode] = function(s)
    local reader = thinking.reader(mode)
    in_parts(s, 20, function(part) reader:read(part, false) end)
    return reader:read("", true)
  end
end

for _, name in ipairs { "openai", "anthropic", "gemini", "ollama", "responses" } do
  local adapter = require("fellowship.provider." .. name)
  for _, status in ipairs { 200, 400, 429 } do
    FUNCTIONS[("%s.classify, %d"):format(name, status)] = function(s) return adapter.classify(status, header, s, HOW) end
  end
  FUNCTIONS[name .. ".classify, an error's message"] = function(s)
    return adapter.classify(400, header, json.encode { error = { message = sys.valid(s), code = sys.valid(s), param = sys.valid(s) } }, HOW)
  end
  FUNCTIONS[name .. "'s stream"] = function(s)
    local reader = stream.reader(adapter, HOW)
    in_parts(s, 1000, function(part) reader:take(part) end)
    reader:take("", true)
  end
end

FUNCTIONS["openai.classify, an answer"] = function(s)
  local openai = require "fellowship.provider.openai"
  return openai.classify(200, header, json.encode { choices = { { message = { content = sys.valid(s) }, finish_reason = "stop" } } }, HOW)
end
FUNCTIONS["openai's stream of an answer"] = function(s)
  local reader = stream.reader(require "fellowship.provider.openai", HOW)
  in_parts(sys.valid(s), 500, function(part)
    reader:take("data: " .. json.encode { choices = { { delta = { content = sys.valid(part) } } } } .. "\n\n")
  end)
  reader:take("data: [DONE]\n\n", true)
end
FUNCTIONS.learn = function(s)
  local outcome = { kind = "request", status = 400, said = s }
  return learn(quirks.of("openai", "m"), outcome, { messages = { { role = "system", content = "" } }, params = { temperature = 0 } })
end

-- ---- the comparison ----

local names = {}
for name in pairs(FUNCTIONS) do names[#names + 1] = name end
table.sort(names)

local only, total, broken = arg[1], os.clock(), {}
for _, name in ipairs(names) do
  local well, problem = pcall(FUNCTIONS[name], "An ordinary text.\n")
  if not well then broken[#broken + 1] = name .. ": " .. tostring(problem) end
end
tap.ok(growth.of_text(function(s) s:find "a*b" end, "a", 1000, 10000) ~= nil, "one that takes the square of its text is told")
tap.ok(#broken == 0, "each function takes an ordinary text", table.unpack(broken))
for _, name in ipairs(names) do
  if not only or name:find(only, 1, true) then
    local slow, longest = {}, 0
    for _, piece in ipairs(SHAPES) do
      if #slow >= 3 then break end
      local small, large = texts_of(piece, SMALL), texts_of(piece, LARGE)
      for i = 1, #small do
        local problem, took = growth.problem(FUNCTIONS[name], small[i], large[i], LARGE / SMALL)
        longest = math.max(longest, took)
        if problem then slow[#slow + 1] = ("%q%s: %s"):format(piece, i == 2 and " between others" or "", problem) end
      end
    end
    tap.ok(#slow == 0, ("%s is linear (%.0f ms at most)"):format(name, 1000 * longest), table.unpack(slow, 1, math.min(#slow, 5)))
  end
end
print(("# %.1f s"):format(os.clock() - total))
tap.done()
