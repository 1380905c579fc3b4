-- Try doubtful emails again where that is right: after the grace period, if their campaign's policy
-- is 'resend'; after half a minute, if their server drops a second copy by itself, still remembers
-- the first, and is the one that had it: the sender's account is what it was. Only for a doubt about the last attempt: one that later attempts could not end, or that
-- a person has called back, stays. So does what is held since the database went back: a rule that takes
-- two for none at all knows nothing of a whole day. And so does all, from a database that has gone back
-- behind what this process has seen, or while what was due is being held: the lock is let go before it
-- is fixed what was due.
-- $1 grace seconds, $2 at most so many, $3 hosts that de-duplicate, $4 for how many seconds,
-- $5 the beat that this process knows of
WITH here AS MATERIALIZED (
    SELECT FROM installation WHERE singleton AND beat >= $5 AND held_from IS NULL FOR SHARE),
settled AS (
    SELECT j.email_id,
           CASE WHEN c.doubt_policy = 'resend' AND j.in_doubt_at < now() - make_interval(secs => $1)
                THEN 'campaign' ELSE 'server' END AS rule
      FROM email_jobs j
      JOIN senders s ON s.id = j.sender_id
      JOIN attempts a ON a.email_id = j.email_id AND a.attempt = j.attempt
      LEFT JOIN campaigns c ON c.id = j.campaign_id
     WHERE EXISTS (SELECT FROM here)
       AND j.state = 'in_doubt' AND c.state IS DISTINCT FROM 'cancelled'
       AND s.deleted_at IS NULL
       AND a.outcome = 'in_doubt' AND a.phase IS DISTINCT FROM 'restored'
       AND (   (c.doubt_policy = 'resend' AND j.in_doubt_at < now() - make_interval(secs => $1))
            OR (lower(s.smtp_host) = ANY ($3::text[]) AND a.account_version = s.account_version
                AND j.in_doubt_at < now() - interval '30 s'
                AND j.dated_at > now() - make_interval(secs => $4)))
     ORDER BY j.in_doubt_at LIMIT $2
       FOR UPDATE OF j SKIP LOCKED),
again AS (
    UPDATE email_jobs j
       SET state = 'deferred', in_doubt_at = NULL, due_at = now(),
           updated_at = clock_timestamp()
      FROM settled s
     WHERE j.email_id = s.email_id AND j.state = 'in_doubt'
    RETURNING j.email_id, j.sender_id, j.campaign_id),
decided AS (
    INSERT INTO email_decisions (email_id, what, detail)
    SELECT a.email_id, 'sent_again', jsonb_build_object('rule', s.rule)
      FROM again a JOIN settled s USING (email_id)),
reopened AS (
    UPDATE campaigns c SET state = 'active', finished_at = NULL, updated_at = clock_timestamp()
     WHERE c.id IN (SELECT campaign_id FROM again) AND c.state IN ('active', 'completed')),
signalled AS (
    UPDATE lanes l SET signal_seq = l.signal_seq + 1, wake_at = LEAST(l.wake_at, now())
     WHERE l.sender_id IN (SELECT sender_id FROM again))
SELECT email_id, sender_id FROM again
