-- name: read_patient
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.record_number, p.sex, p.phone,
       p.zone AS own_zone, coalesce(p.zone, c.zone) AS zone, p.conditions, p.care_note
FROM patient p JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = session_clinic() AND p.id = %(patient)s

-- name: register_patient
INSERT INTO patient (clinic_id, family_name, given_name, birth_date, record_number, sex, phone,
                     zone, conditions, care_note, created_at)
VALUES (session_clinic(), %(family_name)s, %(given_name)s, %(birth_date)s, %(record_number)s,
        %(sex)s, %(phone)s, %(zone)s, %(conditions)s, %(care_note)s, %(now)s)
RETURNING id

-- name: lock_patient
SELECT family_name, given_name, birth_date, record_number, sex, phone, zone, conditions, care_note
FROM patient WHERE clinic_id = session_clinic() AND id = %(patient)s FOR UPDATE

-- name: update_patient
UPDATE patient
SET family_name = %(family_name)s, given_name = %(given_name)s, birth_date = %(birth_date)s,
    record_number = %(record_number)s, sex = %(sex)s, phone = %(phone)s, zone = %(zone)s,
    conditions = %(conditions)s, care_note = %(care_note)s
WHERE clinic_id = session_clinic() AND id = %(patient)s

-- name: identities
-- Who is registered: identity and nothing of the chart.
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.record_number, p.phone
FROM patient p
WHERE p.clinic_id = session_clinic()
  AND (%(search)s = '' OR position(lower(%(search)s) IN lower(
      concat_ws(' ', p.given_name, p.family_name, p.given_name, p.record_number))) > 0)
ORDER BY p.family_name, p.given_name, p.id LIMIT %(limit)s

-- name: count_patients
SELECT count(*) FROM patient WHERE clinic_id = session_clinic()

-- name: practitioners
-- Whom a programme can be billed under.
SELECT s.id, s.name, s.credential FROM staff_membership m JOIN staff s ON s.id = m.staff_id
WHERE m.clinic_id = session_clinic() AND m.role = 'provider' AND m.ended_at IS NULL
ORDER BY s.name

-- name: hold_patient
SELECT pg_advisory_xact_lock(hashtextextended('patient ' || %(patient)s, 0))
