---@meta fellowship.core.sys
-- luacheck: ignore 212

---What the library needs of the system: files and folders, digests, the clock, the terminal.
---@class fellowship.core.sys
local sys = {}

---@class fellowship.sys.problem
---@field kind "file"
---@field message string
---@field held? boolean of a lock: another process has it; of a new file: it is there

---Makes a folder with its parents; no error when it is there.
---@param path string
---@return boolean? well
---@return fellowship.sys.problem? problem
function sys.mkdir(path) end

---The text as a terminal may show it: "?" for each control character, which could steer it, and U+FFFD for what is no
---UTF-8; line ends and tabs stay.
---@param text string
---@return string
function sys.printable(text) end

---Whether the text is nothing but printable ASCII, tabs and line ends.
---@param text string
---@return boolean
function sys.plain(text) end

---The text with U+FFFD for what is no UTF-8, as the Unicode standard recommends (3.9).
---@param text string
---@return string
function sys.valid(text) end

---The folder that this process works in.
---@return string? path
---@return fellowship.sys.problem? problem
function sys.cwd() end

---Makes a file that was not there, with its content: of several who try, on several machines too, one does.
---@param path string
---@param content string
---@return boolean? well
---@return fellowship.sys.problem? problem
function sys.create(path, content) end

---What a path is; nil when there is nothing.
---@param path string
---@return "file"|"folder"|"other"|nil
function sys.kind(path) end

---Whether two paths lead to one file, which is there.
---@param a string
---@param b string
---@return boolean
function sys.same(a, b) end

---The size of a file in bytes and when it was changed; nil when there is none.
---@param path string
---@return integer? size
---@return integer? seconds since 1970
---@return integer? nanoseconds of the second
function sys.stamp(path) end

---What stands at a path that no result may take the place of, in words: "a folder", "a device", "a symbolic link", "an
---SQLite database, as stores are". nil when nothing stands there, or an ordinary file.
---@param path string
---@return string?
function sys.obstacle(path) end

---Renames at once, and on the disk when it returns. An ordinary file is replaced, and nothing else.
---@param from string
---@param to string
---@return boolean? well
---@return fellowship.sys.problem? problem
function sys.rename(from, to) end

---Removes a file; no error when it is not there.
---@param path string
---@return boolean? well
---@return fellowship.sys.problem? problem
function sys.remove(path) end

---The names in a folder, in order, without those that begin with a dot.
---@param path string
---@return string[]? names
---@return fellowship.sys.problem? problem
function sys.list(path) end

---The paths that match a shell's pattern (`*`, `?`, `[...]`), in order; none when nothing does.
---@param pattern string
---@return string[]? paths
---@return fellowship.sys.problem? problem
function sys.glob(pattern) end

---What is locked, until it is closed.
---@class fellowship.lock: userdata
local lock = {}

---Lets go. Does nothing the second time.
function lock:close() end

---Locks a folder until the lock is closed (it is made for a to-be-closed variable) or the process ends; or a file,
---which is made when there is none.
---@param path string
---@param file? boolean
---@return fellowship.lock? lock
---@return fellowship.sys.problem? problem
function sys.lock(path, file) end

---@param text string
---@return string digest 32 bytes
function sys.sha256(text) end

---@param path string
---@return string? digest 32 bytes
---@return fellowship.sys.problem? problem
function sys.sha256_file(path) end

---A digest in hexadecimal.
---@param digest string 32 bytes
---@return string
function sys.hex(digest) end

---A digest from hexadecimal; nil when it is none.
---@param digits string
---@return string?
function sys.unhex(digits) end

---Milliseconds since 1970, UTC.
---@return integer
function sys.time() end

---Size of a terminal; nil when the descriptor is none.
---@param fd integer
---@return integer? columns
---@return integer? rows
function sys.terminal(fd) end

return sys
