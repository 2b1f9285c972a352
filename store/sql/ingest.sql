-- name: begin
BEGIN

-- name: commit
COMMIT

-- name: lock_assignments_shared
-- An assignment made meanwhile would miss these rows; `assign` takes the same lock exclusively.
SELECT pg_advisory_xact_lock_shared(7166320001)

-- name: directory_epoch
-- In a statement of its own after the lock: a snapshot that sees whatever was changed before it.
SELECT epoch FROM directory_epoch

-- name: insert_keys
-- Three texts with commas between, which none of the values holds: an array costs the driver more.
-- Sorted by the caller, so that two workers with the same ids never wait for each other in a circle.
INSERT INTO reading_key (clinic_id, reading_id, measured_at)
SELECT n.clinic_id, n.reading_id, n.measured_at
FROM unnest(string_to_array(%(clinics)s, ','), string_to_array(%(ids)s, ',')::uuid[],
            string_to_array(%(instants)s, ',')::timestamptz[])
    AS n (clinic_id, reading_id, measured_at)
ON CONFLICT DO NOTHING
RETURNING clinic_id, reading_id::text

-- name: assignments_of
SELECT a.clinic_id, a.device, a.user_slot, a.id, a.patient_id, lower(a.during), upper(a.during),
       lower_inc(a.during), upper_inc(a.during)
FROM unnest(%(clinics)s::text[], %(devices)s::text[], %(slots)s::int[])
    AS asked (clinic_id, device, user_slot)
JOIN assignment a USING (clinic_id, device, user_slot)

-- name: insert_devices
INSERT INTO device (clinic_id, address, kind, model, serial)
SELECT * FROM unnest(%(clinics)s::text[], %(addresses)s::text[], %(kinds)s::text[],
                     %(models)s::text[], %(serials)s::text[]) AS n (clinic_id, address)
ORDER BY clinic_id, address
ON CONFLICT DO NOTHING

-- name: copy_readings
-- Only ids that are new: straight into the hypertable, without a table between.
COPY reading (
    clinic_id, reading_id, patient_id, assignment_id, held, device, user_slot, kind,
    systolic_mmhg, diastolic_mmhg, mean_arterial_mmhg, pulse_per_min, glucose_mg_dl, weight_kg,
    bmi_kg_m2, height_m, spo2_pct, temperature_c, heart_rate_per_min, sensor_glucose_mg_dl,
    body_fat_pct, comparator, failed, flags, device_time, received_at, measured_at,
    clock_certainty, clock_offset_s, clock_uncertainty_s, sequence, minted, origin, battery_pct,
    rssi_dbm, raw, context, gateway, envelope_id)
FROM STDIN (FORMAT BINARY)

-- name: amend_readings
SELECT clinic_id, patient_id, measured_at, gateway
FROM amend_readings(%(clinics)s::text[], %(ids)s::uuid[], %(raws)s::jsonb[], %(contexts)s::jsonb[])

-- name: mark_pending
-- Appended, whatever waits already: what a worker is judging makes nobody wait.
INSERT INTO evaluation_mark (clinic_id, patient_id, day)
SELECT n.clinic_id, n.patient_id, n.day
FROM unnest(%(clinics)b::text[], %(patients)b::uuid[], %(days)b::date[])
    AS n (clinic_id, patient_id, day)

-- name: notify_pending
SELECT pg_notify('pending_evaluation', '')

-- name: upsert_quarantine
INSERT INTO quarantine
    (times, clinic_id, gateway, topic, scope, content_hash, payload, reason, detail, reading_id,
     device, user_slot, measured_at, patient_id)
VALUES
    (%(times)s, %(clinic_id)s, %(gateway)s, %(topic)s, %(scope)s, %(content_hash)s, %(payload)s, %(reason)s,
     %(detail)s, %(reading_id)s, upper(%(device)s), %(user_slot)s, %(measured_at)s,
     (SELECT a.patient_id FROM assignment a
      WHERE a.clinic_id = %(clinic_id)s AND a.device = upper(%(device)s)
        AND a.user_slot = %(user_slot)s AND a.during @> %(measured_at)s::timestamptz))
ON CONFLICT (content_hash, reason)
DO UPDATE SET times = quarantine.times + excluded.times, last_seen = now(),
    state = CASE quarantine.state WHEN 'replayed' THEN 'open' ELSE quarantine.state END,
    patient_id = coalesce(quarantine.patient_id, excluded.patient_id)
RETURNING patient_id IS NOT NULL AND judged_at IS NULL

-- name: known_gateways
SELECT g.clinic_id, g.name, h.zone FROM gateway g JOIN home h ON h.id = g.home_id
JOIN unnest(%(clinics)s::text[], %(names)s::text[]) AS asked (clinic_id, name)
    ON asked.clinic_id = g.clinic_id AND asked.name = g.name

-- name: upsert_status
-- A last will has no details: it changes the state and keeps what was known.
INSERT INTO gateway_status (clinic_id, gateway, state, at, payload)
SELECT g.clinic_id, g.name, %(state)s, %(at)s, %(payload)s
FROM gateway g WHERE g.clinic_id = %(clinic_id)s AND g.name = %(gateway)s
ON CONFLICT (clinic_id, gateway) DO UPDATE SET
    state = excluded.state, at = excluded.at,
    payload = CASE WHEN excluded.state = 'offline' THEN gateway_status.payload
                   ELSE excluded.payload END
WHERE excluded.at >= gateway_status.at

-- name: send_alone
SELECT pg_try_advisory_xact_lock(7166320005)

-- name: claim_desired
SELECT id, clinic_id, gateway, payload::text FROM desired_outbox WHERE sent_at IS NULL
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED

-- name: desired_sent
UPDATE desired_outbox SET sent_at = now() WHERE id = ANY(%(ids)s)

-- name: replay_alone
SELECT pg_try_advisory_xact_lock(7166320004)

-- name: claim_replays
SELECT id, topic, scope, payload, reason FROM quarantine WHERE state = 'replay_requested'
ORDER BY id LIMIT 200

-- name: set_quarantine_states
UPDATE quarantine q SET state = n.state
FROM unnest(%(ids)s::bigint[], %(states)s::text[]) AS n (id, state) WHERE q.id = n.id

-- name: open_by_reason
SELECT reason, count(*) FROM quarantine WHERE state = 'open' GROUP BY reason
