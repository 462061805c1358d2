-- For wrk: each request carries the next of many credentials. Arguments: a file with one header a line; without one, none.
-- The last line of the output is one JSON object with exact counts.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  requests, at = {}, 0
  if args[1] then
    for line in io.lines(args[1]) do
      local name, value = line:match("^([^:]+): (.*)$")
      requests[#requests + 1] = wrk.format("GET", nil, {[name] = value})
    end
    -- Threads begin at different places.
    at = (number * 4999) % #requests
  else
    requests[1] = wrk.format("GET")
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
