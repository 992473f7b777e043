-- wrk -s wrk.lua <url> -- <file of keys> <method> <path> <body or ""> <"key" or ""> <run>
local count = 0

function setup(thread)
  count = count + 1
  thread:set("id", count)
end

function init(args)
  local method, path, body = args[2], args[3], args[4]
  keyed, run, sent, tail, heads = args[5] == "key", args[6], 0, "\r\n" .. body, {}
  local entity = body == "" and "" or "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n"
  for key in io.lines(args[1]) do
    heads[#heads + 1] = method .. " " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. key .. "\r\n" .. entity
  end
  if not keyed then
    for i = 1, #heads do heads[i] = heads[i] .. tail end
  end
  math.randomseed(os.time() * 100 + id)
end

function request()
  local head = heads[math.random(#heads)]
  if not keyed then return head end
  sent = sent + 1
  return head .. "Idempotency-Key: " .. run .. "-" .. id .. "-" .. sent .. "\r\n" .. tail
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"notOk":%d,"lost":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout
  ))
end
