-- Validates a preference folder against the format it claims.

local fellowship = require "fellowship"
local json = fellowship.json
local preference = fellowship.preference
local say = require "fellowship.base.say"

local KEYS = { "folder", "format", "sound", "files", "rows", "faults", "notes", "inverted" }

return {
  summary = "whether a preference folder is what it claims",
  example = [[
fellowship run preference ... --out preferences
fellowship run check-dataset preferences]],
  folder = false, -- reads only: no run folder
  options = {
    { "dataset", type = "string", required = true, positional = true, metavar = "DIR", help = "the folder" },
    { "format", type = "choice", choices = preference.formats.names,
      help = "the format, of a folder without a results.json that says it" },
    { "most", type = "integer", default = 100, least = 1, metavar = "N", help = "findings shown" },
  },

  run = function(run)
    local shown, o = 0, run.options
    local function report(kind, message)
      shown = shown + 1
      if shown <= o.most then say.err(kind, ": ", message, "\n") end
    end
    local found = preference.validate(o.dataset:gsub("(.)/+$", "%1"), { format = o.format, report = report })
    if shown > o.most then
      say.err(("... and %d more; --most %d shows them\n"):format(shown - o.most, shown))
    end
    say.result(("%s: %s; %d rows in %d files, %d faults, %d notes"):format(found.folder, found.faults == 0
      and "sound, as " .. tostring(found.format) .. " reads it" or "not sound", found.rows, found.files, found.faults,
      found.notes), json.encode(json.object({ folder = found.folder, format = found.format or json.null,
      sound = found.faults == 0, files = found.files, rows = found.rows, faults = found.faults, notes = found.notes,
      inverted = found.inverted }, KEYS)))
    return found.faults == 0 and 0 or 1
  end,
}
