-- What owners who want to be told of it were not told of yet, nor of its kind of late.
-- Ranges of indexes; of what may be many, so many. A campaign with an hourly limit may have reached
-- it: that is for its counter to say. `now()` is one for all, so that indexes end at it.
-- $1 kinds, $2 after how long each is told again about the same thing, $3 how many of a kind,
-- $4 how many campaigns with limits, $5 how long mail is due and none leaves, $6 how long doubts may
-- settle by themselves
WITH again AS (SELECT * FROM unnest($1::text[], $2::interval[]) AS a (kind, after)),
wanted AS MATERIALIZED (
    SELECT n.owner_id, n.kinds, n.since
      FROM notification_settings n JOIN users u ON u.id = n.owner_id
     WHERE u.disabled_at IS NULL AND (n.hook_url IS NOT NULL OR n.email_to IS NOT NULL)),
theirs AS MATERIALIZED (
    SELECT w.kinds, s.id, s.owner_id, s.name, s.state, s.updated_at, s.resting_until, l.held_by,
           l.wake_at
      FROM wanted w
      JOIN senders s ON s.owner_id = w.owner_id
      LEFT JOIN lanes l ON l.sender_id = s.id
     WHERE s.deleted_at IS NULL),
done AS (
    SELECT c.owner_id, 'campaign_done' AS kind, c.id AS about,
           extract(epoch FROM c.finished_at)::text AS occurrence, c.name, true AS is_campaign,
           false AS is_resting, c.sent, c.failed, c.cancelled,
           c.total - c.sent - c.failed - c.cancelled AS count, NULL::int AS hourly_limit
      FROM wanted w JOIN campaigns c ON c.owner_id = w.owner_id
     WHERE 'campaign_done' = ANY (w.kinds) AND c.state = 'completed' AND c.discarded_at IS NULL
       AND NOT c.is_test
       AND c.finished_at > greatest(w.since, now() - interval '1 day')),
broken AS (
    SELECT s.owner_id, 'sender_broken', s.id, extract(epoch FROM s.updated_at)::text, s.name,
           false, false, 0, 0, 0, 0, NULL::int
      FROM theirs s WHERE 'sender_broken' = ANY (s.kinds) AND s.state = 'broken'),
limited AS (
    SELECT s.owner_id, 'limit_reached', s.id,
           extract(epoch FROM date_trunc('hour', now()))::text, s.name,
           false, false, 0, 0, 0, 0, NULL::int
      FROM theirs s
     WHERE 'limit_reached' = ANY (s.kinds) AND s.state = 'active'
       AND s.held_by = 'hourly_limit' AND s.wake_at > now()),
maybe_limited AS (
    SELECT s.owner_id, 'limit_reached', c.id,
           extract(epoch FROM date_trunc('hour', now()))::text, c.name,
           true, false, 0, 0, 0, 0, c.hourly_limit
      FROM theirs s JOIN campaigns c ON c.sender_id = s.id
     WHERE 'limit_reached' = ANY (s.kinds) AND s.state = 'active' AND c.state = 'active'
       AND c.hourly_limit IS NOT NULL AND c.moving_to IS NULL
       AND EXISTS (SELECT 1 FROM email_jobs j
                    WHERE j.sender_id = s.id AND j.campaign_id = c.id
                      AND j.state IN ('deferred', 'scheduled') AND j.due_at < now())
     LIMIT $4),
doubted AS (
    SELECT w.owner_id, 'doubts', w.owner_id, extract(epoch FROM d.last)::text, '',
           false, false, 0, 0, 0, d.n, NULL::int
      FROM wanted w
     CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE settled_by < now())::int AS n,
                  max(settled_by) FILTER (WHERE settled_by < now()) AS last
             FROM (SELECT j.in_doubt_at + CASE WHEN c.doubt_policy = 'resend'
                                               THEN interval '1 hour' ELSE $6::interval END
                          AS settled_by
                     FROM email_jobs j LEFT JOIN campaigns c ON c.id = j.campaign_id
                    WHERE j.owner_id = w.owner_id AND j.state = 'in_doubt'
                      AND c.discarded_at IS NULL
                    ORDER BY j.updated_at DESC LIMIT 1000) newest) d
     WHERE 'doubts' = ANY (w.kinds)
       AND d.last > coalesce((SELECT max(n.found_at) FROM notifications n
                               WHERE n.owner_id = w.owner_id AND n.kind = 'doubts'), '-infinity')),
stalled AS (
    SELECT s.owner_id, 'nothing_goes', s.id, coalesce(extract(epoch FROM a.last)::text, 'never'),
           s.name, false, coalesce(s.resting_until > now(), false), 0, 0, 0, 0, NULL::int
      FROM theirs s
     CROSS JOIN LATERAL (
           SELECT max(t.dot_at) AS last FROM attempts t
            WHERE t.sender_id = s.id AND t.dot_at IS NOT NULL) a
     WHERE 'nothing_goes' = ANY (s.kinds) AND s.state = 'active'
       AND s.updated_at < now() - $5::interval
       AND coalesce(s.held_by, '') NOT IN ('hourly_limit', 'campaign_hourly_limit', 'min_delay')
       AND coalesce(a.last < now() - $5::interval, true)
       AND (EXISTS (SELECT 1 FROM email_jobs j
                     WHERE j.sender_id = s.id AND j.campaign_id IS NULL
                       AND j.state IN ('deferred', 'scheduled')
                       AND j.due_at < now() - $5::interval)
         OR EXISTS (SELECT 1 FROM campaigns c
                     WHERE c.sender_id = s.id AND c.state = 'active' AND c.moving_to IS NULL
                       AND c.updated_at < now() - $5::interval
                       AND EXISTS (SELECT 1 FROM email_jobs j
                                    WHERE j.sender_id = s.id AND j.campaign_id = c.id
                                      AND j.state IN ('deferred', 'scheduled')
                                      AND j.due_at < now() - $5::interval)))),
every AS (
    SELECT * FROM done UNION ALL SELECT * FROM broken UNION ALL SELECT * FROM limited
    UNION ALL SELECT * FROM maybe_limited UNION ALL SELECT * FROM doubted
    UNION ALL SELECT * FROM stalled),
untold AS (
    SELECT e.*, row_number() OVER (PARTITION BY e.kind, e.hourly_limit IS NULL) AS place
      FROM every e JOIN again g USING (kind)
     WHERE NOT EXISTS (SELECT 1 FROM notifications n
                        WHERE n.owner_id = e.owner_id AND n.kind = e.kind AND n.about = e.about
                          AND (n.occurrence = e.occurrence
                               OR n.found_at > now() - g.after)))
SELECT owner_id, kind, about, occurrence, name, is_campaign, is_resting, sent, failed, cancelled,
       count, hourly_limit
  FROM untold WHERE place <= $3 OR hourly_limit IS NOT NULL
