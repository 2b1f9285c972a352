-- name: insert_fact
INSERT INTO billing_fact (clinic_id, patient_id, kind, first_day, last_day, code, by_staff, level,
                          fda_device, with_visit, personally, note, recorded_by, recorded_at,
                          replaces)
VALUES (%(clinic)s, %(patient)s, %(kind)s, %(first_day)s, %(last_day)s, %(code)s, %(by_staff)s,
        %(level)s, %(fda_device)s, %(with_visit)s, %(personally)s, %(note)s, %(recorded_by)s,
        %(now)s, %(replaces)s)
RETURNING id

-- name: fact_for_update
SELECT id, patient_id, kind, first_day, last_day, note, reversed_at FROM billing_fact
WHERE clinic_id = %(clinic)s AND id = %(fact)s
FOR UPDATE

-- name: take_back_fact
UPDATE billing_fact
SET reversed_at = %(now)s, reversed_by = %(staff)s, reversed_reason = %(reason)s
WHERE clinic_id = %(clinic)s AND id = %(fact)s

-- name: patient_zone
SELECT coalesce(p.zone, c.zone) AS zone
FROM patient p JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = %(clinic)s AND p.id = %(patient)s

-- name: is_staff
SELECT FROM staff_membership WHERE clinic_id = %(clinic)s AND staff_id = %(staff)s

-- name: clinicians
SELECT s.id, s.name, s.credential FROM staff_membership m JOIN staff s ON s.id = m.staff_id
WHERE m.clinic_id = %(clinic)s AND m.role IN ('nurse', 'provider') AND m.ended_at IS NULL
ORDER BY s.name, s.id

-- name: patient_of_fact
SELECT patient_id FROM billing_fact WHERE clinic_id = %(clinic)s AND id = %(fact)s

-- name: facts_of
SELECT f.id, f.kind, f.first_day, f.last_day, f.code, f.by_staff, b.name AS by_staff_name,
       f.level, f.fda_device, f.with_visit, f.personally, f.note, w.name AS recorded_by_name,
       f.recorded_at, f.replaces, f.reversed_at, r.name AS reversed_by_name, f.reversed_reason
FROM billing_fact f
JOIN staff w ON w.id = f.recorded_by
LEFT JOIN staff b ON b.id = f.by_staff
LEFT JOIN staff r ON r.id = f.reversed_by
WHERE f.clinic_id = %(clinic)s AND f.patient_id = %(patient)s
ORDER BY f.first_day DESC, f.recorded_at DESC, f.id
