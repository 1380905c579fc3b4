-- After the emails of a reservation: give back what was not used, and start the gaps anew.
--
-- KEYS: what this very settlement is known by, then pairs of rate and gap, the sender's first, then
--       those of the campaigns
-- ARGV: 1 when the slots were taken (ms), then for each pair: its epoch then, unused (to give back),
--       left (how many left this machine)
-- A counter that was rebuilt since may not have what is given back, and keeps what it has.
-- A slot is freed by who took it: held for too long, it has gone to somebody else.
-- A client that heard no answer asks again, and both may arrive: what is given back is given back once.
if not redis.call("SET", KEYS[1], 1, "NX", "EX", 60) then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.ceil(time[2] / 1000) -- never before it left
for i = 1, (#KEYS - 1) / 2 do
  local rate_key, gap_key = KEYS[2 * i], KEYS[2 * i + 1]
  local epoch, unused, left = ARGV[3 * i - 1], tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local known = redis.call("HMGET", gap_key, "epoch", "last_at", "taken_at")
  if unused > 0 and known[1] == epoch then
    local used = tonumber(redis.call("GET", rate_key))
    if used then redis.call("SET", rate_key, math.max(0, used - unused), "KEEPTTL") end
  end
  if known[2] then
    if known[3] == ARGV[1] then redis.call("HDEL", gap_key, "busy_until", "taken_at") end
    if left > 0 then redis.call("HSET", gap_key, "last_at", now) end
  end
end
return 0
