-- Keep the leases of all emails in flight, in one statement. It never waits for a row: one that is
-- locked is being written ahead or recorded by ourselves at this moment, and waiting for it in
-- whatever order the rows come would be a deadlock now and then.
-- Returns the attempts that are still ours, and for each whether its lease was renewed.
-- "Has a lease" instead of the states: see marks.sql.
-- $1 worker_run, $2 email_ids, $3 attempts, $4 lease seconds
WITH ours AS (
    SELECT j.email_id, j.attempt
      FROM email_jobs j
      JOIN unnest($2::uuid[], $3::int[]) AS g (email_id, attempt) USING (email_id, attempt)
     WHERE j.worker_run = $1 AND j.lease_until IS NOT NULL),
free AS (
    SELECT j.email_id FROM email_jobs j JOIN ours USING (email_id, attempt)
       FOR UPDATE OF j SKIP LOCKED),
renewed AS (
    UPDATE email_jobs j
       SET lease_until = clock_timestamp() + make_interval(secs => $4)
      FROM free f
     WHERE j.email_id = f.email_id AND j.worker_run = $1 AND j.lease_until IS NOT NULL
    RETURNING j.email_id)
SELECT o.email_id, o.attempt, r.email_id IS NOT NULL AS renewed
  FROM ours o LEFT JOIN renewed r USING (email_id)
