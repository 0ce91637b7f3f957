-- Rows out: JSON Lines, whole lines only, under a name of their own until they are complete.

local core = require "fellowship.core.writer"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"

local writer = {}

---@class fellowship.Writer
---@field path string
local Writer = {}
Writer.__index = Writer
Writer.__name = "fellowship.Writer"

local function raise(path, problem)
  errors.raise { kind = "file", fatal = true, message = ("cannot write %s: %s"):format(path, problem.message) }
end

--- Opens a file to write rows to. They go to PATH.partial, which is renamed to PATH when the writer is
--- closed without an error; what an error interrupts stays .partial.
--- Example: `local out <close> = fellowship.writer "answers.jsonl"; out:write { id = 1, text = "yes" }`
---@param path string
---@return fellowship.Writer
function writer.open(path)
  check.type("writer's path", path, "string")
  local file, problem = core.open(path .. ".partial")
  if not file then raise(path, problem) end
  return setmetatable({ path = path, file = file, rows = 0 }, Writer)
end

--- Writes one row as a line of JSON. Keys of rows that were read keep their order; others are sorted.
--- Example:
---     local out <close> = fellowship.writer "answers.jsonl"
---     out:write { id = 1, text = "yes" }
---@param row table
function Writer:write(row)
  check.type("the row", row, "table")
  local well, problem = self.file:write(row)
  if not well then raise(self.path, problem) end
  self.rows = self.rows + 1
end

--- Writes text as it is.
--- Example:
---     local out <close> = fellowship.writer "notes.txt"
---     out:write_text "as it is\n"
---@param text string
function Writer:write_text(text)
  local well, problem = self.file:write_text(text)
  if not well then raise(self.path, problem) end
end

--- Completes the file: all of it is on the disk, under its own name.
--- Example:
---     local out = fellowship.writer "answers.jsonl"
---     out:write { id = 1 }
---     out:close()
function Writer:close()
  local file = self.file
  if not file then return end
  self.file = nil
  local well, problem = file:close()
  if well then well, problem = sys.rename(self.path .. ".partial", self.path) end
  if not well then raise(self.path, problem) end
  self.files = { self.path:match "[^/]+$" }
end

--- Leaves the file as .partial.
--- Example:
---     local out = fellowship.writer "answers.jsonl"
---     out:abandon()
function Writer:abandon()
  local file = self.file
  self.file = nil
  if file then file:close() end
end

function Writer:__close(problem)
  if problem ~= nil or task.cancelling() then self:abandon() else self:close() end
end

return writer
