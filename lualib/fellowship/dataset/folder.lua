-- The data files of a folder, as the Hugging Face Hub finds them: by the `configs` of its card, or by their places and
-- names. https://huggingface.co/docs/hub/datasets-manual-configuration, .../datasets-file-names-and-splits

local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local text = require "fellowship.base.text"
local naming = require "fellowship.dataset.naming"

local folder = {}

local function fail(message, ...)
  errors.raise { kind = "file", fatal = true, message = message:format(...) }
end

-- ---- the card ----

--- A scalar of YAML: in quotes, or as it stands without a comment.
local function scalar(word)
  local quoted = word:match '^"(.*)"%s*$' or word:match "^'(.*)'%s*$"
  return quoted or (word:gsub("%s+#.*$", ""):gsub("%s+$", ""))
end

--- The scalars of a flow collection, "{a: b, c: d}" or "[a, b]", as entries { key or nil, value }.
local function flow_of(inside)
  local entries = {}
  for part in (inside .. ","):gmatch "%s*(.-)%s*," do
    local key, value = part:match "^([%w_]+):%s*(.*)$"
    if part ~= "" then entries[#entries + 1] = { key, scalar(value or part) } end
  end
  return entries
end

---@class fellowship.FolderConfig
---@field name string
---@field default boolean
---@field files { split: string?, path: string }[]
---@field dir? string

--- Takes a "key: value" of the entry of a config or of a split; which list items mean depends on the key before.
local function take(state, key, value, indent)
  local config, split = state.config, state.split
  if key == "config_name" then config.name = scalar(value)
  elseif key == "default" then config.default = scalar(value) == "true"
  elseif key == "data_dir" then config.dir = scalar(value)
  elseif key == "split" then split.split = scalar(value)
  elseif key == "data_files" or key == "path" then
    state.list = indent
    local inside = value:match "^%[(.*)%]"
    for _, entry in ipairs(inside and flow_of(inside) or value ~= "" and { { nil, scalar(value) } } or {}) do
      config.files[#config.files + 1] = { of = key == "path" and split or {}, path = entry[2] }
    end
  end
end

--- An item of a list below data_files: a path, or the begin of a split.
local function take_item(state, item, indent)
  local inside = item:match "^{(.*)}"
  local key, value = item:match "^([%w_]+):%s*(.*)$"
  if inside then
    state.split = {}
    for _, entry in ipairs(flow_of(inside)) do take(state, entry[1], entry[2], indent) end
  elseif key then
    state.split = {}
    take(state, key, value, indent + 2)
  else
    state.config.files[#state.config.files + 1] = { of = state.split, path = scalar(item) }
  end
end

--- The configs in the front matter of a card: what is needed of YAML for them, and no more.
---@param card string
---@return fellowship.FolderConfig[]
function folder.configs(card)
  local front = card:match "^%-%-%-\r?\n(.-)\n%-%-%-" or ""
  local configs, state, within, outer = {}, {}, false, nil
  for line in (front .. "\n"):gmatch "(.-)\r?\n" do
    local indent, rest = line:match "^( *)(.*)$"
    if rest:find "^configs:" and indent == "" then within = true
    elseif indent == "" and rest:find "^[%w_]" then within = false
    elseif within and rest ~= "" and rest:sub(1, 1) ~= "#" then
      local item = rest:match "^%- *(.*)$"
      outer = outer or #indent -- of the list of configs
      if item and #indent == outer then
        state = { config = { name = "default", default = false, files = {} }, split = {} }
        configs[#configs + 1] = state.config
        local key, value = item:match "^([%w_]+):%s*(.*)$"
        if key then take(state, key, value, #indent) end
      elseif item and state.config then take_item(state, item, #indent)
      elseif state.config then
        local key, value = rest:match "^([%w_]+):%s*(.*)$"
        if key then take(state, key, value, #indent) end
      end
    end
  end
  for _, config in ipairs(configs) do
    for _, each in ipairs(config.files) do each.split, each.of = each.of.split, nil end
  end
  return configs
end

--- The config that loaders take when none is named.
local function default_of(configs)
  for _, config in ipairs(configs) do
    if config.default then return config end
  end
  for _, config in ipairs(configs) do
    if config.name == "default" then return config end
  end
  return configs[1]
end

-- ---- files ----

local SPLITS = { train = "train", training = "train", test = "test", testing = "test", eval = "test",
  evaluation = "test", validation = "validation", valid = "validation", val = "validation", dev = "validation" }

--- The split that a file's path names by a word of its; nil when it names none.
local function split_of(path)
  for word in path:gmatch "%a+" do
    if SPLITS[word:lower()] then return SPLITS[word:lower()] end
  end
end

-- What lies beside data and is none: this program's, and the Hub's.
local BESIDE = { ["dataset_info.json"] = true, ["dataset_infos.json"] = true, ["results.json"] = true,
  ["run.json"] = true, ["state.json"] = true, ["errors.jsonl"] = true, ["config.json"] = true }

local function is_data(name)
  local named = naming.read(name)
  return not BESIDE[name] and (named.format ~= nil or naming.is_duckdbs(name))
end

--- Data files of a folder and of the folders in it, as paths from `root`.
local function find(root, below, list)
  for _, name in ipairs(sys.list(root .. below) or {}) do
    local path = below .. "/" .. name
    local kind = sys.kind(root .. path)
    if kind == "folder" then find(root, path, list)
    elseif kind == "file" and is_data(name) then list[#list + 1] = { split = split_of(path), path = path:sub(2) } end
  end
  return list
end

--- Files that the paths and patterns of a config stand for.
local function matching(root, config)
  local list = {}
  for _, given in ipairs(config.files) do
    local path = (config.dir and config.dir .. "/" or "") .. given.path
    if naming.is_elsewhere(path) then
      list[#list + 1] = { split = given.split, path = path, elsewhere = true }
    else
      local found = sys.glob(root .. "/" .. path:gsub("%*%*/?", "*")) or {}
      for _, each in ipairs(found) do
        list[#list + 1] = { split = given.split or split_of(each:sub(#root + 1)), path = each:sub(#root + 2) }
      end
    end
  end
  if #config.files == 0 then find(root, "/" .. (config.dir or "data"), list) end
  return list
end

--- Those of the split train, where files are parted into splits; else of the first.
local function of_one_split(list)
  local chosen, others
  for _, each in ipairs(list) do
    if each.split == "train" or not chosen then chosen = each.split or chosen end
  end
  local kept = {}
  for _, each in ipairs(list) do
    if each.split == chosen then kept[#kept + 1] = each else others = true end
  end
  return kept, others and chosen
end

--- The data files of a folder, in order: those of its card's default config, else those in data/, else those in it; of
--- the split train, where there are several. Raises when there are none.
---@param root string
---@return string[] files
---@return string said which they are, for people
function folder.files(root)
  root = root:gsub("(.)/+$", "%1")
  local card = file.read(root .. "/README.md")
  local config = card and default_of(folder.configs(card))
  local list = config and matching(root, config) or {}
  if #list == 0 then list = find(root, "/data", {}) end
  if #list == 0 then list = find(root, "", {}) end
  if #list == 0 then
    fail("%s: no data in this folder: neither its card's configs nor its names tell of any (.jsonl, .json, .csv, "
      .. ".tsv, .parquet)", root)
  end
  local kept, split = of_one_split(list)
  local files = {}
  for i, each in ipairs(kept) do files[i] = each.elsewhere and each.path or root .. "/" .. each.path end
  local said = ("%s: reading %s"):format(root, text.count(#files, "file"))
  if split then said = ("%s of the split %s"):format(said, split) end
  return files, ("%s (%s%s)"):format(said, kept[1].path, #kept > 1 and ", ..." or "")
end

return folder
