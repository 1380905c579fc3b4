-- After the database has gone back: look at the next so many jobs, in the order of their key, and put in
-- doubt what may have been sent since. That is all that was on its way, all that waits and is due by now,
-- of what was launched, and every older doubt, which may have been settled since. The attempt of it
-- leaps: whoever holds one of the time that is lost is late, and what a black box tells of it still
-- counts. What is held already is left as it is.
-- A piece is bounded by what is looked at, not by what is found: else a million that are held already
-- are looked through again in each.
-- Answers how many are held, and which was the last that was looked at; NULL: there are no more.
-- :after the last of the piece before, :until what is due by then, :run whose attempts these are,
-- :most at most so many, :leap, :told
WITH walked AS MATERIALIZED (
    SELECT email_id, state, attempt, due_at, campaign_id
      FROM email_jobs WHERE email_id > :after ORDER BY email_id LIMIT :most),
picked AS (
    SELECT w.email_id FROM walked w
     WHERE w.state IN ('claimed', 'sending')
        OR (w.state IN ('deferred', 'scheduled') AND w.due_at <= :until
            AND (w.campaign_id IS NULL
                 OR EXISTS (SELECT 1 FROM campaigns c
                             WHERE c.id = w.campaign_id
                               AND c.state IN ('active', 'paused', 'completed'))))
        OR (w.state = 'in_doubt'
            AND NOT EXISTS (SELECT 1 FROM attempts a
                             WHERE a.email_id = w.email_id AND a.attempt = w.attempt
                               AND a.phase = 'restored'))),
held AS (
    UPDATE email_jobs j
       SET state = 'in_doubt', attempt = j.attempt + :leap, lease_until = NULL,
           in_doubt_at = coalesce(j.in_doubt_at, clock_timestamp()),
           updated_at = clock_timestamp()
      FROM picked p
     WHERE j.email_id = p.email_id
       AND j.state IN ('claimed', 'sending', 'deferred', 'scheduled', 'in_doubt')
    RETURNING j.email_id, j.attempt, j.sender_id, j.campaign_id),
told AS (
    INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome, phase,
                          reply_text, ended_at)
    SELECT email_id, attempt, sender_id, campaign_id, :run, 'in_doubt', 'restored', :told,
           clock_timestamp()
      FROM held)
SELECT (SELECT count(*) FROM held) AS held,
       (SELECT email_id FROM walked ORDER BY email_id DESC LIMIT 1) AS last
