-- wrk script: POSTs a fixed body of 2048 bytes, expects to get it back, and accounts for every request that it sends.
--
-- What wrk counts by itself is not enough for "no request was lost": a request that is never answered is in none of its
-- columns, nor (depending on its version) is one whose connection is closed without an answer. So each thread counts
-- what it sent and what was answered, and load.ts ends a load by making each connection park after its answer: in
-- delay(), as soon as the file STOP exists. Whatever is not answered then is lost.
--
-- On stdout, for load.ts: `flowing` (a thread has its first answer), `parked` (all of a thread's connections have
-- stopped), and at the end `report {…}`.

local STOP = assert(os.getenv("LOAD_STOP_FILE"), "LOAD_STOP_FILE is not set")
local PER_THREAD = tonumber(os.getenv("LOAD_CONNECTIONS_PER_THREAD"))
local FOREVER_MS = 24 * 3600 * 1000
local MAX_EXAMPLES = 3

local body = string.rep("graceful", 256)
local formatted

-- Read by done() through thread:get().
sent, answered, parked, ok, non2xx, wrong, spliced = 0, 0, 0, 0, 0, 0, 0
statuses, versions, examples = {}, {}, {}

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrk.headers["Content-Type"] = "application/octet-stream"
  formatted = wrk.format("POST", nil, nil, body)
end

local function tell(word)
  io.write(word, "\n")
  io.flush()
end

local begun = false
-- Called before each request of a connection but those that replace a broken one.
function delay()
  if not begun then
    begun = true
    -- wrk has called request() once by then, to look at it.
    sent = 0
  end
  local stop = io.open(STOP)
  if not stop then return 0 end
  stop:close()
  parked = parked + 1
  if parked == PER_THREAD then tell("parked") end
  return FOREVER_MS
end

function request()
  sent = sent + 1
  return formatted
end

local function example(text)
  if #examples < MAX_EXAMPLES then table.insert(examples, text) end
end

function response(status, headers, answer)
  answered = answered + 1
  if answered == 1 then tell("flowing") end
  statuses[status] = (statuses[status] or 0) + 1
  -- HAProxy writes all names in lower case.
  local version = headers["X-Version"] or headers["x-version"]
  if version then versions[version] = (versions[version] or 0) + 1 end
  if status < 200 or status > 299 then
    non2xx = non2xx + 1
    example(status .. " " .. string.sub(answer, 1, 200))
  elseif #answer > #body and string.sub(answer, -#body) == body then
    -- wrk puts what it had of a broken answer in front of the next one of that connection; load.ts sorts it out.
    spliced = spliced + 1
  elseif answer ~= body then
    wrong = wrong + 1
    example("wrong body of " .. #answer .. " bytes: " .. string.sub(answer, 1, 200))
  else
    ok = ok + 1
  end
end

local function quote(text)
  text = string.gsub(text, '[%c"\\\128-\255]', function(c) return string.format("\\u%04x", string.byte(c)) end)
  return '"' .. text .. '"'
end

local function object(counts)
  local parts = {}
  for key, value in pairs(counts) do
    table.insert(parts, quote(tostring(key)) .. ":" .. value)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function done(summary, latency)
  local total = { sent = 0, answered = 0, parked = 0, ok = 0, non2xx = 0, wrong = 0, spliced = 0 }
  local all = { statuses = {}, versions = {} }
  local shown = {}
  for _, thread in ipairs(threads) do
    for name in pairs(total) do
      total[name] = total[name] + thread:get(name)
    end
    for name, sums in pairs(all) do
      for key, count in pairs(thread:get(name)) do
        sums[key] = (sums[key] or 0) + count
      end
    end
    for _, text in ipairs(thread:get("examples")) do
      table.insert(shown, quote(text))
    end
  end
  local errors = summary.errors
  total.connect, total.read, total.write, total.late = errors.connect, errors.read, errors.write, errors.timeout
  total.durationUs = summary.duration
  total.p50Us, total.p99Us, total.maxUs = latency:percentile(50), latency:percentile(99), latency.max
  io.write(
    'report {"counts":', object(total),
    ',"statuses":', object(all.statuses),
    ',"versions":', object(all.versions),
    ',"examples":[', table.concat(shown, ","), "]}\n"
  )
end
