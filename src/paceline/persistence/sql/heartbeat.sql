-- Keep the leases of all emails in flight, in one statement. An id not returned is no longer ours.
-- $1 worker_run, $2 email_ids, $3 attempts, $4 lease seconds
UPDATE email_jobs j
   SET lease_until = clock_timestamp() + make_interval(secs => $4)
  FROM unnest($2::uuid[], $3::int[]) AS g (email_id, attempt)
 WHERE j.email_id = g.email_id AND j.attempt = g.attempt AND j.worker_run = $1
   AND j.state IN ('claimed', 'sending')
RETURNING j.email_id
