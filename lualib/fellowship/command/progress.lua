-- What a run shows on stderr while it goes on: on a terminal a block that is drawn over, into a pipe a line every
-- ten seconds.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local flow = require "fellowship.flow"
local text = require "fellowship.base.text"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local estimate = lazy "fellowship.rehearse"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"
local batch_progress = require "fellowship.command.batch_progress"
local counts = require "fellowship.command.counts"
local screen = require "fellowship.command.screen"

local progress = {}

local TERMINAL_SECONDS, PIPE_SECONDS = 0.25, 10

-- A call that takes so many seconds is worth a word: who waits for the first rows should know for how long.
local SLOW = 5

-- From so many rows on the time that is left is worth telling.
local SURE = 5

-- Rates are those of so many seconds past.
local MEMORY = 30

-- Rows of a file are counted in blocks of so many bytes, so that nothing waits for it.
local BLOCK = 1 << 20

-- ---- how many rows there are ----

local function lines_of(path, stop)
  local file = io.open(path, "rb")
  if not file then return nil end
  local n, blank = 0, true
  while true do
    local block = file:read(BLOCK)
    if not block then break end
    for piece, newline in block:gmatch "([^\n]*)(\n?)" do
      blank = blank and not piece:find "%S"
      if newline ~= "" then
        n, blank = blank and n or n + 1, true
      end
    end
    if n >= stop then break end
    task.sleep(0, true)
  end
  file:close()
  return math.min(blank and n or n + 1, stop)
end

--- Rows of a dataset of plain JSON Lines, which tell without being decoded; nil of another one.
local function rows_of(dataset)
  local total = 0
  for _, file in ipairs(dataset.paths) do
    local count = file:match "%.jsonl$" and sys.kind(file) == "file" and lines_of(file, dataset.limit - total)
    if not count then return nil end
    total = total + count
  end
  local shard = dataset.shard
  return shard and (total - shard[1]) // shard[2] + 1 or total
end

--- Rows of what is mapped: a dataset, what a dataset is filtered by, or an array; nil where that is not counted.
local function count_of(source)
  if type(source) ~= "table" then return nil end
  if source.filtered then return count_of(source.filtered) end
  if source.paths then return rows_of(source) end
  return not source.pull and #source or nil
end

--- Counts the rows of what a run maps, as it begins to.
local function count_rows(self)
  local sources, known = self.run.sources, 0
  while true do
    while sources[known + 1] do
      known = known + 1
      self.counted[known] = count_of(sources[known]) or false
    end
    task.sleep(TERMINAL_SECONDS, true)
  end
end

--- Rows of a source: counted, or by how far it has been read; and whether that is exact.
local function size_of(self, i, source)
  local count, exact = self.counted[i], true
  local dataset = type(source) == "table" and (source.filtered or source)
  if not count and dataset and dataset.estimate then count, exact = dataset:estimate() end
  if not count then return nil end
  return count - (type(source) == "table" and source.left_out and source:left_out() or 0), exact
end

--- Rows that there are to work on, and whether that is exact; nil when nobody knows.
local function expected(self)
  local total, exact = 0, true
  for i, source in ipairs(self.run.sources) do
    local count, sure = size_of(self, i, source)
    if not count then return nil end
    total, exact = total + count, exact and sure
  end
  if total > 0 then return total, exact end
end

-- ---- rates ----

--- Remembers what was done when, and gives rows and calls a second.
local function take_rates(self)
  local now = task.now()
  local list = self.samples
  list[#list + 1] = { at = now, rows = flow.finished, calls = stats.made }
  while #list > 2 and now - list[1].at > MEMORY do table.remove(list, 1) end
  local first, span = list[1], math.max(now - list[1].at, 0.001)
  if span < 0.2 then return 0, 0 end
  return (flow.finished - first.rows) / span, (stats.made - first.calls) / span
end

-- ---- what is shown ----

--- done/total, percentage and what is left of the time; without a total the rate alone.
local function rows_text(self, row_rate)
  local run = self.run
  -- Not those given out: one row that waits for its next attempt would hide all that are done behind it.
  local done, total, exact = flow.finished + run.failures.count, expected(self)
  local failed = run.failures.count > 0 and (", %d failed"):format(run.failures.count) or ""
  if not total then return ("%d rows%s, %s rows/s"):format(done, failed, counts.rate(row_rate)) end
  if exact then done = math.min(done, total) else total = math.max(done, total) end
  local sure = done >= SURE and row_rate > 0 and done < total
  local left = sure and (", ETA %s"):format(counts.duration((total - done) / row_rate)) or ""
  return ("%d/%s%d rows (%d%%)%s%s"):format(done, exact and "" or "~", total, done * 100 // total, failed, left),
    done / total
end

local function facts(run, call_rate)
  if settings.dry_run then
    return { "dry run", ("%d calls to ask"):format(estimate.asked), ("%d in the store"):format(estimate.held) }
  end
  local parts = run.outcome:brief()
  table.move({ ("%d calls"):format(stats.made), ("%s calls/s"):format(counts.rate(call_rate)),
    ("%d in flight"):format(stats.in_flight), ("%d from the store"):format(stats.stored) }, 1, 4, #parts + 1, parts)
  if (stats.seconds or 0) >= SLOW then
    parts[#parts + 1] = ("a call takes about %s"):format(counts.duration(stats.seconds))
  end
  for _, trouble in ipairs(counts.troubles()) do parts[#parts + 1] = trouble end
  parts[#parts + 1] = counts.tokens()
  parts[#parts + 1] = counts.cost()
  if settings.bounded then parts[#parts + 1] = counts.budget() end
  return parts
end

--- The same with what is under way in batches, for a single line.
local function all_facts(run, call_rate)
  local parts = facts(run, call_rate)
  parts[#parts + 1] = batch_progress.brief()
  return parts
end

local function bar(fraction, width)
  local full = math.floor(fraction * width + 0.5)
  return "[" .. ("#"):rep(full) .. ("-"):rep(width - full) .. "] "
end

--- The block's lines, each at most `width` columns.
local function block(self, width)
  local row_rate, call_rate = take_rates(self)
  local done, fraction = rows_text(self, row_rate)
  local room = math.min(width - text.columns(done) - 4, 40)
  local first = fraction and room >= 10 and bar(fraction, room) .. done or done
  local lines, line = { text.fit(first, width) }, nil
  for _, fact in ipairs(facts(self.run, call_rate)) do
    local longer = line and line .. " · " .. fact or fact
    if line and text.columns(longer) > width then
      lines[#lines + 1] = line
      longer = fact
    end
    line = text.fit(longer, width)
  end
  lines[#lines + 1] = line
  for _, of_batch in ipairs(batch_progress.lines()) do lines[#lines + 1] = text.fit(of_batch, width) end
  return lines
end

-- ---- on a terminal ----

--- Rows that the drawn lines take now: a window that became narrower has wrapped them.
local function rows_taken(self, width)
  local taken = 0
  for _, columns in ipairs(self.drawn) do taken = taken + math.max(1, (columns + width - 1) // width) end
  return taken
end

local function erase(self)
  if host.interrupt_told() and not self.left then -- the message stands below the block, which stays
    self.left, self.drawn = true, {}
  end
  if #self.drawn == 0 then return end
  -- Line by line: a terminal that is told to clear all of its rows at once may keep them among those scrolled by.
  local up = rows_taken(self, (sys.terminal(2))) - 1
  screen.raw(io.stderr, "\r\27[2K", ("\27[A\27[2K"):rep(up))
  self.drawn = {}
end

local function draw(self)
  if not screen.at_start() then return end -- somebody prints a line in parts
  erase(self)
  local width = sys.terminal(2) - 1
  local lines = block(self, width)
  for i, line in ipairs(lines) do
    lines[i] = text.printable(line)
    self.drawn[i] = text.columns(lines[i])
  end
  screen.raw(io.stderr, table.concat(lines, "\n"))
end

local function show_on_terminal(self)
  self.stop_sharing = screen.share(function() erase(self) end, function(file)
    if file == io.stdout then file:flush() end -- before the block is drawn again below it
  end)
  while true do
    task.sleep(TERMINAL_SECONDS, true)
    draw(self)
  end
end

--- A mark that is another one whenever a row or a call has ended.
local function what_happened(run)
  return ("%d %d %d %d %d"):format(flow.finished, run.failures.count, stats.made, stats.stored, stats.retries)
end

--- $FELLOWSHIP_PROGRESS is how many seconds lie between the lines of a log; 0 for none.
local function show_in_pipe(self)
  local seconds = tonumber(os.getenv "FELLOWSHIP_PROGRESS" or "") or PIPE_SECONDS
  if seconds <= 0 then return end
  while true do
    task.sleep(seconds, true)
    local row_rate, call_rate = take_rates(self)
    local happened = what_happened(self.run)
    if happened ~= self.happened then -- a log in which nothing happens repeats nothing
      self.happened = happened
      local done = rows_text(self, row_rate)
      say.err("fellowship: ", table.concat({ done, table.unpack(all_facts(self.run, call_rate)) }, " · "), "\n")
    end
  end
end

--- Starts to show a run's progress; close what it returns to end it.
---@param run fellowship.Run|fellowship.Plain
---@return table
function progress.start(run)
  local self = { run = run, drawn = {}, samples = {}, counted = {} }
  local tasks = {}
  if not run.options.quiet then
    take_rates(self)
    tasks = { task.aside(sys.terminal(2) and show_on_terminal or show_in_pipe, self), task.aside(count_rows, self) }
  end
  return setmetatable({}, { __close = function()
    for _, t in ipairs(tasks) do t:cancel() end
    erase(self)
    if self.stop_sharing then self.stop_sharing() end
  end })
end

return progress
