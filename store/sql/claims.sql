-- name: practice
SELECT id, name, zone, glucose_unit, weight_unit FROM clinic WHERE id = %(clinic)s

-- name: patients
SELECT id, record_number, family_name, given_name, birth_date, sex FROM patient
WHERE clinic_id = %(clinic)s AND id = ANY(%(ids)s::uuid[])

-- name: practitioners
SELECT s.id, s.name, s.credential FROM staff_membership m JOIN staff s ON s.id = m.staff_id
WHERE m.clinic_id = %(clinic)s
