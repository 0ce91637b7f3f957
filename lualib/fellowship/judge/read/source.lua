-- A text as lines of plain characters: markup taken off, tables as labels with their values, and how deep each heading
-- is. All of it linear in the text.

local fold = require "fellowship.judge.read.fold"

local source = {}

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", nbsp = " ", ndash = "-", mdash = " - ",
  frac12 = "\1", hellip = "..." }

local function entity(name)
  if ENTITIES[name] then return ENTITIES[name] end
  local code = name:match "^#(%d+)$" or name:match "^#[xX](%x+)$"
  code = code and tonumber(code, name:find "^#[xX]" and 16 or 10)
  if code and code > 8 and code < 0x110000 and (code < 0xd800
    or code > 0xdfff) then return fold.text(utf8.char(code)) end
  return nil
end

local INLINE, BLOCK = {}, { td = " | ", th = " | ", tr = "\n" }
for name in ("b i u em strong span font small sub sup code a mark ins q kbd var tt abbr"):gmatch "%S+" do
  INLINE[name] = ""
end
for name in ("p br div pre li ul ol table tbody thead tfoot center hr blockquote section article html body header "
  .. "footer details"):gmatch "%S+" do
  BLOCK[name] = "\n"
end

local DEEPEST = 8

--- What is struck out is not said.
local function unstrike(text)
  for _, name in ipairs { "del", "s", "strike" } do
    if text:find("<" .. name .. ">", 1, true) then
      text = text:gsub("<" .. name .. ">[^<>\n]*</" .. name .. ">", "")
    end
  end
  return text
end

-- Attributes that say what an element is about, and those whose value alone does; and those that say what a score is of.
local NAMING = { assistant = "assistant ", model = "model ", response = "response ", answer = "answer ", id = "",
  name = "", label = "", ["for"] = "", of = "", candidate = "candidate " }
local MOST = { max = true, out_of = true, outof = true, scale = true }

--- What the attributes of a tag say: ' assistant="A"' is " assistant A".
local function attributes(rest)
  local said = ""
  for name, _, held in rest:sub(1, 200):gmatch "([%w_:-]+)%s*=%s*([\"'])([^\"']*)%2" do
    local small = name:lower()
    if NAMING[small] then said = said .. " " .. NAMING[small] .. held
    elseif MOST[small] and held:find "%d" then said = said .. " (max " .. held:match "(%d+)%D*$" .. ")" end
  end
  return said
end

--- Whether "<A>" stands for the letter: it is no element, as nothing closes it, and nothing is in it.
local function is_letter(text, name, behind)
  return name:find "^[ABC]$" and not text:find("</" .. name .. ">", 1, true)
    and (text:find("^[ .,]*\n", behind) or text:find("^[ .,]*$", behind))
end

--- Whether what ends at a place is a sentence that goes on: "It is not true that <score_a>8</score_a>".
local function is_within(text, stop)
  local last = text:sub(math.max(1, stop - 40), stop):match "([^ \t])[ \t]*$"
  return last ~= nil and last:find "[%w,:)%]\128-\255*-]" ~= nil
end

--- Whether "<a>8</a>" and "<b>6</b>" are elements for both, and no anchors and bold text.
local function names_both(text)
  return text:find "<[Aa]>%s*[%d.,/]+%s*</[Aa]>" and text:find "<[Bb]>%s*[%d.,/]+%s*</[Bb]>" and true or false
end

--- Tags: those of pages go, others are labels of what they hold: <score_a>8</score_a>.
local function untag(text)
  local depth, named = 0, names_both(text)
  return (text:gsub("<([^<>\n]*)>()", function(inside, behind)
    local slash, name, rest = inside:match "^(/?)(%a[%w_:.-]*)(.*)$"
    if not name or not (rest:find "^%s*/?$" or rest:find "^%s+[%w_:-]+%s*=") then return nil end
    local plain = name:lower()
    if slash == "" and rest == "" and is_letter(text, name, behind) then return name end
    if INLINE[plain] and not (named and (plain == "a" or plain == "b")) then return "" end
    if BLOCK[plain] then return BLOCK[plain] end
    if plain:find "^h[1-6]$" then return slash == "" and "\n### " or "\n" end
    if rest:find "/$" then return "\n" end
    if slash == "" then
      depth = math.min(depth + 1, DEEPEST)
      local start = is_within(text, behind - #inside - 3) and " " or "\n" .. ("\6"):rep(depth)
      return start .. name .. (rest ~= "" and attributes(rest) or "") .. ": "
    end
    local mark = "\n" .. ("\6"):rep(math.max(depth, 1)) .. "\n"
    depth = math.max(depth - 1, 0)
    return mark
  end))
end

local RELATIONS = { gg = ">>", gt = ">", succ = ">", ll = "<<", lt = "<", prec = "<", approx = "~", sim = "~",
  equiv = "=", to = "=>", rightarrow = "=>", Rightarrow = "=>" }

--- Commands of TeX: a box holds a final value.
local function untex(text)
  text = text:gsub("\\[dt]?frac%s*{%s*([%d.,]+)%s*}%s*{%s*([%d.,]+)%s*}", "%1/%2")
    :gsub("\\[tm][ea][xt][th]?%a*%s*{([^{}\n]*)}", "%1"):gsub("\\boxed%s*{([^{}\n]*)}", " [[%1]] ")
  text = text:gsub("\\(%a+)", RELATIONS)
  return (text:gsub("\\%%", "%%"):gsub("\\%a+", " "):gsub("\\[%[%]%(%)]", "\n"))
end

--- The text in plain characters, without markup that says nothing.
---@param text string
---@return string
function source.clean(text)
  text = fold.text(text)
  if text:find("\\", 1, true) then
    if not text:find("\n", 1, true) then text = text:gsub("\\n%f[^%l]", "\n") end
    text = untex(text)
  end
  if text:find("<", 1, true) then text = untag(unstrike(text)) end
  if text:find("&", 1, true) then text = text:gsub("&(#?%w+);", entity) end
  if text:find("~~", 1, true) then text = text:gsub("~~[^~\n]*~~", "") end
  if text:find(" #", 1, true) then text = text:gsub("([.,;!?%d)]) (##+ )", "%1\n%2") end -- a heading within a line
  if text:find("[[", 1, true) then text = text:gsub("%[%[", " final [[") end
  return text
end

---@class fellowship.Line
---@field text string
---@field base integer how many bytes of the cleaned text stand before it
---@field from integer where its words begin
---@field to integer
---@field level integer 1 to 6 of a heading, 7 of a line in bold, 8 of any other; more within tags
---@field heading boolean
---@field marked boolean it is a heading by "#"
---@field cited boolean it stands behind ">"
---@field item boolean of a list
---@field number boolean? of a list with numbers
---@field apart boolean? an empty line stands before it
---@field cells { from: integer, to: integer }[]? of a row of a table
---@field closes boolean? a closing tag: nothing but an end
---@field above boolean? the first of several lines
---@field rule boolean? what parts a table's head from its rows

local PLAIN = 8

local function trim(text, from, to)
  from = text:find("[^ \t]", from) or from
  while to >= from and text:find("^[ \t]", to) do to = to - 1 end
  return from, to
end

local MOST_CELLS = 12

local function cells_of(text, from, to)
  local list, at = {}, from
  if text:sub(at, at) == "|" then at = at + 1 end
  while at <= to do
    local bar = text:find("|", at, true)
    if not bar or bar > to then bar = to + 1 end
    if #list == MOST_CELLS then return nil end
    local first, last = trim(text, at, bar - 1)
    list[#list + 1] = { from = first, to = last }
    at = bar + 1
  end
  return list
end

--- Whether the full stop at a place belongs to "e.g.", "i.e.", "vs." or "cf.".
local function is_abbreviation(text, at)
  local before = text:sub(math.max(1, at - 4), at - 1):lower()
  return before:find "%f[%a]e%.?g$" or before:find "%f[%a]i%.?e$" or before:find "%f[%a]vs$" or before:find "%f[%a]cf$"
end

--- Where the sentence that begins at a place of a line ends.
---@param text string
---@param from integer
---@param to integer the line's end
---@return integer
function source.sentence_end(text, from, to)
  local at = from
  while true do
    local stop = text:find("[.!?;][%s\"'*)%]]", at)
    if not stop or stop > to then return to end
    if text:byte(stop) ~= 46 or not is_abbreviation(text, stop) then return stop end
    at = stop + 1
  end
end

-- Words of lines above what is no verdict, but an instance of one.
local EXAMPLES = { "[Ee]xample", "[Ss]ample", "[Tt]emplate", "[Pp]laceholder", "[Ee]%.g%." }

--- Whether a line says that an example of a verdict follows.
---@param line fellowship.Line
---@return boolean
function source.introduces(line)
  if line.to - line.from >= 60 or not line.text:find("^[:*]", line.to) then return false end
  for _, word in ipairs(EXAMPLES) do
    if line.text:find(word, line.from) then return true end
  end
  return false
end

--- Whether a line belongs to an example that a line above it introduces: it follows, or the one before it belongs to it.
---@param line fellowship.Line
---@param introduced boolean? the line above does
---@param example boolean? the line above belongs to one
---@return boolean
function source.is_example(line, introduced, example)
  return introduced or example and not line.apart or false
end

--- Takes the marks off a line's beginning and end.
local function line_of(text, base)
  local from, to = trim(text, 1, #text)
  local line = { text = text, base = base, level = PLAIN, heading = false, marked = false, cited = false, item = false }
  local depth = text:match("^\6+()", from)
  if depth then
    line.level, from = PLAIN + depth - from, depth
    if from > to then
      line.closes = true
      return line
    end
  end
  while text:find("^>", from) do
    line.cited, from = true, trim(text, from + 1, to)
  end
  local hashes = text:match("^#+()", from)
  if hashes and hashes - from <= 6 and not text:find("^%d", hashes) then
    line.level, line.heading, line.marked = hashes - from, true, true
    from = trim(text, hashes, to)
    while to >= from and text:find("^#", to) do to = to - 1 end
  end
  local mark = text:match("^[%-*+][ \t]+()", from) or text:match("^%d%d?[.)][ \t]+()%f[%a*_\"(\128-\255]", from)
    or text:match("^%(%d%d?%)[ \t]+()%f[%a*_\"(\128-\255]", from)
    or text:match("^%d[.)][ \t]+()%d+/%d", from)
  if mark then
    line.number = text:find("^%(?%d", from) ~= nil
    line.item, line.level, from = true, math.max(line.level, PLAIN + 1), mark
  end
  from, to = trim(text, from, to)
  local bold = to - 1 - (text:sub(to, to) == ":" and 1 or 0)
  if not line.heading and text:find("^%*%*", from) and text:find("^%*%*", bold) then
    line.level, line.heading = math.max(7, line.level > PLAIN and line.level or 0), true
  end
  line.from, line.to = from, to
  return line
end

--- What parts a table's head from its rows: "|---|:--:|".
local function is_rule(text)
  return text:find "^[ |:+-]*$" ~= nil and text:find("|", 1, true) ~= nil and text:find("-", 1, true) ~= nil
end

--- The lines of a cleaned text that hold anything.
---@param text string
---@return fun(): fellowship.Line?
function source.lines(text)
  local at = 1
  return function()
    while true do
      local from = text:find("[^\n \t]", at)
      if not from then return nil end
      local stop = text:find("\n", from, true) or #text + 1
      local before = at
      at = stop + 1
      local content = text:sub(from, stop - 1)
      if content:find "^\6" or content:find "[%w\128-\255\1-\5]" then
        local line = not content:find "^```" and line_of(content, from - 1)
        if line and (line.closes or line.from <= line.to) then
          local break_at = text:find("\n", before, true)
          line.apart = break_at and break_at < from
          local bar = content:find("|", line.from, true)
          if bar and bar <= line.to and (bar == line.from or (content:find("|", bar + 1, true)
            or line.to + 1) <= line.to) then
            line.cells = cells_of(content, line.from, line.to)
          end
          return line
        end
      elseif is_rule(content) then
        return { text = content, base = from - 1, from = 1, to = #content, rule = true, level = PLAIN }
      end
    end
  end
end

return source
