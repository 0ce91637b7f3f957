-- Columns of a row under the names that are looked for, as people spell them: "Prompt", " prompt" and "PROMPT" are
-- prompt, "Response A" and "response-a" are response_a, where no column is called so to the letter.

local json = require "fellowship.core.json"
local contents = require "fellowship.base.content"

local columns = {}

-- Longer names are none that is looked for.
local LONGEST = 64

-- What Unicode has of white space, and a byte order mark.
local BLANKS = { ["\u{A0}"] = " ", ["\u{FEFF}"] = " ", ["\u{200B}"] = " " }

--- A name in small letters, its words parted by "_".
local function plain(name)
  name = name:gsub("[\xC2\xE2\xEF][\x80-\xBF]+", BLANKS):lower()
  return (name:match "^%s*(.-)%s*$":gsub("[%s-]+", "_"))
end

-- The row that was looked at last, and its columns by plain names; false where all are plain.
local last, others = setmetatable({}, { __mode = "v" }), false

local function spelt_otherwise(row)
  if last.row == row then return others end
  last.row, others = row, false
  for name in next, row do
    if type(name) == "string" and #name <= LONGEST and name:find "[^%l%d_]" then others = others or {} end
  end
  if not others then return false end
  for _, name in ipairs(json.keys(row)) do
    local key = #name <= LONGEST and plain(name)
    if key and key ~= name and row[key] == nil and others[key] == nil then others[key] = name end
  end
  return others
end

--- The name of a row's column as the row has it; the one that is given where there is none.
---@param row table
---@param name string
---@return string
function columns.named(row, name)
  if row[name] ~= nil then return name end
  local found = spelt_otherwise(row)
  return found and (found[name] or found[plain(name)]) or name
end

--- What a row has in a column; nil where there is none, or null.
---@param row table
---@param name string
---@return any
function columns.get(row, name)
  local value = row[name]
  if value == nil then value = row[columns.named(row, name)] end
  return contents.present(value)
end

return columns
