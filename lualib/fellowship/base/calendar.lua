-- Dates of the Gregorian calendar, in UTC.

local calendar = {}

--- Seconds since 1970 of a date and a time of day. Days are counted as in days_from_civil:
--- https://howardhinnant.github.io/date_algorithms.html
--- Example: `print(calendar.epoch(2000, 1, 1)) --> 946684800`
---@param year integer
---@param month integer 1 to 12
---@param day integer
---@param hour? number
---@param minute? number
---@param second? number
---@return number
function calendar.epoch(year, month, day, hour, minute, second)
  if month <= 2 then year = year - 1 end -- years begin in March, so that leap days end them
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  local days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
  return days * 86400 + (hour or 0) * 3600 + (minute or 0) * 60 + (second or 0)
end

return calendar
