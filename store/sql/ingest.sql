-- name: create_incoming
-- Per-connection landing place of a batch; emptied at each commit.
CREATE TEMP TABLE IF NOT EXISTS incoming (
    clinic_id text, reading_id uuid, device text, user_slot int, kind text,
    systolic_mmhg float8, diastolic_mmhg float8, mean_arterial_mmhg float8, pulse_per_min float8,
    glucose_mg_dl float8, weight_kg float8, bmi_kg_m2 float8, height_m float8,
    comparator text, failed boolean, flags text[], device_time timestamp, received_at timestamptz,
    measured_at timestamptz, clock_certainty text, clock_offset_s float8,
    clock_uncertainty_s float8, sequence bigint, minted boolean, origin text, battery_pct int,
    rssi_dbm int, raw jsonb, context jsonb, gateway text, envelope_id text, model text, serial text
) ON COMMIT DELETE ROWS

-- name: copy_incoming
COPY incoming FROM STDIN

-- name: lock_assignments_shared
-- An assignment made meanwhile would miss these rows; `assign` takes the same lock exclusively.
SELECT pg_advisory_xact_lock_shared(7166320001)

-- name: insert_keys
-- Sorted, so that two workers with the same ids never wait for each other in a circle.
INSERT INTO reading_key (clinic_id, reading_id, measured_at)
SELECT clinic_id, reading_id, measured_at FROM incoming ORDER BY clinic_id, reading_id
ON CONFLICT DO NOTHING
RETURNING clinic_id, reading_id

-- name: insert_devices
INSERT INTO device (clinic_id, address, kind, model, serial)
SELECT DISTINCT ON (clinic_id, device) clinic_id, device, kind, model, serial
FROM incoming ORDER BY clinic_id, device
ON CONFLICT DO NOTHING

-- name: insert_readings
-- Only ids that are new. The patient is whose assignment was in force at the time of measuring;
-- where the uncertainty of that time crosses an assignment's boundary, a person decides: held.
INSERT INTO reading (
    clinic_id, reading_id, patient_id, assignment_id, held, device, user_slot, kind,
    systolic_mmhg, diastolic_mmhg, mean_arterial_mmhg, pulse_per_min, glucose_mg_dl, weight_kg,
    bmi_kg_m2, height_m, comparator, failed, flags, device_time, received_at, measured_at,
    clock_certainty, clock_offset_s, clock_uncertainty_s, sequence, minted, origin, battery_pct,
    rssi_dbm, raw, context, gateway, envelope_id)
SELECT
    i.clinic_id, i.reading_id,
    CASE WHEN NOT edge.held THEN a.patient_id END, CASE WHEN NOT edge.held THEN a.id END,
    edge.held, i.device, i.user_slot, i.kind,
    i.systolic_mmhg, i.diastolic_mmhg, i.mean_arterial_mmhg, i.pulse_per_min, i.glucose_mg_dl,
    i.weight_kg, i.bmi_kg_m2, i.height_m, i.comparator, i.failed, i.flags, i.device_time,
    i.received_at, i.measured_at, i.clock_certainty, i.clock_offset_s, i.clock_uncertainty_s,
    i.sequence, i.minted, i.origin, i.battery_pct, i.rssi_dbm, i.raw, i.context, i.gateway,
    i.envelope_id
FROM incoming i
JOIN unnest(%(clinics)s::text[], %(ids)s::uuid[]) AS fresh (clinic_id, reading_id)
    USING (clinic_id, reading_id)
LEFT JOIN assignment a
    ON a.clinic_id = i.clinic_id AND a.device = i.device AND a.user_slot = i.user_slot
    AND a.during @> i.measured_at
CROSS JOIN LATERAL (
    SELECT i.clock_uncertainty_s > 0 AND EXISTS (
        SELECT FROM assignment b
        WHERE b.clinic_id = i.clinic_id AND b.device = i.device AND b.user_slot = i.user_slot
          AND (abs(extract(epoch FROM lower(b.during) - i.measured_at)) < i.clock_uncertainty_s
            OR abs(extract(epoch FROM upper(b.during) - i.measured_at)) < i.clock_uncertainty_s)
    ) AS held
) AS edge
RETURNING clinic_id, patient_id, measured_at, gateway, held

-- name: amend_readings
SELECT clinic_id, patient_id, measured_at, gateway, false
FROM amend_readings(%(clinics)s::text[], %(ids)s::uuid[], %(raws)s::jsonb[], %(contexts)s::jsonb[])

-- name: mark_pending
INSERT INTO pending_evaluation (clinic_id, patient_id, day)
SELECT DISTINCT t.clinic_id, t.patient_id, (t.measured_at AT TIME ZONE h.zone)::date
FROM unnest(%(clinics)s::text[], %(patients)s::uuid[], %(instants)s::timestamptz[],
            %(gateways)s::text[]) AS t (clinic_id, patient_id, measured_at, gateway)
JOIN gateway g ON g.clinic_id = t.clinic_id AND g.name = t.gateway
JOIN home h ON h.id = g.home_id
ORDER BY 1, 2, 3
ON CONFLICT (clinic_id, patient_id, day) DO UPDATE SET marked_at = clock_timestamp()

-- name: notify_pending
SELECT pg_notify('pending_evaluation', '')

-- name: upsert_quarantine
INSERT INTO quarantine
    (clinic_id, gateway, topic, scope, content_hash, payload, reason, detail, reading_id, device,
     user_slot, measured_at, patient_id)
VALUES
    (%(clinic_id)s, %(gateway)s, %(topic)s, %(scope)s, %(content_hash)s, %(payload)s, %(reason)s,
     %(detail)s, %(reading_id)s, upper(%(device)s), %(user_slot)s, %(measured_at)s,
     (SELECT a.patient_id FROM assignment a
      WHERE a.clinic_id = %(clinic_id)s AND a.device = upper(%(device)s)
        AND a.user_slot = %(user_slot)s AND a.during @> %(measured_at)s::timestamptz))
ON CONFLICT (content_hash, reason)
DO UPDATE SET times = quarantine.times + 1, last_seen = now(),
    patient_id = coalesce(quarantine.patient_id, excluded.patient_id)
RETURNING patient_id IS NOT NULL AND judged_at IS NULL

-- name: known_gateways
SELECT g.clinic_id, g.name FROM gateway g
JOIN unnest(%(clinics)s::text[], %(names)s::text[]) AS asked (clinic_id, name)
    USING (clinic_id, name)

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

-- name: claim_desired
SELECT id, clinic_id, gateway, payload::text FROM desired_outbox WHERE sent_at IS NULL
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED

-- name: desired_sent
UPDATE desired_outbox SET sent_at = now() WHERE id = ANY(%(ids)s)

-- name: replay_alone
SELECT pg_try_advisory_xact_lock(7166320003)

-- name: claim_replays
SELECT id, topic, scope, payload, reason FROM quarantine WHERE state = 'replay_requested'
ORDER BY id LIMIT 200

-- name: set_quarantine_states
UPDATE quarantine q SET state = n.state
FROM unnest(%(ids)s::bigint[], %(states)s::text[]) AS n (id, state) WHERE q.id = n.id

-- name: open_by_reason
SELECT reason, count(*) FROM quarantine WHERE state = 'open' GROUP BY reason
