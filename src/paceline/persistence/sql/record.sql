-- Record how attempts ended: evidence, state and next try in one statement, safe to run again.
-- Definite evidence is never overwritten, and late evidence is never thrown away: a 250 that was
-- read by a worker that had lost its lease still turns an email into 'sent', whatever it was called
-- meanwhile.
-- What would wait again of a campaign that was cancelled meanwhile is cancelled with it. And an email
-- is called failed or cancelled only if no earlier attempt is in doubt: if one is, so is the email.
-- A late bounce says nothing of an address that was put in its place: of an email that was changed, only
-- the attempt that still holds it suppresses.
-- Nothing of a recipient who was wiped meanwhile comes back: the reply is not kept, and nobody suppressed.
-- The jobs are locked first, as everywhere: of an email that is being deleted no evidence stays behind,
-- since no foreign key asks for the email, and nobody who writes of both waits in a ring. Both who write
-- read what is locked: a row that this statement has changed already it locks no more, and passes over.
-- A worker may end two attempts of one email at once; what was sent counts, else the later one.
-- $1 email_ids, $2 attempts, $3 outcomes (NULL: never tried, no evidence), $4 new states,
-- $5 phases, $6 codes, $7 enhanced codes, $8 texts, $9 failure reasons,
-- $10 seconds until the next try (NULL: keep the due time), $11 deferrals to add,
-- $12 whether to suppress the address, $13 worker_run
WITH told AS (
    SELECT g.*, CASE WHEN g.new_state IN ('deferred', 'scheduled')
                          AND EXISTS (SELECT 1 FROM email_jobs j
                                        JOIN campaigns c ON c.id = j.campaign_id
                                       WHERE j.email_id = g.email_id AND c.state = 'cancelled')
                     THEN 'cancelled' ELSE g.new_state END AS wanted
      FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[],
                  $7::text[], $8::text[], $9::text[], $10::float8[], $11::int[], $12::bool[])
           AS g (email_id, attempt, outcome, new_state, phase, code, enhanced, text,
                 failure_reason, retry_seconds, deferral, suppress)),
given AS (
    SELECT t.*, CASE WHEN t.wanted IN ('failed', 'cancelled')
                          AND may_have_left(t.email_id, t.attempt)
                     THEN 'in_doubt' ELSE t.wanted END AS state
      FROM told t),
held AS MATERIALIZED (
    SELECT j.email_id, j.sender_id, j.campaign_id, j.content_removed_at
      FROM email_jobs j
     WHERE j.email_id IN (SELECT email_id FROM given)
     ORDER BY j.email_id FOR NO KEY UPDATE),
evidence AS (
    INSERT INTO attempts AS a (email_id, attempt, sender_id, campaign_id, worker_run, outcome,
                               phase, reply_code, reply_enhanced, reply_text, ended_at)
    SELECT g.email_id, g.attempt, h.sender_id, h.campaign_id, $13, g.outcome,
           g.phase, g.code, g.enhanced,
           CASE WHEN h.content_removed_at IS NULL THEN g.text END, clock_timestamp()
      FROM given g JOIN held h USING (email_id)
     WHERE g.outcome IS NOT NULL
    ON CONFLICT (email_id, attempt) DO UPDATE
       SET outcome = excluded.outcome, phase = excluded.phase, reply_code = excluded.reply_code,
           reply_enhanced = excluded.reply_enhanced, reply_text = excluded.reply_text,
           ended_at = coalesce(a.ended_at, excluded.ended_at)
     WHERE a.outcome IN ('sending', 'in_doubt')),
suppressed AS (
    INSERT INTO suppressions (owner_id, address_key, reason, email_id, reply)
    SELECT DISTINCT ON (m.owner_id, m.address_key)
           m.owner_id, m.address_key, 'hard_bounce', m.id,
           nullif(concat_ws(' ', g.code, g.enhanced, g.text), '')
      FROM given g JOIN emails m ON m.id = g.email_id
                   JOIN email_jobs j ON j.email_id = g.email_id
     WHERE g.suppress AND m.address_key NOT LIKE 'removed-%@invalid'
       AND (m.edition IS NULL
            OR (j.attempt = g.attempt AND j.state IN ('claimed', 'sending', 'in_doubt')))
    ON CONFLICT DO NOTHING),
recorded AS (
    UPDATE email_jobs j
       SET state = g.state,
           lease_until = NULL,
           due_at = CASE WHEN g.retry_seconds IS NULL OR j.state NOT IN ('claimed', 'sending')
                         THEN j.due_at
                         ELSE clock_timestamp() + make_interval(secs => g.retry_seconds) END,
           deferrals = j.deferrals
                       + CASE WHEN j.state IN ('claimed', 'sending') THEN g.deferral ELSE 0 END,
           failure_reason = CASE WHEN g.state = 'failed' THEN g.failure_reason END,
           reply_code = coalesce(g.code, j.reply_code),
           reply_enhanced = CASE WHEN g.text IS NULL THEN j.reply_enhanced ELSE g.enhanced END,
           reply_text = CASE WHEN j.content_removed_at IS NULL
                             THEN coalesce(g.text, j.reply_text) END,
           in_doubt_at = CASE WHEN g.state = 'in_doubt'
                              THEN coalesce(j.in_doubt_at, clock_timestamp()) END,
           sent_at = CASE WHEN g.state = 'sent' THEN coalesce(j.sent_at, clock_timestamp()) END,
           updated_at = clock_timestamp()
      FROM (SELECT DISTINCT ON (email_id) g.* FROM given g JOIN held USING (email_id)
             ORDER BY email_id, outcome IS NOT DISTINCT FROM 'sent' DESC, attempt DESC) g
     WHERE j.email_id = g.email_id
       AND (   (j.attempt = g.attempt
                AND (   j.state IN ('claimed', 'sending', g.state)
                     OR (j.state = 'in_doubt' AND g.outcome <> 'in_doubt')))
            OR (j.attempt >= g.attempt AND g.outcome = 'sent'
                AND j.state <> 'sent'))
    RETURNING j.email_id, g.attempt, j.campaign_id, j.sender_id, j.state,
              CASE j.state WHEN 'sent'
                           THEN extract(epoch FROM j.sent_at - j.due_at)::float8 END AS late),
-- Whatever waits again is work: a doubt may have ended that its campaign was completed over, and that
-- its lane went to sleep over. The campaign is touched even while it is active, so that a completion
-- at the same moment, which could not see this email waiting, is refused (complete.sql).
waiting AS (
    SELECT campaign_id, sender_id FROM recorded WHERE state IN ('deferred', 'scheduled')),
reopened AS (
    UPDATE campaigns c SET state = 'active', finished_at = NULL, updated_at = clock_timestamp()
     WHERE c.id IN (SELECT campaign_id FROM waiting) AND c.state IN ('active', 'completed')),
signalled AS (
    UPDATE lanes l SET signal_seq = l.signal_seq + 1, wake_at = LEAST(l.wake_at, now())
     WHERE l.sender_id IN (SELECT sender_id FROM waiting))
SELECT email_id, attempt, late FROM recorded
