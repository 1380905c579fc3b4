-- Look at the next so many emails, in the order of their key, and remove of those that are over what is
-- kept no longer: what they said, and the evidence about them. What waits, is under way or in doubt is
-- passed over, and so is whatever somebody holds: the next walk finds it. An attempt without a certain end
-- is kept, for it says that an email must not be tried again.
-- A piece is bounded by what is looked at, as in hold_back.sql. Nobody is waited for: what is to be removed
-- of attempts is locked first, since evidence by code from before 0035 may hold an attempt and no job.
-- The counters are the campaign's own, and stay.
-- $1 the last of the piece before, $2 only emails older than this id, $3 at most so many, $4 since when
-- over, for what they said (NULL: keep it), $5 the same for attempts
WITH walked AS MATERIALIZED (
    SELECT email_id FROM email_jobs
     WHERE email_id > $1 AND email_id < $2 ORDER BY email_id LIMIT $3),
over AS MATERIALIZED (
    SELECT j.email_id, j.state,
           j.content_removed_at IS NULL AND coalesce(j.updated_at < $4, false) AS content,
           j.attempts_removed_at IS NULL AND coalesce(j.updated_at < $5, false) AS attempts
      FROM walked w JOIN email_jobs j ON j.email_id = w.email_id
     WHERE j.state IN ('cancelled', 'failed', 'sent')
       AND (   (j.content_removed_at IS NULL AND j.updated_at < $4)
            OR (j.attempts_removed_at IS NULL AND j.updated_at < $5))
       FOR UPDATE OF j SKIP LOCKED),
unsaid AS (
    UPDATE emails m SET text_body = NULL, html_body = NULL, fields = '{}'
      FROM over o
     WHERE m.id = o.email_id AND o.content
       AND (m.text_body IS NOT NULL OR m.html_body IS NOT NULL OR m.fields <> '{}')),
certain AS MATERIALIZED (
    SELECT a.email_id, a.attempt
      FROM over o JOIN attempts a ON a.email_id = o.email_id
     WHERE o.attempts AND a.outcome NOT IN ('in_doubt', 'sending')
       AND (a.outcome <> 'sent' OR o.state = 'sent')),
evidence AS MATERIALIZED (
    SELECT a.email_id, a.attempt
      FROM certain c JOIN attempts a ON a.email_id = c.email_id AND a.attempt = c.attempt
       FOR UPDATE OF a SKIP LOCKED),
held AS MATERIALIZED (
    SELECT email_id, attempt FROM certain EXCEPT SELECT email_id, attempt FROM evidence),
forgotten AS (
    DELETE FROM attempts a USING evidence e
     WHERE a.email_id = e.email_id AND a.attempt = e.attempt),
undecided AS (
    DELETE FROM email_decisions d USING over o WHERE d.email_id = o.email_id AND o.attempts),
marked AS (
    UPDATE email_jobs j
       SET content_removed_at = CASE WHEN o.content THEN now() ELSE j.content_removed_at END,
           attempts_removed_at = CASE WHEN o.attempts AND o.email_id NOT IN (SELECT email_id FROM held)
                                      THEN now() ELSE j.attempts_removed_at END,
           reply_text = CASE WHEN o.attempts THEN NULL ELSE j.reply_text END
      FROM over o WHERE j.email_id = o.email_id
    RETURNING 1)
SELECT (SELECT count(*) FROM walked) AS looked_at,
       (SELECT email_id FROM walked ORDER BY email_id DESC LIMIT 1) AS last,
       (SELECT count(*) FROM marked) AS pruned
