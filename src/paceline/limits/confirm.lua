-- Whether the counters are still those that a booking was made in. Asked once the claims for it are
-- committed: from then on the evidence has them, whoever rebuilds the counters.
--
-- KEYS: gaps
-- ARGV: the epoch of each ("": it had no limit, and nobody is to count it since)
-- Of another run of Redis, an epoch may be one that had ended already.
-- It writes, and changes nothing: a primary that is cut off refuses writes, and its epochs may have ended
-- elsewhere.
local run = string.match(redis.call("INFO", "server"), "run_id:(%w+)") or "unknown"
for i, gap_key in ipairs(KEYS) do
  redis.call("HDEL", gap_key, "confirmed")
  local known = redis.call("HMGET", gap_key, "epoch", "run", "pending")
  if (known[1] or "") ~= ARGV[i] or known[3] then return 0 end
  if known[1] and known[2] ~= run then return 0 end
end
return 1
