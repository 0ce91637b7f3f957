-- What several tasks write: a place or a value that is read before a call, in the statement that writes it, may be
-- another one once the call has waited.

local shared = {}

-- Methods of the library's objects that wait.
local WAITING = { ask = true, stream = true, respond = true, compare = true, score = true, await = true, join = true }

-- Functions of the library that wait.
local WAITING_PARTS = { ["fellowship.all"] = true, ["fellowship.gather"] = true, ["fellowship.sleep"] = true,
  ["fellowship.each"] = true, ["fellowship.map"] = true }

-- How far functions that call functions are followed.
local DEEP = 8

--- The index of the first node of a range for which `wanted` holds. Functions that are only made there are passed over.
local function find(nodes, first, last, wanted)
  local i = first
  while i <= last do
    local node = nodes[i]
    if node.inside then i = node.inside end -- a function's body: its node stands behind it
    node = nodes[i]
    if i <= last and wanted(node) then return i end
    i = i + 1
  end
end

local waits

--- Whether the body of a function waits somewhere.
local function body_waits(self, fn, deep)
  return find(self.nodes, fn.first + 1, fn.last - 1, function(node) return waits(self, node, deep) end) ~= nil
end

--- Whether a call waits: one of the library's that does, or one of a function of this file that makes such a call.
function waits(self, node, deep)
  if node.kind ~= "call" then return false end
  if node.method then return WAITING[node.method] or false end
  local owner = self:meaning(node.fn)
  if owner and owner.part then return WAITING_PARTS[owner.part] or false end
  local variable = node.fn.kind == "name" and node.fn.variable
  local fn = variable and not variable.reassigned and variable.value
  return fn and fn.kind == "func" and deep < DEEP and body_waits(self, fn, deep + 1) or false
end

--- Whether a name stands for a variable that other tasks may have too: it belongs to a function further out.
local function is_shared(name)
  return name.kind == "name" and (not name.variable or name.depth > (name.variable.depth or 0))
end

local function base_of(target)
  while target.kind == "index" do target = target.object end
  return target
end

local function same(name, other)
  return name.kind == "name" and name.name == other.name and name.variable == other.variable
end

--- Looks at an assignment; reports what is read too early.
---@param self table the check: nodes, meaning, report
---@param e table its node
function shared.look(self, e)
  local first_call = find(self.nodes, e.first, e.last, function(node) return waits(self, node, 0) end)
  if not first_call then return end
  for _, target in ipairs(e.targets) do
    local base = base_of(target)
    if is_shared(base) then
      local counts = target.key_first and find(self.nodes, target.key_first, target.key_last, function(node)
        return node.length ~= nil
      end)
      local before = find(self.nodes, e.first, first_call - 1, function(node) return same(node, base) end)
      if counts then
        self:report(e.line, "the place in %s is chosen before a call that waits, and another task may take it "
          .. "meanwhile; put the result into a local variable first", base.name)
      elseif before then
        self:report(e.line, "%s is read before a call that waits, and another task may change it meanwhile; "
          .. "put the result into a local variable first", base.name)
      end
    end
  end
end

return shared
