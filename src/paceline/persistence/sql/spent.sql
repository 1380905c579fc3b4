-- What a sender's counters must hold, rebuilt from evidence: per key what the hour has
-- seen, and how long ago the last email ended. Emails claimed but not yet written ahead count as
-- spent: their slots were reserved. Evidence that the dot was never written does not count.
-- An email belongs to the hour that it was booked in, by Redis' clock. PostgreSQL's, by which its dot was
-- noted, may be wrong by up to an hour. Of emails from before that was kept, its clock is all there is.
-- last_seconds_ago is negative while an email is under way: after a wipe, another turn may run.
-- $1 sender_id, $2 campaign_ids, $3 the start of the hour by Redis' clock
WITH spent AS (
    SELECT a.campaign_id, a.dot_at
      FROM attempts a
     WHERE a.sender_id = $1 AND a.dot_at >= $3::timestamptz - interval '1 hour'
       AND coalesce(a.booked_hour = $3, a.dot_at >= $3)
       AND (a.outcome IN ('sending', 'sent', 'in_doubt')
            OR (a.outcome = 'rejected' AND a.phase = 'dot'))
    UNION ALL
    SELECT j.campaign_id, NULL FROM email_jobs j WHERE j.sender_id = $1 AND j.state = 'claimed'),
keys AS (
    SELECT $1 AS key, true AS of_sender
    UNION ALL SELECT c, false FROM unnest($2::uuid[]) AS c)
SELECT k.key, k.of_sender,
       (SELECT count(*) FROM spent s WHERE k.of_sender OR s.campaign_id = k.key) AS used,
       CASE WHEN EXISTS (SELECT 1 FROM email_jobs j
                          WHERE j.sender_id = $1 AND j.lease_until IS NOT NULL
                            AND j.state IN ('claimed', 'sending')
                            AND (k.of_sender OR j.campaign_id = k.key))
            THEN -1
            ELSE extract(epoch FROM clock_timestamp() - CASE
           WHEN k.of_sender THEN (SELECT greatest(a.dot_at, a.ended_at) FROM attempts a
                                   WHERE a.sender_id = k.key AND a.dot_at IS NOT NULL
                                   ORDER BY a.dot_at DESC LIMIT 1)
           ELSE (SELECT greatest(a.dot_at, a.ended_at) FROM attempts a
                  WHERE a.campaign_id = k.key AND a.dot_at IS NOT NULL
                  ORDER BY a.dot_at DESC LIMIT 1) END) END AS last_seconds_ago
  FROM keys k
