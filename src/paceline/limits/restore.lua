-- Rebuild counters that were found to be missing, and slots that were taken and never settled, from
-- evidence that was read since; a new epoch begins. Only under the nonce that was given then: who was
-- frozen over his evidence may come when the counters were rebuilt, used and lost once more.
--
-- KEYS: pairs of rate and gap
-- ARGV: 1 counters live (s), 2 hold (ms), then for each pair: nonce, used this hour, ms since the last
--       one ended (-1: none, -2: one is under way, by a turn that began before the counters vanished)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl, hold = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 1, #KEYS / 2 do
  local rate_key, gap_key = KEYS[2 * i - 1], KEYS[2 * i]
  local nonce, used, ago = ARGV[3 * i], ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2])
  local known = redis.call("HMGET", gap_key, "pending", "busy_until", "taken_at")
  if known[1] == nonce then
    if known[3] and tonumber(known[2]) <= now then
      redis.call("HDEL", gap_key, "last_at", "busy_until", "taken_at")
    end
    redis.call("SET", rate_key, used, "NX", "EX", ttl)
    local last_at = ago == -1 and 0 or now - math.max(0, ago)
    if redis.call("HSETNX", gap_key, "last_at", last_at) == 1 and ago == -2 then
      redis.call("HSET", gap_key, "busy_until", now + hold, "taken_at", 0) -- by nobody that we know
    end
    redis.call("HSET", gap_key, "epoch", nonce)
    redis.call("HDEL", gap_key, "pending")
    redis.call("EXPIRE", gap_key, ttl)
  end
end
return 0
