-- name: hold_zone
-- The practice's zone stays until this ends (`clinics.sql`, `hold_zone_alone`).
SELECT pg_advisory_xact_lock_shared(716618, hashtext(session_clinic()))

-- name: hold_patient_month
-- Two people who sign or reopen the same month queue up.
SELECT pg_advisory_xact_lock(hashtextextended(
    'month ' || %(clinic)s || %(patient)s::text || %(month)s::text, 0))

-- name: keep_rules
INSERT INTO rule_table (clinic_id, sha256, rules, kept_at)
VALUES (session_clinic(), %(sha256)s, %(rules)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: kept_rules
SELECT rules FROM rule_table WHERE clinic_id = session_clinic() AND sha256 = %(sha256)s

-- name: sign
INSERT INTO signed_month (clinic_id, patient_id, month, version, as_of, facts, facts_sha256, result,
                          result_sha256, rules_sha256, rules_version, rates, signed_by,
                          signed_by_name, signed_at, note)
SELECT session_clinic(), %(patient)s, %(month)s,
       1 + coalesce((SELECT max(version) FROM signed_month
                     WHERE clinic_id = session_clinic() AND patient_id = %(patient)s
                       AND month = %(month)s), 0),
       %(as_of)s, %(facts)s, %(facts_sha256)s, %(result)s, %(result_sha256)s, %(rules_sha256)s,
       %(rules_version)s, %(rates)s, s.id, s.name, %(now)s, %(note)s
FROM staff s WHERE s.id = %(by)s
RETURNING id

-- name: reopen
UPDATE signed_month
SET reopened_at = %(now)s, reopened_by = %(by)s, reopened_reason = %(reason)s
WHERE clinic_id = session_clinic() AND patient_id = %(patient)s AND month = %(month)s
  AND reopened_at IS NULL
RETURNING id

-- name: signed
-- One signing, those of a patient's month, or those that stand in a month of the clinic.
SELECT m.id, m.patient_id, m.month, m.version, m.as_of, m.facts, m.facts_sha256, m.result,
       m.result_sha256, m.rules_sha256, m.rules_version, m.rates, m.signed_by, m.signed_by_name,
       m.signed_at, m.note, m.reopened_at, m.reopened_by, r.name AS reopened_by_name,
       m.reopened_reason
FROM signed_month m LEFT JOIN staff r ON r.id = m.reopened_by
WHERE m.clinic_id = session_clinic()
  AND (%(id)s::uuid IS NULL OR m.id = %(id)s)
  AND (%(patient)s::uuid IS NULL OR m.patient_id = %(patient)s)
  AND (%(month)s::date IS NULL OR m.month = %(month)s)
  AND (NOT %(standing)s OR m.reopened_at IS NULL)
ORDER BY m.month, m.patient_id, m.version

-- name: lock
INSERT INTO month_lock (clinic_id, month, locked_by, locked_at, note)
VALUES (session_clinic(), %(month)s, %(by)s, %(now)s, %(note)s)
ON CONFLICT (clinic_id, month) WHERE unlocked_at IS NULL DO NOTHING
RETURNING id

-- name: unlock
UPDATE month_lock SET unlocked_at = %(now)s, unlocked_by = %(by)s, unlocked_reason = %(reason)s
WHERE clinic_id = session_clinic() AND month = %(month)s AND unlocked_at IS NULL
RETURNING id

-- name: locks
-- Of a month, or of all of them, the newest first.
SELECT l.id, l.month, l.locked_by, s.name AS locked_by_name, l.locked_at, l.note, l.unlocked_by,
       u.name AS unlocked_by_name, l.unlocked_at, l.unlocked_reason
FROM month_lock l
JOIN staff s ON s.id = l.locked_by
LEFT JOIN staff u ON u.id = l.unlocked_by
WHERE l.clinic_id = session_clinic() AND (%(month)s::date IS NULL OR l.month = %(month)s)
ORDER BY l.locked_at DESC, l.id LIMIT 200
