---@meta fellowship.core.writer
-- luacheck: ignore 212

---Files that are written row by row. A worker thread compresses and writes; a task that is ahead of it waits,
---and where none can wait, the program does.
---
---    local out = assert(core.open("answers.jsonl.partial", { format = "jsonl" }))
---    assert(out:write { id = 1, text = "yes" })
---    assert(out:close "answers.jsonl")
---@class fellowship.core.writer
local core = {}

---@class fellowship.writer: userdata
local writer = {}

---@class fellowship.writer.problem
---@field kind "file"
---@field message string without the path

---@class fellowship.writer.options
---@field format? "jsonl"|"json"|"csv"|"tsv" "jsonl" when not given
---@field compression? "gzip"|"zstd"|"xz"|"bzip2" none when not given
---@field level? integer of the compression
---@field columns? boolean of JSON Lines: the types of all rows' columns are found, see `columns`

---A column of all rows so far.
---@class fellowship.writer.column
---@field name string
---@field type string as SQL has it: BIGINT, VARCHAR, STRUCT("a" BIGINT)[], ...; JSON when one type cannot hold all
---@field rounds boolean whether it has fractions of more digits than a double holds, which are rounded
---@field clash? table why it is JSON: two kinds of values ("a number", "a text"), and the first row of each, from 0

---Writes a row. Raises an error for what has no form in the format. Errors of the disk come with a later call.
---@param row any
---@return integer? bytes before compression, of all so far
---@return fellowship.writer.problem? problem
function writer:write(row) end

---Writes the first line of CSV or TSV, before any row.
---@param columns string[]
---@return integer? bytes
---@return fellowship.writer.problem? problem
function writer:header(columns) end

---Writes bytes as they are.
---@param text string
---@return integer? bytes
---@return fellowship.writer.problem? problem
function writer:write_text(text) end

---The columns of all rows so far, in the order of their coming, and one type for each.
---@return fellowship.writer.column[] columns
---@return integer longest bytes of the longest row
---@return boolean named whether SQL can tell the columns' names apart: none is empty, and case alone is no difference
function writer:columns() end

---Closes the file; all rows are on the disk then, and the file is renamed to `to`. A writer that is dropped or
---closed as a to-be-closed variable loses the rows that were not written yet.
---@param to? string
---@return boolean? well
---@return fellowship.writer.problem? problem
function writer:close(to) end

---Makes the file anew.
---@param path string
---@param options? fellowship.writer.options
---@return fellowship.writer? writer
---@return fellowship.writer.problem? problem
function core.open(path, options) end

return core
