-- name: register_clinic
INSERT INTO clinic (id, name, zone) VALUES (%(clinic)s, %(name)s, %(zone)s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, zone = excluded.zone

-- name: register_home
INSERT INTO home (clinic_id, zone) VALUES (%(clinic)s, %(zone)s) RETURNING id

-- name: register_gateway
INSERT INTO gateway (clinic_id, name, home_id) VALUES (%(clinic)s, %(name)s, %(home)s)
ON CONFLICT (clinic_id, name) DO UPDATE SET home_id = excluded.home_id

-- name: register_patient
INSERT INTO patient (clinic_id, family_name, given_name, birth_date)
VALUES (%(clinic)s, %(family_name)s, %(given_name)s, %(birth_date)s) RETURNING id

-- name: register_device
INSERT INTO device (clinic_id, address, kind, model, serial)
VALUES (%(clinic)s, upper(%(address)s), %(kind)s, %(model)s, %(serial)s)
ON CONFLICT (clinic_id, address) DO UPDATE SET
    kind = coalesce(excluded.kind, device.kind), model = coalesce(excluded.model, device.model),
    serial = coalesce(excluded.serial, device.serial)

-- name: lock_assignments
SELECT pg_advisory_xact_lock(7166320001)

-- name: insert_assignment
INSERT INTO assignment (clinic_id, device, user_slot, patient_id, during)
VALUES (%(clinic)s, upper(%(device)s), %(user_slot)s, %(patient)s,
        tstzrange(%(starts_at)s, %(ends_at)s))
RETURNING id

-- name: attribute_readings
SELECT attribute_readings(%(assignment)s)

-- name: insert_audit
INSERT INTO audit_event (clinic_id, actor, action, subject, detail)
VALUES (%(clinic)s, %(actor)s, %(action)s, %(subject)s, %(detail)s)

-- name: read_readings
SELECT * FROM reading_view ORDER BY measured_at, reading_id

-- name: counts
SELECT (SELECT count(*) FROM reading_view) AS readings,
       (SELECT count(*) FROM reading_view WHERE patient_id IS NULL) AS unassigned,
       (SELECT count(*) FROM reading_view WHERE held) AS held,
       (SELECT count(*) FROM quarantine WHERE clinic_id = session_clinic()) AS quarantined,
       (SELECT count(*) FROM pending_evaluation WHERE clinic_id = session_clinic()) AS pending
