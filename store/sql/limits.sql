-- name: limits_in_force
-- The patient's row stands over the clinic's. A withdrawn row stood until it was withdrawn.
SELECT DISTINCT ON (rule) patient_id, rule, value, ucum, valid_from, set_at, withdrawn_at
FROM clinical_limit
WHERE clinic_id = session_clinic() AND (patient_id IS NULL OR patient_id = %(patient)s)
  AND valid_from <= %(at)s AND (withdrawn_at IS NULL OR withdrawn_at > %(at)s)
ORDER BY rule, (patient_id IS NULL), valid_from DESC, set_at DESC

-- name: limits_of_patients
-- Every row that ever stood for one of them, the clinic's own included, the oldest first.
SELECT l.patient_id, l.rule, l.value, l.ucum, l.valid_from, l.set_at, l.withdrawn_at
FROM (
    SELECT * FROM clinical_limit WHERE clinic_id = session_clinic() AND patient_id IS NULL
    UNION ALL
    SELECT * FROM clinical_limit
    WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s::uuid[])
) AS l
ORDER BY l.valid_from, l.set_at, l.id

-- name: set_limit
INSERT INTO clinical_limit
    (clinic_id, patient_id, rule, value, ucum, valid_from, set_by, set_at, reason)
VALUES (%(clinic)s, %(patient)s, %(rule)s, %(value)s, %(ucum)s, %(valid_from)s, %(by)s, %(now)s,
        %(reason)s)
RETURNING id

-- name: withdraw_limits
UPDATE clinical_limit SET withdrawn_at = %(now)s
WHERE clinic_id = session_clinic() AND patient_id IS NOT DISTINCT FROM %(patient)s::uuid
  AND rule = %(rule)s AND (withdrawn_at IS NULL OR withdrawn_at > %(now)s)

-- name: limit_history
SELECT l.id, l.patient_id, l.rule, l.value, l.ucum, l.valid_from, l.set_at, l.withdrawn_at,
       l.reason, l.set_by, s.name AS set_by_name
FROM clinical_limit l LEFT JOIN staff s ON s.id = l.set_by
WHERE l.clinic_id = session_clinic() AND l.patient_id IS NOT DISTINCT FROM %(patient)s::uuid
ORDER BY l.set_at DESC, l.id
