-- name: patiently
-- Ten thousand people take longer than any page may.
SELECT set_config('statement_timeout', '0', true)

-- name: homes
-- Fifty people share a gateway: who hears a reading is not what is measured here.
WITH made AS (
    INSERT INTO home (clinic_id, zone, label)
    SELECT session_clinic(), %(zone)s, 'crowd-' || n FROM generate_series(0, %(people)s / 50) AS n
    RETURNING clinic_id, id, label
)
INSERT INTO gateway (clinic_id, name, home_id) SELECT clinic_id, label, id FROM made

-- name: people
INSERT INTO patient (clinic_id, family_name, given_name, record_number)
SELECT session_clinic(), 'Crowd', to_char(n, 'FM000000'), 'CRD-' || to_char(n, 'FM000000')
FROM generate_series(1, %(people)s) AS n

-- name: devices
-- A cuff, a meter and a scale each.
INSERT INTO device (clinic_id, address, kind)
SELECT p.clinic_id, p.record_number || ' ' || k.kind, k.kind
FROM patient p CROSS JOIN (VALUES ('blood_pressure'), ('glucose'), ('weight')) AS k (kind)
WHERE p.clinic_id = session_clinic() AND p.family_name = 'Crowd'

-- name: assignments
INSERT INTO assignment (clinic_id, device, patient_id, during)
SELECT p.clinic_id, p.record_number || ' ' || k.kind, p.id, tstzrange(%(since)s, NULL)
FROM patient p CROSS JOIN (VALUES ('blood_pressure'), ('glucose'), ('weight')) AS k (kind)
WHERE p.clinic_id = session_clinic() AND p.family_name = 'Crowd'

-- name: limits
-- Every rule that compares a number has a row of each patient's own, some a little wider.
INSERT INTO clinical_limit (clinic_id, patient_id, rule, value, ucum, valid_from, set_at)
SELECT p.clinic_id, p.id, r.rule, r.value * (1 + p.record_number::numeric %% 8 / 400), r.ucum,
       %(since)s, %(since)s
FROM (SELECT clinic_id, id, right(record_number, 6) AS record_number FROM patient
      WHERE clinic_id = session_clinic() AND family_name = 'Crowd') AS p
CROSS JOIN unnest(%(rules)s::text[], %(values)s::float8[], %(ucums)s::text[])
    AS r (rule, value, ucum)

-- name: measure
-- A day of everybody: blood pressure morning and evening, glucose and weight in the morning. So many
-- of the pressures and glucoses are beyond any limit as makes `share` of all readings.
WITH wanted AS MATERIALIZED (
    SELECT p.clinic_id, p.id AS patient_id, a.id AS assignment_id, p.record_number,
           t.kind, right(p.record_number, 6)::int AS number, gen_random_uuid() AS reading_id,
           (%(day)s + t.at) AT TIME ZONE %(zone)s + random() * INTERVAL '40 min' AS measured_at,
           t.kind <> 'weight' AND random() < %(share)s * 4 / 3 AS ill, random() AS chance
    FROM patient p
    CROSS JOIN (VALUES ('blood_pressure', TIME '07:00'), ('glucose', TIME '07:10'),
                       ('weight', TIME '06:40'), ('blood_pressure', TIME '19:00')) AS t (kind, at)
    JOIN assignment a
        ON a.clinic_id = p.clinic_id AND a.device = p.record_number || ' ' || t.kind
    WHERE p.clinic_id = session_clinic() AND p.family_name = 'Crowd'
), keyed AS (
    INSERT INTO reading_key (clinic_id, reading_id, measured_at)
    SELECT clinic_id, reading_id, measured_at FROM wanted
)
INSERT INTO reading (
    clinic_id, reading_id, patient_id, assignment_id, device, user_slot, kind, systolic_mmhg,
    diastolic_mmhg, pulse_per_min, glucose_mg_dl, weight_kg, failed, flags, received_at,
    measured_at, stored_at, clock_certainty, clock_uncertainty_s, minted, origin, raw, context,
    gateway, envelope_id)
SELECT clinic_id, reading_id, patient_id, assignment_id, record_number || ' ' || kind, -1, kind,
       CASE kind WHEN 'blood_pressure' THEN 108 + floor(chance * 20) + 80 * ill::int END,
       CASE kind WHEN 'blood_pressure' THEN 68 + floor(chance * 12) END,
       CASE kind WHEN 'blood_pressure' THEN 62 + floor(chance * 30) END,
       CASE kind WHEN 'glucose' THEN 90 + floor(chance * 60) + 200 * ill::int END,
       CASE kind WHEN 'weight' THEN 60 + number %% 40 + round(chance::numeric, 1) END,
       false, '{}', measured_at, measured_at, measured_at, 'device_clock', 0, false, 'automatic',
       jsonb_build_array(jsonb_build_object('characteristic', '2A35', 'hex', md5(chance::text))),
       '{}', 'crowd-' || number / 50, 'crowd'
FROM wanted

-- name: mark
INSERT INTO evaluation_mark (clinic_id, patient_id, day)
SELECT clinic_id, id, %(day)s FROM patient
WHERE clinic_id = session_clinic() AND family_name = 'Crowd'

-- name: tell
SELECT pg_notify('pending_evaluation', '')

-- name: waiting
SELECT EXISTS (SELECT FROM evaluation_mark WHERE clinic_id = session_clinic())
    OR EXISTS (SELECT FROM summary_rebuild WHERE clinic_id = session_clinic())

-- name: judged
SELECT count(*) FROM judgement WHERE clinic_id = session_clinic()

-- name: found
SELECT count(*) FROM finding WHERE clinic_id = session_clinic()

-- name: backends
-- The server's processes that work for the alert worker of this database.
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'hl_worker_' || current_database()
