-- Rebuild counters that do not exist, or are of another run of Redis, and slots that were taken and
-- never settled, from evidence. Whoever comes first wins.
--
-- KEYS: pairs of rate and gap
-- ARGV: 1 counters live (s), 2 hold (ms), then for each pair: used this hour, ms since the last one
--       ended (-1: none, -2: one is under way, by a turn that began before the counters vanished)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl, hold = tonumber(ARGV[1]), tonumber(ARGV[2])
local run = string.match(redis.call("INFO", "server"), "run_id:(%w+)") or "unknown"
for i = 1, #KEYS / 2 do
  local rate_key, gap_key = KEYS[2 * i - 1], KEYS[2 * i]
  local used, ago = ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2])
  if redis.call("HGET", gap_key, "run") ~= run then
    redis.call("DEL", rate_key)
    redis.call("HDEL", gap_key, "last_at", "busy_until", "taken_at")
    redis.call("HSET", gap_key, "run", run)
  end
  local slot = redis.call("HMGET", gap_key, "busy_until", "taken_at")
  if slot[2] and tonumber(slot[1]) <= now then
    redis.call("HDEL", gap_key, "last_at", "busy_until", "taken_at")
  end
  redis.call("SET", rate_key, used, "NX", "EX", ttl)
  local last_at = ago == -1 and 0 or now - math.max(0, ago)
  if redis.call("HSETNX", gap_key, "last_at", last_at) == 1 and ago == -2 then
    redis.call("HSET", gap_key, "busy_until", now + hold, "taken_at", 0) -- by nobody that we know
  end
  redis.call("EXPIRE", gap_key, ttl)
end
return 0
