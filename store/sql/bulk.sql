-- name: ensure_clinic
INSERT INTO clinic (id, name, zone) VALUES (%(clinic)s, %(clinic)s, %(zone)s) ON CONFLICT DO NOTHING

-- name: relaxed_commit
-- Rows that can be made again need not wait for the disk.
SET synchronous_commit = off

-- name: home
COPY home (id, clinic_id, zone, label) FROM STDIN (FORMAT binary)

-- name: gateway
COPY gateway (clinic_id, name, home_id) FROM STDIN (FORMAT binary)

-- name: patient
COPY patient (id, clinic_id, family_name, given_name, birth_date, record_number, phone)
FROM STDIN (FORMAT binary)

-- name: device
COPY device (clinic_id, address, kind, model, serial) FROM STDIN (FORMAT binary)

-- name: assignment
COPY assignment (id, clinic_id, device, user_slot, patient_id, during) FROM STDIN (FORMAT binary)

-- name: reading_key
COPY reading_key (clinic_id, reading_id, measured_at) FROM STDIN (FORMAT binary)

-- name: reading
COPY reading (
    clinic_id, reading_id, patient_id, assignment_id, held, device, user_slot, kind,
    systolic_mmhg, diastolic_mmhg, mean_arterial_mmhg, pulse_per_min, glucose_mg_dl, weight_kg,
    bmi_kg_m2, height_m, spo2_pct, temperature_c, heart_rate_per_min, sensor_glucose_mg_dl,
    body_fat_pct, comparator, failed, flags, device_time, received_at, measured_at,
    stored_at, clock_certainty, clock_offset_s, clock_uncertainty_s, sequence, minted, origin,
    battery_pct, rssi_dbm, raw, context, gateway, envelope_id)
FROM STDIN (FORMAT binary)

-- name: analyze
ANALYZE
