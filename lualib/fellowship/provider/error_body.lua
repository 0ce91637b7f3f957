-- What an error answer says, in whatever form: OpenAI's {"error": {...}}, FastAPI's {"detail"}, {"message"},
-- {"errors": [...]}, problem JSON (RFC 9457), a list, plain text, a page of HTML. Pure.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"

local error_body = {}

---@class fellowship.ErrorBody an error as servers tell it; every field may be missing
---@field message? string
---@field type? string
---@field code? string|integer
---@field param? string the parameter that is refused
---@field metadata? table OpenRouter's
---@field details? table Google's
---@field retry_after? number seconds
---@field estimated_time? number seconds until a model is loaded (Hugging Face)
---@field raw? fellowship.ErrorBody what the provider behind a gateway said

local function text_of(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function field(value, name)
  local found = value[name]
  if found ~= json.null then return found end
end

-- ---- texts ----

-- What is shown of a body that says nothing in fields.
local SHOWN = 300

--- A page of HTML in words: its title, or its text.
local function of_page(body)
  local title = body:match "<[Tt][Ii][Tt][Ll][Ee]>([^<]*)"
  local said = title and title:find "%S" and title or body:gsub("<[^<>]*>", " ")
  return said:sub(1, 4 * SHOWN):gsub("[%s]+", " "):gsub("^ ", ""):gsub(" $", "")
end

--- What a body says that is no JSON; nil when that is nothing.
local function of_text(body)
  local head = sys.valid(body:sub(1, 8 * SHOWN)) -- it may be in another encoding, or packed
  local said = head:find "^%s*<" and of_page(head) or head:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  if #said > SHOWN then said = said:sub(1, SHOWN):gsub("[\x80-\xbf]*$", "") .. "…" end
  return text_of(said)
end

-- ---- fields ----

--- The last part of a place: {"body", "temperature"}, "/input/0/temperature".
local function name_of(place)
  if type(place) == "table" then place = place[#place] end
  return type(place) == "string" and place:sub(-64):match "([%w_]+)$" or nil
end

local describe

--- A list of complaints, such as FastAPI's and pydantic's { loc, msg, type }.
local function of_list(list)
  local said, first = {}, nil
  for i, item in ipairs(list) do
    if i > 4 then break end
    local e = describe(item)
    first = first or e
    said[#said + 1] = e and e.message
  end
  if not first then return nil end
  return { message = table.concat(said, "; "), type = first.type, code = first.code, param = first.param,
    metadata = first.metadata, details = first.details }
end

-- An error within an error's words is looked for this deep, since each of some gateways puts its own around it.
local DEEPEST, LONGEST = 3, 65536

--- The error that stands as JSON within the words of another one, as gateways pass on what the one behind them said.
local function within(message, depth)
  local from = depth < DEEPEST and #message <= LONGEST and message:find "{%s*[\"\\]"
  local to = from and message:find "}[^}]*$"
  local value = to and json.decode(message:sub(from, to))
  return type(value) == "table" and (value.error ~= nil or value.message ~= nil) and describe(value, depth + 1) or nil
end

--- What OpenRouter passes on of the provider behind it.
local function raw_of(metadata)
  local raw = type(metadata) == "table" and metadata.raw
  if type(raw) == "table" then return describe(raw) end
  if not text_of(raw) then return nil end
  return error_body.told((json.decode(raw)), raw)
end

-- Where the words of an error stand, best first.
local MESSAGES = { "message", "msg", "detail", "error_message", "errorMessage", "error_msg", "status_msg", "Message",
  "description", "reason", "title" }
local CODES = { "code", "status_code", "error_code", "errorCode" }
local TYPES = { "type", "error_type", "status", "__type" }
local WAITS = { "retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds" }

local function first_of(value, names)
  for _, name in ipairs(names) do
    local found = field(value, name)
    if text_of(found) or math.type(found) == "integer" then return found end
  end
end

local function wait_of(value)
  for _, name in ipairs(WAITS) do
    local found = tonumber(field(value, name))
    if found then return found end
  end
end

--- An error in whatever form it stands; nil when there is nothing to say.
function describe(value, depth)
  depth = depth or 0
  if text_of(value) then return { message = value } end
  if type(value) ~= "table" then return nil end
  if value[1] ~= nil then return of_list(value) end
  for _, name in ipairs { "error", "errors", "detail", "message", "fault", "base_resp" } do
    local inner = field(value, name)
    if type(inner) == "table" then
      local e = describe(inner, depth)
      if e then
        e.code, e.type = e.code or first_of(value, CODES), e.type or first_of(value, TYPES)
        e.retry_after = e.retry_after or wait_of(value)
        return e
      end
    end
  end
  local e = { code = first_of(value, CODES), type = text_of(first_of(value, TYPES)), details = field(value, "details"),
    param = text_of(field(value, "param")), metadata = field(value, "metadata"), retry_after = wait_of(value) }
  local outer = text_of(field(value, "error"))
  e.message = text_of(first_of(value, MESSAGES)) or outer
  -- xAI says who may not, then why: { code = "The caller does not have permission", error = "Content violates ..." }.
  if outer and e.message ~= outer then e.message = outer .. ": " .. e.message end
  local place = field(value, "loc") or field(value, "pointer")
  if place and e.message then
    e.param = e.param or name_of(place)
    e.message = (e.param and e.param .. ": " or "") .. e.message
  end
  local raw = raw_of(e.metadata)
  if raw and raw.message then
    e.message = (e.message and e.message .. ": " or "") .. raw.message
    e.raw = raw
  else
    raw = e.message and within(e.message, depth)
    e.raw, e.param, e.details = raw, e.param or raw and raw.param, e.details or raw and raw.details
  end
  return (e.message or e.code) and e or nil
end

--- Whether an error that stands beside an answer says that there is none: of code 0, or of nothing at all.
local function is_none(e)
  if type(e) ~= "table" then return false end
  local code = e.code
  return code == 0 or code == "0"
    or not text_of(e.message) and (code == nil or code == "" or code == json.null) and describe(e) == nil
end

-- What answers hold, by their adapters.
local ANSWERS = { "choices", "output", "candidates", "content", "message", "data", "result" }

--- Whether what holds no answer says in other words that it is an error: Baidu's and MiniMax's gateways.
local function is_told_apart(value)
  local failed = value.status == "error" or value.status == "fail" or value.status == "failed"
  for _, name in ipairs(ANSWERS) do
    local found = field(value, name)
    if found ~= nil and not (failed and name == "message" and text_of(found)) then return false end
  end
  return failed or text_of(field(value, "error_message") or field(value, "error_msg") or field(value, "errorMessage"))
end

--- The error in an answer that may be a good one: only what cannot be anything else. nil when there is none.
---@param value any decoded
---@return fellowship.ErrorBody?
function error_body.of(value)
  if type(value) ~= "table" then return nil end
  if value.error == nil and type(value[1]) == "table" then value = value[1] end -- Gemini's stand in a list
  local e = field(value, "error")
  if type(value.choices) == "table" and is_none(e) then e = nil end
  local told = (text_of(e) or type(e) == "table" and next(e) ~= nil) and e
    or (value.object == "error" or value.type == "error" or e == true or value.success == false) and value
    or is_told_apart(value) and value
  local made = value.base_resp -- MiniMax's
  if not told and type(made) == "table" and math.type(made.status_code) == "integer" and made.status_code ~= 0 then
    told = value
  end
  if not told then return nil end
  local found = describe(told)
  if found and told == e then
    found.code, found.estimated_time = found.code or first_of(value, CODES), value.estimated_time
    found.retry_after = found.retry_after or wait_of(value)
  end
  return found or { message = "an error of which nothing is said" }
end

--- The error of an answer that is one, by its status.
---@param value any decoded; nil when the body is no JSON
---@param body? string
---@return fellowship.ErrorBody
function error_body.told(value, body)
  -- A gateway that failed before its stream began sends an event all the same.
  local event = value == nil and body and body:sub(1, 64):match "^%s*data: ?()"
  if event then value = json.decode(body:match("^[^\r\n]*", event)) end
  local found = value ~= nil and (error_body.of(value) or describe(value))
  return found or { message = body and of_text(body) }
end

return error_body
