-- After the database has gone back: put in doubt a piece of what may have been sent since. That is all
-- that was on its way, all that waits and is due by now, of what was launched, and every older doubt,
-- which may have been settled since. The attempt of it leaps: whoever holds one of the time that is lost
-- is late, and what a black box tells of it still counts.
-- :until what is due by then, :run whose attempts these are, :most at most so many, :leap, :told
WITH in_flight AS (
    SELECT email_id FROM email_jobs WHERE state IN ('claimed', 'sending') LIMIT :most),
due AS (
    SELECT j.email_id
      FROM email_jobs j LEFT JOIN campaigns c ON c.id = j.campaign_id
     WHERE j.state IN ('deferred', 'scheduled') AND j.due_at <= :until
       AND (j.campaign_id IS NULL OR c.state IN ('active', 'paused', 'completed'))
     LIMIT :most),
doubtful AS (
    SELECT j.email_id FROM email_jobs j
     WHERE j.state = 'in_doubt'
       AND NOT EXISTS (SELECT 1 FROM attempts a
                        WHERE a.email_id = j.email_id AND a.attempt = j.attempt
                          AND a.phase = 'restored')
     LIMIT :most),
picked AS (
    SELECT email_id FROM in_flight UNION SELECT email_id FROM due UNION SELECT email_id FROM doubtful),
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
SELECT count(*) FROM held
