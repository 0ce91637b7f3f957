---@meta fellowship.core.writer
-- luacheck: ignore 212

---Files that are written line by line.
---
---    local out = assert(core.open "answers.jsonl")
---    assert(out:write { id = 1, text = "yes" })
---    assert(out:close())
---@class fellowship.core.writer
local core = {}

---@class fellowship.writer: userdata
local writer = {}

---@class fellowship.writer.problem
---@field kind "file"
---@field message string

---Writes a value as a line of JSON. Raises an error for what has no JSON form.
---@param value any
---@return boolean? well
---@return fellowship.writer.problem? problem
function writer:write(value) end

---Writes bytes as they are.
---@param text string
---@return boolean? well
---@return fellowship.writer.problem? problem
function writer:write_text(text) end

---Hands all lines to the system.
---@return boolean? well
---@return fellowship.writer.problem? problem
function writer:flush() end

---Closes the file; all lines are on the disk then. A writer that is dropped or closed as a to-be-closed
---variable loses the lines that were not flushed.
---@return boolean? well
---@return fellowship.writer.problem? problem
function writer:close() end

---Makes the file anew.
---@param path string
---@return fellowship.writer? writer
---@return fellowship.writer.problem? problem
function core.open(path) end

return core
