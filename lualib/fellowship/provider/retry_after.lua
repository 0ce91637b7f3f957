-- How long a server asks to be left alone, in all the forms that Retry-After is seen in.

local calendar = require "fellowship.base.calendar"

local retry_after = {}

local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
  Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

local DAY = 86400

local units = { ms = 0.001, s = 1, m = 60, h = 3600, d = DAY }

local function epoch(y, mo, d, h, mi, s)
  return calendar.epoch(tonumber(y), tonumber(mo), tonumber(d), h, mi, s)
end

--- "1m30s", "500ms", "2h": seconds, or nil.
local function duration(text)
  local total, rest = 0, text
  if text == "" then return nil end
  while rest ~= "" do
    local number, unit, after = rest:match "^(%d+%.?%d*)(m?[smhd]?)(.*)$"
    if not number or not units[unit] then return nil end
    total, rest = total + tonumber(number) * units[unit], after
  end
  return total
end

--- Seconds since 1970 of a time of ISO 8601, in UTC or with an offset; nil when it is none.
---@param text string
---@return number?
function retry_after.epoch(text)
  local y, mo, d, h, mi, s, zone = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$"
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

-- What is further away than this is a mistake, and no time to wait for.
local ABSURD = 31 * DAY

-- A number this large is a time and no wait: seconds since 1970, or milliseconds.
local EPOCH, EPOCH_MS = 1e9, 1e12

local function bounded(seconds)
  if not seconds or seconds ~= seconds or seconds > ABSURD then return nil end
  return math.max(0, math.min(seconds, DAY))
end

--- Seconds of "00:01:30"; nil when it is none.
local function clock(text)
  local h, m, s = text:match "^(%d%d):(%d%d):(%d%d)$"
  return h and h * 3600 + m * 60 + s
end

--- The three forms of a date in HTTP, of which the latter two are out of use and still to be read (RFC 9110, 5.6.7). A
--- year of two digits is the one that is nearest to now.
local function http_date(text, now)
  text = text:gsub(" UTC$", " GMT"):gsub(" %+0000$", " GMT")
  local d, month, y, h, mi, s = text:match "^%a+, (%d+) (%a+) (%d+) (%d+):(%d+):(%d+) GMT$"
  if not d then
    d, month, y, h, mi, s = text:match "^%a+, (%d+)%-(%a+)%-(%d%d) (%d+):(%d+):(%d+) GMT$"
    local this = tonumber(os.date("!%Y", math.floor(now or 0)))
    y = y and (y - this + 50) % 100 + this - 50
  end
  if not d then month, d, h, mi, s, y = text:match "^%a+ (%a+) +(%d+) (%d+):(%d+):(%d+) (%d+)$" end
  return d and months[month] and epoch(y, months[month], d, h, mi, s)
end

--- A number with the word for seconds behind it, or several times the same, as headers are that a proxy joined.
local function bare(text)
  return text:match "^([%d.]+) *[sS]ec" or text:match "^([%d.]+) *,"
end

-- Units by their longer names.
local LONG = { ms = "ms", millisecond = "ms", s = "s", second = "s", sec = "s", m = "m", minute = "m", min = "m",
  h = "h", hour = "h", d = "d", day = "d" }

--- Seconds of "7h20m20s", "6 seconds", "1 minute 30 seconds", and what stands behind; nil when it is none of these.
local function spelt(text)
  local total, found = 0, false
  while true do
    local number, unit, rest = text:match "^([%d.]+) ?(%a+)[ ,]*(.*)$"
    unit = unit and (LONG[unit] or LONG[unit:gsub("s$", "")])
    local part = unit and tonumber(number) and duration(number .. unit)
    if not part then return found and total or nil, text end
    total, found, text = total + part, true, rest:gsub("^and ", "")
  end
end

--- Seconds to wait, at most a day, or nil when the text says nothing that is understood.
--- Seconds ("20", "1.5"), an HTTP date (RFC 9110, 5.6.7), a duration ("1m30s"), an ISO 8601 time, or seconds or
--- milliseconds since 1970.
---@param text string?
---@param now number seconds since 1970, UTC, by the clock of who says it where that is known
---@return number?
function retry_after.parse(text, now)
  if not text or text == "" or #text > 64 then return nil end
  text = (text:match '^"(.*)"$' or text):gsub("[;%s]+$", "")
  local seconds = tonumber(bare(text) or text)
  if seconds then
    if seconds >= EPOCH_MS then seconds = seconds / 1000 - now
    elseif seconds >= EPOCH then seconds = seconds - now
    elseif seconds < 0 then return nil end
    return bounded(seconds)
  end
  local at = http_date(text, now)
  local wait, behind = spelt(text:lower())
  return bounded(at and at - now or until_iso(text, now) or duration(text) or clock(text) or behind == "" and wait)
end

--- The time that a Date header tells; nil when there is none.
---@param text string?
---@return number? seconds since 1970
function retry_after.date(text)
  return text and #text <= 64 and http_date(text) or nil
end

-- What stands before a wait in words, and what may stand between.
local WORDS = { "again in", "again after", "retry in", "retry after", "reset after", "resets after", "resets in",
  "reset in", "wait", "available in", "retry_after", "retry-after", "retryafter", "retrydelay", "resets at",
  "reset at", "wait until", "request after" }
local BETWEEN = { "[%s:=\"'~]+", "about", "at least", "around", "approximately", "for", "another" }

--- A text without what may stand between "retry in" and the time.
local function bare_time(text)
  local before
  repeat
    before = text
    for _, word in ipairs(BETWEEN) do text = text:gsub("^" .. word, "") end
  until text == before
  return text
end

--- The wait that a message tells in words: "Please try again in 7h20m20s", "retry after 6 seconds", "resets at:
--- 2026-11-28 05:32:10 UTC"; of a field of JSON within it, a bare number.
---@param message string
---@param now number seconds since 1970
---@return number? seconds
function retry_after.in_words(message, now)
  local lower = message:sub(1, 4000):lower()
  for _, word in ipairs(WORDS) do
    local _, last = lower:find(word, 1, true)
    if last then
      local said = bare_time(lower:sub(last + 1, last + 60))
      local day, time = said:match "^(%d%d%d%d%-%d%d%-%d%d)[t ](%d%d:%d%d:%d%d%.?%d*) ?[uz]"
      local at = day and retry_after.epoch(day .. "T" .. time)
      local seconds = at and at - now or spelt(said)
        or word:find "^retry[_%-]?after$" and tonumber(said:match "^[%d.]+")
      if seconds then return bounded(seconds) end
    end
  end
  local chinese = lower:find("秒后", 1, true)
  return chinese and bounded(tonumber(lower:sub(math.max(1, chinese - 12), chinese - 1):match "([%d.]+) ?$"))
end

--- A time to wait, in words.
---@param seconds number
---@return string
function retry_after.words(seconds)
  if seconds < 90 then return ("%.0f s"):format(seconds) end
  local minutes = math.ceil(seconds / 60)
  if minutes < 90 then return ("%d min"):format(minutes) end
  return ("%d h %d min"):format(minutes // 60, minutes % 60)
end

--- A time to wait with its end, in words: "10 h 0 min (until 2026-11-28 09:13 UTC)".
---@param seconds number
---@param now number seconds since 1970
---@return string
function retry_after.until_words(seconds, now)
  return ("%s (until %s UTC)"):format(retry_after.words(seconds), os.date("!%Y-%m-%d %H:%M", math.ceil(now + seconds)))
end

return retry_after
