std = "lua54"
self = false -- methods need not use it
max_string_line_length = false
max_comment_line_length = false
files["tests"] = { max_line_length = false } -- tables of cases, a line each
files["lualib/fellowship/judge/prompts.lua"] = { max_line_length = false } -- paragraphs
files["lualib/meta"] = { ignore = { "241" } } -- classes that only have methods
