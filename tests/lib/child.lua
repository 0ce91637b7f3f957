-- child: scripts run by a fellowship process of their own, in a scratch folder.
--
--     local child = require "child"
--     local ran = child.run 'print "hello"'     -- { status =, out =, err = }
--     child.done()

local child = {}

local program = os.getenv "FELLOWSHIP" or "fellowship"

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read "a":gsub("\n$", ""))
end

--- The scratch folder.
child.folder = output_of "mktemp -d"

--- Writes a file into the scratch folder; gives its path.
function child.write(name, text)
  local path = child.folder .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
  return path
end

--- A file of the scratch folder, or nil.
function child.read(name)
  local file <close> = io.open(child.folder .. "/" .. name)
  return file and file:read "a"
end

--- Runs a script's text as script.lua; host options stand before its name. A run that takes over a
--- minute is killed, and one in which a sanitizer speaks is an error.
---@param text string
---@param options? string
---@return { status: integer, out: string, err: string }
function child.run(text, options)
  child.write("script.lua", text)
  local _, how, status = os.execute(("cd %s && timeout -s KILL 60 %s %s script.lua >out 2>err </dev/null"):format(
    quoted(child.folder), quoted(program), options or ""))
  local ran = { status = how == "exit" and status or -status, out = child.read "out", err = child.read "err" }
  if ran.err:find "Sanitizer" or ran.err:find("runtime error:", 1, true) then error(ran.err, 0) end
  return ran
end

function child.done()
  os.execute("rm -rf " .. quoted(child.folder))
end

return child
