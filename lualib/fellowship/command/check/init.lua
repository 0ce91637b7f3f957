-- `fellowship check`: finds mistakes in a script without running it: syntax, names that nothing defines,
-- fields, methods and options that the library does not have.

local nearest = require "fellowship.base.nearest"
local options = require "fellowship.command.options"
local parse = require "fellowship.command.check.parse"
local shared = require "fellowship.command.check.shared"
local reference = require "fellowship.command.reference"

local check = {}

local Check = {}
Check.__index = Check

function Check:report(line, message, ...)
  self.found[#self.found + 1] = { line = line, message = message:format(...) }
end

-- ---- what an expression is ----

local loaders = { require = true }

--- What the library knows of an expression: { part = "fellowship.statistics" } for what stands behind a dotted
--- name of the reference, { class = "fellowship.Model" } for an object, { lib = "string" } for Lua's own.
local function meaning(self, e)
  if not e or self.deep > 50 then return nil end
  if e.kind == "name" then
    if not e.variable then
      return type(rawget(_G, e.name)) == "table" and self.standard[e.name] and { lib = e.name } or nil
    end
    if e.variable.class then return { class = e.variable.class } end
    if e.variable.reassigned or not e.variable.value then return nil end
    self.deep = self.deep + 1
    local found = meaning(self, e.variable.value)
    self.deep = self.deep - 1
    return found
  end
  if e.kind == "index" and e.key then
    local owner = meaning(self, e.object)
    if owner and owner.part then return { part = owner.part .. "." .. e.key } end
    if owner and owner.class == "fellowship.Run" and e.key == "options" then return { options = true } end
    return nil
  end
  if e.kind ~= "call" then return nil end
  if e.fn.kind == "name" and not e.fn.variable and loaders[e.fn.name] then
    return e.args[1] and e.args[1].value == "fellowship" and { part = "fellowship" } or nil
  end
  local entry = self:entry_of(e)
  local returned = entry and entry.returns[1]
  local class = returned and returned.type:match "^fellowship%.%u%w+$"
  return class and reference.objects()[class] and { class = class } or nil
end

--- The reference's entry of a called function.
function Check:entry_of(call)
  local owner = meaning(self, call.fn)
  if not owner then return nil end
  if call.method then
    return owner.class and reference.find(("%s:%s"):format(reference.objects()[owner.class], call.method))
  end
  return owner.part and reference.find(owner.part)
end

-- ---- rules ----

--- Names that stand for a module of the library, or for Lua's own libraries.
function Check:index(e)
  local owner = e.key and meaning(self, e.object)
  if not owner then return end
  if owner.lib and not e.written and rawget(_G, owner.lib)[e.key] == nil then
    local hint = nearest.hint(e.key, nearest.names(_G[owner.lib]))
    return self:report(e.line, 'there is no %s.%s%s', owner.lib, e.key, hint)
  end
  if owner.options then return self:option_read(e) end
  if owner.class and not e.written then return self:member(e.line, owner.class, e.key, "field") end
  local known = owner.part and self:members_of(owner.part)
  if known and not known[e.key] then
    self:report(e.line, "%s has no %s%s", owner.part, e.key, nearest.hint(e.key, nearest.names(known)))
  end
end

--- Names below a dotted name; nil when it is no module.
function Check:members_of(part)
  if part == "fellowship" then return require "fellowship.parts" end
  local name = part:match "^fellowship%.(%w+)$"
  local value = name and require "fellowship.parts"[name] and require "fellowship"[name]
  return type(value) == "table" and value or nil
end

--- Fields and methods of an object.
function Check:member(line, class, key, what)
  local called = reference.objects()[class]
  local entry, known = reference.find(called), {}
  if not entry then return end
  for _, field in ipairs(entry.fields) do known[field.name:gsub("%?$", "")] = true end
  for _, other in ipairs(reference.entries()) do
    local method = other.name:match("^" .. called .. "[.:]([%w_]+)$")
    if method then known[method] = true end
  end
  if not known[key] then
    self:report(line, 'a %s has no %s "%s"%s', class:match "[^.]+$":lower(), what, key,
      nearest.hint(key, nearest.names(known)))
  end
end

--- A method that is called with a dot, and not with the object as its first argument.
function Check:dotted(e)
  local fn = e.fn
  local owner = not e.method and fn.kind == "index" and fn.key and meaning(self, fn.object)
  if not owner or not owner.class then return end
  local called = reference.objects()[owner.class]
  if not reference.find(("%s:%s"):format(called, fn.key)) then return end
  local first = e.args[1]
  if first and first.kind == "name" and fn.object.kind == "name" and first.name == fn.object.name then return end
  local name = fn.object.kind == "name" and fn.object.name or called
  self:report(e.line, "%s is a method: call it with a colon, %s:%s(...)", fn.key, name, fn.key)
end

--- Options of a call whose function lists them.
function Check:call(e)
  self:dotted(e)
  local owner = e.method and meaning(self, e.fn)
  if owner and owner.class then self:member(e.line, owner.class, e.method, "method") end
  local entry = self:entry_of(e)
  for i, param in ipairs(entry and entry.params or {}) do
    local argument, keys = e.args[i], reference.keys(param.type)
    if argument and argument.kind == "table" and keys then
      for _, field in ipairs(argument.fields) do
        local known = not field.key
        for _, key in ipairs(keys) do known = known or key == field.key end
        if not known then
          self:report(field.line, '%s has no option "%s"%s', entry.name, field.key, nearest.hint(field.key, keys))
        end
      end
    end
  end
end

--- What the library knows of an expression: see above.
function Check:meaning(e)
  return meaning(self, e)
end

Check.assign = shared.look

function Check:name(e)
  if e.variable then return end
  if e.written then
    if e.depth > 0 and not self.globals[e.name] then
      self:report(e.line, 'undefined global "%s"%s; write `local %s` to make a variable', e.name,
        nearest.hint(e.name, nearest.names(self.globals)), e.name)
    end
  elseif not self.globals[e.name] then
    self:report(e.line, 'undefined global "%s"%s', e.name, nearest.hint(e.name, nearest.names(self.globals)))
  end
end

-- ---- a script that declares options ----

local function field_of(node, key)
  for _, field in ipairs(node and node.kind == "table" and node.fields or {}) do
    if field.key == key then return field.value end
  end
end

local function follow(e)
  while e and e.kind == "name" and e.variable and not e.variable.reassigned do e = e.variable.value end
  return e
end

local function choices_of(entry, field_name)
  local found = {}
  for _, field in ipairs(entry.fields) do
    if field.name == field_name then
      for choice in field.type:gmatch '"([^"]+)"' do found[choice] = true end
    end
  end
  return found
end

--- One declared option; returns its name.
function Check:declared_option(e)
  local entry, known = reference.find "option", {}
  for _, field in ipairs(entry.fields) do known[field.name:gsub("%?$", "")] = true end
  local name
  for _, field in ipairs(e.fields) do
    if not field.key and not field.computed then
      if field.value.kind == "string" then name = name or field.value.value end
    elseif field.key and not known[field.key] then
      self:report(field.line, 'an option has no field "%s"%s', field.key, nearest.hint(field.key, nearest.names(known)))
    elseif field.key == "type" and field.value.kind == "string" then
      local types = choices_of(entry, "type")
      if not types[field.value.value] then
        self:report(field.line, 'there is no option type "%s"%s', field.value.value,
          nearest.hint(field.value.value, nearest.names(types)))
      end
    end
  end
  for _, needed in ipairs { "type", "help" } do
    if not field_of(e, needed) then self:report(e.line, "the option %s has no %s", name or "?", needed) end
  end
  return name
end

--- Reads what the file declares: names of its options, and which parameter is the run.
function Check:declaration(returned)
  returned = follow(returned)
  local main = follow(field_of(returned, "run"))
  if not main or main.kind ~= "func" then return end
  if main.params[1] then main.params[1].class = "fellowship.Run" end
  local written = field_of(returned, "options")
  local declared = follow(written)
  local known, whole = {}, written == nil or declared ~= nil and declared.kind == "table"
  -- A list that is filled elsewhere cannot be known.
  if written and written.kind == "name" then whole = whole and not self.passed[written.variable] end
  for _, field in ipairs(declared and declared.kind == "table" and declared.fields or {}) do
    local name = field.value.kind == "table" and self:declared_option(field.value)
    if name then known[name] = true else whole = false end
  end
  for _, option in ipairs(options.common) do known[option[1]] = true end
  self.options = whole and known or nil
end

function Check:option_read(e)
  if not self.options or self.options[e.key] or e.written then return end
  self:report(e.line, 'the script declares no option "%s"%s', e.key, nearest.hint(e.key, nearest.names(self.options)))
end

-- ---- the whole ----

--- Variables that are handed to a function or changed in place.
local function passed_on(nodes)
  local passed = {}
  for _, e in ipairs(nodes) do
    for _, argument in ipairs(e.kind == "call" and e.args or {}) do
      if argument.variable then passed[argument.variable] = true end
    end
    if e.kind == "name" and e.variable and e.variable.extended then passed[e.variable] = true end
  end
  return passed
end

local function globals_of(nodes, standard)
  local known = { arg = true, _ENV = true }
  for name in pairs(standard) do known[name] = true end
  for _, e in ipairs(nodes) do
    if e.kind == "name" and e.written and not e.variable and e.depth == 0 then known[e.name] = true end
  end
  return known
end

--- Mistakes in a script's text, by line.
---@param source string
---@param path string for messages
---@return { line: integer?, message: string }[]
function check.text(source, path)
  source = source:gsub("^#[^\n]*", "") -- as loadfile: the line that names the interpreter
  local chunk, problem = load(source, "@" .. path, "t")
  if not chunk then
    local line, message = problem:sub(#path + 1):match "^:(%d+): (.*)$"
    return { { line = math.tointeger(line), message = message or problem } }
  end
  local parsed = parse.file(source)
  local standard = {}
  for name in next, _G do standard[name] = true end
  local self = setmetatable({ found = {}, standard = standard, deep = 0, nodes = parsed.nodes,
    globals = globals_of(parsed.nodes, standard), passed = passed_on(parsed.nodes) }, Check)
  if parsed.returned then self:declaration(parsed.returned) end
  for _, e in ipairs(parsed.nodes) do
    if self[e.kind] then self[e.kind](self, e) end
  end
  table.sort(self.found, function(x, y)
    if x.line ~= y.line then return x.line < y.line end
    return x.message < y.message
  end)
  return self.found
end

return check
