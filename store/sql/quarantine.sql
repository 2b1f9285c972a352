-- name: quarantine_rows
SELECT q.id, q.reason, q.scope, q.state, q.gateway, q.device, q.user_slot, q.patient_id,
       q.first_seen, q.last_seen, q.times, q.measured_at, octet_length(q.payload) AS size,
       g.home_id, h.label AS home_label, p.given_name, p.family_name,
       count(*) OVER () AS total
FROM quarantine q
LEFT JOIN gateway g ON g.clinic_id = q.clinic_id AND g.name = q.gateway
LEFT JOIN home h ON h.id = g.home_id
LEFT JOIN patient p ON p.id = q.patient_id
WHERE q.clinic_id = %(clinic)s AND q.state = ANY(%(states)s)
  AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)
  AND (%(home)s::uuid IS NULL OR g.home_id = %(home)s)
  AND (%(since)s::timestamptz IS NULL OR q.last_seen >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR q.last_seen < %(until)s)
ORDER BY q.last_seen DESC, q.id DESC LIMIT %(limit)s OFFSET %(skip)s

-- name: quarantine_counts
SELECT q.reason, q.state, count(*) AS number FROM quarantine q
WHERE q.clinic_id = %(clinic)s GROUP BY q.reason, q.state ORDER BY q.reason, q.state

-- name: quarantine_row
SELECT q.id, q.topic, q.scope, q.payload, q.reason, q.detail, q.state, q.gateway, q.device,
       q.user_slot, q.patient_id, q.reading_id, q.measured_at, q.first_seen, q.last_seen, q.times,
       q.judged_at, q.replay_id, r.asked_at AS replay_asked_at, g.home_id, h.label AS home_label, p.given_name, p.family_name,
       d.key AS device_key, d.model AS device_model, d.kind AS device_kind,
       (SELECT t.id FROM finding f
        JOIN care_task t ON t.clinic_id = f.clinic_id AND t.alert_id = f.alert_id
        WHERE f.clinic_id = q.clinic_id AND f.quarantine_id = q.id AND f.withdrawn_at IS NULL
        ORDER BY t.created_at DESC LIMIT 1) AS task_id,
       (SELECT jsonb_build_object('id', o.id, 'reason', o.reason) FROM quarantine o
        WHERE o.clinic_id = q.clinic_id AND o.content_hash = q.content_hash AND o.id <> q.id
          AND o.state IN ('open', 'replay_requested')
        ORDER BY o.last_seen DESC LIMIT 1) AS elsewhere
FROM quarantine q
LEFT JOIN gateway g ON g.clinic_id = q.clinic_id AND g.name = q.gateway
LEFT JOIN home h ON h.id = g.home_id
LEFT JOIN patient p ON p.id = q.patient_id
LEFT JOIN device d ON d.clinic_id = q.clinic_id AND d.address = q.device
LEFT JOIN quarantine_replay r ON r.id = q.replay_id
WHERE q.clinic_id = %(clinic)s AND q.id = %(id)s

-- name: quarantine_state
UPDATE quarantine SET state = %(wanted)s
WHERE clinic_id = %(clinic)s AND id = %(id)s AND state = ANY(%(present)s)

-- name: quarantine_waiting
-- How many wait of what a replay would take, and the newest of them: what comes later was not seen.
SELECT count(*) AS number, max(q.id) AS newest
FROM quarantine q
LEFT JOIN gateway g ON g.clinic_id = q.clinic_id AND g.name = q.gateway
WHERE q.clinic_id = %(clinic)s AND q.state = 'open'
  AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)
  AND (%(home)s::uuid IS NULL OR g.home_id = %(home)s)
  AND (%(since)s::timestamptz IS NULL OR q.last_seen >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR q.last_seen < %(until)s)

-- name: replay_begins
INSERT INTO quarantine_replay (clinic_id, asked_at, asked_by, reason, rows)
VALUES (%(clinic)s, %(now)s, %(staff)s, %(reason)s, 0) RETURNING id

-- name: replay_rows
UPDATE quarantine SET state = 'replay_requested', replay_id = %(replay)s
WHERE id IN (
    SELECT q.id FROM quarantine q
    LEFT JOIN gateway g ON g.clinic_id = q.clinic_id AND g.name = q.gateway
    WHERE q.clinic_id = %(clinic)s AND q.state = 'open'
      AND (%(newest)s::bigint IS NULL OR q.id <= %(newest)s)
      AND (%(reason)s::text IS NULL OR q.reason = %(reason)s)
      AND (%(home)s::uuid IS NULL OR g.home_id = %(home)s)
      AND (%(since)s::timestamptz IS NULL OR q.last_seen >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR q.last_seen < %(until)s)
    FOR UPDATE OF q)
RETURNING id

-- name: replay_told
UPDATE quarantine_replay SET rows = %(rows)s WHERE id = %(replay)s

-- name: replay_progress
-- `waiting`, `replayed`, `refused` again. Rows that are part of a later replay have left this one.
SELECT r.id, r.asked_at, r.reason, r.rows, s.name AS asked_by_name,
       count(q.id) FILTER (WHERE q.state = 'replay_requested') AS waiting,
       count(q.id) FILTER (WHERE q.state = 'replayed') AS replayed,
       count(q.id) FILTER (WHERE q.state IN ('open', 'discarded')) AS refused
FROM quarantine_replay r
LEFT JOIN quarantine q ON q.replay_id = r.id
LEFT JOIN staff s ON s.id = r.asked_by
WHERE r.clinic_id = %(clinic)s
  AND r.id = coalesce(%(replay)s::bigint, (
      SELECT max(n.id) FROM quarantine_replay n
      WHERE n.clinic_id = %(clinic)s AND n.asked_at > %(since)s))
GROUP BY r.id, s.name

-- name: replay_refused
-- Why, the most frequent first.
SELECT q.reason, q.detail, count(*) AS number, min(q.id) AS example
FROM quarantine q
WHERE q.clinic_id = %(clinic)s AND q.replay_id = %(replay)s AND q.state IN ('open', 'discarded')
GROUP BY q.reason, q.detail ORDER BY number DESC, q.detail LIMIT 20

-- name: quarantine_states
SELECT id, state FROM quarantine WHERE clinic_id = %(clinic)s AND id = ANY(%(ids)s::bigint[])

-- name: quarantine_story
-- What people did with it, the newest first; the reason of a discard is in the detail.
SELECT a.at, a.actor, a.action, a.detail, s.name FROM audit_event a
LEFT JOIN staff s ON s.id::text = a.actor
WHERE a.clinic_id = %(clinic)s AND a.subject = %(subject)s AND a.action <> 'quarantine.read'
ORDER BY a.seq DESC LIMIT 50
