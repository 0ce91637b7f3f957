-- The model of the quickstart's recording in its three roles, as `make local-model` serves it
-- (PORT=N for another port than 8080). What stands in params is part of each call's key.

local function smollm2(params)
  params.temperature = 0
  return {
    model = "openai:SmolLM2-135M-Instruct.Q4_1",
    base_url = ("http://127.0.0.1:%s/v1"):format(os.getenv "PORT" or "8080"),
    key_env = "",                            -- the server wants no key
    identity = "smollm2-135m-instruct-q4_1", -- what the keys hold in place of the address
    params = params,
  }
end

-- llama.cpp's `grammar` (GBNF) holds so small a model to a form that it does not keep by itself:
-- the reviewer to one of three pieces of advice, the judge to two scores. Which of them is the model's
-- own choice.
local ADVICE = [[
root ::= "Make it shorter." | "Be more concrete." | "Use simpler words."
]]

local SCORES = [[
root ::= "### Score Assistant A:\n" score "/10\n\n### Score Assistant B:\n" score "/10"
score ::= [1-9] | "10"
]]

return {
  -- The mild penalty keeps answers from going round in circles.
  ["SmolLM2-135M-Instruct"] = smollm2 { max_tokens = 256, repeat_penalty = 1.1, repeat_last_n = 256 },
  ["SmolLM2-135M-Instruct-reviewer"] = smollm2 { max_tokens = 16, repeat_penalty = 1.1, repeat_last_n = 256,
    grammar = ADVICE },
  ["SmolLM2-135M-Instruct-judge"] = smollm2 { max_tokens = 40, repeat_penalty = 1, grammar = SCORES },
}
