-- For wrk: each request carries the next of many credentials. Arguments: a file with one header a line, and a form to post; either
-- may be empty.
-- The last line of the output is one JSON object with exact counts.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

-- The headers of every request and one more: those that are given to wrk.format stand in place of them.
local function with(name, value)
  local headers = {[name] = value}
  for known, other in pairs(wrk.headers) do
    headers[known] = other
  end
  return headers
end

function init(args)
  requests, at = {}, 0
  local method, body = "GET", nil
  if args[2] ~= "" then
    method, body = "POST", args[2]
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  if args[1] ~= "" then
    for line in io.lines(args[1]) do
      local name, value = line:match("^([^:]+): (.*)$")
      requests[#requests + 1] = wrk.format(method, nil, with(name, value), body)
    end
    -- Threads begin at different places.
    at = (number * 4999) % #requests
  else
    requests[1] = wrk.format(method, nil, nil, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "bytes": %d, "micros": %d, "refused": %d, "failed": %d, "p50Micros": %d, "p99Micros": %d}\n',
    summary.requests, summary.bytes, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
