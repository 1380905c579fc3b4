-- Emails of one owner, from the plan in `seed_campaigns`; see seed.py. Indexes and triggers are away.

SELECT setseed(0.42);

CREATE FUNCTION pg_temp.syllables(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(s[1 + (n / 40 ^ place)::int % 40], '' ORDER BY place)
      FROM (SELECT string_to_array('ba be bor da del dor el en far gar ger hal han in jor ka ker kin '
                || 'lan len lor ma mer min na nel or pas per ra ren ros sal sen ta ter tor val ven wi', ' ')
           ) AS of (s), generate_series(0, 2) AS place
$$;

-- As domain/search_words.py makes them, of what has no accents.
CREATE FUNCTION pg_temp.words(mark text, said text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_tsvector(array_agg(DISTINCT mark || word[1]))
      FROM regexp_matches(said, '[0-9]+[a-z]*|[a-z]+', 'g') AS word
$$;

CREATE TEMP TABLE seed_names AS
SELECT string_to_array('Anna James Maria John Michael Sarah David Laura Robert Emma Daniel Julia Thomas '
    || 'Sophie Peter Elena Mark Lisa Paul Nina Andreas Clara Stefan Olivia Martin Ines Jürgen Zoë François '
    || 'Małgorzata Søren Björn Aïcha Tomáš Ngozi Yuki Wei Priya Omar Fatima', ' ') AS firsts,
       string_to_array('Smith Meyer Johnson Müller Garcia Brown Schmidt Jones Martin Rossi Davis Weber Silva '
    || 'Wilson Fischer Novak Dubois Kowalski Lindqvist Jensen Hansen Nguyen Kim Tanaka Singh Haddad Okafor '
    || 'O''Hara Petrov Østergaard', ' ') AS lasts,
       string_to_array('gmail.com yahoo.com outlook.com hotmail.com icloud.com gmx.de web.de orange.fr', ' ')
           AS mailboxes;

-- A quarter of the family names and all companies are rare; what is common is very common.
INSERT INTO emails (id, owner_id, campaign_id, sender_id, address, address_key, name, fields, line,
                    subject, message_id, search, created_at)
SELECT p.id, p.owner_id, p.campaign_id, p.sender_id, p.address, lower(p.address), p.first || ' ' || p.last,
       jsonb_build_object('first_name', p.first, 'company', p.company, 'city', p.city),
       CASE WHEN p.campaign_id IS NOT NULL THEN p.n + 1 END,
       CASE WHEN p.campaign_id IS NULL THEN p.subject || ' ' || p.n END,
       '<' || p.id || '@example.com>',
       pg_temp.words(right(p.owner_id::text, 6), lower(p.address) || ' ' || p.plain || ' '
           || CASE WHEN p.subject LIKE '%company%' THEN lower(p.company)
                   WHEN p.campaign_id IS NULL THEN lower(p.subject) || ' ' || p.n ELSE '' END),
       p.created_at
  FROM (
    SELECT uuidv7(o.created_at - clock_timestamp()) AS id, o.*, initcap(o.trade) || ' Ltd' AS company,
           CASE WHEN o.kind < 0.5 THEN o.plain || o.n || '@' || o.mailbox
                ELSE o.plain || '@' || o.trade || '.com' END AS address
      FROM (
        SELECT c.*, g.n, r.*, initcap(pg_temp.syllables(n % 40000)) AS city,
               pg_temp.syllables((g.n * 7) % 40000) AS trade,
               translate(lower(r.first || '.' || r.last), 'üéçøłšáïëöÖØ''', 'uecolsaieooo') AS plain
          FROM seed_campaigns c
         CROSS JOIN LATERAL generate_series(1, c.emails) AS g (n)
         CROSS JOIN LATERAL (
            SELECT m.firsts[1 + (power(random(), 2) * 39.9)::int % 40] AS first,
                   CASE WHEN random() < 0.25 THEN initcap(pg_temp.syllables((random() * 63999)::int))
                        ELSE m.lasts[1 + (power(random(), 2) * 29.9)::int % 30] END AS last,
                   m.mailboxes[1 + (power(random(), 2) * 7.9)::int % 8] AS mailbox, random() AS kind
              FROM seed_names m WHERE g.n > 0) AS r
      ) AS o
  ) AS p
ON CONFLICT DO NOTHING;

INSERT INTO email_jobs (email_id, owner_id, campaign_id, sender_id, state, scheduled_at, due_at, attempt,
                        deferrals, dated_at, failure_reason, reply_code, reply_enhanced, reply_text,
                        in_doubt_at, sent_at, updated_at)
SELECT s.id, s.owner_id, s.campaign_id, s.sender_id, s.state, s.due_at, s.due_at,
       (s.state IN ('sent', 'failed', 'in_doubt', 'deferred'))::int, (s.state = 'deferred')::int,
       CASE WHEN s.state IN ('sent', 'failed', 'in_doubt', 'deferred') THEN s.at END,
       CASE WHEN s.state = 'failed' THEN 'hard_bounce' END,
       CASE s.state WHEN 'failed' THEN 550 WHEN 'deferred' THEN 451 WHEN 'sent' THEN 250 END,
       CASE s.state WHEN 'failed' THEN '5.1.1' WHEN 'deferred' THEN '4.7.1' WHEN 'sent' THEN '2.0.0' END,
       CASE s.state WHEN 'failed' THEN 'no such user here' WHEN 'deferred' THEN 'greylisted, come back later'
                    WHEN 'sent' THEN 'queued' END,
       CASE WHEN s.state = 'in_doubt' THEN s.at END, CASE WHEN s.state = 'sent' THEN s.at END,
       CASE WHEN s.state IN ('scheduled', 'deferred') THEN s.created_at ELSE s.at END
  FROM (
    SELECT e.id, e.owner_id, e.campaign_id, e.sender_id, e.created_at, c.due_at,
           c.began_at + e.n * (c.ended_at - c.began_at) / greatest(c.emails, 1) AS at,
           CASE WHEN e.n > c.emails * c.done
                THEN CASE WHEN c.rest = 'scheduled' AND e.dice < 0.003 THEN 'deferred' ELSE c.rest END
                WHEN e.dice < 0.04 THEN 'failed'
                WHEN e.dice < 0.042 THEN 'in_doubt'
                WHEN e.dice < 0.05 THEN 'cancelled'
                ELSE 'sent' END AS state
      FROM seed_campaigns c
      JOIN (SELECT *, random() AS dice, coalesce(line - 1, split_part(subject, ' ', -1)::int) AS n
              FROM emails) AS e
        ON e.owner_id = c.owner_id AND e.sender_id = c.sender_id
       AND e.campaign_id IS NOT DISTINCT FROM c.campaign_id
     WHERE NOT EXISTS (SELECT FROM email_jobs j WHERE j.email_id = e.id)
  ) AS s;

INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome, phase, reply_code,
                      reply_enhanced, reply_text, dot_at, ended_at)
SELECT email_id, 1, sender_id, campaign_id, '00000000-0000-7000-8000-000000000000',
       CASE state WHEN 'failed' THEN 'rejected' WHEN 'deferred' THEN 'not_sent' ELSE state END,
       CASE state WHEN 'failed' THEN 'rcpt' WHEN 'deferred' THEN 'rcpt' WHEN 'in_doubt' THEN 'data_end' END,
       reply_code, reply_enhanced, reply_text,
       CASE WHEN state IN ('sent', 'in_doubt') THEN dated_at END, dated_at
  FROM email_jobs WHERE attempt = 1
ON CONFLICT DO NOTHING;

UPDATE campaigns c
   SET total = n.total, sent = n.sent, failed = n.failed, cancelled = n.cancelled
  FROM (SELECT campaign_id, count(*) AS total, count(*) FILTER (WHERE state = 'sent') AS sent,
               count(*) FILTER (WHERE state = 'failed') AS failed,
               count(*) FILTER (WHERE state = 'cancelled') AS cancelled
          FROM email_jobs WHERE campaign_id IS NOT NULL GROUP BY 1) n
 WHERE n.campaign_id = c.id;

-- What goes with so many emails: who is not written to any more, what people did, what was caught.
INSERT INTO suppressions (owner_id, address_key, reason, created_at, email_id)
SELECT j.owner_id, e.address_key, 'hard_bounce', j.updated_at, e.id
  FROM email_jobs j JOIN emails e ON e.id = j.email_id WHERE j.state = 'failed'
ON CONFLICT DO NOTHING;

INSERT INTO audit_log (owner_id, actor, actor_id, action, subject, at)
SELECT c.owner_id, 'Owner', c.owner_id, a.action, c.name, c.created_at + g.n * interval '1 hour'
  FROM campaigns c, (VALUES ('campaign.launched'), ('campaign.paused'), ('campaign.resumed')) a (action),
       generate_series(1, 5) AS g (n)
 ORDER BY c.created_at, g.n;

INSERT INTO inbox_messages (id, received_at, mail_from, rcpt_to, subject, raw)
SELECT uuidv7(), now(), 'sender1@example.com', ARRAY['reader' || n || '@example.org'], 'Note ' || n,
       convert_to(E'From: sender1@example.com\r\nSubject: Note ' || n || E'\r\n\r\nDear reader\r\n', 'UTF8')
  FROM generate_series(1, 1000) AS n;

INSERT INTO drafts (id, owner_id, saved_by, name, sender_id, subject, body, format, "when", start, time_zone,
                    min_delay, hourly_limit, encoding, header_line, address_column, opt_out_column,
                    opt_in_column, opted_out)
SELECT uuidv7(), s.owner_id, '', '', s.id::text, 'Note ' || n, '<p>Dear {{ first_name }}</p>', 'html', 'now', '',
       'UTC', '', '', '', '', '', '', '', ''
  FROM senders s, generate_series(1, 3) AS n WHERE s.name = 'Sender 1';
