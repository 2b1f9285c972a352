-- name: patiently
-- Ten thousand people take longer than any page may.
SELECT set_config('statement_timeout', '0', true)

-- name: staff
-- Nurses with time for all, and a practitioner.
INSERT INTO staff (email, name, password_hash, created_at)
SELECT session_clinic() || '-' || n || '@crowd.example',
       CASE n WHEN 0 THEN 'Practitioner' ELSE 'Nurse ' || n END, 'x', %(since)s
FROM generate_series(0, %(nurses)s) AS n

-- name: enrol
-- Everybody in CCM and in RPM, with consent to both.
WITH doctor AS (
    SELECT id FROM staff WHERE email = session_clinic() || '-0@crowd.example'
), enrolled AS (
    INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during,
                           qualifying_conditions, care_plan_on, created_by, created_at)
    SELECT p.clinic_id, p.id, k.programme, d.id, daterange(%(since)s::date, NULL),
           '{diabetes,hypertension}', %(since)s::date, d.id, %(since)s
    FROM patient p CROSS JOIN (VALUES ('CCM'), ('RPM')) AS k (programme) CROSS JOIN doctor d
    WHERE p.clinic_id = session_clinic()
)
INSERT INTO consent (clinic_id, patient_id, programme, practitioner, given_at, method, elements,
                     recorded_by, recorded_at)
SELECT p.clinic_id, p.id, k.programme, d.id, %(since)s, 'verbal',
       '{availability,cost_sharing,one_practitioner,right_to_stop}', d.id, %(since)s
FROM patient p CROSS JOIN (VALUES ('CCM'), ('RPM')) AS k (programme) CROSS JOIN doctor d
WHERE p.clinic_id = session_clinic()

-- name: work
-- So many entries of each patient over the month, two thirds of them CCM's, between one and five
-- minutes long; nobody is at two patients at once. One in ten waits for its confirmation.
INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role, source, during,
                        state, status, last_activity_at, interactive, note, created_at, confirmed_at)
SELECT p.clinic_id, p.id, s.id, CASE WHEN k %% 3 = 0 THEN 'RPM' ELSE 'CCM' END,
       CASE WHEN k %% 5 = 0 THEN 'call' ELSE 'alert_review' END, 'clinical_staff', 'timer',
       tstzrange(t.start, t.start + make_interval(secs => 60 + (p.number * 7 + k * 31) %% 240)),
       CASE WHEN k %% 10 = 9 THEN 'stopped' ELSE 'confirmed' END, 'active', t.start,
       k %% 5 = 0, 'Done', t.start, t.start
FROM (SELECT clinic_id, id, row_number() OVER (ORDER BY id) - 1 AS number FROM patient
      WHERE clinic_id = session_clinic()) AS p
CROSS JOIN generate_series(0, %(entries)s - 1) AS k
JOIN staff s ON s.email = session_clinic() || '-' || 1 + p.number %% %(nurses)s || '@crowd.example'
-- A nurse's patients have a slot each in every round of theirs.
CROSS JOIN LATERAL (SELECT %(begins)s::timestamptz + (%(ends)s::timestamptz - %(begins)s::timestamptz) / %(entries)s
    * (k + (p.number / %(nurses)s)::float8 / %(shares)s) AS start) AS t

-- name: tasks
-- One in five has a follow-up open.
INSERT INTO care_task (clinic_id, patient_id, kind, title, state, created_at, due_at)
SELECT p.clinic_id, p.id, 'follow_up', 'Call', 'open', %(begins)s, %(ends)s
FROM (SELECT clinic_id, id, row_number() OVER (ORDER BY id) AS number FROM patient
      WHERE clinic_id = session_clinic()) AS p
WHERE p.number %% 5 = 0

-- name: counts
SELECT (SELECT count(*) FROM patient WHERE clinic_id = session_clinic()) AS patients,
       (SELECT count(*) FROM time_entry WHERE clinic_id = session_clinic()) AS entries,
       (SELECT count(*) FROM reading_view) AS readings,
       (SELECT count(*) FROM month_evaluation WHERE clinic_id = session_clinic()) AS stored,
       (SELECT sum(octet_length(result)) FROM month_evaluation
        WHERE clinic_id = session_clinic())::bigint AS result_bytes
