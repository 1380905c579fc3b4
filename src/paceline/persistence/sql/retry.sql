-- Let failed emails of a campaign, or one email, wait again as if untried: at most $6 of them, in the
-- order of their ids. Failed is certain, yet it is looked at once more: none goes out again of which
-- an attempt has no answer. The retry takes an attempt number, as a claim does, and leaves a row: it
-- is the audit, and whoever still writes about an older attempt is fenced. A 250 that comes late wins
-- all the same (record.sql). The Date is made anew, and with it the time until the email expires.
-- What is kept no longer cannot be sent: the lock is waited for, and the row then tells.
-- Whoever was asked for under $7 is passed over: a request that is repeated goes on where it stopped.
-- Counted rather than EXISTS, which the planner may answer by reading all attempts there are.
-- $1 owner_id, $2 campaign_id, $3 failure reason (NULL: any), $4 reply code (NULL: any; 0: none),
-- $5 enhanced code (NULL: any; '': none), $6 at most so many, $7 who asks, $8 only those after this
-- email_id, $9 only count them, $10 who asks, in words
WITH picked AS MATERIALIZED (
    SELECT j.email_id, j.attempt, j.sender_id, j.campaign_id
      FROM email_jobs j
     WHERE j.campaign_id = $2 AND j.owner_id = $1 AND j.state = 'failed' AND j.email_id > $8
       AND j.content_removed_at IS NULL
       AND ($3::text IS NULL OR j.failure_reason = $3)
       AND ($4::int IS NULL OR j.reply_code IS NOT DISTINCT FROM nullif($4, 0))
       AND ($5::text IS NULL OR j.reply_enhanced IS NOT DISTINCT FROM nullif($5, ''))
     ORDER BY j.email_id LIMIT $6
       FOR UPDATE OF j),
judged AS MATERIALIZED (
    SELECT p.*,
           (SELECT count(*) FROM emails m JOIN suppressions s
                              ON s.owner_id = m.owner_id AND s.address_key = m.address_key
             WHERE m.id = p.email_id) > 0 AS suppressed,
           (SELECT count(*) FROM attempts a
             WHERE a.email_id = p.email_id
               AND a.outcome IN ('in_doubt', 'sending', 'sent')) > 0 AS may_have_left,
           (SELECT count(*) FROM attempts a
             WHERE a.email_id = p.email_id
               AND a.outcome = 'retried' AND a.worker_run = $7) > 0 AS asked_before
      FROM picked p),
chosen AS MATERIALIZED (
    SELECT * FROM judged WHERE NOT (suppressed OR may_have_left OR asked_before)),
again AS (
    UPDATE email_jobs j
       SET state = 'scheduled', attempt = j.attempt + 1, deferrals = 0, failure_reason = NULL,
           due_at = clock_timestamp(), dated_at = NULL, reply_code = NULL, reply_enhanced = NULL,
           reply_text = NULL, attempts_removed_at = NULL, updated_at = clock_timestamp()
      FROM chosen c
     WHERE j.email_id = c.email_id AND NOT $9
    RETURNING j.email_id, j.attempt, j.sender_id, j.campaign_id),
noted AS (
    INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome, ended_at)
    SELECT email_id, attempt, sender_id, campaign_id, $7, 'retried', clock_timestamp() FROM again),
decided AS (
    INSERT INTO email_decisions (email_id, what, decided_by)
    SELECT email_id, 'retried', $10 FROM again),
-- Before the trigger takes the campaign's row, as in record.sql: the other way round, they deadlock.
signalled AS (
    UPDATE lanes l SET signal_seq = l.signal_seq + 1, wake_at = LEAST(l.wake_at, now())
     WHERE l.sender_id IN (SELECT sender_id FROM again))
SELECT count(*) AS seen, max(email_id::text)::uuid AS last,
       (SELECT count(*) FROM chosen) AS retried,
       count(*) FILTER (WHERE suppressed) AS suppressed,
       count(*) FILTER (WHERE may_have_left AND NOT suppressed) AS doubtful
  FROM judged
