-- SPDX-License-Identifier: Apache-2.0
-- wrk script: each request is the next line of the file RESTANTE_REQUESTS, a sealed document, and comes without a session.
local lines = {}
local count = 0
function init()
  for line in io.lines(os.getenv("RESTANTE_REQUESTS")) do lines[#lines + 1] = line end
  wrk.headers["Content-Type"] = "application/jose"
end
function request()
  count = count + 1
  return wrk.format("POST", "/v1/proxies", nil, lines[count] or "used up")
end
local refused = 0
function response(status, headers, body)
  if status ~= 202 then refused = refused + 1; if refused < 4 then print("status " .. status .. " " .. body) end end
end
function done(summary, latency)
  io.write(string.format("RESULT {\"requests\":%d,\"seconds\":%f,\"p50_ms\":%f,\"p99_ms\":%f,\"errors\":%d}\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
