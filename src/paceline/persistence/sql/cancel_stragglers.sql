-- Cancel what waits of campaigns that were cancelled lately. An outcome whose statement began before
-- the cancellation was committed, and ended after its sweep, knows nothing of it and waits again. Of
-- a campaign of a million, most are left for here: a cancellation does not keep its caller waiting.
-- In doubt, if an earlier attempt is: see stores/calling_back.py.
-- $1 at most so many, $2 cancelled within so many seconds
WITH stragglers AS (
    SELECT j.email_id
      FROM campaigns c
      JOIN email_jobs j ON j.sender_id = c.sender_id AND j.campaign_id = c.id
                       AND j.state IN ('deferred', 'scheduled')
     WHERE c.state = 'cancelled' AND c.finished_at > now() - make_interval(secs => $2)
     LIMIT $1
       FOR UPDATE OF j SKIP LOCKED),
decided AS (
    SELECT s.email_id, CASE WHEN may_have_left(s.email_id) THEN 1 ELSE 0 END AS doubts
      FROM stragglers s)
UPDATE email_jobs j
   SET state = CASE d.doubts WHEN 0 THEN 'cancelled' ELSE 'in_doubt' END,
       attempt = j.attempt + d.doubts,
       in_doubt_at = CASE d.doubts WHEN 1 THEN clock_timestamp() END,
       updated_at = clock_timestamp()
  FROM decided d
 WHERE j.email_id = d.email_id AND j.state IN ('deferred', 'scheduled')
RETURNING j.email_id
