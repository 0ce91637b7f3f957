-- Answers of judges, each with what it means: read as that, or not at all; never as anything else. "b|" may be read as b
-- or left unread, "" must be left unread.

local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

local function read(strategy, text, scale, candidates)
  local found = verdict.parse(text, { strategy = strategy, scale = scale or 10, candidates = candidates })
  if not found then return "" end
  if strategy == "independent" then return ("%g"):format(found.scores.score) end
  if strategy == "direct" then return found.winner end
  return ("%g %g"):format(found.scores.a, found.scores.b)
end

--- Each text with what it means; a scale other than 10 and the texts that the judge was shown, where there are any.
return function(strategy, list)
  for _, entry in ipairs(list) do
    local text, want = entry[1], entry[2]
    local got = read(strategy, text, entry[3], entry.shown)
    local right = got == want or want:sub(-1) == "|" and (got == "" or got == want:sub(1, -2))
    tap.ok(right, ("%s: %s"):format(strategy, text:gsub("\n", "|"):gsub("#", ""):sub(1, 70)),
      ("%q"):format(text), ("read %q, meant %q"):format(got, want))
  end
  tap.done()
end
