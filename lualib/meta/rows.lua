---@meta fellowship.core.rows
-- luacheck: ignore 212

---Rows of JSON Lines, read (and decompressed: gzip, zstd, xz, bzip2) on a worker thread.
---
---    local rows = assert(core.open "prompts.jsonl.gz")
---    for row, line in rows.next, rows do print(line, row.prompt) end
---@class fellowship.core.rows
local core = {}

---@class fellowship.rows: userdata
local rows = {}

---@class fellowship.rows.problem
---@field kind "data"|"file" "data": this line is no row, the next one may be; "file": it cannot be read on
---@field message string
---@field line? integer

---Waits for the next row; blank lines are skipped. Returns nil alone at the end.
---@return table? row
---@return integer|fellowship.rows.problem|nil line the line's number, from 1; or the problem
function rows:next() end

---Closes the file.
function rows:close() end

---@param path string "-" is standard input
---@return fellowship.rows? rows
---@return fellowship.rows.problem? problem
function core.open(path) end

return core
