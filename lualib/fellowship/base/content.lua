-- What a message says: a text, or parts of which some are images, in the forms that datasets have.

local json = require "fellowship.core.json"

local content = {}

---@class fellowship.Part OpenAI's form of a part of a message
---@field type "text"|"image_url"
---@field text? string
---@field image_url? { url: string, detail: string? } an address, or "data:image/png;base64,..."

---@alias fellowship.Content string|fellowship.Part[]

local TEXT_TYPES = { text = true, input_text = true, output_text = true }
local IMAGE_TYPES = { image_url = true, image = true, input_image = true }

--- The value, or nil where it is JSON null: what `datasets` writes for every key that only other rows have.
---@param value any
---@return any
function content.present(value)
  if value == json.null then return nil end
  return value
end
local present = content.present

--- A list without the nulls in it; the list itself where it has none.
---@param list any[]
---@return any[]
function content.without_nulls(list)
  local kept
  for i, value in ipairs(list) do
    if value == json.null then kept = kept or table.move(list, 1, i - 1, 1, {})
    elseif kept then kept[#kept + 1] = value end
  end
  return kept or list
end

--- The first of some fields of a table that is there.
local function first(t, ...)
  for i = 1, select("#", ...) do
    local value = present(t[(select(i, ...))])
    if value ~= nil then return value end
  end
end

--- The address of an image: OpenAI's {image_url = {url =}} or {image_url = "..."}, Anthropic's {source =}, and
--- {image = "..."} or {url = "..."} of chat templates.
local function address(part)
  local image = first(part, "image_url", "image", "url", "source")
  if type(image) ~= "table" then return image end
  local data, kind = first(image, "data"), first(image, "media_type")
  if data and kind then return ("data:%s;base64,%s"):format(kind, data) end
  return first(image, "url")
end

local PART_KEYS, URL_KEYS = { "type", "text", "image_url" }, { "url", "detail" }

--- A part, in OpenAI's form; nil and what is wrong with it.
local function read_part(part)
  if type(part) == "string" then part = { text = part } end
  if type(part) ~= "table" then return nil end
  local type_of = first(part, "type")
  if type_of == nil or TEXT_TYPES[type_of] then
    local text = first(part, "text")
    if type(text) == "table" then text = first(text, "value") end -- of OpenAI's threads
    if type(text) ~= "string" then return nil end
    return json.object({ type = "text", text = text }, PART_KEYS)
  end
  if not IMAGE_TYPES[type_of] then
    return nil, ('has no content that is text: a part of the type "%s"'):format(tostring(type_of))
  end
  local url = address(part)
  if type(url) ~= "string" or url == "" then
    return nil, "has no content that is text: an image part without an image (its address, or data:image/...)"
  end
  local detail = type(part.image_url) == "table" and present(part.image_url.detail) or nil
  return json.object({ type = "image_url", image_url = json.object({ url = url, detail = detail }, URL_KEYS) },
    PART_KEYS)
end

--- The list of parts that a content is: one part alone, or what ChatGPT's exports have, {parts = ...}.
local function parts_of(value)
  if #value > 0 then return content.without_nulls(value) end
  local list = first(value, "parts")
  if type(list) == "table" then return content.without_nulls(list) end
  return first(value, "text") ~= nil and { value } or {}
end

--- Reads a content: a text, or a list of parts, which is its text when all of them are texts.
---@param value any
---@return fellowship.Content? content nil when it is none
---@return string? problem
function content.read(value)
  if type(value) == "string" then return value end
  local list = type(value) == "table" and parts_of(value) or {}
  if #list == 0 then return nil, "has no content that is text" end
  local parts, texts, has_images = json.array {}, {}, false
  for i, given in ipairs(list) do
    local part, problem = read_part(given)
    if not part then return nil, problem or "has no content that is text" end
    parts[i], texts[i] = part, part.text or ""
    has_images = has_images or part.type ~= "text"
  end
  return has_images and parts or table.concat(texts)
end

--- The texts in the content of a message, one behind the other, whatever else is there.
--- Example: `print(content.text { { type = "text", text = "See: " }, { type = "image_url" } })`
---@param value any
---@return string
function content.text(value)
  if type(value) == "string" then return value end
  local texts = {}
  for _, part in ipairs(type(value) == "table" and value or {}) do
    local text = type(part) == "table" and part.text or part
    if type(text) == "string" then texts[#texts + 1] = text end
  end
  return table.concat(texts)
end

--- Whether the content of a message holds more than texts, of whatever form.
---@param value any
---@return boolean
function content.is_mixed(value)
  for _, part in ipairs(type(value) == "table" and value or {}) do
    if type(part) == "table" and not TEXT_TYPES[part.type] then return true end
  end
  return false
end

--- Whether a content holds images.
---@param value fellowship.Content
---@return boolean
function content.has_images(value)
  if type(value) ~= "table" then return false end
  for _, part in ipairs(value) do
    if part.type == "image_url" then return true end
  end
  return false
end

return content
