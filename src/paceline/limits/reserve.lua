-- Reserve emails for one sender and its campaigns, all or nothing of each, by Redis' own clock.
--
-- KEYS: sender's rate, sender's gap, then for each campaign its rate and its gap
-- ARGV: 1 start of the hour in the keys (s), 2 capacity, 3 early (ms), 4 hold (ms), 5 counters live (s),
--       6 a nonce, 7 sender's limit (-1: none), 8 sender's gap (ms), then for each campaign: want, limit, gap
-- Returns {"hour", now} when the hour in the keys is not the current one,
--         {"missing", i, nonce, …} when counters are not to be had (0 the sender's, i the i-th campaign's):
--             whoever rebuilds one has to name its nonce,
--         {"wait", ms, reason} when nothing may go,
--         {"ok", now, epoch, granted_1, wait_1, epoch_1, …}: `wait` ms until that campaign's slot, taken
--             `now`; the sender's epoch and the campaign's ("": it has no limit).
local HOUR = 3600000
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local hour_start = tonumber(ARGV[1]) * 1000
local hour_end = hour_start + HOUR
if now < hour_start or now >= hour_end then return {"hour", tostring(now)} end

local capacity, early, hold = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ttl = tonumber(ARGV[5])
local campaigns = (#KEYS - 2) / 2
local missing = {"missing"}
local run = string.match(redis.call("INFO", "server"), "run_id:(%w+)") or "unknown"

-- A pair of counters has an epoch, from when it is rebuilt until it is found to be missing. Until then
-- it has every booking of that epoch; afterwards it has what the evidence shows when it is rebuilt. So a
-- booking whose epoch still stands after its claim is committed is missing from no counter.
local function absent(index, gap_key)
  redis.call("HDEL", gap_key, "epoch")
  redis.call("HSETNX", gap_key, "pending", ARGV[6]) -- those who rebuild it side by side share one nonce
  redis.call("EXPIRE", gap_key, ttl)
  table.insert(missing, index)
  table.insert(missing, redis.call("HGET", gap_key, "pending"))
  return 0, 0, ""
end

-- A limit that is switched off forgets its counter; switched on again, it is rebuilt from evidence.
-- So is one of another run of Redis: started anew, it may have lost what was counted last.
local function read(index, rate_key, gap_key, limit, gap)
  if limit < 0 then redis.call("DEL", rate_key) end
  if limit < 0 and gap <= 0 then
    redis.call("HDEL", gap_key, "epoch", "pending", "last_at", "busy_until", "taken_at")
    return math.huge, 0, ""
  end
  if gap <= 0 then redis.call("HDEL", gap_key, "last_at", "busy_until", "taken_at") end
  local known = redis.call("HMGET", gap_key, "run", "epoch", "last_at", "busy_until", "taken_at")
  if known[1] ~= run then
    redis.call("DEL", rate_key)
    redis.call("HDEL", gap_key, "pending", "last_at", "busy_until", "taken_at")
    redis.call("HSET", gap_key, "run", run)
    return absent(index, gap_key)
  end
  local used = limit < 0 and 0 or tonumber(redis.call("GET", rate_key))
  local last_at, busy_until, taken = tonumber(known[3]), tonumber(known[4] or 0), known[5]
  -- Taken, never settled, and over: only the evidence knows when that email left, if it did.
  local lost = gap > 0 and (not last_at or (taken and busy_until <= now))
  if not known[2] or not used or lost then return absent(index, gap_key) end
  local free_at = 0
  if gap > 0 then
    free_at = math.max(last_at + gap, busy_until)
    if taken then free_at = free_at + early end -- not ahead of time: nobody knows yet when it is free
  end
  return limit < 0 and math.huge or math.max(0, limit - used), math.max(0, free_at - now), known[2]
end

local sender_limit, sender_gap = tonumber(ARGV[7]), tonumber(ARGV[8])
local sender_left, sender_wait, sender_epoch = read(0, KEYS[1], KEYS[2], sender_limit, sender_gap)

local list = {}
for i = 1, campaigns do
  local a = 8 + 3 * (i - 1)
  local c = {want = tonumber(ARGV[a + 1]), limit = tonumber(ARGV[a + 2]), gap = tonumber(ARGV[a + 3]),
             rate_key = KEYS[1 + 2 * i], gap_key = KEYS[2 + 2 * i], granted = 0}
  c.left, c.wait, c.epoch = read(i, c.rate_key, c.gap_key, c.limit, c.gap)
  list[i] = c
end
if #missing > 1 then return missing end

if sender_left <= 0 then return {"wait", hour_end - now, "hourly_limit"} end
if sender_wait > early then return {"wait", sender_wait, "min_delay"} end

-- What each campaign may have on its own, and what keeps it from having more.
local soonest, reason = math.huge, nil
local function blocked(ms, why)
  if ms < soonest then soonest, reason = ms, why end
end
for _, c in ipairs(list) do
  c.wait = math.max(c.wait, sender_wait)
  c.allowed = math.min(c.want, c.left)
  if c.gap > 0 then c.allowed = math.min(c.allowed, 1) end
  if c.left <= 0 then
    blocked(hour_end - now, "campaign_hourly_limit")
  elseif c.wait > early then
    c.allowed = 0
    blocked(c.wait, "min_delay")
  elseif now + c.wait >= hour_end then
    c.allowed = 0 -- its slot belongs to the next hour's count
    blocked(hour_end - now, "min_delay")
  end
end

-- One each in turn, beginning after the campaign that was served last: 20 emails beside 50,000
-- are not starved.
local room = math.min(capacity, sender_left)
if sender_gap > 0 then room = math.min(room, 1) end
local start = 0
local last = redis.call("HGET", KEYS[2], "last_served")
for i, c in ipairs(list) do
  if c.rate_key == last then start = i end
end
local served, progress = nil, true
while room > 0 and progress do
  progress = false
  for step = 0, campaigns - 1 do
    local c = list[(start + step) % campaigns + 1]
    if room > 0 and c.granted < c.allowed then
      c.granted, room, progress, served = c.granted + 1, room - 1, true, c.rate_key
    end
  end
end
if not served then return {"wait", soonest, reason} end

local function spend(rate_key, gap_key, limit, gap, granted, wait)
  if limit >= 0 then
    redis.call("INCRBY", rate_key, granted)
    redis.call("EXPIRE", rate_key, ttl)
  end
  if gap > 0 then
    redis.call("HSET", gap_key, "busy_until", now + wait + hold, "taken_at", now)
  end
end
local total, reply = 0, {"ok", now, sender_epoch}
for _, c in ipairs(list) do
  if c.granted > 0 then spend(c.rate_key, c.gap_key, c.limit, c.gap, c.granted, c.wait) end
  total = total + c.granted
  table.insert(reply, c.granted)
  table.insert(reply, c.wait)
  table.insert(reply, c.epoch)
end
spend(KEYS[1], KEYS[2], sender_limit, sender_gap, total, sender_wait)
redis.call("HSET", KEYS[2], "last_served", served)
redis.call("EXPIRE", KEYS[2], ttl + math.ceil(sender_gap / 1000))
for _, c in ipairs(list) do
  if c.gap > 0 then redis.call("EXPIRE", c.gap_key, ttl + math.ceil(c.gap / 1000)) end
end
return reply
