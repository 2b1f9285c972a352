-- name: rule_in_force
SELECT months, valid_from, reason, set_at FROM retention_rule
WHERE clinic_id = session_clinic() AND valid_from <= %(now)s
ORDER BY set_at DESC, id LIMIT 1

-- name: rules
-- Who set what, the newest first.
SELECT r.months, r.valid_from, r.reason, r.set_at, s.name AS set_by_name
FROM retention_rule r JOIN staff s ON s.id = r.set_by
WHERE r.clinic_id = session_clinic() ORDER BY r.set_at DESC, r.id LIMIT 100

-- name: set_rule
INSERT INTO retention_rule (clinic_id, months, valid_from, reason, set_by, set_at)
VALUES (session_clinic(), %(months)s, %(valid_from)s, %(reason)s, %(by)s, %(now)s)
RETURNING id

-- name: holds
-- Those that stand first, the newest first.
SELECT h.id, h.patient_id, h.reason, h.placed_at, h.released_at, h.release_reason,
       s.name AS placed_by_name, r.name AS released_by_name, p.family_name, p.given_name,
       p.record_number
FROM legal_hold h
JOIN staff s ON s.id = h.placed_by
LEFT JOIN staff r ON r.id = h.released_by
LEFT JOIN patient p ON p.clinic_id = h.clinic_id AND p.id = h.patient_id
WHERE h.clinic_id = session_clinic()
ORDER BY h.released_at IS NOT NULL, h.placed_at DESC, h.id LIMIT 200

-- name: place_hold
INSERT INTO legal_hold (clinic_id, patient_id, reason, placed_by, placed_at)
VALUES (session_clinic(), %(patient)s, %(reason)s, %(by)s, %(now)s)
RETURNING id

-- name: release_hold
UPDATE legal_hold SET released_by = %(by)s, released_at = %(now)s, release_reason = %(reason)s
WHERE clinic_id = session_clinic() AND id = %(hold)s AND released_at IS NULL

-- name: patient_by_record
SELECT id FROM patient WHERE clinic_id = session_clinic() AND record_number = %(record_number)s

-- name: cite
SELECT cite_readings(%(ids)s::uuid[], %(why)s, %(now)s)

-- name: clinics
SELECT id FROM clinic ORDER BY id

-- name: cutoff
SELECT retention_cutoff(%(now)s) AS cutoff

-- name: parts
-- The stretches of time that readings before the cutoff lie in, a chunk each, the oldest first.
SELECT range_start, range_end, format('%%I.%%I', chunk_schema, chunk_name) AS chunk
FROM timescaledb_information.chunks
WHERE hypertable_name = 'reading' AND range_start < %(cutoff)s ORDER BY range_start

-- name: retain_batch
SELECT * FROM retain_batch(%(now)s, %(after_at)s, %(after_id)s, %(until)s, %(most)s, %(dry)s)

-- name: drop_if_empty
SELECT drop_chunk_if_empty(%(chunk)s::regclass) AS dropped
