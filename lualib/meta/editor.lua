---@meta fellowship.core.editor
-- luacheck: ignore 212

---Lines from standard input: edited on a terminal, or as they come from a pipe or a file.
---
---    local ed = core.open(function(before) return nil end)
---    print(ed:read "> ")
---@class fellowship.core.editor
local core = {}

---@class fellowship.editor: userdata
local editor = {}

---Shows the prompt and waits for a line.
---@param prompt string ASCII
---@return string? line
---@return "end"|"dropped"|nil why there is none
function editor:read(prompt) end

---Gives up the line that is typed: its reader gets nil and "dropped".
---@return boolean dropped false when none was being read
function editor:drop_line() end

---Takes prompt and line off the screen, so that something can be printed.
function editor:hide() end

---Puts them back.
function editor:show() end

---Adds to the history, and to its file.
---@param entry string
function editor:remember(entry) end

---Whether lines are edited.
---@return boolean
function editor:is_terminal() end

---Puts the terminal back as it was.
function editor:close() end

---@param complete fun(before: string): string?, string? what the line goes on with; else what to show
---@param history? string its file
---@return fellowship.editor
function core.open(complete, history) end

return core
