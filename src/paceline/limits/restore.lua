-- Rebuild counters that do not exist, from evidence. Whoever comes first wins.
--
-- KEYS: pairs of rate and gap
-- ARGV: 1 counters live (s), then for each pair: used this hour, ms since the last one left (-1: none)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[1])
for i = 1, #KEYS / 2 do
  local rate_key, gap_key = KEYS[2 * i - 1], KEYS[2 * i]
  local used, ago = ARGV[2 * i], tonumber(ARGV[2 * i + 1])
  redis.call("SET", rate_key, used, "NX", "EX", ttl)
  redis.call("HSETNX", gap_key, "last_at", ago < 0 and 0 or now - ago)
  redis.call("EXPIRE", gap_key, ttl)
end
return 0
