-- name: write
-- In the order of the key, so that two runs at once do not wait in a ring.
INSERT INTO month_evaluation AS m (clinic_id, patient_id, month, facts_sha256, rules_version, as_of,
                                   result, computed_at)
SELECT session_clinic(), n.patient, %(month)b, n.facts_sha256, %(rules_version)b, n.as_of, n.result,
       %(now)b
FROM unnest(%(patients)b::uuid[], %(facts)b::text[], %(days)b::date[], %(results)b::bytea[])
    AS n (patient, facts_sha256, as_of, result)
ORDER BY n.patient
ON CONFLICT (clinic_id, month, patient_id) DO UPDATE
SET facts_sha256 = excluded.facts_sha256, rules_version = excluded.rules_version,
    as_of = excluded.as_of, result = excluded.result, computed_at = excluded.computed_at
WHERE m.computed_at <= excluded.computed_at

-- name: forget
-- Of those who are not enrolled in the month any more.
DELETE FROM month_evaluation
WHERE clinic_id = session_clinic() AND month = %(month)s AND computed_at < %(before)s

-- name: read
SELECT patient_id, month, facts_sha256, rules_version, as_of, result, computed_at
FROM month_evaluation
WHERE clinic_id = session_clinic() AND month = %(month)s
  AND (%(patient)s::uuid IS NULL OR patient_id = %(patient)s)
ORDER BY patient_id
