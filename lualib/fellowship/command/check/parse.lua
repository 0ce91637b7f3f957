-- Reads a Lua file that is known to be valid, and says which name means what: enough of a parser for
-- `fellowship check`. An expression is a table with its kind and line:
--
--   name    { name, variable }: a local variable, or nil for a global
--   index   { object, key }     string keys only      call    { fn, args, method }
--   table   { fields = { { key, value, line } } }     func    { params }
--   string  { value }                                 other   { length = of what # is taken }
--   assign  { targets, first, last = the nodes of its values }
--
-- The nodes of a file stand in the order in which they are evaluated: what belongs to an expression before it, and the
-- body of a function before the function, from its node "body" on, whose `inside` is where the function stands.

local parse = {}

local P = {}
P.__index = P

-- ---- tokens ----

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
  until while]]):gmatch "%a+" do keywords[word] = true end

local escapes = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v" }

local function long_bracket(s, at)
  local level = s:match("^%[(=*)%[", at)
  if not level then return nil end
  local first = at + #level + 2
  local close = s:find("]" .. level .. "]", first, true)
  return s:sub(first, close - 1):gsub("^\r?\n", ""), close + #level + 2
end

local function short_string(s, at)
  local quote, parts = s:sub(at, at), {}
  at = at + 1
  while true do
    local plain, stop = s:match("^([^\\" .. quote .. "]*)()", at)
    parts[#parts + 1] = plain
    if s:sub(stop, stop) == quote then return table.concat(parts), stop + 1 end
    local c = s:sub(stop + 1, stop + 1)
    parts[#parts + 1] = escapes[c] or c -- numeric escapes are no part of any name
    at = stop + 2
  end
end

local function tokens_of(s)
  local list, at, line = {}, 1, 1
  local function add(kind, value, stop)
    list[#list + 1] = { kind = kind, value = value, line = line }
    for _ in s:sub(at, stop - 1):gmatch "\n" do line = line + 1 end
    at = stop
  end
  local function skip(stop)
    for _ in s:sub(at, stop - 1):gmatch "\n" do line = line + 1 end
    at = stop
  end
  if s:sub(1, 1) == "#" then skip(s:find("\n", 1, true) or #s + 1) end
  while true do
    skip(s:match("^%s*()", at))
    if at > #s then break end
    local text, stop
    if s:find("^%-%-", at) then
      text, stop = long_bracket(s, at + 2)
      skip(text and stop or s:find("\n", at, true) or #s + 1)
    elseif s:find("^%[=*%[", at) then
      text, stop = long_bracket(s, at)
      add("string", text, stop)
    elseif s:find("^[\"']", at) then
      text, stop = short_string(s, at)
      add("string", text, stop)
    elseif s:find("^[%a_]", at) then
      text, stop = s:match("^([%w_]+)()", at)
      add(keywords[text] and text or "name", text, stop)
    elseif s:find("^%.?%d", at) then
      stop = s:match("^0[xX][%x.]+[pP][+-]?%d+()", at) or s:match("^0[xX][%x.]+()", at)
        or s:match("^[%d.]+[eE][+-]?%d+()", at) or s:match("^[%d.]+()", at)
      add("number", nil, stop)
    else
      text = s:match("^%.%.%.", at) or s:match("^[=~<>]=", at) or s:match("^//", at) or s:match("^::", at)
        or s:match("^<<", at) or s:match("^>>", at) or s:match("^%.%.", at) or s:sub(at, at)
      add(text, text, at + #text)
    end
  end
  list[#list + 1] = { kind = "eof", line = line }
  return list
end

function P:peek(kind)
  return self.tokens[self.at].kind == kind
end

function P:next()
  local token = self.tokens[self.at]
  self.at = self.at + 1
  return token
end

function P:accept(kind)
  if self:peek(kind) then return self:next() end
end

-- ---- scopes ----

function P:open_scope()
  self.scope = { above = self.scope, names = {} }
end

function P:close_scope()
  self.scope = self.scope.above
end

function P:declare(name, value)
  local variable = { name = name, value = value, depth = self.depth }
  self.scope.names[name] = variable
  return variable
end

function P:find(name)
  local scope = self.scope
  while scope do
    if scope.names[name] then return scope.names[name] end
    scope = scope.above
  end
end

-- ---- expressions ----

local binary = { ["+"] = 10, ["-"] = 10, ["*"] = 11, ["/"] = 11, ["//"] = 11, ["%"] = 11, ["^"] = 14, [".."] = 9,
  ["<<"] = 7, [">>"] = 7, ["&"] = 6, ["~"] = 5, ["|"] = 4, ["<"] = 3, [">"] = 3, ["<="] = 3, [">="] = 3, ["=="] = 3,
  ["~="] = 3, ["and"] = 2, ["or"] = 1 }
local unary = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }

function P:node(kind, line, fields)
  local node = fields or {}
  node.kind, node.line = kind, line
  self.nodes[#self.nodes + 1] = node
  return node
end

function P:table_constructor()
  local line, fields = self:next().line, {}
  while not self:peek "}" do
    local field = { line = self.tokens[self.at].line }
    if self:peek "[" then
      self:next()
      local key = self:expression()
      field.key = key.kind == "string" and key.value or nil
      field.computed = field.key == nil
      self:next()
      self:next()
    elseif self:peek "name" and self.tokens[self.at + 1].kind == "=" then
      field.key = self:next().value
      self:next()
    end
    field.value = self:expression()
    fields[#fields + 1] = field
    if not (self:accept "," or self:accept ";") then break end
  end
  self:next()
  return self:node("table", line, { fields = fields })
end

function P:arguments()
  if self:peek "string" then
    local token = self:next()
    return { self:node("string", token.line, { value = token.value }) }
  end
  if self:peek "{" then return { self:table_constructor() } end
  self:next()
  local list = {}
  if not self:peek ")" then list = self:expressions() end
  self:next()
  return list
end

function P:primary()
  local token = self:next()
  if token.kind == "(" then
    local inner = self:expression()
    self:next()
    return self:node("paren", token.line, { inner = inner })
  end
  local variable = self:find(token.value) or self:find "_ENV" -- behind a local _ENV no name is a global
  return self:node("name", token.line, { name = token.value, variable = variable, depth = self.depth })
end

function P:suffixed()
  local e = self:primary()
  while true do
    local token = self.tokens[self.at]
    if token.kind == "." then
      self:next()
      e = self:node("index", token.line, { object = e, key = self:next().value })
    elseif token.kind == "[" then
      self:next()
      local first = #self.nodes + 1
      local key = self:expression()
      self:next()
      e = self:node("index", token.line, { object = e, key = key.kind == "string" and key.value or nil,
        key_first = first, key_last = #self.nodes })
    elseif token.kind == ":" then
      self:next()
      local method = self:next().value
      e = self:node("call", token.line, { fn = e, method = method, args = self:arguments() })
    elseif token.kind == "(" or token.kind == "string" or token.kind == "{" then
      e = self:node("call", token.line, { fn = e, args = self:arguments() })
    else
      return e
    end
  end
end

function P:simple()
  local token = self.tokens[self.at]
  if token.kind == "string" then
    self:next()
    return self:node("string", token.line, { value = token.value })
  end
  if token.kind == "{" then return self:table_constructor() end
  if token.kind == "function" then
    self:next()
    return self:body(token.line)
  end
  if token.kind == "name" or token.kind == "(" then return self:suffixed() end
  self:next()
  return self:node("other", token.line)
end

function P:expression(limit)
  limit = limit or 0
  local token = self.tokens[self.at]
  local left
  if unary[token.kind] then
    self:next()
    local operand = self:expression(12)
    left = self:node("other", token.line, { length = token.kind == "#" and operand or nil })
  else
    left = self:simple()
  end
  while true do
    local operator = self.tokens[self.at].kind
    local power = binary[operator]
    if not power or power <= limit then return left end
    self:next()
    self:expression((operator == ".." or operator == "^") and power - 1 or power)
    left = self:node("other", token.line)
  end
end

function P:expressions()
  local list = { self:expression() }
  while self:accept "," do list[#list + 1] = self:expression() end
  return list
end

--- A function's parameters and body; `extra` is a parameter that is not written (self).
function P:body(line, extra)
  self:open_scope()
  self.depth = self.depth + 1
  local body = self:node("body", line)
  local first = #self.nodes
  if extra then self:declare(extra) end
  self:next()
  local params = {}
  while not self:peek ")" do
    local token = self:next()
    if token.kind == "name" then params[#params + 1] = self:declare(token.value) end
  end
  self:next()
  self:block()
  self:next()
  self.depth = self.depth - 1
  self:close_scope()
  body.inside = #self.nodes + 1
  return self:node("func", line, { params = params, first = first, last = #self.nodes + 1 })
end

-- ---- statements ----

local statements = {}

function P:block_in(words)
  self:open_scope()
  self:block()
  self:close_scope()
  for _, word in ipairs(words or {}) do self:accept(word) end
end

local block_ends = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, eof = true }

function P:block()
  while not block_ends[self.tokens[self.at].kind] do
    local kind = self.tokens[self.at].kind
    local statement = statements[kind]
    if statement then
      self:next()
      statement(self)
    else
      self:expression_statement()
    end
  end
end

statements[";"] = function() end
statements["break"] = function() end
statements["::"] = function(self) self:next() self:next() end
statements["goto"] = function(self) self:next() end

statements["do"] = function(self) self:block_in { "end" } end

statements["while"] = function(self)
  self:expression()
  self:next()
  self:block_in { "end" }
end

statements["repeat"] = function(self)
  self:open_scope()
  self:block()
  self:next()
  self:expression()
  self:close_scope()
end

statements["if"] = function(self)
  self:expression()
  self:next()
  self:block_in()
  while self:accept "elseif" do
    self:expression()
    self:next()
    self:block_in()
  end
  if self:accept "else" then self:block_in() end
  self:next()
end

statements["for"] = function(self)
  local names = { self:next().value }
  while self:accept "," do names[#names + 1] = self:next().value end
  self:next() -- = or in
  self:expressions()
  self:next()
  self:open_scope()
  for _, name in ipairs(names) do self:declare(name) end
  self:block()
  self:close_scope()
  self:next()
end

statements["function"] = function(self)
  local line = self.tokens[self.at].line
  local target, extra = self:primary(), nil
  target.written = target.variable == nil and target.kind == "name" and (self:peek "(") or nil
  if target.variable and self:peek "(" then target.variable.reassigned = true end
  while self:peek "." or self:peek ":" do
    extra = self:next().kind == ":" and "self" or nil
    self:next()
    if target.variable then target.variable.extended = true end
  end
  self:body(line, extra)
end

statements["local"] = function(self)
  if self:accept "function" then
    local token = self:next()
    local variable = self:declare(token.value)
    variable.value = self:body(token.line)
    return
  end
  local names = {}
  repeat
    names[#names + 1] = self:next().value
    if self:accept "<" then
      self:next()
      self:next()
    end
  until not self:accept ","
  local values = self:accept "=" and self:expressions() or {}
  for i, name in ipairs(names) do self:declare(name, values[i]) end
end

statements["return"] = function(self)
  if block_ends[self.tokens[self.at].kind] or self:peek ";" then return end
  local values = self:expressions()
  if self.depth == 0 then self.returned = values[1] end
end

function P:expression_statement()
  local targets = { self:suffixed() }
  while self:accept "," do targets[#targets + 1] = self:suffixed() end
  if not self:accept "=" then return end
  for _, target in ipairs(targets) do
    if target.kind == "name" then
      if target.variable then target.variable.reassigned = true else target.written = true end
    elseif target.kind == "index" then
      target.written = true
      if target.object.variable then target.object.variable.extended = true end
    end
  end
  local line, first = self.tokens[self.at].line, #self.nodes + 1
  local values = self:expressions()
  for i, target in ipairs(targets) do target.assigned = values[i] end
  self:node("assign", line, { targets = targets, first = first, last = #self.nodes })
end

--- Parses a file's text, which load has accepted.
---@param source string
---@return { nodes: table[], returned: table? } every expression in order; the one that the file returns
function parse.file(source)
  local self = setmetatable({ tokens = tokens_of(source), at = 1, depth = 0, nodes = {} }, P)
  self:open_scope()
  self:block()
  return self
end

return parse
