-- A report as one page: figures and tables as markup, a style sheet, a script, and the few rows it holds itself. Nothing
-- else may run in it or be loaded by it, but what the script itself loads: see the policy.

local json = require "fellowship.core.json"
local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local breathe = require "fellowship.flow.breathe"
local pack = require "fellowship.report.pack"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local page = {}

local element, text = svg.element, svg.text

-- Loaded when one is drawn.
local function figure_of(plot) return require("fellowship.report." .. plot) end

-- ---- blocks ----

local function cell_of(value, first, is_number)
  local shown = value
  if value == false or value == nil then shown = "–"
  elseif type(value) == "number" then shown = scale.shown(value) end
  local attributes = is_number and { class = "n" } or {}
  if first then attributes.scope = "row" end
  return element(first and "th" or "td", attributes, text(shown))
end

--- Whether a column holds numbers, and nothing else: those stand right.
local function is_of_numbers(rows, c)
  local any = false
  for _, row in ipairs(rows) do
    if row[c] and type(row[c]) ~= "number" then return false end
    any = any or row[c] and true
  end
  return any
end

local function table_of(block)
  local numbers, head, body = {}, {}, {}
  for c = 1, #block.heads do numbers[c] = is_of_numbers(block.rows, c) end
  for c, name in ipairs(block.heads) do
    local cell = { scope = "col", class = numbers[c] and "n" or nil }
    head[c] = name == "" and element("td", {}, "") or element("th", cell, text(name))
  end
  for r, row in ipairs(block.rows) do
    local cells = {}
    for c = 1, #block.heads do cells[c] = cell_of(row[c], c == 1, numbers[c]) end
    body[r] = element("tr", {}, table.concat(cells))
  end
  local whole = element("table", {}, element("thead", {}, element("tr", {}, table.concat(head)))
    .. element("tbody", {}, table.concat(body)))
  return element("div", { class = "scroll", tabindex = 0, role = "region", ["aria-label"] = block.title .. ": table" },
    whole)
end

local function block_of(block)
  local parts = { element("h3", {}, text(block.title)) }
  if block.note then parts[#parts + 1] = element("p", { class = "note" }, text(block.note)) end
  if block.code then parts[#parts + 1] = element("pre", { tabindex = 0 }, text(block.code)) end
  if block.plot then
    local drawn = figure_of(block.plot).svg(block.figure, block.title .. "; the table below has the numbers")
    parts[#parts + 1] = element("div", { class = "scroll", tabindex = 0, role = "region",
      ["aria-label"] = block.title .. ": figure" }, drawn)
    parts[#parts + 1] = element("details", {}, element("summary", {}, "As a table") .. table_of(block))
  elseif block.rows then
    parts[#parts + 1] = table_of(block)
  end
  return element("figure", {}, table.concat(parts))
end

local function section_of(section)
  local parts = {}
  for i, block in ipairs(section.blocks) do
    breathe() -- drawing takes long
    parts[i] = block_of(block)
  end
  return element("section", { id = section.id, ["aria-labelledby"] = section.id .. "-title" },
    element("h2", { id = section.id .. "-title" }, text(section.title))
      .. element("div", { class = "blocks" }, table.concat(parts)))
end

-- ---- the rows ----

local STATES = { { "unparsed", "unparsed" }, { "disagreement", "evaluators disagree" },
  { "flip", "both orders disagree" },
  { "wrong", "against the human label" }, { "turned", "turned between runs" }, { "cut", "cut off" },
  { "unpaired", "without a pair" } }

local function choice(name, label, options)
  local parts = { element("option", { value = "" }, "any") }
  for _, option in ipairs(options) do parts[#parts + 1] = element("option", { value = option[1] }, text(option[2])) end
  return element("label", {}, label .. element("select", { id = "filter-" .. name }, table.concat(parts)))
end

local function button(id, label)
  return element("button", { type = "button", id = id }, label)
end

--- Where the script shows the rows.
local function reader()
  return element("section", { id = "rows", ["aria-labelledby"] = "rows-title" },
    element("h2", { id = "rows-title" }, "The rows")
    .. element("noscript", {}, element("p", {}, "Reading the rows needs JavaScript; figures and tables do not."))
    .. element("div", { id = "reader", hidden = "hidden" }, element("div", { class = "controls" },
      element("label", {}, "text in id or prompt (/)" .. element("input", { id = "filter-text", type = "search" }))
      .. button("everywhere", "Look in all texts")
      .. choice("evaluator", "evaluator", {})
      .. choice("winner", "winner", { { "a", "A" }, { "b", "B" }, { "tie", "tie" },
        { "unparsed", "unparsed" } })
      .. choice("state", "only", STATES) .. choice("name", "model or candidate", {})
      .. element("label", {}, "margin at least"
        .. element("input", { id = "filter-margin", type = "number", min = 0, step = "any" })))
    .. element("p", { id = "status", role = "status" }, "")
    .. element("div", { id = "list", class = "scroll", tabindex = 0, role = "region",
      ["aria-label"] = "List of rows" }, "")
    .. element("div", { class = "controls" }, button("before", "Previous page") .. button("after", "Next page"))
    .. element("article", { id = "row", ["aria-label"] = "The row that is read" }, "")))
end

-- ---- the page ----

local function source_of(name)
  local path = ("%s/lualib/fellowship/report/%s"):format(host.home, name)
  local content, problem = file.read(path)
  if not content then
    errors.raise { kind = "file", fatal = true, message = ("cannot read %s: %s"):format(path, problem) }
  end
  return content
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- 32 bytes in base 64, as the policy names a source.
local function base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for n = 3, 0, -1 do
      local digit = bits >> (6 * n) & 63
      parts[#parts + 1] = (n == 1 and not b or n == 0 and not c) and "=" or DIGITS:sub(digit + 1, digit + 1)
    end
  end
  return table.concat(parts)
end

local function policy_of(style, script)
  return ("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s' 'strict-dynamic'; base-uri 'none'; "
    .. "form-action 'none'")
    :format(base64(sys.sha256(style)), base64(sys.sha256(script)))
end

local function data(id, content)
  return element("script", { id = id, type = "application/json" }, content)
end

--- The page, in parts to write one behind the other.
---@param title string
---@param about string[] lines below the title
---@param sections fellowship.report.Section[]
---@param facts table of the rows, as chunks:close gives them, and `origin`: a line of the head
---@param list? string
---@param rows? string
---@return string[]
function page.parts(title, about, sections, facts, list, rows)
  local style, script = source_of "page.css", source_of "page.js"
  local links, drawn, said = {}, {}, {}
  for i, section in ipairs(sections) do
    links[i] = element("li", {}, element("a", { href = "#" .. section.id }, text(section.title)))
    drawn[i] = section_of(section)
  end
  for i, line in ipairs(about) do said[i] = element("p", { class = "quiet" }, text(line)) end
  links[#links + 1] = element("li", {}, element("a", { href = "#rows" }, "The rows"))
  facts.inline = rows ~= nil
  for _, key in ipairs { "firsts", "evaluators", "names", "runs" } do facts[key] = json.array(facts[key] or {}) end
  local packed = json.encode(json.object(facts, { "total", "inline", "parts", "part", "firsts", "evaluators", "names",
    "runs" }))
  return { "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    element("meta", { ["http-equiv"] = "Content-Security-Policy", content = policy_of(style, script) }), "\n",
    facts.origin, '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="referrer" content="no-referrer">\n',
    element("title", {}, text(title)), "\n<style>", style, "</style>\n</head>\n<body>\n<header>",
    element("h1", {}, text(title)),
    table.concat(said), "</header>\n",
    element("nav", { ["aria-label"] = "Sections" }, element("ul", {}, table.concat(links))),
    "\n<main>\n", table.concat(drawn, "\n"), "\n", reader(), "\n</main>\n", data("facts", pack.safe(packed)), "\n",
    list and data("list-data", list) or "", "\n", rows and data("rows-data", rows) or "", "\n<script>", script,
    "</script>\n</body>\n</html>\n" }
end

return page
