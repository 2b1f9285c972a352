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
ORDER BY q.last_seen DESC, q.id DESC LIMIT %(limit)s OFFSET %(skip)s

-- name: quarantine_counts
SELECT q.reason, q.state, count(*) AS number FROM quarantine q
WHERE q.clinic_id = %(clinic)s GROUP BY q.reason, q.state ORDER BY q.reason, q.state

-- name: quarantine_row
SELECT q.id, q.topic, q.scope, q.payload, q.reason, q.detail, q.state, q.gateway, q.device,
       q.user_slot, q.patient_id, q.reading_id, q.measured_at, q.first_seen, q.last_seen, q.times,
       q.judged_at, g.home_id, h.label AS home_label, p.given_name, p.family_name
FROM quarantine q
LEFT JOIN gateway g ON g.clinic_id = q.clinic_id AND g.name = q.gateway
LEFT JOIN home h ON h.id = g.home_id
LEFT JOIN patient p ON p.id = q.patient_id
WHERE q.clinic_id = %(clinic)s AND q.id = %(id)s

-- name: quarantine_state
UPDATE quarantine SET state = %(wanted)s
WHERE clinic_id = %(clinic)s AND id = %(id)s AND state = ANY(%(present)s)

-- name: replay_reason
UPDATE quarantine SET state = 'replay_requested'
WHERE clinic_id = %(clinic)s AND reason = %(reason)s AND state = 'open'
RETURNING id

-- name: quarantine_states
SELECT id, state FROM quarantine WHERE clinic_id = %(clinic)s AND id = ANY(%(ids)s::bigint[])

-- name: quarantine_story
-- What people did with it, the newest first; the reason of a discard is in the detail.
SELECT a.at, a.actor, a.action, a.detail, s.name FROM audit_event a
LEFT JOIN staff s ON s.id::text = a.actor
WHERE a.clinic_id = %(clinic)s AND a.subject = %(subject)s AND a.action <> 'quarantine.read'
ORDER BY a.seq DESC LIMIT 50
