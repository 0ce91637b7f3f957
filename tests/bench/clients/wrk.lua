-- wrk's request, and its figures as JSON. It reads no JSON: calls.py compares the bytes that came.
-- luacheck: globals wrk done
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer test"
wrk.body = '{"messages":[{"content":"1' .. os.getenv "BENCH_PROMPT" .. '","role":"user"}],"model":"bench"}'

function done(summary)
  local e = summary.errors
  io.stdout:write(('{"calls":%d,"bad":%d,"seconds":%.3f,"bytes":%d}\n'):format(summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6, summary.bytes))
end
