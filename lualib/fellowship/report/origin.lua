-- What a page is made of, as one digest that stands in its head: a page that would come out the same is left as it is.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"

local origin = {}

-- What a report reads of a run's folder.
local FILES = { "results.json", "responses.jsonl", "verdicts.jsonl", "scores.jsonl", "pairs.jsonl", "branches.jsonl",
  "prompts.jsonl" }

local NAME = '<meta name="fellowship-origin" content="'

-- Bytes of a page in which its origin stands.
local HEAD = 2048

--- The digest of a file in hexadecimal; false where there is none.
local function digest_of(path)
  local digest = sys.kind(path) == "file" and sys.sha256_file(path)
  return digest and sys.hex(digest)
end

local function add_files(known, folder, names)
  for _, name in ipairs(names) do known[#known + 1] = { name, digest_of(folder .. "/" .. name) } end
end

--- The program's own files that make the page.
local function add_program(known)
  for _, part in ipairs { "report", "report/sections" } do
    local folder = ("%s/lualib/fellowship/%s"):format(host.home, part)
    local names = sys.list(folder) or {}
    table.sort(names)
    add_files(known, folder, names)
  end
end

--- The digest of all that the page of a run comes from; nil for a page with what differs from run to run, and for what
--- comes from data that is not known by its digest.
---@param source fellowship.report.Source
---@return string? hexadecimal
function origin.of(source)
  if source.record or not source.identity then return nil end
  local known = {}
  add_files(known, source.folder, FILES)
  add_program(known)
  return sys.hex(json.digest { host.version, known, source.identity, source.name, source.script or false,
    source.models or false, source.options or false, source.command or false, source.notes or false })
end

--- The line of a page's head.
---@param of string? what origin.of gives
---@param files integer beside the page, of rows
---@param lists integer of lists
---@return string
function origin.line(of, files, lists)
  return of and ('%s%s %d %d">\n'):format(NAME, of, files, lists) or ""
end

--- Whether a page is there that was made of this, with the files beside it.
---@param path string of the page
---@param of string? what origin.of gives
---@return boolean
function origin.is_that_of(path, of)
  local page <close> = of and io.open(path, "rb")
  local head = page and page:read(HEAD)
  local start, stop = (head or ""):find(NAME, 1, true)
  if not start then return false end
  local made, files, lists = head:match('^(%x+) (%d+) (%d+)"', stop + 1)
  if made ~= of then return false end
  local folder = path:match "^(.*)/[^/]*$" or "."
  for name, count in pairs { rows = tonumber(files), list = tonumber(lists) } do
    for i = 1, count do
      if sys.kind(("%s/report/%s-%04d.js"):format(folder, name, i)) ~= "file" then return false end
    end
  end
  return true
end

return origin
