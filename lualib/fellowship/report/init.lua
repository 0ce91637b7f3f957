-- Reports: what a run's folder holds, as one page that needs no server and no network, or as text for a terminal.

local json = require "fellowship.core.json"
local file = require "fellowship.base.file"
local breathe = require "fellowship.flow.breathe"
local chunks = require "fellowship.report.chunks"
local origin = require "fellowship.report.origin"
local pack = require "fellowship.report.pack"
local page = require "fellowship.report.page"
local records = require "fellowship.report.records"
local runs = require "fellowship.report.runs"
local tally = require "fellowship.report.tally"
local terminal = require "fellowship.report.terminal"

local report = {}

---@class fellowship.report.Source
---@field folder string the run's
---@field name string what people call it
---@field script? string
---@field models? string[]
---@field options? string[][] what was asked: name and value of options
---@field command? string to run it again
---@field record? table run.json, where the report is to hold what the run took
---@field errors? any[][] failures by kind: kind, count, an example
---@field texts? fellowship.report.Texts
---@field identity? table<string, any> what makes two runs the same one, data by its digest; nil where that is not known
---@field notes? string[] what is missing, and why
---@field results? table filled: results.json
---@field sums fellowship.report.Tally filled

--- The results of a folder; nil where there are none.
local function results_of(folder)
  local written = file.read(folder .. "/results.json")
  local results = written and json.decode(written)
  return type(results) == "table" and not json.is_array(results) and results or nil
end

local function sections_of(source)
  local list, before = { require "fellowship.report.sections.run".section(source) }, {}
  for _, name in ipairs { "evaluate", "winrate", "measures", "preference", "prompts", "rows" } do
    breathe()
    local section = require("fellowship.report.sections." .. name).section(source, before)
    if section then
      list[#list + 1] = section
      before[section.id] = true
    end
  end
  return list
end

--- Reads all rows: into the sums, and into files beside the page where one is written.
local function read(sources, sink)
  local streams, names, open = {}, {}, setmetatable({}, { __close = function(list)
    for _, stream in ipairs(list) do getmetatable(stream).__close(stream) end
  end })
  local _ <close> = open
  local with_pairs = false
  for i, source in ipairs(sources) do
    source.results, source.sums, names[i] = results_of(source.folder), tally.new(), source.name
    with_pairs = with_pairs or source.results ~= nil and source.results.pairs ~= nil
    local stream = records.open(source.folder, source.texts)
    open[i] = stream
    streams[i] = { next = function()
      local record = stream.next()
      if record then source.sums:add(record) end
      return record
    end }
  end
  local next_record, turns
  if #sources == 1 then next_record = streams[1].next else next_record, turns = runs.joined(streams, names) end
  for record in next_record do
    breathe()
    if sink then sink:add(pack.record(record), pack.line(record, with_pairs)) end
  end
  return turns
end

--- Title, lines below it, and sections.
local function compose(sources, turns)
  local about, sections = {}, {}
  for _, source in ipairs(sources) do
    for _, note in ipairs(source.notes or {}) do about[#about + 1] = note end
    if source.sums.rows == 0 then about[#about + 1] = source.name .. " holds no rows that a report shows." end
  end
  if turns then
    sections[1] = require "fellowship.report.sections.several".section(sources, turns)
    local names = {}
    for i, source in ipairs(sources) do names[i] = source.name end
    return table.concat(names, " and "), about, sections
  end
  return sources[1].name, about, sections_of(sources[1])
end

--- Writes a report of a run, or of several side by side. Rows beyond a hundred go into files in `report/` beside the page.
---@param sources fellowship.report.Source[]
---@param path string of the page
---@param of? string its origin, where that is known already
function report.write(sources, path, of)
  local sink = chunks.new(path:match "^(.*)/[^/]*$" or ".")
  local turns = read(sources, sink)
  local title, about, sections = compose(sources, turns)
  breathe()
  local facts, list, rows = sink:close()
  facts.runs = {}
  for i, source in ipairs(sources) do facts.runs[i] = source.name end
  of = of or #sources == 1 and origin.of(sources[1]) or nil
  facts.origin = origin.line(of, #facts.firsts, facts.parts)
  chunks.write_file(path, page.parts(title, about, sections, facts, list, rows))
end

--- Writes the report of a run unless the page is there already, made of the same by this program.
---@param source fellowship.report.Source
---@param path string of the page
function report.renew(source, path)
  local of = origin.of(source)
  if origin.is_that_of(path, of) then return end
  os.remove(path) -- should this end half way, no page is there of files that are not its own
  report.write({ source }, path, of)
end

--- The same as text: tables, and figures of block characters.
---@param sources fellowship.report.Source[]
---@param width integer columns
---@return string
function report.text(sources, width)
  local title, about, sections = compose(sources, read(sources))
  return terminal.text(title, about, sections, width)
end

return report
