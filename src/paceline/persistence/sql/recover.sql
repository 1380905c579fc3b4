-- Take back what dead workers held. Before the write-ahead nothing can have left: the email waits
-- again. After it nobody knows: it is in doubt. Their lanes are signalled in the same statement.
-- $1 at most so many
WITH expired AS MATERIALIZED (
    SELECT j.email_id, j.sender_id,
           CASE WHEN j.state = 'sending' THEN 'in_doubt'
                WHEN NOT EXISTS (SELECT 1 FROM campaigns c
                                  WHERE c.id = j.campaign_id AND c.state = 'cancelled')
                THEN CASE WHEN j.deferrals > 0 THEN 'deferred' ELSE 'scheduled' END
                WHEN may_have_left(j.email_id) THEN 'in_doubt'
                ELSE 'cancelled' END AS becomes
      FROM email_jobs j
     WHERE j.state IN ('claimed', 'sending') AND j.lease_until < now()
     ORDER BY j.lease_until LIMIT $1
       FOR UPDATE OF j SKIP LOCKED),
-- Whoever holds a lane for long, as a large import does, holds up only what is that sender's.
free AS MATERIALIZED (
    SELECT sender_id FROM lanes WHERE sender_id IN (SELECT sender_id FROM expired)
       FOR NO KEY UPDATE SKIP LOCKED),
recovered AS (
    UPDATE email_jobs j
       SET state = e.becomes, lease_until = NULL,
           in_doubt_at = CASE e.becomes WHEN 'in_doubt' THEN clock_timestamp() END,
           updated_at = clock_timestamp()
      FROM expired e
     WHERE j.email_id = e.email_id AND j.state IN ('claimed', 'sending')
       AND (e.sender_id IN (SELECT sender_id FROM free)
            OR NOT EXISTS (SELECT 1 FROM lanes l WHERE l.sender_id = e.sender_id))
    RETURNING j.email_id, j.attempt, j.state, j.sender_id),
doubted AS (
    UPDATE attempts a SET outcome = 'in_doubt', ended_at = clock_timestamp()
      FROM recovered r
     WHERE a.email_id = r.email_id AND a.attempt = r.attempt
       AND r.state = 'in_doubt' AND a.outcome = 'sending'),
signalled AS (
    UPDATE lanes l SET signal_seq = l.signal_seq + 1, wake_at = LEAST(l.wake_at, now())
     WHERE l.sender_id IN (SELECT sender_id FROM recovered))
SELECT email_id, state, sender_id FROM recovered
