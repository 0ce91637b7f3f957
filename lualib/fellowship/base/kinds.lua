-- Kinds of failures: what each means, and what helps against it. Summaries advise by this table, and the guide prints it.

---@class fellowship.Kind
---@field [1] string the kind, as errors and errors.jsonl have it
---@field [2] string what it means
---@field [3]? string what helps, for the summary of a run
---@type fellowship.Kind[]
return {
  { "auth", "the provider refuses the key, or there is none", "check the key that the message names" },
  { "not_found", "no such model, or no such address", "check the model's name and the base URL" },
  { "quota", "the account has no credit left, or a limit by the day is reached",
    "the account has no credit left: add some, then run the same command again" },
  { "rate_limit", "too many requests, to the end of all attempts",
    "lower --concurrency, or give the model a limit in --models, and run the same command again" },
  { "overloaded", "the server had no room (503, 529), to the end of all attempts", "run the same command again later" },
  { "server", "the server failed (5xx), to the end of all attempts", "run the same command again later" },
  { "timeout", "no answer in time: of a call, see the model's timeouts; of task:await, its limit",
    "raise the model's timeouts in --models, and run the same command again" },
  { "refused", "nobody listens at the address", "check that the server runs, and the base URL" },
  { "connect", "the server could not be reached: its name, the route, a proxy", "check the base URL and the network" },
  { "tls", "the server's certificate does not hold", "check the base URL; SSL_CERT_FILE names other authorities" },
  { "broken", "the connection ended within an answer, to the end of all attempts", "run the same command again" },
  { "redirect", "the server sends on to another address, which the key must not follow", "check the base URL" },
  { "too_large", "an answer of over 64 MiB" },
  { "garbage", "answers that make no sense, to the end of all attempts" },
  { "empty", "answers without text: only thinking, or calls of tools",
    "raise max_tokens: thinking may have used it up" },
  { "request", "the server calls the request wrong: a parameter, a message", "the message has the server's words" },
  { "content_filter", "the provider refuses to answer this prompt; kept in the store as an answer is" },
  { "context_length", "the prompt is too long for the model; kept in the store as an answer is",
    "these prompts are too long for the model: shorten them, or take another model" },
  { "unsupported", "the model cannot do what is asked: a parameter, log-probabilities, images",
    "leave the option out, or take another model" },
  { "schema", "the answer does not fit its JSON schema, asked for twice" },
  { "offline", "the store does not have the answer, and --offline forbids to ask",
    "run without --offline once, to ask what the store does not have" },
  { "batch", "a batch of the provider failed, or left the call out", "run the same command again" },
  { "budget", "--max-cost or --max-calls is reached: the run ends, no row has failed" },
  { "data", "the row is not what the script needs, or no row at all",
    "mend the rows that errors.jsonl names (file and line), and run the same command again" },
  { "file", "a file cannot be read or written" },
  { "store", "the store cannot be read or written: the run ends, since what is paid for could not be kept" },
  { "script", "the script itself raised an error", "errors.jsonl has the line of the script for each" },
  { "syntax", "a file is no Lua" },
  { "usage", "the command line, or a file of --models, is wrong: exit status 2" },
  { "nothing", "the run can have nothing to show: exit status 5" },
  { "cancelled", "the task was ended: by Ctrl+C, or task:cancel" },
  { "eof", "of a conversation with another program: it has ended" },
}
