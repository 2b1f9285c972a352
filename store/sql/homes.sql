-- name: lock_assignments
-- The same lock that ingest and the workers share: nobody attributes while a person changes whose.
SELECT pg_advisory_xact_lock(7166320001)

-- name: reassign_effect
SELECT e.*, p.given_name, p.family_name
FROM reassign_effect(%(device)s, %(slot)s, tstzrange(%(starts_at)s, %(ends_at)s), %(patient)s,
                     %(undecided)s) e
LEFT JOIN patient p ON p.id = e.from_patient
ORDER BY e.kind, p.family_name, p.given_name, e.from_patient

-- name: reassign_readings
SELECT reassign_readings(%(device)s, %(slot)s, tstzrange(%(starts_at)s, %(ends_at)s), %(patient)s,
                         %(undecided)s, %(now)s) AS assignment_id

-- name: decide_readings
SELECT decide_readings(%(readings)s, %(patient)s, %(staff)s, %(now)s) AS decided

-- name: assignment
SELECT a.id, a.device, d.key AS device_key, a.user_slot, a.patient_id,
       lower(a.during) AS starts_at, upper(a.during) AS ends_at, p.given_name, p.family_name
FROM assignment a
JOIN patient p ON p.id = a.patient_id
JOIN device d ON d.clinic_id = a.clinic_id AND d.address = a.device
WHERE a.clinic_id = %(clinic)s AND a.id = %(assignment)s

-- name: assignments_of_device
SELECT a.id, a.user_slot, a.patient_id, lower(a.during) AS starts_at, upper(a.during) AS ends_at,
       p.given_name, p.family_name, a.during @> %(now)s AS current
FROM assignment a JOIN patient p ON p.id = a.patient_id
WHERE a.clinic_id = %(clinic)s AND a.device = %(device)s
ORDER BY a.user_slot, lower(a.during) DESC

-- name: gateways
-- Every gateway of the clinic with what it last said of itself.
SELECT g.name, g.home_id, g.registered_at, s.state, s.at, s.payload
FROM gateway g
LEFT JOIN gateway_status s ON s.clinic_id = g.clinic_id AND s.gateway = g.name
WHERE g.clinic_id = %(clinic)s AND (%(home)s::uuid IS NULL OR g.home_id = %(home)s)
ORDER BY g.name

-- name: homes
SELECT h.id, h.label, h.zone FROM home h
WHERE h.clinic_id = %(clinic)s AND (%(home)s::uuid IS NULL OR h.id = %(home)s)
ORDER BY h.label, h.id

-- name: devices
-- Every device with its newest reading, and who has it now. Where it is: in the home of the gateway
-- that heard it last, else where it was registered.
SELECT d.key, d.address, d.kind, d.model, d.serial, d.label, last.measured_at AS last_measured_at,
       last.received_at AS last_received_at, last.battery_pct AS last_battery_pct,
       coalesce(w.home_id, d.home_id) AS home_id, holders.holders
FROM device d
LEFT JOIN LATERAL (
    SELECT r.measured_at, r.received_at, r.battery_pct, r.gateway FROM reading_view r
    WHERE r.device = d.address AND r.measured_at > %(now)s::timestamptz - interval '400 days'
      AND r.measured_at < %(now)s::timestamptz + interval '1 day'
    ORDER BY r.measured_at DESC LIMIT 1
) AS last ON true
LEFT JOIN gateway w ON w.clinic_id = d.clinic_id AND w.name = last.gateway
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'patient_id', a.patient_id, 'name', p.given_name || ' ' || p.family_name,
        'user_slot', a.user_slot) ORDER BY a.user_slot), '[]') AS holders
    FROM assignment a JOIN patient p ON p.id = a.patient_id
    WHERE a.clinic_id = d.clinic_id AND a.device = d.address AND a.during @> %(now)s
) AS holders
WHERE d.clinic_id = %(clinic)s
ORDER BY d.label, d.kind, d.address

-- name: device
SELECT d.key, d.address, d.kind, d.model, d.serial, d.label, d.home_id AS registered_home_id
FROM device d WHERE d.clinic_id = %(clinic)s AND d.address = %(device)s

-- name: device_of_key
SELECT d.key, d.address FROM device d WHERE d.clinic_id = %(clinic)s AND d.key = %(key)s

-- name: key_of_device
SELECT d.key, d.address FROM device d WHERE d.clinic_id = %(clinic)s AND d.address = %(device)s

-- name: slots
-- The user slots that this device has been seen with, each with its newest reading.
SELECT s.user_slot, s.readings, s.first_at, last.*
FROM (SELECT r.user_slot, count(*) AS readings, min(r.measured_at) AS first_at,
             max(r.measured_at) AS newest
      FROM reading_view r WHERE r.device = %(device)s GROUP BY r.user_slot) AS s
CROSS JOIN LATERAL (
    SELECT r.measured_at, r.received_at, r.kind, r.systolic_mmhg, r.diastolic_mmhg,
           r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.spo2_pct, r.temperature_c,
           r.heart_rate_per_min, r.sensor_glucose_mg_dl, r.body_fat_pct, r.comparator, r.failed
    FROM reading_view r
    WHERE r.device = %(device)s AND r.user_slot = s.user_slot AND r.measured_at = s.newest LIMIT 1
) AS last
ORDER BY s.user_slot

-- name: unassigned
-- Readings of this clinic that nobody has, by device and slot; set aside ones are somebody's decision.
SELECT r.device, r.user_slot, min(r.kind) AS kind, r.held, count(*) AS readings,
       min(r.measured_at) AS first_at, max(r.measured_at) AS last_at,
       (array_agg(w.home_id ORDER BY r.measured_at DESC))[1] AS home_id
FROM reading_view r
LEFT JOIN gateway w ON w.clinic_id = r.clinic_id AND w.name = r.gateway
WHERE r.patient_id IS NULL AND (%(device)s::text IS NULL OR r.device = %(device)s)
  AND NOT EXISTS (SELECT FROM reading_decision d
                  WHERE d.clinic_id = r.clinic_id AND d.reading_id = r.reading_id)
GROUP BY r.device, r.user_slot, r.held
ORDER BY max(r.measured_at) DESC

-- name: undecided_readings
-- Readings that nobody has, newest first: held by a doubtful clock, or simply unassigned.
SELECT r.reading_id, r.device, r.user_slot, r.kind, r.held, r.measured_at, r.received_at,
       r.clock_certainty, r.clock_uncertainty_s, r.systolic_mmhg, r.diastolic_mmhg,
       r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.spo2_pct, r.temperature_c,
       r.heart_rate_per_min, r.sensor_glucose_mg_dl, r.body_fat_pct, r.comparator, r.failed,
       near.candidates
FROM reading_view r
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object(
        'id', p.id, 'name', p.given_name || ' ' || p.family_name)), '[]') AS candidates
    FROM assignment a JOIN patient p ON p.id = a.patient_id
    WHERE a.clinic_id = r.clinic_id AND a.device = r.device AND a.user_slot = r.user_slot
      AND a.during && tstzrange(
          r.measured_at - make_interval(secs => r.clock_uncertainty_s),
          r.measured_at + make_interval(secs => r.clock_uncertainty_s), '[]')
) AS near
WHERE r.patient_id IS NULL AND r.held = %(held)s
  AND (%(device)s::text IS NULL OR r.device = %(device)s)
  AND NOT EXISTS (SELECT FROM reading_decision d
                  WHERE d.clinic_id = r.clinic_id AND d.reading_id = r.reading_id)
ORDER BY r.measured_at DESC LIMIT %(limit)s

-- name: unassigned_ids
-- What a person saw and sets aside: nothing that came afterwards.
SELECT r.reading_id FROM reading_view r
WHERE r.patient_id IS NULL AND NOT r.held AND r.device = %(device)s AND r.user_slot = %(slot)s
  AND r.measured_at <= %(until)s
  AND NOT EXISTS (SELECT FROM reading_decision d
                  WHERE d.clinic_id = r.clinic_id AND d.reading_id = r.reading_id)

-- name: register_home
INSERT INTO home (clinic_id, label, zone) VALUES (%(clinic)s, %(label)s, %(zone)s) RETURNING id

-- name: change_home
UPDATE home SET label = %(label)s, zone = %(zone)s WHERE clinic_id = %(clinic)s AND id = %(home)s

-- name: register_gateway
INSERT INTO gateway (clinic_id, name, home_id, registered_at)
VALUES (%(clinic)s, %(name)s, %(home)s, %(now)s) ON CONFLICT DO NOTHING

-- name: register_device
INSERT INTO device (clinic_id, address, kind, label, home_id)
VALUES (%(clinic)s, %(device)s, %(kind)s, %(label)s, %(home)s) ON CONFLICT DO NOTHING

-- name: change_device
UPDATE device SET label = %(label)s, kind = coalesce(kind, %(kind)s), home_id = %(home)s
WHERE clinic_id = %(clinic)s AND address = %(device)s

-- name: patients
SELECT p.id, p.given_name, p.family_name, p.birth_date FROM patient p
WHERE p.clinic_id = %(clinic)s ORDER BY p.family_name, p.given_name, p.birth_date
