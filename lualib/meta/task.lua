---@meta fellowship.core.task
-- luacheck: ignore 212

---Tasks: coroutines that the runtime owns. A task runs until it waits; then others do. Scripts use
---`fellowship.spawn`, `all`, `map` and `sleep`, which are made of these.
---
---    local task = require "fellowship.core.task"
---    local t = task.spawn(function(x) task.sleep(0.1) return x * 2 end, 21)
---    print(t:await()) --> 42
---@class fellowship.core.task
local core = {}

---@class fellowship.task: userdata
local task = {}

---Waits until the task has ended. Returns its results, or raises its error. With a time limit, raises an error of
---kind "timeout" when that has passed; the task goes on.
---
---    local t = fellowship.spawn(function() return llama:ask("Name a river.").text end)
---    print(t:await(60))
---@param seconds? number
---@return any ...
function task:await(seconds) end

---Waits until the task has ended. Returns true and its results, or false, its error and a traceback. With a time limit,
---returns nil and an error of kind "timeout" when that has passed.
---
---    local t = fellowship.spawn(function() error "no" end)
---    print((t:join())) --> false
---@param seconds? number
---@return boolean?
---@return any ...
function task:join(seconds) end

---Ends a task where it waits: what it waits for is given up, its to-be-closed variables are closed, and
---who awaits it gets an error of kind "cancelled". Does nothing to a task that has ended; raises for one
---that runs. A task that is dropped goes on: only this ends it.
---
---    local t = fellowship.spawn(function() fellowship.sleep(60) end)
---    t:cancel()
function task:cancel() end

---How far the task is.
---
---    local t = fellowship.spawn(function() fellowship.sleep(0) end)
---    t:join()
---    print(t:status()) --> done
---@return "ready"|"running"|"suspended"|"done"|"failed"
function task:status() end

---A new task, which will run `fn(...)` when the current one waits. An error that nobody awaits is
---reported when the run ends, and makes it fail.
---@param fn function
---@param ... any
---@return fellowship.task
function core.spawn(fn, ...) end

---As `spawn`, for a task that is there or not with what else runs, as the one of a call that others
---share: it does not count among its parent's children, whose random numbers follow from their order.
---@param fn function
---@param ... any
---@return fellowship.task
function core.aside(fn, ...) end

---The task that runs; nil outside of any.
---@return fellowship.task?
function core.self() end

---Waits until another task calls `wake`.
function core.park() end

---Lets a parked task go on.
---@param t fellowship.task
---@return boolean woken false when it was not parked
function core.wake(t) end

---Waits. A task that sleeps in the background keeps nothing alive: when all others wait for each other,
---that is a deadlock all the same.
---@param seconds number
---@param background? boolean
function core.sleep(seconds, background) end

---The number of the row that the task works on; nil when it is of none.
---
---    local t = fellowship.spawn(function() fellowship.sleep(0) end)
---    print(t:row()) --> nil
---@return integer?
function task:row() end

---The current task, and what it will spawn, works on that row from now on: its random numbers follow
---from the two, and its calls go before those of later rows.
---@param seed integer
---@param number integer
function core.begin_row(seed, number) end

---The seed of the run (`--seed`), after setting it when one is given.
---@param seed? integer
---@return integer
function core.base_seed(seed) end

---Whether the current task works on a row already: `begin_row` was called in it, or where it was spawned.
---@return boolean
function core.in_row() end

---Whether close handlers run because their task is cancelled. Lua gives them no error then, as if all
---had gone well.
---@return boolean
function core.cancelling() end

---Sets a function that is run as a task when no task can run and none waits for the outside: whoever
---holds calls back on purpose, to send them together, sends them there. When that wakes nobody, it is a
---deadlock. nil takes it away.
---@param fn function?
function core.on_quiet(fn) end

---Seconds of a steady clock, as of the start of this turn of the loop.
---@return number
function core.now() end

---The present turn of the loop: seconds that were computed since the last look at what has happened outside. Meanwhile
---no answer is taken and no Ctrl+C heard.
---@return number
function core.turn() end

---The longest turn of the loop so far, the present one among them.
---@return number
function core.longest_turn() end

---Waits for Ctrl+C, while the program is interactive.
function core.interrupted() end

---Whether Ctrl+C wakes the task in `interrupted`, and makes a task that computes without waiting fail;
---otherwise it ends the run.
---@param whether boolean
function core.interactive(whether) end

---Whom the first Ctrl+C makes fail while it computes, when the program is interactive; the second one does so to any
---task. nil when there is none any more.
---@param t fellowship.task?
function core.foreground(t) end

---No Ctrl+C makes the current task fail while it computes.
function core.shield() end

---Failed tasks that nobody awaited, as pairs of error and traceback.
---@param take? boolean each is given once
---@return { [1]: any, [2]: string }[]
function core.unobserved(take) end

return core
