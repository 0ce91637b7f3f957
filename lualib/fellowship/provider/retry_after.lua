-- How long a server asks to be left alone, in all the forms that Retry-After is seen in.

local retry_after = {}

local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
  Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

local DAY = 86400

local units = { ms = 0.001, s = 1, m = 60, h = 3600 }

--- Days since 1970-01-01 of a date of the Gregorian calendar (days_from_civil, Howard Hinnant).
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local function epoch(y, mo, d, h, mi, s)
  return days(tonumber(y), tonumber(mo), tonumber(d)) * 86400 + h * 3600 + mi * 60 + s
end

--- "1m30s", "500ms", "2h": seconds, or nil.
local function duration(text)
  local total, rest = 0, text
  while rest ~= "" do
    local number, unit, after = rest:match "^(%d+%.?%d*)(m?[smh]?)(.*)$"
    if not number or not units[unit] then return nil end
    total, rest = total + tonumber(number) * units[unit], after
  end
  return total
end

--- Seconds since 1970 of a time of ISO 8601, in UTC or with an offset; nil when it is none.
---@param text string
---@return number?
function retry_after.epoch(text)
  local y, mo, d, h, mi, s, zone = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d%.?%d*)(.*)$"
  if not y then return nil end
  local sign, zone_h, zone_m = zone:match "^([+-])(%d%d):?(%d%d)$"
  if not sign and zone ~= "Z" and zone ~= "" then return nil end
  local offset = sign and (zone_h * 3600 + zone_m * 60) * (sign == "-" and -1 or 1) or 0
  return epoch(y, mo, d, h, mi, s) - offset
end

local function until_iso(text, now)
  local at = retry_after.epoch(text)
  return at and at - now
end

--- Seconds to wait, at most a day, or nil when the text says nothing that is understood.
--- Seconds ("20", "1.5"), an HTTP date (RFC 9110, 5.6.7), a duration ("1m30s") or an ISO 8601 time.
---@param text string?
---@param now number seconds since 1970, UTC
---@return number?
function retry_after.parse(text, now)
  if not text or text == "" then return nil end
  local seconds = tonumber(text)
  if seconds then return seconds >= 0 and math.min(seconds, DAY) or nil end
  local d, month, y, h, mi, s = text:match "^%a+, (%d+) (%a+) (%d+) (%d+):(%d+):(%d+) GMT$"
  if d and months[month] then seconds = epoch(y, months[month], d, h, mi, s) - now
  else seconds = until_iso(text, now) or duration(text) end
  return seconds and math.max(0, math.min(seconds, DAY))
end

return retry_after
