---@meta fellowship.core.rows
-- luacheck: ignore 212

---Rows of JSON Lines, a JSON array, CSV or TSV, read (and decompressed, or unpacked) on a worker thread.
---
---    local rows = assert(core.open "prompts.jsonl.gz")
---    for row, line, place in rows.next, rows do print(place, line, row.prompt) end
---@class fellowship.core.rows
local core = {}

---@class fellowship.rows: userdata
local rows = {}

---@class fellowship.rows.problem
---@field kind "data"|"file" "data": this is no row, the next one may be; "file": it cannot be read on
---@field message string
---@field line? integer

---Waits for the next row; blank lines are skipped. Returns nil alone at the end.
---@return table? row
---@return integer|fellowship.rows.problem|nil line the number, from 1, of the line where the row begins; or the problem
---@return string? place the file, "file:member" in an archive
function rows:next() end

---Waits for the next lines as they are: whole ones, some hundred kilobytes. In place of `next`, not beside it.
---@return string? text nil at the end
---@return string|fellowship.rows.problem|nil place the file; or the problem
function rows:lines() end

---About how many bytes of the file stand for what was given out so far.
---@return number
function rows:position() end

---Closes the file.
function rows:close() end

---@class fellowship.rows.options
---@field format? "jsonl"|"json"|"csv"|"tsv" by default told by the name's ending, else by the content
---@field types? table<string, "text"|"number"|"integer"|"boolean"|"json"> of CSV's columns, which are texts by default
---@field invalid_utf8? "error"|"replace"
---@field max_expansion? integer how many times a compressed file may expand; 0: any
---@field member? string of an archive's members, a pattern

---@param path string "-" is standard input
---@param options? fellowship.rows.options
---@return fellowship.rows? rows
---@return fellowship.rows.problem? problem
function core.open(path, options) end

return core
