-- Checks a preference folder against the format it claims, so that a trainer's loader is not the first to complain.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local read = require "fellowship.base.file".read
local rows = require "fellowship.dataset.rows"
local format = require "fellowship.preference.format"
local shape = require "fellowship.preference.shape"

local validate = {}

---@class fellowship.Validation
---@field folder string
---@field format? string as claimed, or as the first row shows
---@field files integer
---@field rows integer
---@field faults integer
---@field notes integer
---@field inverted integer pairs whose recorded scores say the opposite of the label
---@field report fun(kind: "fault"|"note", message: string)
local Validation = {}
Validation.__index = Validation

function Validation:fault(message)
  self.faults = self.faults + 1
  self.report("fault", message)
end

function Validation:note(message)
  self.notes = self.notes + 1
  self.report("note", message)
end

--- A JSON object of the folder; nil when it is not there or broken (which is reported).
local function read_json(self, name)
  local content = read(self.folder .. "/" .. name)
  if not content then return nil end
  local value, problem = json.decode(content)
  if type(value) == "table" and not json.is_array(value) then return value end
  self:fault(("%s/%s: not JSON: %s"):format(self.folder, name, problem and problem.message or "no object"))
end

--- Each row of a file with its "file:line", nil for a line that is none; reports those, and a file that cannot be
--- read on.
local function each_row(self, path, fn)
  local well, problem = pcall(function()
    local source <close> = rows.open(path)
    while true do
      local row, number = source:pull()
      if row == nil and number == nil then break end
      if not row then self:fault(tostring(number)) end
      fn(row, row and rows.origin(row, number))
    end
  end)
  if not well and type(problem) ~= "table" then error(problem, 0) end -- not of the file
  if not well then self:fault(tostring(problem)) end
end

-- ---- files ----

--- The stems of the card's configs: what its front matter names as data/STEM-*.jsonl.
local function claimed_stems(self)
  local card = read(self.folder .. "/README.md")
  if not card then
    self:fault(self.folder .. "/README.md: there is no dataset card; its configs tell loaders which files belong "
      .. "together")
    return {}
  end
  local stems, front = {}, card:match "^%-%-%-\n(.-)\n%-%-%-"
  if not front then self:fault(self.folder .. "/README.md: has no front matter between two lines of ---") end
  for path in (front or ""):gmatch 'path: *"?([^"}\n]+)"?' do
    local stem = path:match "^data/([%w_]+)%-%*%.jsonl" or path:match "^data/([%w_]+)%-%*%.parquet$"
    stems[#stems + 1] = stem and { stem = stem, path = path }
    if not stem then self:note(("%s/README.md: the path %s is not checked"):format(self.folder, path)) end
  end
  return stems
end

local PARTIAL = "%.partial$"

--- Reports files that a run began and did not end.
local function check_partial(self, folder)
  for _, name in ipairs(sys.list(folder) or {}) do
    if name:find(PARTIAL) then
      self:fault(("%s/%s: the run that wrote it did not end; run it again"):format(folder, name))
    end
  end
end

--- Files of data/ by stem, in order; reports shards that are missing.
local function shards(self)
  local by_stem, stems = {}, {}
  for _, name in ipairs(sys.list(self.folder .. "/data") or {}) do
    local stem, index, count, ending = name:match "^([%w_]+)%-(%d%d%d%d%d)%-of%-(%d%d%d%d%d)(%.%w+)[%.%w]*$"
    if stem and (ending == ".jsonl" or ending == ".parquet") and not name:find(PARTIAL) then
      if not by_stem[stem] then
        by_stem[stem] = {}
        stems[#stems + 1] = stem
      end
      table.insert(by_stem[stem], { name = name, index = tonumber(index), count = tonumber(count) })
    end
  end
  table.sort(stems)
  for _, stem in ipairs(stems) do
    table.sort(by_stem[stem], function(a, b) return a.name < b.name end)
    local first = by_stem[stem][1]
    for i = 0, first.count - 1 do
      local file = by_stem[stem][i + 1]
      if not file or file.index ~= i or file.count ~= first.count then
        self:fault(("%s/data: shard %d of %d of %s is missing, or is of another set"):format(self.folder, i,
          first.count, stem))
        break
      end
    end
  end
  return stems, by_stem
end

local function kind_of(stem)
  local ending = stem:match "%a+$"
  return (ending == "kto" or ending == "sft" or ending == "ranked") and ending or "dpo"
end

-- ---- rows ----

--- Whether a text begins or ends with white space, which Axolotl's chat_template strategy misreads with some templates.
local function is_ragged(row)
  for _, name in ipairs { "chosen", "rejected" } do
    local answer = shape.answer_text(row[name])
    if answer and (answer:find "^%s" or answer:find "%s$") then return name end
  end
end

local function check_row(self, row, where, expected, tally)
  if not self.format then
    self.format = shape.detect(row)
    if not self.format then
      self:fault(where .. ": the columns are of no known format: " .. table.concat(json.keys(row), ", "))
      return
    end
    self:note(("no format is claimed; the rows look like %s"):format(self.format))
  end
  local named = expected.multi and format.conversational(self.format) or self.format
  local columns = shape.columns[named][expected.kind]
  shape.check(columns, row, function(message) self:fault(where .. ": " .. message) end)
  local label = row.label
  if label == nil then label = row.kto_tag end
  if label == true then tally.desirable = tally.desirable + 1 end
  if label == false then tally.undesirable = tally.undesirable + 1 end
  local ragged = self.format == "axolotl" and is_ragged(row)
  if ragged then
    self:note(("%s: %s begins or ends with white space, which Axolotl's chat_template misreads with templates that "
      .. "trim"):format(where, ragged))
  end
end

--- Checks a stem's files; returns how many rows they hold by label.
local function check_files(self, stem, files)
  local tally = { rows = 0, desirable = 0, undesirable = 0 }
  local expected = { kind = kind_of(stem), multi = stem:find "_" ~= nil }
  for _, file in ipairs(files) do
    self.files = self.files + 1
    each_row(self, ("%s/data/%s"):format(self.folder, file.name), function(row, where)
      tally.rows = tally.rows + 1
      if row then check_row(self, row, where, expected, tally) end
    end)
  end
  self.rows = self.rows + tally.rows
  if tally.rows == 0 then
    self:note(("%s/data/%s: no rows; some loaders refuse an empty file"):format(self.folder, files[1].name))
  end
  if expected.kind == "kto" and tally.rows > 0 and (tally.desirable == 0 or tally.undesirable == 0) then
    self:note(("%s/data/%s: all labels are the same; KTO needs both"):format(self.folder, files[1].name))
  end
  return tally
end

-- ---- what the folder says of itself ----

local sets = { { "dpo", "single" }, { "generator_dpo", "generator" }, { "reviewer_dpo", "reviewer" } }

--- The audit: chosen must not have scored less than rejected; and a line of pairs.jsonl for each pair.
local function audit(self, tallies)
  local path = self.folder .. "/pairs.jsonl"
  if sys.kind(path) ~= "file" then return end
  local counted = {}
  each_row(self, path, function(row, where)
    if not row then return end
    local set, s = tostring(row.set), row.scores
    counted[set] = (counted[set] or 0) + 1
    if type(s) == "table" and math.type(s.chosen) and math.type(s.rejected) and s.chosen < s.rejected then
      self.inverted = self.inverted + 1
      self:note(("%s: the chosen response scored %s, the rejected one %s"):format(where, s.chosen, s.rejected))
    end
  end)
  for _, named in ipairs(sets) do
    local stem, set = named[1], named[2]
    if tallies[stem] and tallies[stem].rows ~= (counted[set] or 0) then
      self:fault(("%s: %d lines are of the set %s, and data/%s-* has %d rows"):format(path, counted[set] or 0, set,
        stem, tallies[stem].rows))
    end
  end
end

--- The counts of a set in results.json against its files'.
local function compare_counts(self, claimed, prefix, dpo, kto)
  if type(claimed) ~= "table" then return end
  local labels = type(claimed.kto) == "table" and claimed.kto or {}
  local function same(name, said, found)
    if said ~= nil and found and said ~= found then
      self:fault(("%s/results.json: says %s%s = %s; the files have %d"):format(self.folder, prefix, name,
        json.encode(said), found))
    end
  end
  same("pairs", claimed.pairs, dpo and dpo.rows)
  same("kto.desirable", labels.desirable, kto and kto.desirable)
  same("kto.undesirable", labels.undesirable, kto and kto.undesirable)
end

--- LLaMA-Factory's dataset_info.json: it names every file that has rows, files are there, and pairs are marked as such.
local function check_info(self, stems, by_stem, tallies)
  local info = read_json(self, "dataset_info.json")
  if not info then
    if self.format and self.format:find "^llama" then
      self:fault(self.folder .. "/dataset_info.json: is missing; LLaMA-Factory finds datasets by it")
    end
    return
  end
  local named = {}
  for _, name in ipairs(json.keys(info)) do
    local entry, where = info[name], ("%s/dataset_info.json: %s"):format(self.folder, name)
    local file = type(entry) == "table" and entry.file_name
    named[tostring(file)] = true
    if type(file) ~= "string" then
      self:fault(where .. " names no file")
    elseif sys.kind(self.folder .. "/" .. file) ~= "file" then
      self:fault(("%s names the file %s, which is not there"):format(where, file))
    elseif (kind_of(file:match "([%w_]+)%-%d" or "") == "dpo") ~= (entry.ranking == true) then
      self:fault(where .. ": \"ranking\" must be true for pairs and absent for KTO")
    end
  end
  for _, stem in ipairs(stems) do
    for _, file in ipairs(tallies[stem].rows > 0 and by_stem[stem] or {}) do
      if not named["data/" .. file.name] and kind_of(stem) ~= "ranked" then -- which LLaMA-Factory does not load
        self:fault(("%s/dataset_info.json: no entry names data/%s"):format(self.folder, file.name))
      end
    end
  end
end

--- Checks a folder.
--- Example:
---     local found = fellowship.preference.validate(".", { format = "trl", report = function(kind, message) print(kind, message) end })
---     print(found.faults)
---@param folder string
---@param o { format: string?, report: fun(kind: "fault"|"note", message: string) } the folder's format when it does not say it; where findings go
---@return fellowship.Validation
function validate.folder(folder, o)
  local self = setmetatable({ folder = folder, report = o.report, files = 0, rows = 0, faults = 0, notes = 0,
    inverted = 0 }, Validation)
  if sys.kind(folder) ~= "folder" then
    self:fault(folder .. ": there is no such folder")
    return self
  end
  local results = read_json(self, "results.json") or {}
  self.format = o.format or results.format
  if self.format and not shape.columns[self.format] then
    self:fault(('%s/results.json: the format "%s" is not known; known are %s'):format(folder, tostring(self.format),
      table.concat(format.names, ", ")))
    self.format = nil
  end
  local claimed = claimed_stems(self)
  check_partial(self, folder)
  check_partial(self, folder .. "/data")
  local stems, by_stem = shards(self)
  for _, claim in ipairs(claimed) do
    if not by_stem[claim.stem] then
      self:fault(("%s/README.md: names %s, and there is none"):format(folder, claim.path))
    end
  end
  if #stems == 0 then self:fault(folder .. "/data: has no files named STEM-00000-of-00001.jsonl or .parquet") end
  local tallies = {}
  for _, stem in ipairs(stems) do tallies[stem] = check_files(self, stem, by_stem[stem]) end
  audit(self, tallies)
  compare_counts(self, results, "", tallies.dpo, tallies.kto)
  for _, set in ipairs { "generator", "reviewer" } do
    compare_counts(self, results[set], set .. ".", tallies[set .. "_dpo"], tallies[set .. "_kto"])
  end
  check_info(self, stems, by_stem, tallies)
  return self
end

return validate
