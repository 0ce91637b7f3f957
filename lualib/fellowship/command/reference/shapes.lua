-- Classes and aliases that the reference's entries speak of and that are no objects with methods: tables of options, of
-- results, of rows. They are found in the annotations of the sources.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"

local shapes = {}

--- Every Lua file below a folder of the library.
local function files_below(folder, list)
  for _, name in ipairs(sys.list(host.home .. "/lualib/" .. folder) or {}) do
    local path = folder .. "/" .. name
    if name:find "%.lua$" then list[#list + 1] = path
    elseif sys.kind(host.home .. "/lualib/" .. path) == "folder" then files_below(path, list) end
  end
  return list
end

local defined

--- Where each class and alias is defined: { [name] = { path =, line =, alias = its type } }.
---@return table<string, { path: string, alias: string? }>
local function definitions()
  if defined then return defined end
  defined = {}
  for _, path in ipairs(files_below("meta", files_below("fellowship", {}))) do
    local file <close> = assert(io.open(host.home .. "/lualib/" .. path))
    local source = file:read "a"
    for kind, name, rest in source:gmatch "%-%-%-@(%l+) (fellowship%.[%w_.]+)([^\n]*)" do
      if kind == "class" or kind == "alias" then
        defined[name] = defined[name] or { path = path, alias = kind == "alias" and rest:match "^%s*(.*)$" or nil }
      end
    end
  end
  return defined
end

--- Names of classes in the types of an entry.
local function mentioned(entry, found)
  for _, list in ipairs { entry.params, entry.returns, entry.fields } do
    for _, item in ipairs(list) do
      for name in item.type:gmatch "fellowship%.[%w_.]+" do found[name] = true end
    end
  end
end

--- The entries of all classes that some entries speak of, and those that these speak of, by name.
---@param entries fellowship.Entry[]
---@param known table<string, any> classes that have an entry
---@param entry_of fun(path: string, class: string): fellowship.Entry? the entry of a class in its file
---@return fellowship.Entry[]
function shapes.of(entries, known, entry_of)
  local wanted, done, list = {}, {}, {}
  for _, entry in ipairs(entries) do mentioned(entry, wanted) end
  while next(wanted) do
    local name = next(wanted)
    wanted[name] = nil
    local where = not done[name] and not known[name] and definitions()[name]
    done[name] = true
    local entry = where and (where.alias and { alias = where.alias, source = where.path } or entry_of(where.path, name))
    if entry then
      entry.name, entry.class = name, name
      list[#list + 1] = entry
      local more = {}
      mentioned(entry.alias and { params = { { type = entry.alias } }, returns = {}, fields = {} } or entry, more)
      for other in pairs(more) do
        if not done[other] then wanted[other] = true end
      end
    end
  end
  table.sort(list, function(x, y) return x.name < y.name end)
  return list
end

return shapes
