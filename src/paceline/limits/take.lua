-- Take one out of each of several buckets, all or none, by Redis' own clock (the "generic cell rate
-- algorithm": a bucket is the moment at which it is full again).
--
-- KEYS: the buckets. ARGV: for each what it holds, which is what flows in within a minute.
-- Returns {index, remaining, wait (ms), reset (ms)} of the bucket with the least left; a wait that
-- is not 0 says that nothing was taken, and for how long there is nothing in that bucket.
local MINUTE = 60000
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local full_at, tightest, least = {}, 1, nil

for i, key in ipairs(KEYS) do
  local holds = tonumber(ARGV[i])
  local at = math.max(now, tonumber(redis.call("GET", key) or 0)) + MINUTE / holds
  if at - now > MINUTE + 0.001 then
    return {i, 0, math.ceil(at - now - MINUTE), MINUTE}
  end
  full_at[i] = at
  local left = math.floor((MINUTE - (at - now)) * holds / MINUTE + 0.001)
  if least == nil or left < least then tightest, least = i, left end
end
for i, key in ipairs(KEYS) do
  redis.call("SET", key, string.format("%.3f", full_at[i]), "PX", math.ceil(full_at[i] - now) + 1000)
end
return {tightest, least, 0, math.ceil(full_at[tightest] - now)}
