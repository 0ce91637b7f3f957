-- What a file's name says: the format of its rows and how it is compressed.

local naming = {}

local COMPRESSIONS = { gz = "gzip", zst = "zstd", xz = "xz", bz2 = "bzip2" }
local FORMATS = { jsonl = "jsonl", ndjson = "jsonl", json = "json", csv = "csv", tsv = "tsv", parquet = "parquet" }

-- What is DuckDB's to read: endings of files, and schemes of addresses.
local ENDINGS = { parquet = true, pq = true, arrow = true, arrows = true, feather = true, ipc = true, avro = true,
  xlsx = true }
local SCHEMES = { hf = true, s3 = true, s3a = true, s3n = true, gs = true, gcs = true, r2 = true, az = true,
  azure = true, abfss = true, http = true, https = true }

--- Whether a dataset's name is that of no file here: "sql:SELECT ...", or an address such as "hf://datasets/...".
---@param name string
---@return boolean
function naming.is_elsewhere(name)
  return name:find "^sql:" ~= nil or SCHEMES[name:match "^(%w+)://"] ~= nil
end

--- Whether a dataset is read by DuckDB: SQL, an address elsewhere, or a file in a format of its.
---@param name string
---@return boolean
function naming.is_duckdbs(name)
  return naming.is_elsewhere(name) or ENDINGS[(name:match "%.(%w+)$" or ""):lower()] ~= nil
end

---@class fellowship.Naming
---@field stem string the path without the endings below
---@field ending string of the format, with its dot; "" when the name has none that is known
---@field packed string the ending of the compression, with its dot; "" for a plain file
---@field format? "jsonl"|"json"|"csv"|"tsv"|"parquet"
---@field compression? "gzip"|"zstd"|"xz"|"bzip2"

--- Takes a path apart: "data/dpo.jsonl.gz" is data/dpo, .jsonl and .gz.
---@param path string
---@return fellowship.Naming
function naming.read(path)
  local rest, packed = path:match "^(.+)%.(%w+)$"
  local compression = COMPRESSIONS[packed]
  if not compression then rest, packed = path, nil end
  local stem, ending = rest:match "^(.*[^/])%.(%w+)$"
  local format = FORMATS[ending]
  return { stem = format and stem or rest, ending = format and "." .. ending or "", format = format,
    packed = packed and "." .. packed or "", compression = compression }
end

--- The name of one of several files: "data/dpo-00000-of-00004.jsonl", as datasets on the Hugging Face Hub
--- have it (https://huggingface.co/docs/datasets/repository_structure#splits-and-file-names).
---@param name fellowship.Naming
---@param number integer from 1
---@param count? integer of files; while it is not known the name lacks it
---@return string
function naming.shard(name, number, count)
  local of = count and ("-of-%05d"):format(count) or ""
  return ("%s-%05d%s%s%s"):format(name.stem, number - 1, of, name.ending, name.packed)
end

--- Whether a file name (without folder) is a shard, finished or not, of a dataset with this name, in the
--- same format, whatever its compression.
---@param name fellowship.Naming
---@param file string
---@return boolean
function naming.is_shard(name, file)
  local stem = name.stem:match "[^/]*$"
  if file:sub(1, #stem) ~= stem then return false end
  local rest = file:sub(#stem + 1):gsub("%.partial$", "")
  local inner = naming.read("x" .. rest)
  if inner.ending ~= name.ending then return false end
  local number = inner.stem:match "^x%-(%d%d%d%d%d+)$"
  local of = inner.stem:match "^x%-%d%d%d%d%d+%-of%-%d%d%d%d%d+$"
  return of ~= nil or (number ~= nil and file:find "%.partial$" ~= nil)
end

return naming
