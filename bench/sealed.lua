-- SPDX-License-Identifier: Apache-2.0
-- wrk script: each request is the next line of the file RESTANTE_REQUESTS, a sealed document, and comes without a session. All differ:
-- none can be a replay, and what is refused counts as an error.
local requests = {}
local count = 0
function init()
  wrk.headers["Content-Type"] = "application/jose"
  for line in io.lines(os.getenv("RESTANTE_REQUESTS")) do requests[#requests + 1] = wrk.format("POST", "/v1/proxies", nil, line) end
end
function request()
  count = count + 1
  return requests[count] or wrk.format("POST", "/v1/proxies", nil, "used up")
end
function done(summary, latency)
  io.write(string.format("RESULT {\"requests\":%d,\"seconds\":%f,\"p50_ms\":%f,\"p99_ms\":%f,\"errors\":%d}\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
