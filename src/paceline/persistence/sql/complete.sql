-- Close the sender's campaigns that have nothing left to do. Doubt does not hold one open.
-- Not one that is touched while this statement runs: something comes back to it (record.sql), or
-- more recipients are being added, which this statement's picture of the emails cannot show.
-- Whoever waits for the row's lock compares its new version with the one that was seen.
-- $1 sender_id
WITH seen AS MATERIALIZED (
    SELECT id, updated_at, total FROM campaigns WHERE sender_id = $1 AND state = 'active')
UPDATE campaigns c
   SET state = 'completed', finished_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM seen s
 WHERE c.id = s.id AND c.updated_at = s.updated_at AND c.total = s.total AND c.state = 'active'
   AND NOT EXISTS (SELECT 1 FROM email_jobs j
                    WHERE j.sender_id = $1 AND j.campaign_id = c.id
                      AND j.state IN ('deferred', 'scheduled'))
   AND NOT EXISTS (SELECT 1 FROM email_jobs j
                    WHERE j.campaign_id = c.id AND j.state IN ('claimed', 'sending'))
RETURNING c.id
