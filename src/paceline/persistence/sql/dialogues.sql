-- Keep what was said during attempts that came to nothing; safe to run again. Behind their evidence,
-- and only for evidence that is there: the email may have been thrown away meanwhile, or its recipient
-- wiped. What was said $4 attempts before goes.
-- Its commit waits for no disk, as PostgreSQL asks for it until the end of this transaction: a crash
-- may lose the lines, which decide nothing (ADR 37), and no outcome waits for them.
-- $1 email_ids, $2 attempts, $3 what was said, $4 of how many attempts at an email
WITH kept AS (
    INSERT INTO attempt_dialogues (email_id, attempt, said)
    SELECT a.email_id, a.attempt, g.said
      FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried,
           unnest($1::uuid[], $2::int[], $3::text[]) AS g (email_id, attempt, said)
      JOIN attempts a USING (email_id, attempt)
      JOIN email_jobs j USING (email_id)
     WHERE a.outcome <> 'sent' AND j.content_removed_at IS NULL
    ON CONFLICT DO NOTHING)
DELETE FROM attempt_dialogues d
 USING unnest($1::uuid[], $2::int[]) AS g (email_id, attempt)
 WHERE d.email_id = g.email_id AND d.attempt <= g.attempt - $4::int
