-- Which of these emails nobody holds, nor their campaign, nor their lane: how they ended can be
-- recorded without waiting. What is gone meanwhile is held by nobody.
-- $1 email_ids
WITH free_jobs AS MATERIALIZED (
    SELECT email_id, campaign_id, sender_id FROM email_jobs
     WHERE email_id = ANY ($1) FOR NO KEY UPDATE SKIP LOCKED),
free_lanes AS MATERIALIZED (
    SELECT sender_id FROM lanes
     WHERE sender_id IN (SELECT sender_id FROM free_jobs) FOR NO KEY UPDATE SKIP LOCKED),
free_campaigns AS MATERIALIZED (
    SELECT id FROM campaigns
     WHERE id IN (SELECT campaign_id FROM free_jobs) FOR NO KEY UPDATE SKIP LOCKED)
SELECT g.email_id
  FROM unnest($1::uuid[]) AS g (email_id) LEFT JOIN email_jobs j USING (email_id)
 WHERE j.email_id IS NULL
    OR (j.email_id IN (SELECT email_id FROM free_jobs)
        AND (j.campaign_id IS NULL OR j.campaign_id IN (SELECT id FROM free_campaigns))
        AND (j.sender_id IN (SELECT sender_id FROM free_lanes)
             OR NOT EXISTS (SELECT 1 FROM lanes l WHERE l.sender_id = j.sender_id)))
