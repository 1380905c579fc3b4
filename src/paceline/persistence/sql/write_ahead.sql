-- Note, before the final dot, that an email may be about to leave. Running it again answers the
-- same ('claimed' alone would refuse the repeat after a lost acknowledgement). An attempt that is not
-- returned is fenced: the connection is closed without the dot. Not the id alone: a worker that
-- was frozen may hold an old attempt and a new one of the same email, and ask about both at once.
-- "Has a lease" is "claimed or sending" by the table's CHECK. Said this way the planner has to come by
-- the primary key; said the other way it may walk the index on leases once per id.
-- $1 email_ids, $2 attempts, $3 worker_run, $4 lease seconds, $5 by which version of the sender's account,
-- $6 in which hours they were booked, by Redis' clock
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $5::int[], $6::timestamptz[])
               AS g (email_id, attempt, account_version, booked_hour)),
marked AS (
    UPDATE email_jobs j
       SET state = 'sending', lease_until = clock_timestamp() + make_interval(secs => $4)
      FROM given g
     WHERE j.email_id = g.email_id AND j.attempt = g.attempt AND j.worker_run = $3
       AND j.lease_until IS NOT NULL
       AND (j.attempt = 1
            OR NOT EXISTS (SELECT 1 FROM attempts p
                            WHERE p.email_id = j.email_id AND p.outcome = 'sent'))
    RETURNING j.email_id, j.attempt, j.sender_id, j.campaign_id, g.account_version, g.booked_hour)
INSERT INTO attempts AS a (email_id, attempt, sender_id, campaign_id, worker_run, outcome, dot_at,
                           account_version, booked_hour)
SELECT m.email_id, m.attempt, m.sender_id, m.campaign_id, $3, 'sending', clock_timestamp(),
       m.account_version, m.booked_hour
  FROM marked m
ON CONFLICT (email_id, attempt) DO UPDATE SET worker_run = excluded.worker_run
RETURNING a.email_id, a.attempt
