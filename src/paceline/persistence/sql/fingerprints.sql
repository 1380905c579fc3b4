-- For each of these sign-ins that is not over: its owner, and what stands for all that they see.
--
-- $1 hashes of session ids, $2 after how long unused a session is over, $3 and $4 the workers' lock.
-- `xmin` names the transaction that wrote a row: the sum of an owner's rows differs once any of them
-- was written. `decided` are commands: each about emails signals its lane, each about a campaign notes
-- when it was changed. `moved` is what follows by itself: lanes are written whenever a worker's turn
-- begins and ends, a campaign with every email that reaches its end; what is in flight is in between.
WITH signed_in AS (
    -- Not by `xmin`: that they were seen is noted once a minute, and shows nowhere.
    SELECT s.id_hash, u.id AS owner_id,
           md5(ROW (u.email, u.name, u.is_admin, u.time_zone, u.theme, u.notices, u.vouched_domain,
                    u.avatar_version)::text) AS person
      FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.id_hash = ANY ($1::bytea[])
       AND s.expires_at > now() AND s.seen_at > now() - $2::interval AND u.disabled_at IS NULL
), owners AS (
    SELECT DISTINCT owner_id FROM signed_in
), in_flight AS (
    SELECT DISTINCT owner_id FROM email_jobs WHERE state IN ('claimed', 'sending')
), worker AS (
    SELECT EXISTS (
        SELECT 1 FROM pg_locks
         WHERE locktype = 'advisory' AND classid = $3::bigint AND objid = $4::bigint
           AND objsubid = 2 AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS is_there
), seen AS (
    SELECT o.owner_id, o.owner_id IN (SELECT owner_id FROM in_flight) AS is_moving,
           concat_ws(' ', campaigns.n, campaigns.changed_at, senders.n, senders.written,
                     senders.signals, drafts.n, drafts.written) AS decided,
           concat_ws(' ', campaigns.written, senders.turns, sent.last_at, failed.last_at,
                     doubted.last_at, cancelled.last_at) AS moved
      FROM owners o
     CROSS JOIN LATERAL (
           SELECT count(*) AS n, sum(c.xmin::text::bigint) AS written,
                  max(c.updated_at) AS changed_at
             FROM campaigns c WHERE c.owner_id = o.owner_id) campaigns
     CROSS JOIN LATERAL (
           SELECT count(*) AS n, sum(s.xmin::text::bigint) AS written,
                  sum(l.signal_seq) AS signals, sum(l.xmin::text::bigint) AS turns
             FROM senders s LEFT JOIN lanes l ON l.sender_id = s.id
            WHERE s.owner_id = o.owner_id) senders
     CROSS JOIN LATERAL (
           SELECT count(*) AS n, sum(d.xmin::text::bigint) AS written
             FROM drafts d WHERE d.owner_id = o.owner_id) drafts
     CROSS JOIN LATERAL (
           SELECT max(j.sent_at) AS last_at FROM email_jobs j
            WHERE j.owner_id = o.owner_id AND j.state = 'sent') sent
     CROSS JOIN LATERAL (
           SELECT max(j.updated_at) AS last_at FROM email_jobs j
            WHERE j.owner_id = o.owner_id AND j.state = 'failed') failed
     CROSS JOIN LATERAL (
           SELECT max(j.updated_at) AS last_at FROM email_jobs j
            WHERE j.owner_id = o.owner_id AND j.state = 'in_doubt') doubted
     CROSS JOIN LATERAL (
           SELECT max(j.updated_at) AS last_at FROM email_jobs j
            WHERE j.owner_id = o.owner_id AND j.state = 'cancelled') cancelled
)
SELECT signed_in.id_hash, signed_in.owner_id, seen.is_moving, seen.moved,
       concat_ws(' ', signed_in.person, worker.is_there, seen.decided) AS decided
  FROM signed_in JOIN seen USING (owner_id) CROSS JOIN worker
