-- The two marks of an email that goes its usual way, in one transaction: those before it were taken by
-- their server, and the next ones may be about to leave. Either may be empty. Running it again answers
-- the same, or leaves it to record.sql. No email is in both.
--
-- Taken: of an email that is still ours as it was written ahead, and of no other. What is not returned as
-- taken is record.sql's: late evidence, what was recorded before, what was called something else meanwhile.
--
-- Write-ahead: noted before the final dot. An attempt that is not returned is fenced: the connection is
-- closed without the dot. Not the id alone: a worker that was frozen may hold an old attempt and a new
-- one of the same email, and ask about both at once.
-- "Has a lease" is "claimed or sending" by the table's CHECK. Said this way the planner has to come by
-- the primary key; said the other way it may walk the index on leases once per id.
-- $1 worker_run
-- taken: $2 email_ids, $3 attempts, $4 phases, $5 codes, $6 enhanced codes, $7 texts
-- write-ahead: $8 email_ids, $9 attempts, $10 lease seconds, $11 by which version of the sender's account,
-- $12 in which hours they were booked, by Redis' clock
WITH taken AS (
    UPDATE email_jobs j
       SET state = 'sent', lease_until = NULL, sent_at = clock_timestamp(),
           reply_code = coalesce(g.code, j.reply_code),
           reply_enhanced = CASE WHEN g.text IS NULL THEN j.reply_enhanced ELSE g.enhanced END,
           reply_text = coalesce(g.text, j.reply_text),
           updated_at = clock_timestamp()
      FROM unnest($2::uuid[], $3::int[], $4::text[], $5::int[], $6::text[], $7::text[])
           AS g (email_id, attempt, phase, code, enhanced, text)
     WHERE j.email_id = g.email_id AND j.attempt = g.attempt AND j.worker_run = $1
       AND j.lease_until IS NOT NULL AND j.state <> 'claimed'
    RETURNING j.email_id, j.attempt, g.phase, g.code, g.enhanced, g.text,
              extract(epoch FROM j.sent_at - j.due_at)::float8 AS late),
evidence AS (
    UPDATE attempts a
       SET outcome = 'sent', phase = t.phase, reply_code = t.code, reply_enhanced = t.enhanced,
           reply_text = t.text, ended_at = coalesce(a.ended_at, clock_timestamp())
      FROM taken t
     WHERE a.email_id = t.email_id AND a.attempt = t.attempt
       AND a.outcome IN ('sending', 'in_doubt')),
leaving AS (
    UPDATE email_jobs j
       SET state = 'sending', lease_until = clock_timestamp() + make_interval(secs => $10)
      FROM unnest($8::uuid[], $9::int[], $11::int[], $12::timestamptz[])
           AS g (email_id, attempt, account_version, booked_hour)
     WHERE j.email_id = g.email_id AND j.attempt = g.attempt AND j.worker_run = $1
       AND j.lease_until IS NOT NULL
       AND (j.attempt = 1
            OR NOT EXISTS (SELECT 1 FROM attempts p
                            WHERE p.email_id = j.email_id AND p.outcome = 'sent'))
    RETURNING j.email_id, j.attempt, j.sender_id, j.campaign_id, g.account_version, g.booked_hour),
marked AS (
    INSERT INTO attempts AS a (email_id, attempt, sender_id, campaign_id, worker_run, outcome, dot_at,
                               account_version, booked_hour)
    SELECT email_id, attempt, sender_id, campaign_id, $1, 'sending', clock_timestamp(),
           account_version, booked_hour
      FROM leaving
    ON CONFLICT (email_id, attempt) DO UPDATE SET worker_run = excluded.worker_run
    RETURNING a.email_id, a.attempt)
SELECT email_id, attempt, true AS is_taken, late FROM taken
UNION ALL
SELECT email_id, attempt, false, NULL FROM marked
