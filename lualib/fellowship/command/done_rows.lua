-- Which rows a run has done, kept beside results in which some failed: data that was mended is known by it.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local file = require "fellowship.base.file"

local done_rows = {}

-- A row is known by so many bytes of the SHA-256 of its id and content.
local BYTES = 8

local function path_of(run)
  return run.out .. "/.rows"
end

local function digest_of(run, row, number)
  local well, id = pcall(run.id, run, row, number)
  return sys.sha256(json.encode { well and id or json.null, row }):sub(1, BYTES)
end

--- Calls fn with every row that a run reads of a dataset; rows that cannot be read are passed over.
local function each(run, option, fn)
  local source <close> = run:rows(option)
  while true do
    local row, number = source:pull()
    if row then fn(row, number) elseif number == nil then return end
  end
end

--- Whether a dataset can be read a second time.
local function is_lasting(run, option)
  local given = run.options[option]
  for _, path in ipairs(type(given) == "table" and given or { given }) do
    if sys.kind(path) ~= "file" then return false end
  end
  return true
end

--- Writes down which rows are done, when some failed; without failures nothing is left to mend.
---@param run fellowship.Run
---@param option? string the one that names the dataset
function done_rows.keep(run, option)
  local failed = run.failures.numbers
  if not option or not next(failed) or not is_lasting(run, option) then return sys.remove(path_of(run)) end
  local digests = {}
  each(run, option, function(row, number)
    if not failed[number] then digests[#digests + 1] = digest_of(run, row, number) end
  end)
  run:save(".rows", table.concat(digests))
end

--- How many of the rows that were done are not in the data, and how many were; nil when that was not kept.
---@param run fellowship.Run
---@param option string the one that names the dataset
---@return integer? missing
---@return integer? total
function done_rows.missing(run, option)
  local kept = file.read(path_of(run))
  if not kept or not is_lasting(run, option) then return nil end
  local wanted, total = {}, #kept // BYTES
  for i = 1, total do
    local digest = kept:sub((i - 1) * BYTES + 1, i * BYTES)
    wanted[digest] = (wanted[digest] or 0) + 1
  end
  local missing = total
  each(run, option, function(row, number)
    local digest = digest_of(run, row, number)
    if (wanted[digest] or 0) > 0 then wanted[digest], missing = wanted[digest] - 1, missing - 1 end
  end)
  return missing, total
end

return done_rows
