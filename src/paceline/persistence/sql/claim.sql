-- Take emails that are due. The attempt number is the fencing token; a lost acknowledgement is
-- harmless, since the rows wait for their lease to expire. Select and update are one statement:
-- locking in one and updating in another lets two workers claim the same row.
-- now() rather than clock_timestamp(): only a stable function can be an index condition.
-- Nothing of a campaign whose start is being moved (stores/pieces.py): its emails are due at two times.
-- Nothing that was changed since its content was read here: the lock waits for nobody, but a job may
-- be locked behind a change that was committed after this statement had begun. Its edition tells.
-- An address that was suppressed meanwhile fails here, at the last moment that costs nothing; it
-- stays in doubt if an earlier attempt is. So does what waits only because its server drops a second
-- copy (resend_doubtful.sql), where it would go through another account than the first one.
-- Its tries are counted from evidence, not from the attempt number, which also grows while an email is
-- claimed and handed back because its sender rests, and is not set back by a retry. Few were claimed
-- before, so few are counted.
-- Nothing from a database that has gone back behind what this process has seen, nor while what was due
-- meanwhile is being held (hold_back.sql): both may have been sent.
-- $1 sender_id, $2 worker_run, $3 lease seconds, $4 campaign_ids, $5 how many of each,
-- $6 how many single emails, $7 the beat that this process knows of, $8 the version of the sender's
-- account that they would go through
WITH wanted AS (
    SELECT w.campaign_id, w.n
      FROM unnest($4::uuid[], $5::int[]) AS w (campaign_id, n)
      JOIN campaigns c ON c.id = w.campaign_id AND c.state = 'active' AND c.moving_to IS NULL),
of_campaigns AS MATERIALIZED (
    SELECT picked.*
      FROM wanted w
     CROSS JOIN LATERAL (
           SELECT j.email_id, j.attempt
             FROM email_jobs j
            WHERE j.sender_id = $1 AND j.campaign_id = w.campaign_id
              AND j.state IN ('deferred', 'scheduled') AND j.due_at <= now()
            ORDER BY j.due_at, j.email_id LIMIT w.n
              FOR UPDATE SKIP LOCKED) picked),
single AS MATERIALIZED (
    SELECT j.email_id, j.attempt
      FROM email_jobs j
     WHERE j.sender_id = $1 AND j.campaign_id IS NULL
       AND j.state IN ('deferred', 'scheduled') AND j.due_at <= now()
     ORDER BY j.due_at, j.email_id LIMIT $6
       FOR UPDATE SKIP LOCKED),
picked AS MATERIALIZED (
    SELECT m.*, EXISTS (SELECT 1 FROM suppressions s
                         WHERE s.owner_id = m.owner_id AND s.address_key = m.address_key)
                AS suppressed,
           p.attempt > 0
           AND (SELECT count(*) FROM attempts a
                 WHERE a.email_id = m.id AND a.outcome = 'in_doubt'
                   AND a.account_version IS DISTINCT FROM $8::int) > 0
           AND (SELECT d.detail->>'rule' FROM email_decisions d
                 WHERE d.email_id = m.id AND d.what = 'sent_again'
                 ORDER BY d.id DESC LIMIT 1) IS NOT DISTINCT FROM 'server'
           AND (SELECT c.doubt_policy FROM campaigns c WHERE c.id = m.campaign_id)
               IS DISTINCT FROM 'resend'
                AS moved
      FROM (SELECT * FROM of_campaigns UNION ALL SELECT * FROM single) p
      JOIN emails m ON m.id = p.email_id),
decided AS (
    SELECT p.*, CASE WHEN p.moved THEN 'in_doubt'
                     WHEN NOT p.suppressed THEN 'claimed'
                     WHEN may_have_left(p.id) THEN 'in_doubt'
                     ELSE 'failed' END AS becomes
      FROM picked p)
UPDATE email_jobs j
   SET state = p.becomes,
       failure_reason = CASE p.becomes WHEN 'failed' THEN 'suppressed' END,
       in_doubt_at = CASE p.becomes WHEN 'in_doubt' THEN clock_timestamp() END,
       attempt = j.attempt + 1,
       worker_run = $2,
       lease_until = CASE p.becomes WHEN 'claimed'
                          THEN clock_timestamp() + make_interval(secs => $3) END,
       dated_at = coalesce(j.dated_at, clock_timestamp()),
       updated_at = clock_timestamp()
  FROM decided p
 WHERE j.email_id = p.id
   AND EXISTS (SELECT 1 FROM senders WHERE id = $1 AND state = 'active')
   AND EXISTS (SELECT 1 FROM installation WHERE singleton AND beat >= $7 AND held_from IS NULL)
   AND j.state IN ('deferred', 'scheduled')
   AND j.edition IS NOT DISTINCT FROM p.edition
RETURNING j.email_id, j.attempt, j.state, j.campaign_id, j.due_at, j.deferrals,
          j.dated_at, clock_timestamp() - j.dated_at AS age, p.address, p.name, p.fields, p.line,
          p.subject, p.text_body, p.html_body, p.message_id,
          (SELECT c.expires_after_hours FROM campaigns c WHERE c.id = j.campaign_id)
              AS expires_after_hours,
          CASE WHEN j.attempt = 1 THEN 0 ELSE (
              SELECT count(*) FROM attempts a
               WHERE a.email_id = j.email_id AND a.outcome IN ('rejected', 'not_sent')
                 AND a.phase IN ('mail', 'rcpt', 'data', 'body', 'dot')
                 AND a.attempt > (SELECT coalesce(max(r.attempt), 0) FROM attempts r
                                   WHERE r.email_id = j.email_id AND r.outcome = 'retried'))
          END AS tries
