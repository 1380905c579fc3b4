-- What a lane sees when it opens its eyes: its sender, and per running campaign the waiting emails,
-- looking ahead at most $2 of them. One row per campaign, plus one for single emails.
-- $1 sender_id, $2 look-ahead
SELECT clock_timestamp() AS now, s.owner_id, s.state, s.resting_until, s.hourly_limit AS sender_hourly_limit,
       s.min_delay_ms AS sender_min_delay_ms, s.max_connections, s.host_failures, s.updated_at,
       d.campaign_id, d.hourly_limit, d.min_delay_ms, d.due, d.next_due_at
  FROM senders s
 CROSS JOIN LATERAL (
       SELECT c.id AS campaign_id, c.hourly_limit, c.min_delay_ms, w.due, w.next_due_at
         FROM campaigns c
        CROSS JOIN LATERAL (
              SELECT count(*) FILTER (WHERE x.due_at <= clock_timestamp()) AS due,
                     min(x.due_at) AS next_due_at
                FROM (SELECT j.due_at
                        FROM email_jobs j
                       WHERE j.sender_id = s.id AND j.campaign_id = c.id
                         AND j.state IN ('deferred', 'scheduled')
                       ORDER BY j.due_at, j.email_id LIMIT $2) x) w
        WHERE c.sender_id = s.id AND c.state = 'active' AND c.moving_to IS NULL
       UNION ALL
       SELECT NULL, NULL, 0, count(*) FILTER (WHERE x.due_at <= clock_timestamp()), min(x.due_at)
         FROM (SELECT j.due_at
                 FROM email_jobs j
                WHERE j.sender_id = s.id AND j.campaign_id IS NULL
                  AND j.state IN ('deferred', 'scheduled')
                ORDER BY j.due_at, j.email_id LIMIT $2) x) d
 WHERE s.id = $1
