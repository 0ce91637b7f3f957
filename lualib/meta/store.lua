---@meta fellowship.core.store
-- luacheck: ignore 212

---The store of completions. A completion is committed before `put` returns; what the store holds is
---never replaced.
---
---    local store = assert(core.open { path = "store.db" })
---    local held = store:put(key, request, wire, completion, sys.time())
---    assert(store:get(key) == held)
---@class fellowship.core.store
local core = {}

---@class fellowship.store: userdata
local store = {}

---@class fellowship.store.problem
---@field kind "store"
---@field message string

---Waits for the completion of a key.
---@param key string 32 bytes
---@return string? completion nil when it is not there
---@return fellowship.store.problem? problem when reading failed
---@return integer? seen for `lease`, when it is not there
function store:get(key) end

---A call that this process asks for: no other one does until it is closed, or this process ends.
---@class fellowship.store.lease: userdata
local lease = {}

---Ends it.
function lease:close() end

---Takes the lease of a call that is not in the store, before it is paid for.
---
---    local held, problem, seen = store:get(key)
---    local lease <close>, changed = store:lease(key, seen)
---@param key string 32 bytes
---@param seen integer what `get` gave
---@return fellowship.store.lease? lease nil while another process has it, or a task of this one
---@return boolean? changed others have committed meanwhile: the call is to be looked up again
function store:lease(key, seen) end

---Waits until nobody has the lease of a call.
---@param key string 32 bytes
---@param seconds number at most
---@return boolean free false when the time has come
function store:await(key, seconds) end

---Commits a completion unless the key has one, and returns the one that the store now has.
---@param key string 32 bytes
---@param request string the request as asked, which the key is the digest of
---@param wire string the body as it was sent
---@param completion string
---@param created integer milliseconds since 1970
---@return string? completion
---@return boolean|fellowship.store.problem known whether the store had one before; or the problem
function store:put(key, request, wire, completion, created) end

---Whether calls were under way in batches when the store was opened.
---@return boolean
function store:has_pending() end

---A call that is to go into a batch: its key (32 bytes), the request as asked, and the body as it will be sent.
---@alias fellowship.store.claim { key: string, request: string, wire: string }

---Claims calls for a batch; all of them, or none when it fails.
---@param uid string
---@param calls fellowship.store.claim[]
---@return string[]? holders for each call the batch that has claimed it, this one or who was first; false where the store has its completion already
---@return table<integer, string>|fellowship.store.problem completions by the place of these calls; or the problem
function store:claim(uid, calls) end

---Commits completions of claimed calls, whose claims end with that.
---@param results { key: string, completion: string }[]
---@param created integer milliseconds since 1970
---@return ("committed"|"found"|false)[]? ends for each: committed now, there before, or claimed by nobody
---@return table<integer, string>|fellowship.store.problem completions of those that were there before, by their places; or the problem
function store:complete(results, created) end

---Notes the state of a batch, on the disk when it returns. Without one the batch is forgotten and its calls are free.
---@param uid string
---@param state? string
---@param ended? boolean its calls are free
---@return boolean? well
---@return fellowship.store.problem? problem
function store:set_batch(uid, state, ended) end

---All batches that the store knows, oldest first; `pending` counts the calls that each has claimed.
---@return { uid: string, state: string, pending: integer }[]?
---@return fellowship.store.problem? problem
function store:batches() end

---The batch that has claimed a call; nil when none has.
---@param key string 32 bytes
---@return string? uid
---@return fellowship.store.problem? problem
function store:holder(key) end

---Puts the completions of a recording's lines, unless they are there. It ends at a line that is not as `core.lines` writes
---them, of which it cannot judge.
---@param lines string
---@return integer? added
---@return integer|fellowship.store.problem known those that were there; or the problem
---@return integer? used bytes of the lines before where it ended
---@return integer? count how many lines that are
function store:import(lines) end

---Puts at most so many completions of another store, from where the last call ended.
---@param source fellowship.store.source
---@param most integer
---@return integer? added
---@return integer|fellowship.store.problem known those that were there; or the problem
---@return boolean? ended there are no more
function store:import_from(source, most) end

---Does what is under way, so that whoever waits for it goes on, and closes the file.
function store:close() end

---A store that is imported.
---@class fellowship.store.source: userdata
local source = {}

---Closes it.
function source:close() end

---Opens a store to import from.
---@param path string
---@return fellowship.store.source? source
---@return fellowship.store.problem? problem
function core.source(path) end

---Opens a store, and makes it when there is none; one of version 1 is brought to the present version, or, when
---read-only, read as it is. Refuses a network file system. `say` gets a line of text before that takes long. With
---`prompt`, commits do not stand back behind what else the machine does: calls take less time, the machine works more.
---@param options { path: string, read_only: boolean?, durable: boolean?, prompt: boolean?, say: fun(text: string)? }
---@return fellowship.store? store
---@return fellowship.store.problem? problem
function core.open(options) end

---A completion with all that the store knows of it.
---@class fellowship.store.record
---@field key string 32 bytes
---@field request string
---@field wire string
---@field completion string
---@field created integer milliseconds since 1970

---How completions are shown: in the order of "time" (when not said), of writing ("written"), or against that ("last").
---What is false of the texts is left out. With `salvage`, what is damaged is passed over.
---@class fellowship.store.showing
---@field order? "time"|"written"|"last"
---@field salvage? boolean
---@field request? boolean
---@field wire? boolean
---@field completion? boolean

---Calls fn for every completion, until it returns false. fn cannot wait.
---@param path string
---@param fn fun(record: fellowship.store.record): boolean?
---@param how? fellowship.store.showing
---@return boolean? well
---@return integer|fellowship.store.problem lost how many the store is known to have had, and could not be read; or the problem
---@return boolean? damaged
function core.each(path, fn, how) end

---Calls fn for the completions whose keys are from low to high, unless there are more than `most`. fn cannot wait.
---@param path string
---@param low string 32 bytes
---@param high string 32 bytes; its first bit is low's
---@param most integer
---@param fn fun(record: fellowship.store.record)
---@return integer? count how many there are; more than `most` are not counted on
---@return fellowship.store.problem? problem
function core.find(path, low, high, most, fn) end

---Calls fn for at most so many completions, evenly over the store in the order of writing, without reading the others.
---Damaged ones are left out. fn cannot wait.
---@param path string
---@param most integer
---@param fn fun(record: fellowship.store.record)
---@return boolean? well
---@return fellowship.store.problem? problem
function core.sample(path, most, fn) end

---Calls fn with a recording of the store, piece by piece, whole lines each: every completion that can be read, in the
---order of time. fn cannot wait.
---@param path string
---@param fn fun(lines: string)
---@return integer? count
---@return integer|fellowship.store.problem lost as `each` has it; or the problem
---@return boolean? damaged
function core.lines(path, fn) end

---@class fellowship.store.nearest
---@field known boolean whether the store has the request itself
---@field key? string of the completion whose request is nearest; these three are absent when there is none
---@field created? integer
---@field request? string

---Of each request, the completion whose request is nearest to it: by the number of members that are equal, `content`
---left out, plus `weight` times the part of that one's bytes which both have in common at its begin and its end.
---@param path string
---@param requests string[] in canonical JSON, 64 at most
---@param content string a member's name
---@param weight number
---@return fellowship.store.nearest[]? list
---@return integer|fellowship.store.problem count how many completions there are; or the problem
---@return integer? lost as `each` has it
---@return boolean? damaged
function core.nearest(path, requests, content, weight) end

---The completions that are all of what is said: whose "provider:model" holds a text, that are older than so many
---milliseconds since 1970, that are failures.
---@param path string
---@param kind { model?: string, before?: integer, failures?: boolean }
---@return string? keys of 32 bytes each, one behind the other
---@return fellowship.store.problem? problem
function core.select(path, kind) end

---Takes completions out for good, and makes the file smaller. Fails while a run has it open.
---@param path string
---@param keys string of 32 bytes each, one behind the other
---@return integer? pruned how many there were
---@return fellowship.store.problem|string|nil problem; or why, though they are gone, the file could not be made smaller
function core.prune(path, keys) end

return core
