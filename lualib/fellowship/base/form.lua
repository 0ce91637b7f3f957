-- The forms of verdicts, each once: which lines are asked for, the JSON schema of the same, and an instance of both. The
-- prompts of judges are made of them, their readers look for them, and what stands in for a model (`sim`, dry runs)
-- answers in them. They are the paper's (arXiv 2408.08688).

local json = require "fellowship.core.json"

local form = {}

---@class fellowship.Form
---@field name "combined"|"debate"|"independent"|"direct"|"rubric"
---@field strategy "combined"|"independent"|"direct"|"rubric" how its verdicts are read
---@field kinds? ("score"|"yes/no")[] of a rubric: what each criterion's value is
---@field headings string[] the lines that values stand behind
---@field fields string[] the same in JSON, behind the evidence
---@field places string[] what stands for the values in a prompt
---@field shown string[] the headings under which a prompt shows what is judged
---@field scored boolean values are scores of a scale, or one of the letters A, B, C

---@type table<string, fellowship.Form>
local forms = {
  combined = { strategy = "combined", headings = { "### Score Assistant A:", "### Score Assistant B:" },
    shown = { "### Response of Assistant A", "### Response of Assistant B" },
    fields = { "score_a", "score_b" }, places = { "X", "Y" }, scored = true },
  debate = { strategy = "combined", headings = { "### Score Assistant 1:", "### Score Assistant 2:" },
    shown = { "### Response of Assistant 1", "### Response of Assistant 2" },
    fields = { "score_a", "score_b" }, places = { "X", "Y" }, scored = true },
  independent = { strategy = "independent", headings = { "### Overall Score:" }, fields = { "score" }, places = { "X" },
    shown = { "### Response" }, scored = true },
  direct = { strategy = "direct", headings = { "### Answer:" }, fields = { "winner" }, places = { "X" },
    shown = { "### Response of Assistant A", "### Response of Assistant B" }, scored = false },
}

local NAMES = { "combined", "debate", "independent", "direct" }
for name, f in pairs(forms) do f.name = name end

--- A form by its name.
---@param name string
---@return fellowship.Form
function form.of(name)
  return forms[name] or error(("there is no form %s"):format(name), 2)
end

-- What a direct comparison says, as a winner.
local LETTERS = { A = "a", B = "b", C = "tie" }
form.LETTERS = { a = "A", b = "B", tie = "C" }

-- ---- rubrics ----
-- A form that is made for its criteria: a heading for each, behind it a score or Yes or No.

local CRITERION, ANSWERS = "### Criterion %d:", { ["yes/no"] = "Yes or No" }

--- The form of a rubric.
--- Example: `print(#form.rubric({ "score", "yes/no" }).headings) --> 2`
---@param kinds ("score"|"yes/no")[] what the value of each criterion is
---@return fellowship.Form
function form.rubric(kinds)
  local f = { name = "rubric", strategy = "rubric", headings = {}, fields = {}, places = {}, shown = { "### Response" },
    scored = true, kinds = kinds }
  for i, kind in ipairs(kinds) do
    f.headings[i], f.fields[i], f.places[i] = CRITERION:format(i), "criterion_" .. i, ANSWERS[kind] or "X"
  end
  return f
end

--- The rubric that a prompt asks for at its end; nil when it asks for none.
local function rubric_asked(prompt)
  local at, from = nil, math.max(1, #prompt - 20000)
  while true do
    local start, stop = prompt:find("### Criterion 1:\n", from, true)
    if not start then break end
    at, from = start, stop
  end
  if not at then return nil end
  local kinds, scale = {}, nil
  for value in prompt:gmatch("### Criterion %d+:\n([^\n]+)", at) do
    local out_of = value:match "^X/(%d+)"
    kinds[#kinds + 1] = out_of and "score" or "yes/no"
    scale = scale or math.tointeger(tonumber(out_of))
  end
  return form.rubric(kinds), scale or 2, at
end

--- The lines of a form with its values, scores out of `scale`.
--- Example: `form.lines(form.of "independent", { 7 }, 10) --> "### Overall Score:\n7/10"`
---@param f fellowship.Form
---@param values any[]
---@param scale? integer|string
---@return string
function form.lines(f, values, scale)
  local list = {}
  for i, heading in ipairs(f.headings) do
    local is_score = f.scored and not (f.kinds and f.kinds[i] ~= "score")
    list[i] = is_score and ("%s\n%s/%s"):format(heading, values[i], scale) or ("%s\n%s"):format(heading, values[i])
  end
  return table.concat(list, "\n\n")
end

--- The lines as a prompt asks for them; {scale} is a place of templates.
---@param name string
---@return string
function form.blank(name)
  local f = form.of(name)
  return form.lines(f, f.places, "{scale}")
end

local function last_of(text, heading)
  local from = math.max(1, #text - 1000) -- prompts end with what they ask for
  if not text:find(heading, from, true) then from = 1 end
  local found
  while true do
    local start, stop = text:find(heading, from, true)
    if not start then return found end
    found, from = start, stop + 1
  end
end

local function search(prompt)
  local asked, scale, at = rubric_asked(prompt)
  local of_rubric = at
  for _, name in ipairs(NAMES) do
    local f = forms[name]
    local start = last_of(prompt, f.headings[#f.headings])
    if start and (not at or start > at) then asked, at = f, start end
  end
  if not asked or at == of_rubric then return asked, scale end
  return asked, math.tointeger(tonumber(prompt:match("^[^\n]*\n[XYN]/(%d+)", at) or 10))
end

-- Several ask of the same prompt, one after the other.
local latest, latest_form, latest_scale

--- Which form a prompt asks for, and of which scale: that of the last heading in it.
---@param prompt string
---@return fellowship.Form?
---@return integer? scale
function form.asked(prompt)
  if prompt ~= latest then
    latest_form, latest_scale = search(prompt)
    latest = prompt
  end
  return latest_form, latest_scale
end

-- ---- JSON ----

local STRING = { type = "string" }

local function object(properties, names)
  return json.object({ type = "object", properties = json.object(properties, names), required = names,
    additionalProperties = false }, { "type", "properties", "required", "additionalProperties" })
end

--- The schema of a strategy's verdicts. Scores are whole numbers from 1, listed one by one: not every provider takes a
--- minimum and a maximum.
---@param strategy "combined"|"independent"|"direct"|fellowship.Form its name, or a rubric's form
---@param scale integer
---@return table
function form.schema(strategy, scale)
  local f, values = type(strategy) == "table" and strategy or form.of(strategy), {}
  for i = 1, f.scored and scale or 0 do values[i] = i end
  local held = f.scored and { type = "integer", enum = values } or { type = "string", enum = { "A", "B", "C" } }
  local properties, names = { evidence = STRING }, { "evidence" }
  for i, field in ipairs(f.fields) do
    local is_answer = f.kinds and f.kinds[i] == "yes/no"
    properties[field], names[i + 1] = is_answer and { type = "string", enum = { "Yes", "No" } } or held, field
  end
  return object(properties, names)
end

--- Which form a schema is of, and of which scale.
---@param schema table
---@return fellowship.Form?
---@return integer? scale
function form.of_schema(schema)
  local names = schema.required
  if type(names) ~= "table" or names[1] ~= "evidence" then return nil end
  for _, strategy in ipairs { "combined", "independent", "direct" } do
    local f = forms[strategy]
    if #names == #f.fields + 1 and names[2] == f.fields[1] then
      local enum = ((schema.properties or {})[f.fields[1]] or {}).enum
      return f, f.scored and type(enum) == "table" and #enum or 10
    end
  end
end

--- The winner and the scores that the values of a form say.
---@param f fellowship.Form
---@param values any[] in the order of its headings
---@return { winner: string?, scores: table }
function form.verdict(f, values)
  if f.strategy == "direct" then return { winner = LETTERS[values[1]], scores = {} } end
  if f.strategy == "rubric" then return { values = values, scores = {} } end
  if f.strategy == "independent" then return { scores = { score = values[1] } } end
  local a, b = values[1], values[2]
  return { winner = a > b and "a" or a < b and "b" or "tie", scores = { a = a, b = b } }
end

--- The same of a value that fits the schema.
---@param strategy "combined"|"independent"|"direct"|fellowship.Form
---@param value table
---@return { winner: string?, scores: table }
function form.read(strategy, value)
  local f, values = type(strategy) == "table" and strategy or form.of(strategy), {}
  for i, field in ipairs(f.fields) do values[i] = value[field] end
  return form.verdict(f, values)
end

return form
