-- tap: as much of the Test Anything Protocol as tests in Lua need. What failed goes to stderr.
--
--     package.path = arg[0]:gsub("[^/]*$", "") .. "lib/?.lua;" .. package.path
--     local tap = require "tap"
--     tap.is(1 + 1, 2, "adds")
--     tap.done()

local tap = {}

local count, failed = 0, 0

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
  return tostring(value)
end

--- One test; the further arguments are shown when it fails.
function tap.ok(passed, name, ...)
  count = count + 1
  io.stdout:write(passed and "" or "not ", "ok ", count, " - ", (name:gsub("[\n#]", " ")), "\n")
  io.stdout:flush()
  if passed then return true end
  failed = failed + 1
  local at = debug.getinfo(2, "Sl")
  if at.source == debug.getinfo(1, "S").source then at = debug.getinfo(3, "Sl") end
  io.stderr:write(("#   failed at %s:%d\n"):format(at.short_src, at.currentline))
  for _, detail in ipairs { ... } do io.stderr:write("#   ", detail, "\n") end
  return false
end

--- The same value, of the same type of number.
function tap.is(got, wanted, name)
  return tap.ok(got == wanted and math.type(got) == math.type(wanted), name,
    "got    " .. shown(got), "wanted " .. shown(wanted))
end

--- The text holds every part, as it stands.
function tap.like(text, parts, name)
  text = tostring(text)
  for _, part in ipairs(type(parts) == "table" and parts or { parts }) do
    if not text:find(part, 1, true) then
      return tap.ok(false, name, "got      " .. shown(text), "it lacks " .. shown(part))
    end
  end
  return tap.ok(true, name)
end

--- fn raises an error whose message holds the parts; gives back the error.
function tap.raises(parts, name, fn, ...)
  local well, problem = pcall(fn, ...)
  if well then
    tap.ok(false, name, "nothing was raised")
    return nil
  end
  tap.like(problem, parts, name)
  return problem
end

--- A list of anything as one text, to compare lists.
function tap.list(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  return table.concat(texts, " ")
end

--- Prints the plan; makes the program fail when a test did.
function tap.done()
  io.stdout:write("1..", count, "\n")
  if failed > 0 then os.exit(1, false) end
end

return tap
