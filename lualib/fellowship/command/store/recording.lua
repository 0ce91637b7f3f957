-- Recordings: a store exported as JSON Lines, small enough for git, and imported into a store.

local json = require "fellowship.core.json"
local lines_of = require "fellowship.core.rows"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local say = require "fellowship.base.say"
local rows = require "fellowship.dataset.rows"
local writer = require "fellowship.dataset.writer"

local recording = {}

--- Writes every sound completion of a store, oldest first.
---@param path string the store
---@param to string the recording; "-" for standard output
---@return integer count
---@return integer lost completions that are known to have been there and could not be read
---@return boolean damaged
function recording.export(path, to)
  local out <close> = to ~= "-" and writer.open(to, { format = "jsonl" }) or nil
  local count, lost, damaged = store.lines(path, function(lines)
    if out then return out:write_text(lines) end
    local well, problem = say.data(lines)
    if not well then errors.raise { kind = "file", message = "cannot write to standard output: " .. problem } end
  end)
  if not count then
    lost.message = lost.message:gsub("; save what is sound with: .*", ", and nothing of it can be read") -- this was that
    errors.raise(lost)
  end
  return count, lost, damaged
end

local function wrong(place, line, what)
  errors.raise { kind = "data", message = ("%s:%d: %s; a recording is what `fellowship store export` writes")
    :format(place, line, what) }
end

--- A line of a recording that another program has written anew; its key must be that of its request.
local function entry_of(text, place, line)
  local row, problem = json.decode(text)
  if type(row) ~= "table" then wrong(place, line, problem and problem.message or "no object") end
  for _, name in ipairs { "request", "wire", "completion" } do
    if type(row[name]) ~= "table" then wrong(place, line, ('"%s" is missing'):format(name)) end
  end
  local request = json.canonical(row.request)
  local digest = sys.sha256(request)
  if sys.hex(digest) ~= row.key then wrong(place, line, "the key is not that of the request") end
  return digest, request, json.encode(row.wire), json.encode(row.completion), math.tointeger(row.created) or 0
end

local function check(value, problem)
  if not value then errors.raise { kind = "store", fatal = true, message = problem.message } end
  return value
end

-- ---- from lines ----

--- Puts one line by itself.
local function put_line(self, text, place)
  if not text:find "%S" then return end
  local _, known = self.into:put(entry_of(text, place, self.line))
  check(_, known)
  if known then self.known = self.known + 1 else self.added = self.added + 1 end
end

--- Puts some lines.
local function put_lines(self, text, place)
  while text ~= "" do
    local added, known, used, count = self.into:import(text)
    check(added, known)
    self.added, self.known, self.line = self.added + added, self.known + known, self.line + count
    if used == #text then return end
    local stop = text:find("\n", used + 1, true) or #text
    self.line = self.line + 1
    put_line(self, text:sub(used + 1, stop), place)
    text = text:sub(stop + 1)
  end
end

--- Puts a recording: the next lines are read while some are put.
local function import_lines(self, path)
  local source <close>, problem = lines_of.open(path, { format = "jsonl" })
  if not source then errors.raise(problem) end
  local putting, place_before
  while true do
    local text, place = source:lines()
    if putting then putting:await() end
    if not text then
      if place then errors.raise(place) end
      return
    end
    if place ~= place_before then self.line, place_before = 0, place end
    putting = task.spawn(put_lines, self, text, place)
  end
end

-- ---- from a store ----

-- Completions of a store that are put in one transaction.
local GROUP = 1000

local function import_store(self, path)
  local source, problem = store.source(path)
  if not source then errors.raise(problem) end
  repeat
    local added, known, ended = self.into:import_from(source, GROUP)
    if not added then
      errors.raise { kind = "store", message = ("%s (%d completions were taken)"):format(known.message,
        self.added + self.known) }
    end
    self.added, self.known = self.added + added, self.known + known
  until ended
  source:close()
end

--- Whether a file is a store, or some other database of SQLite.
local function is_database(path)
  local file <close> = path ~= "-" and sys.kind(path) == "file" and io.open(path, "rb") or nil
  return file ~= nil and file:read(16) == "SQLite format 3\0"
end

--- Puts every completion of recordings and stores into a store; those that it has stay.
---@param from string[] recordings, or "-"; stores
---@param path string the store, made when it is not there
---@return integer added
---@return integer known those that the store had
function recording.import(from, path)
  local into, problem = store.open { path = path }
  if not into then errors.raise(problem) end
  local _ <close> = into
  local self = { into = into, added = 0, known = 0, line = 0 }
  for _, name in ipairs(from) do
    for _, file in ipairs(name == "-" and { "-" } or rows.expand(name)) do
      if is_database(file) then import_store(self, file) else import_lines(self, file) end
    end
  end
  return self.added, self.known
end

return recording
