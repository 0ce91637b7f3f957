-- Parameters by their names: the same thing is called otherwise at other providers, and scripts may use any of the names.
-- On the wire it is one parameter; in the key it stands as it was asked. Pure.

local names = {}

-- Other names of OpenAI's parameters. Where two names of one parameter are given, OpenAI's counts, since the library sets
-- that (a larger bound for a second question, say); else the first one in the order of the alphabet.
local MEANT = {
  max_completion_tokens = "max_tokens", max_output_tokens = "max_tokens", maxOutputTokens = "max_tokens",
  max_new_tokens = "max_tokens", num_predict = "max_tokens", stop_sequences = "stop", stopSequences = "stop",
  topP = "top_p", topK = "top_k", random_seed = "seed", presencePenalty = "presence_penalty",
  frequencyPenalty = "frequency_penalty",
}

names.OTHERS = MEANT

--- What a parameter is called by OpenAI.
---@param name string
---@return string
function names.meant(name)
  return MEANT[name] or name
end

--- The parameters by OpenAI's names, each once. The same table when nothing is called otherwise.
---@param params table<string, any>
---@return table<string, any>
function names.canonical(params)
  local others
  for name in next, params do
    if MEANT[name] then others = others or {} others[#others + 1] = name end
  end
  if not others then return params end
  table.sort(others)
  local list = {}
  for name, value in next, params do
    if not MEANT[name] then list[name] = value end
  end
  for _, name in ipairs(others) do
    local meant = MEANT[name]
    if list[meant] == nil then list[meant] = params[name] end
  end
  return list
end

return names
