-- Forms with files: multipart/form-data (https://www.rfc-editor.org/rfc/rfc7578).

local fail = require "fellowship.serve.fail"

local multipart = {}

local function headers_of(text)
  local headers = {}
  for line in (text .. "\r\n"):gmatch "(.-)\r\n" do
    local name, value = line:match "^([^:]+):%s*(.*)$"
    if name then headers[name:lower()] = value end
  end
  return headers
end

local function parameter(header, name)
  local behind = ";" .. header:match "^[^;]*;?(.*)$"
  return behind:match(";%s*" .. name .. '="(.-)"') or behind:match(";%s*" .. name .. "=([^;%s]+)")
end

--- The parts of a form by name; of several of one name the last.
---@param kind string the request's Content-Type
---@param body string
---@return table<string, { text: string, filename: string? }>
function multipart.read(kind, body)
  local boundary = kind:lower():find("multipart/form-data", 1, true) and parameter(kind, "boundary")
  if not boundary then fail.raise "files are uploaded as multipart/form-data" end
  local mark, parts = "\r\n--" .. boundary, {}
  body = "\r\n" .. body
  local at, stop = body:find(mark, 1, true)
  while at do
    if body:sub(stop + 1, stop + 2) == "--" then return parts end
    local next_at, next_stop = body:find(mark, stop + 1, true)
    local head_end, text_at = body:find("\r\n\r\n", stop + 1, true)
    if not next_at or not head_end or head_end > next_at then break end
    local headers = headers_of(body:sub(stop + 3, head_end - 1))
    local disposition = headers["content-disposition"] or ""
    local name = parameter(disposition, "name")
    if name then
      parts[name] = { text = body:sub(text_at + 1, next_at - 1), filename = parameter(disposition, "filename") }
    end
    at, stop = next_at, next_stop
  end
  fail.raise "the form is cut off"
end

return multipart
