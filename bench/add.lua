-- SPDX-License-Identifier: Apache-2.0
-- wrk script: each request is one new document (a fresh UUID), as RESTANTE_TOKEN, for the server RESTANTE_JKT.
local now = os.time()
local count = 0
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
function init() wrk.headers["Content-Type"] = "application/json"; wrk.headers["Authorization"] = "Bearer " .. os.getenv("RESTANTE_TOKEN") end
local run = tonumber(os.getenv("RESTANTE_RUN") or "0")
function request()
  count = count + 1
  local body = string.format('{"v":1,"id":"%08x-%04x-4000-8000-%012x","aud":[{"jkt":"%s"}],"iat":%d,"exp":%d,"what":{"files":[{"sources":[{"url":"http://127.0.0.1:9/download/some/file-%d.bin"}]}]},"when":{"start":"2037-01-01T00:00:00Z"},"probe":false}',
    run, number, count, os.getenv("RESTANTE_JKT"), now, now + 86400, count)
  return wrk.format("POST", "/v1/proxies", nil, body)
end
local refused = 0
function response(status) if status ~= 202 then refused = refused + 1; if refused < 4 then print("status " .. status) end end end
function done(summary, latency)
  io.write(string.format("RESULT {\"requests\":%d,\"seconds\":%f,\"p50_ms\":%f,\"p99_ms\":%f,\"errors\":%d}\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
