-- Close the sender's campaigns that have nothing left to do. Doubt does not hold one open.
-- $1 sender_id
UPDATE campaigns c
   SET state = 'completed', finished_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE c.sender_id = $1 AND c.state = 'active'
   AND NOT EXISTS (SELECT 1 FROM email_jobs j
                    WHERE j.sender_id = $1 AND j.campaign_id = c.id
                      AND j.state IN ('deferred', 'scheduled'))
   AND NOT EXISTS (SELECT 1 FROM email_jobs j
                    WHERE j.campaign_id = c.id AND j.state IN ('claimed', 'sending'))
RETURNING c.id
