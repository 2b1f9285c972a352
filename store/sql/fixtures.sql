-- name: register_clinic
INSERT INTO clinic (id, name, zone) VALUES (%(clinic)s, %(name)s, %(zone)s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, zone = excluded.zone

-- name: register_home
INSERT INTO home (clinic_id, zone, label) VALUES (%(clinic)s, %(zone)s, %(label)s) RETURNING id

-- name: register_gateway
INSERT INTO gateway (clinic_id, name, home_id) VALUES (%(clinic)s, %(name)s, %(home)s)
ON CONFLICT (clinic_id, name) DO UPDATE SET home_id = excluded.home_id

-- name: register_patient
INSERT INTO patient (clinic_id, family_name, given_name, birth_date, record_number, sex, phone,
                     zone, conditions, care_note)
VALUES (%(clinic)s, %(family_name)s, %(given_name)s, %(birth_date)s, %(record_number)s, %(sex)s,
        %(phone)s, %(zone)s, %(conditions)s, %(care_note)s)
RETURNING id

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
SELECT * FROM reading_view WHERE measured_at >= coalesce(%(since)s::timestamptz, '-infinity')
ORDER BY measured_at, reading_id

-- name: counts
SELECT (SELECT count(*) FROM reading_view) AS readings,
       (SELECT count(*) FROM reading_view WHERE patient_id IS NULL) AS unassigned,
       (SELECT count(*) FROM reading_view WHERE held) AS held,
       (SELECT count(*) FROM quarantine WHERE clinic_id = session_clinic()) AS quarantined,
       (SELECT count(*) FROM (
            SELECT patient_id, day FROM evaluation_mark WHERE clinic_id = session_clinic()
            UNION
            SELECT patient_id, day FROM pending_evaluation WHERE clinic_id = session_clinic()
        ) AS days) AS pending,
       (SELECT count(*) FROM quarantine
        WHERE clinic_id = session_clinic() AND patient_id IS NOT NULL AND judged_at IS NULL)
           AS unjudged,
       (SELECT count(*) FROM alert WHERE clinic_id = session_clinic()) AS alerts,
       (SELECT count(*) FROM care_task WHERE clinic_id = session_clinic()) AS tasks

-- name: arrivals
SELECT gateway, count(*) FROM reading_view GROUP BY gateway

-- name: refused_ids
SELECT reading_id::text FROM quarantine WHERE clinic_id = session_clinic() AND reading_id IS NOT NULL

-- name: read_alerts
-- With the findings that stand; without what the rules closed because nothing of it was left.
SELECT p.record_number AS patient, a.lineage, a.severity, a.late, a.state, a.episode, a.id,
       a.opened_at,
       (SELECT count(*) FROM finding f
        WHERE f.clinic_id = a.clinic_id AND f.alert_id = a.id AND f.withdrawn_at IS NULL)
           AS findings,
       (SELECT t.id FROM care_task t WHERE t.clinic_id = a.clinic_id AND t.alert_id = a.id) AS task
FROM alert a JOIN patient p ON p.clinic_id = a.clinic_id AND p.id = a.patient_id
WHERE a.clinic_id = session_clinic() AND NOT EXISTS (
    SELECT FROM care_task t
    WHERE t.clinic_id = a.clinic_id AND t.alert_id = a.id AND t.outcome = 'not_needed')
ORDER BY patient, lineage, episode

-- name: versions
SELECT current_setting('server_version') AS postgresql,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb

-- name: server_pid
SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)
