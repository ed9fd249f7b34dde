-- wrk script: test/rig/post.lua with its oracle, and besides, when each request was sent and answered.
--
-- The body begins with the time at which it was sent, which the app echoes. One line per answer goes to the file
-- LOAD_TIMES.<thread>: `<sent> <answered> <version>` in microseconds of CLOCK_MONOTONIC (process.hrtime() of Node), or
-- `0 <answered> !<status>` for an answer that is an error.

local ffi = require("ffi")
ffi.cdef([[
  typedef struct { long sec; long nsec; } bench_timespec;
  int clock_gettime(int clock, bench_timespec *time);
]])
local CLOCK_MONOTONIC = 1
local STAMP = 16
local now = ffi.new("bench_timespec")

dofile(assert(os.getenv("LOAD_BASE_SCRIPT"), "LOAD_BASE_SCRIPT is not set"))
local base = { setup = setup, init = init, delay = delay, response = response }

local head = string.rep("graceful", STAMP / 8)
local tail = string.rep("graceful", 256 - STAMP / 8)
local before, file

local numbered = 0
function setup(thread)
  numbered = numbered + 1
  thread:set("number", numbered)
  base.setup(thread)
end

function init(args)
  base.init(args)
  local whole = wrk.format("POST", nil, nil, head .. tail)
  before = string.sub(whole, 1, #whole - #head - #tail)
  file = assert(io.open(os.getenv("LOAD_TIMES") .. "." .. number, "w"))
  file:setvbuf("full", 65536)
end

local function micros()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, now)
  return tonumber(now.sec) * 1000000 + math.floor(tonumber(now.nsec) / 1000)
end

function request()
  sent = sent + 1
  return before .. string.format("%016d", micros()) .. tail
end

function response(status, headers, answer)
  headers["X-Version"] = headers["X-Version"] or headers["x-version"] -- HAProxy's
  if status >= 200 and status < 300 and #answer >= #head + #tail then
    -- The last one, if a broken answer stands before it.
    local at = #answer - #head - #tail
    local stamp = string.sub(answer, at + 1, at + STAMP)
    if string.find(stamp, "^%d+$") then
      file:write(stamp, " ", string.format("%d", micros()), " ", headers["X-Version"] or "?", "\n")
      answer = string.sub(answer, 1, at) .. head .. string.sub(answer, at + STAMP + 1)
    end
  else
    file:write("0 ", string.format("%d", micros()), " !", status, "\n")
  end
  base.response(status, headers, answer)
end

-- Called between two requests of a connection; at the end of a load these park, and nothing is written any more.
function delay()
  local pause = base.delay()
  if pause > 0 then file:flush() end
  return pause
end
