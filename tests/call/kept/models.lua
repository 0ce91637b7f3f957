return {
  mine = { model = "openai:m", identity = "mine-1", params = { max_tokens = 7 } },
  missing = { model = "openai:missing", attempts = 1 },
}
