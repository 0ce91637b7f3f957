-- The folder of a run: whose results it holds, and what may write over them.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local text = require "fellowship.base.text"
local done_rows = require "fellowship.command.done_rows"
local naming = require "fellowship.dataset.naming"
local rows = require "fellowship.dataset.rows"
local setup = require "fellowship.command.setup"

local folder = {}

-- ---- identity ----

--- Files stand for what they hold, wherever they lie; SQL and addresses for themselves.
local function contents_of(name, path)
  return naming.is_elsewhere(path) and path or "sha256:" .. setup.file_digest(name, path)
end

--- The files of one dataset, of which one stands for itself; standard input and pipes, which can be read once, for
--- any other.
local function contents_of_data(name, value)
  local well, paths = pcall(rows.expand, value)
  if not well then setup.usage("--%s: %s", name, tostring(paths)) end
  local list = {}
  for i, path in ipairs(paths) do
    list[i] = (path == "-" or sys.kind(path) == "other") and "-" or contents_of(name, path)
  end
  return #list == 1 and list[1] or list
end

--- What stands for the value of an option.
local function part_of(option, value)
  if option.type == "data" then
    if not option.many then return contents_of_data(option[1], value) end
    local list = {}
    for i, dataset in ipairs(value) do list[i] = contents_of_data(option[1], dataset) end
    return list
  end
  if option.alone and #value == 1 then return value[1] end
  local is_file = option.type == "file" or (option.files and value:match "%.lua$")
  return is_file and contents_of(option[1], value) or value
end

--- What makes two runs the same one: script, data, and the options that change results.
---@param script { name: string, declared: fellowship.Option[] }
---@param values table<string, any>
---@return table<string, any>
function folder.identity(script, values)
  local parts = { script = script.name }
  for _, option in ipairs(script.declared) do
    local name, value = option[1], values[option[1]]
    if name ~= "out" and option.result ~= false and value ~= nil then
      parts["--" .. name] = part_of(option, value)
    end
  end
  return parts
end

--- Names of the parts in which two identities differ.
local function differences(ours, theirs)
  local names, seen = {}, {}
  for _, side in ipairs { ours, theirs } do
    for name in pairs(side) do
      if not seen[name] and json.canonical { ours[name] } ~= json.canonical { theirs[name] } then
        names[#names + 1] = name
      end
      seen[name] = true
    end
  end
  table.sort(names)
  return names
end

-- ---- what may be written over ----

local function refuse(run, why, ...)
  setup.usage("%s %s. Give another --out, or --force to write over it", run.out, why:format(...))
end

--- The option that names the only dataset of a script; nil where there are several.
local function only_dataset(run)
  local found
  for _, option in ipairs(run.script.declared) do
    if option.type == "data" and run.options[option[1]] ~= nil then
      if found or option.many then return nil end
      found = option[1]
    end
  end
  return found
end

--- Whether it is the data alone that differs.
local function is_mended(run, differing)
  local name = only_dataset(run)
  return name and #differing == 1 and differing[1] == "--" .. name
end

--- Refuses a run that would leave fewer rows than a finished one has put there. Mended data may have other rows in place
--- of those that failed; the rows that are done must be in it.
local function keep_rows(run, finished, mended)
  local limit = run.options.limit
  if not mended then
    if limit and limit < finished.rows then
      refuse(run, "holds the results of %s, and --limit %d would leave fewer", text.count(finished.rows, "row"), limit)
    end
    return
  end
  local missing, total = done_rows.missing(run, only_dataset(run))
  if not missing then
    refuse(run, "holds the results of other data (%s differs)", "--" .. only_dataset(run))
  elseif missing > 0 then
    refuse(run, "holds the results of %s, %d of which this data has not, or not with the same id and content",
      text.count(total, "row"), missing)
  end
end

--- The record of an earlier run in the folder; nil when there is none that can be read.
local function earlier(run)
  local written = file.read(run.out .. "/run.json")
  local record = written and json.decode(written)
  return type(record) == "table" and type(record.identity) == "table" and record or nil
end

--- What an earlier run left in the folder: its record, or nil when that guards nothing.
local function before(run, record)
  if not record or run.options.force then return nil end
  local finished = type(record.finished) == "table" and math.type(record.finished.rows) == "integer" and record.finished
  local done = type(record.rows) == "table" and record.rows.done
  if not finished and done == 0 then return nil end -- no row was done: there is nothing to lose
  return record, finished or nil
end

--- Refuses a folder that holds another run, or more rows than this one would leave; --force lets it be.
---@return table? finished what the last run that came to its end left there: { rows =, done = }
local function check(run, left)
  local record, finished = before(run, left)
  if not record then return nil end
  local differing = differences(run.identity, record.identity)
  local mended = is_mended(run, differing)
  if #differing > 0 and not mended then
    refuse(run, "holds the results of another run (%s); it differs in: %s", tostring(record.identity.script),
      table.concat(differing, ", "))
  end
  if finished then keep_rows(run, finished, mended) end
  return finished
end

--- Holds the folder for this process.
local function lock(run)
  local problem
  run.lock, problem = sys.lock(run.out)
  if run.lock then return end
  if problem.held then
    setup.usage("another fellowship is writing into %s; wait for it, or give another --out", run.out)
  end
  errors.raise { kind = "file", message = ("cannot use the folder %s: %s"):format(run.out, problem.message) }
end

--- What stands where a folder would have to be: the path itself, or a part of it.
local function file_in_the_way(path)
  while path and path ~= "" do
    local kind = sys.kind(path)
    if kind then return kind ~= "folder" and path or nil end
    path = path:match "^(.*)/+[^/]*$"
  end
end

--- Makes the folder this process's; a usage error when it holds what must not be lost. What a run writes over results that
--- came to their end gets its names when it has come to its own: see folder.finish.
---@param run fellowship.Run with its identity
function folder.take(run)
  local made, problem = sys.mkdir(run.out)
  if not made then
    local barrier = file_in_the_way(run.out)
    if barrier then setup.usage("--out: cannot make the folder %s: %s is no folder", run.out, barrier) end
    errors.raise { kind = "file", message = ("--out: cannot make the folder %s: %s"):format(run.out, problem.message) }
  end
  lock(run)
  local record = earlier(run)
  run.finished = check(run, record)
  run.held = run.finished and {}
  local differing = record and differences(run.identity, record.identity)
  if record and (#differing == 0 or is_mended(run, differing)) then run.before = record end
end

--- How many rows more the results have that are there than those of this run, which would replace them.
local function lost(run)
  return run.finished and (math.tointeger(run.finished.done) or 0) - run.done or 0
end

--- Puts the results in their place, and notes what a later run has to go by. Where there are results of more rows, these
--- stay: rows failed that were done before (another store, a server in trouble), or standard input held fewer, which
--- is a usage error.
---@param run fellowship.Run
---@return boolean whether the folder has this run's results
function folder.finish(run)
  run.kept = lost(run) > 0
  if run.kept and run.failures.count > 0 then return false end
  if run.kept then
    refuse(run, "holds the results of %s, and this run did %d; what it wrote is left as .partial",
      text.count(run.finished.done, "row"), run.done)
  end
  local held = run.held or {}
  run.held = nil
  for _, name in ipairs(held) do name() end
  done_rows.keep(run, only_dataset(run))
  return true
end

return folder
